#ifndef MPIDRIFT_HISTOGRAM_H
#define MPIDRIFT_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Log-linear counts, as in HdrHistogram: each octave from low to high, both powers of two, in 32
 * equal bins, so that a value is known to 3 %. The limit and the limit ±10 % are edges of their
 * own, so that exceedance and elasticity are exact there. A bin is (lower, upper]: a value equal to
 * the limit is inside. */

enum { HISTOGRAM_BINS_PER_OCTAVE = 32, HISTOGRAM_EXTRA_EDGES = 3 };

enum histogram_kind {
    HISTOGRAM_DELAY,    /* s */
    HISTOGRAM_LAG,      /* versions behind, of updates */
    HISTOGRAM_GAP,      /* s between heartbeats of one peer */
    HISTOGRAM_STALL,    /* s of the node's own loop */
    HISTOGRAM_LATENESS, /* s from due to done, of local actions */
    HISTOGRAM_KINDS
};

extern const char *const histogram_names[HISTOGRAM_KINDS];
extern const char *const histogram_units[HISTOGRAM_KINDS];

struct histogram {
    double low;   /* values <= low are underflow */
    double high;  /* values > high are overflow */
    double limit; /* 0: none */
    double extra[HISTOGRAM_EXTRA_EDGES];
    size_t extra_count;
    size_t bins;
    uint64_t *counts; /* [bins] */
    uint64_t underflow;
    uint64_t overflow;
};

/* The bins of that kind with the limit's edges, without memory for counts; limit 0 or INFINITY:
 * none. The same limit gives the same bins on every node. */
struct histogram histogram_shape(enum histogram_kind kind, double limit);

/* The same with counts of its own, to be freed. False when memory is short. */
bool histogram_init(struct histogram *histogram, enum histogram_kind kind, double limit);
void histogram_free(struct histogram *histogram);

/* Count one value. No allocation, constant time. NaN is overflow. */
void histogram_add(struct histogram *histogram, double value);

/* Write the bins + 1 edges in ascending order. */
void histogram_edges(const struct histogram *histogram, double *edges);

#endif
