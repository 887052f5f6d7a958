#ifndef MPIDRIFT_SYSTEM_H
#define MPIDRIFT_SYSTEM_H

#include "net/net.h"
#include "observe/boundary.h"
#include "system/table.h"

#include <gsl/gsl_rng.h>

/* The distributed system under observation. It sees the mailbox, the time handed to it and its
 * boundary, nothing else: not the observer, not the corridor, not the machine. It never retries,
 * elects, resynchronises or repairs. Time-outs, rounds and a deadline that it needs are options of
 * its own, never limits of the corridor. */

enum arrivals { ARRIVALS_POISSON, ARRIVALS_PERIODIC };

/* What a node's system is given. Everything outlives the system's last action. */
struct system_setup {
    struct mailbox *mailbox; /* self, nodes */
    const struct boundary *boundary;
    gsl_rng *schedule; /* when it acts */
    gsl_rng *choice;   /* on what */
    double rate_per_s; /* local actions of this node; 0: none */
    enum arrivals arrivals;
    uint32_t keys;
    double leader_timeout_s;
    double round_s;
    double deadline_s;       /* into the round */
    struct local_time start; /* it acts from here on … */
    struct local_time begin; /* … T0: the window opens */
    struct local_time end;   /* … and closes: nothing is due from here on */
};

struct system;

/* A system is one file and one line in system_list. What it does not need is NULL. */
struct system_ops {
    const char *name;
    const char *assumes;  /* one sentence; the assumption where no corridor declares another */
    const char *observes; /* at which boundaries */
    const char *drifts;   /* what it calls drift */
    const char *acts;     /* what --rate counts: "writes"; NULL: the system has no such load */
    uint32_t contexts;    /* bit (1 << enum context) for each context that it has */

    /* NULL when memory is short. */
    struct system *(*create)(const struct system_setup *setup);
    void (*destroy)(struct system *system);

    /* When its next local action is due. NULL: it only lives on heartbeats. */
    struct local_time (*due)(const struct system *system);
    /* Carry out that action on the state as it is, and schedule the next. `action` holds time,
     * phase and send stamp filled in; messages carry `due` and that stamp as handed in. */
    void (*act)(struct system *system, struct global_time due, const struct boundary_event *action);
    /* A message of its own arrived. `arrival` holds time, peer, phase, sequence and stamp filled
     * in, its value is the delay in s; a system reports copies of it with its own measures. */
    void (*receive)(struct system *system, const struct message *message,
                    const struct boundary_event *arrival);

    /* What rides on a heartbeat: fill in its payload; read a peer's. */
    void (*fill_heartbeat)(const struct system *system, struct message *heartbeat);
    void (*read_heartbeat)(struct system *system, const struct message *heartbeat,
                           const struct boundary_event *arrival);
    /* The inbox is empty at this moment: all that has arrived has been heard, so silence may be
     * judged. Not called after the end, when nobody sends any more. */
    void (*inbox_empty)(struct system *system, struct local_time at);

    /* FNV-1a of the final state after the drain, the same on replicas that agree: `converged`.
     * NULL: there is no state that could agree. */
    uint64_t (*digest)(const struct system *system);
    /* What it records besides: tables [table_count], and the rows of each after the drain. */
    const struct system_table *tables;
    size_t table_count;
    const struct row_store *(*rows)(const struct system *system, size_t table);
};

extern const struct system_ops *const system_list[]; /* ends with NULL */

/* NULL if there is none of that name. */
const struct system_ops *system_find(const char *name);

#endif
