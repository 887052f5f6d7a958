#ifndef MPIDRIFT_METRICS_STEPS_H
#define MPIDRIFT_METRICS_STEPS_H

#include "analysis/metrics/events.h"

#include <gsl/gsl_rng.h>

/* Steps of drift from node to node, k→i→j: node i saw k, and then an event about i begins. The
 * metrics page, section 3, steps 3 and 4. */

/* How soon something may follow for the one to have led to the other: later than minimum_s,
 * because nothing travels faster than a message, and no later than reach_s. The grid in which the
 * nulls keep the times is ten times as wide. */
struct step_times {
    double minimum_s;
    double reach_s;
};
static inline double step_block_s(struct step_times times)
{
    return 10 * times.reach_s;
}

/* The events of a list at certain times: those observed, or those that a null drew. */
struct arrangement {
    const struct event_list *list; /* not owned */
    double *begin_s;               /* [events], in the order of the list */
    struct arrival *arrivals;      /* [events], each source's by time */
};
struct arrival {
    double begin_s;
    uint32_t sole_observer; /* NOBODY_ALONE: several nodes saw it */
};
#define NOBODY_ALONE UINT32_MAX

/* Memory for one arrangement; false when it is short. arrangement_free in either case. */
bool arrangement_init(struct arrangement *arrangement, const struct event_list *list);
void arrangement_free(struct arrangement *arrangement);

/* As observed. */
void arrange_observed(struct arrangement *arrangement);
/* Circular shift: the events of each source move together, by an offset of its own, and what
 * leaves the window of window_s at its end comes in at its beginning. Keeps how often and how
 * regularly each source drifts, and loses who follows whom. */
void arrange_shifted(struct arrangement *arrangement, double window_s, gsl_rng *rng);
/* The same with one offset for all sources. */
void arrange_shifted_together(struct arrangement *arrangement, double window_s, gsl_rng *rng);
/* Jitter: each event moves inside its block of block_s. Keeps all slower changes that the nodes
 * share, and loses the order within a block. */
void arrange_jittered(struct arrangement *arrangement, double block_s, gsl_rng *rng);

enum step_direction { STEP_FORWARD, STEP_BACKWARD };

/* Steps k→i→j of one sighting, i seeing k at `seen_s`: events about i that begin after it
 * (backward: before it) within the times, seen by someone other than k. */
size_t steps_of(const struct arrangement *arrangement, uint32_t observer, uint32_t source,
                double seen_s, struct step_times times, enum step_direction direction);

/* Forward steps of all sightings. */
size_t steps_count(const struct arrangement *arrangement, struct step_times times);

#endif
