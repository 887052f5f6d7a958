#ifndef MPIDRIFT_SYSTEM_H
#define MPIDRIFT_SYSTEM_H

#include "net/net.h"
#include "observe/boundary.h"

#include <gsl/gsl_rng.h>

/* The distributed system under observation. It sees the mailbox, the time handed to it and its
 * boundary, nothing else: not the observer, not the corridor, not the machine. It never retries,
 * elects, resynchronises or repairs. */

enum arrivals { ARRIVALS_POISSON, ARRIVALS_PERIODIC };

/* What a node's system is given. Everything outlives the system. */
struct system_setup {
    struct mailbox *mailbox; /* self, nodes */
    const struct boundary *boundary;
    gsl_rng *schedule; /* when it acts */
    gsl_rng *choice;   /* on what */
    double rate_per_s; /* local writes of this node; 0: none */
    enum arrivals arrivals;
    uint32_t keys;
    struct local_time start; /* it acts from here on … */
};

struct system;

/* A system is one file and one line in system_list. */
struct system_ops {
    const char *name;
    const char *assumes;
    const char *observes;
    const char *drifts;   /* what it calls drift */
    uint32_t contexts;    /* bit (1 << enum context) for each context that it has */
    bool has_final_state; /* replicas can be compared after the drain: `converged` */
    /* NULL when memory is short. */
    struct system *(*create)(const struct system_setup *setup);
    void (*destroy)(struct system *system);
    /* When its next local action is due. */
    struct local_time (*due)(const struct system *system);
    /* Carry out that action on the state as it is, and schedule the next. `event` holds time, phase
     * and send stamp filled in; messages carry `due` and that stamp as handed in. */
    void (*act)(struct system *system, struct global_time due, const struct boundary_event *event);
    /* A message of its own arrived. `event` holds time, peer, phase and sequence filled in. */
    void (*receive)(struct system *system, const struct message *message,
                    const struct boundary_event *event);
    /* FNV-1a of the final state, the same on replicas that agree. */
    uint64_t (*digest)(const struct system *system);
};

extern const struct system_ops *const system_list[]; /* ends with NULL */

/* NULL if there is none of that name. */
const struct system_ops *system_find(const char *name);

#endif
