#ifndef MPIDRIFT_METRICS_PRECEDENCE_H
#define MPIDRIFT_METRICS_PRECEDENCE_H

#include "analysis/metrics/coupling.h"

/* Does time drift come before state drift? The share of state episodes that a time episode precedes
 * on the same node, against the nulls of the metrics page, section 3.
 *
 * Preceded: the time episode began less than or exactly reach_s earlier. What began at the same
 * moment, as when one message is late and stale, is neither before nor after and counted apart.
 * For the nulls, episodes of one node and class within reach_s of the first are one event. The
 * state events are moved against the time events: circularly, by one offset for all nodes of a run,
 * so that what hits all nodes at once stays together; by jitter inside the grid; and forward is a
 * time event before, backward a time event after. */

enum precedence_verdict {
    PRECEDENCE_TOO_MANY, /* more than COUPLING_EPISODES_MAX episodes */
    PRECEDENCE_TOO_FEW,  /* fewer than COUPLING_EVENTS_LEAST state events, or no time event */
    PRECEDENCE_TIME_FIRST,
    PRECEDENCE_TOGETHER, /* clustered without direction: common cause, or not decidable */
    PRECEDENCE_NONE_FOUND,
    PRECEDENCE_VERDICTS
};
extern const char *const precedence_words[PRECEDENCE_VERDICTS];

/* Episodes of one run by class, in any order; of their fields `peer` is not used. Not owned. */
struct precedence_run {
    struct episode_run time;
    struct episode_run state;
};

struct precedence {
    enum precedence_verdict verdict;
    size_t time_episodes;
    size_t state_episodes;
    double share;        /* of the state episodes that are preceded; NaN: none, or too many */
    double simultaneous; /* share of those at the moment of a time episode of their node */
    size_t state_events;
    struct null_test
        test; /* of state events, forward: with a time event before; all 0 for too few */
};

/* Over all repetitions together, as coupling_of. False when memory is short. */
bool precedence_of(const struct precedence_run *runs, size_t count, uint32_t nodes, double window_s,
                   double reach_s, unsigned seed, struct precedence *found);

#endif
