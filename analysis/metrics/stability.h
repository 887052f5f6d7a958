#ifndef MPIDRIFT_METRICS_STABILITY_H
#define MPIDRIFT_METRICS_STABILITY_H

#include "analysis/metrics/coupling.h"
#include "analysis/metrics/trend.h"

/* Does drift stabilise or cascade? The ordered verdict of the metrics page, section 3. */

enum stability_verdict {
    STABILITY_UNKNOWN,    /* no runs, or too many episodes to look for coupling */
    STABILITY_SILENT,     /* no badge */
    STABILITY_SATURATED,  /* outside for more than .8 of the node-time */
    STABILITY_TOO_FEW,    /* fewer than COUPLING_EVENTS_LEAST events */
    STABILITY_CASCADES,   /* coupled and rising: in an open loop an alarm to explain */
    STABILITY_PROPAGATES, /* coupled */
    STABILITY_COMMON_CAUSE,
    STABILITY_ACCUMULATES, /* rising */
    STABILITY_STABILISES,
    STABILITY_MIXED, /* the runs do not agree by two thirds */
    STABILITY_VERDICTS
};
extern const char *const stability_words[STABILITY_VERDICTS];

/* What is judged run by run. */
struct stability_run {
    uint64_t episodes;
    double outside_node; /* share of node-time; NaN counts as not saturated */
};

struct stability {
    enum stability_verdict verdict;
    size_t agree; /* runs that agree with the verdict, in what is judged per run */
    size_t runs;
    size_t silent;
    size_t saturated;
};

/* The first verdict that holds. Silent and saturated are judged per run, and hold if two thirds of
 * the runs (rounded up) are so; if neither they nor the other runs are two thirds, the verdict is
 * `mixed`. Coupling and trend are judged over all runs together; with a rising trend those runs
 * agree in which S > 0, else those that are neither silent nor saturated. */
struct stability stability_of(const struct stability_run *runs, size_t count,
                              const struct coupling *coupling, const struct trend *trend);

/* `stabilises (6/6 runs)`, `mixed (3 silent, 1 saturated, 2 other of 6 runs)`, `unknown (…)`. */
void stability_text(const struct stability *stability, char text[96]);

#endif
