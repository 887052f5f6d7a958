#ifndef MPIDRIFT_METRICS_EXCEEDANCE_H
#define MPIDRIFT_METRICS_EXCEEDANCE_H

#include <stddef.h>
#include <stdint.h>

/* What another limit would have found, from counts in bins: without a new run, as far as the edges
 * carry it. A bin is (lower, upper]: a value equal to the limit is inside. */

/* Counts of one histogram, or of several with the same edges added up; not owned. Values at or
 * below edges[0] are underflow, values above edges[bins] overflow. */
struct binned_values {
    const double *edges;    /* [bins + 1], ascending */
    const uint64_t *counts; /* [bins] */
    size_t bins;
    uint64_t underflow;
    uint64_t overflow;
};

/* Observations beyond a limit. Both numbers are the same where the limit is an edge; else they
 * differ by what lies in its bin. */
struct exceedance_bounds {
    uint64_t least;
    uint64_t most;
    uint64_t observations;
};

/* A limit within a relative 1e-9 of an edge is that edge. */
struct exceedance_bounds exceedance_at(const struct binned_values *values, double limit);

/* The curve: beyond [bins + 1] becomes the observations beyond each edge, exactly. */
void exceedance_curve(const struct binned_values *values, uint64_t *beyond);

/* Where the q-quantile lies, 0 < q ≤ 1: in (low, high], the ends of one bin; -INFINITY or INFINITY
 * in underflow or overflow. Both NaN without observations. */
struct quantile_bounds {
    double low;
    double high;
};
struct quantile_bounds binned_quantile(const struct binned_values *values, double q);

#endif
