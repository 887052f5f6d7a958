#ifndef MPIDRIFT_METRICS_AWARENESS_H
#define MPIDRIFT_METRICS_AWARENESS_H

#include "analysis/metrics/merged_event.h"

#include <stddef.h>

/* Did any node know that the system was incoherent? The metrics page, section 5.4.
 *
 * The truth, which no node sees: the newest version of a key is the highest that anybody has
 * written; a replica is as many versions behind as its own is lower, and beyond the limit if those
 * are more than lag_max. An interval is a longest time in which some replica is beyond the limit;
 * it is widened at both ends by the uncertainty of the clocks, and intervals that then touch are
 * one. A node knew if it opened an episode from the beginning of the interval to its end +
 * reaction_s.
 *
 * Assumed: what a replica held before the trace began is not known, so it counts from its first own
 * write of that key, or from holding the newest version written so far. Intervals that are not over
 * by the horizon, reaction included, are not judged.
 *
 * One pass, in memory for nodes × keys and AWARENESS_* entries, however many events there are. */

enum { AWARENESS_INTERVALS_MAX = 1024, AWARENESS_BADGES_MAX = 4096 };

struct awareness_setup {
    uint32_t nodes;
    uint32_t keys;
    double lag_max;       /* versions */
    double uncertainty_s; /* largest of any pair of nodes, at least 0 */
    double reaction_s;    /* p99 of the one-way delay, at least 0 */
    double horizon_s;     /* the earliest end of any node's trace: later events are ignored */
};

struct awareness {
    uint64_t intervals; /* judged: none + some + all */
    uint64_t none;      /* nobody knew */
    uint64_t some;
    uint64_t all;
    uint64_t not_judged;       /* not over by the horizon */
    double watched_s;          /* from the first event to the horizon */
    double beyond_s;           /* of this some replica was beyond the limit; not widened */
    double first_badge_mean_s; /* from an interval's beginning; NaN: nobody ever knew */
    double first_badge_median_s;
    double first_badge_longest_s;
    uint64_t badges;           /* opened early enough before the horizon to be judged */
    uint64_t badges_unmatched; /* in no interval: nothing was wrong, as far as the trace shows */
    uint64_t cut_short;        /* intervals judged early because there were too many at once, … */
    uint64_t badges_early;     /* … and badges */
};

struct awareness_pass; /* owned */

/* NULL when memory is short. */
struct awareness_pass *awareness_begin(const struct awareness_setup *setup);
/* The next event, none earlier than the one before; nodes, peers and keys below those of the setup,
 * a key of -1 being none. Every badge counts that is handed in: the caller chooses the contexts. */
void awareness_take(struct awareness_pass *pass, const struct merged_event *event);
/* What was found. Nothing can be taken any more. */
struct awareness awareness_end(struct awareness_pass *pass);
void awareness_free(struct awareness_pass *pass);

#endif
