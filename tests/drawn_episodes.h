#ifndef MPIDRIFT_DRAWN_EPISODES_H
#define MPIDRIFT_DRAWN_EPISODES_H

#include "analysis/metrics/steps.h"

/* Episodes with a known cause, drawn from a seed: what the verdicts of a comparison must say about
 * them is known. Background in every kind but where said: each node opens Poisson episodes about
 * peers drawn at random. */

enum drawn_kind {
    DRAWN_POISSON,         /* the background alone */
    DRAWN_STALLING_SENDER, /* node 0 stands still now and then: the others see it late */
    DRAWN_SHARED_BURSTS,   /* bursts in which every node may open an episode about anybody */
    DRAWN_TRAINS,          /* no background: episodes come in trains of one stream */
    DRAWN_SLOW_MODULATION, /* the background's rate swings, for all nodes together */
    DRAWN_MACHINE_STALLS,  /* some nodes stand still at once: those that run see them late */
    DRAWN_CHAINS,          /* planted: what is seen about one peer makes its observer drift, too */
    DRAWN_KINDS
};
extern const char *const drawn_names[DRAWN_KINDS];

struct drawn_plan {
    enum drawn_kind kind;
    uint32_t nodes;
    double window_s;
    double rate_per_node_s;  /* of the background, or of the trains' episodes */
    struct step_times times; /* scale of everything that is short */
    double branching;        /* DRAWN_CHAINS: further events that an event leads to, mean */
    double growth;           /* rate in the last of 20 windows over that in the first; 0: 1 */
    double busy_node;        /* rate of node 0 as an observer over that of the others; 0: 1 */
    bool keep_own_stalls;    /* else as if marked self-stalled, and so left out */
};

/* The plan that the tests vary: 5 s, 2 episodes per node and second, messages that take 0.1 ms at
 * least, steps of up to 5 ms. */
struct drawn_plan drawn_plan_of(enum drawn_kind kind, uint32_t nodes);

struct drawn_episodes {
    struct episode_start *items;
    size_t count;
    size_t capacity;
};

/* Replace the episodes by those of one run. Ends the program when memory is short. */
void drawn_run(const struct drawn_plan *plan, gsl_rng *rng, struct drawn_episodes *drawn);
void drawn_free(struct drawn_episodes *drawn);

/* Count per window: of each observer, counts [nodes][windows]; of all together, counts [windows].
 */
void drawn_node_windows(const struct drawn_plan *plan, const struct drawn_episodes *drawn,
                        size_t windows, uint32_t *counts);
void drawn_windows(const struct drawn_plan *plan, const struct drawn_episodes *drawn,
                   size_t windows, uint64_t *counts);

#endif
