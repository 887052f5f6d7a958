#ifndef MPIDRIFT_METRICS_COUPLING_H
#define MPIDRIFT_METRICS_COUPLING_H

#include "analysis/metrics/nulls.h"
#include "analysis/metrics/steps.h"

/* Does drift travel from node to node? Definitions, and error rates on drawn episodes: the metrics
 * page, section 3. */

enum { COUPLING_EPISODES_MAX = 20000, COUPLING_EVENTS_LEAST = 20, COUPLING_NODES_LEAST = 3 };

enum coupling_verdict {
    COUPLING_NOT_APPLICABLE, /* two nodes: there is no third that could follow */
    COUPLING_TOO_MANY,       /* more than COUPLING_EPISODES_MAX episodes: nothing was drawn */
    COUPLING_TOO_FEW,        /* fewer than COUPLING_EVENTS_LEAST events, or one source */
    COUPLING_COUPLED,
    COUPLING_CLUSTERED, /* common cause, or everybody sees everything: not decidable */
    COUPLING_NONE_FOUND,
    COUPLING_VERDICTS
};
extern const char *const coupling_words[COUPLING_VERDICTS];

/* Episodes of one run, in any order; not owned. */
struct episode_run {
    const struct episode_start *episodes;
    size_t count;
};

struct coupling {
    enum coupling_verdict verdict;
    size_t episodes;
    size_t events;         /* 0 where there are too many episodes */
    double observers;      /* per event, mean; NaN: no event */
    double left_out_share; /* of the episodes, as their observer's own stalls; NaN: none */
    struct null_test test; /* of steps, effect per event; all 0 unless the verdict is one of the
                              last three */
};

/* Over all repetitions together. The episodes are those not marked self-stalled, of one context or
 * of all, times in windows of window_s; nodes and peers below `nodes`. Where the counts add up to
 * more than COUPLING_EPISODES_MAX, the episodes themselves are not read. Draws from `seed`. False
 * when memory is short. */
bool coupling_of(const struct episode_run *runs, size_t count, uint32_t nodes, double window_s,
                 struct step_times times, unsigned seed, struct coupling *found);

#endif
