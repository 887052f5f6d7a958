#ifndef MPIDRIFT_METRICS_SCALE_H
#define MPIDRIFT_METRICS_SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How drift grows with the node count: the metrics page, section 5.2. */

/* ---- N10, N50, N90 ---- */

enum crossing_place {
    CROSSING_UNKNOWN,  /* no scales */
    CROSSING_BEFORE,   /* the smallest scale is at the level already: N is at most `nodes` */
    CROSSING_BETWEEN,  /* `nodes` is interpolated */
    CROSSING_NOT_SEEN, /* the level is not reached: N is above `nodes`, the largest scale */
};
struct crossing {
    enum crossing_place place;
    double nodes;
    double from_nodes; /* the scales between which it lies; NaN unless CROSSING_BETWEEN */
    double to_nodes;
    bool falls_back; /* at a larger scale the share is below the level again */
};

/* The node count at which a share first reaches `level`; node_counts [scales] ascending, shares
 * [scales]. Between the last scale below the level and the first one at or above it, the share is
 * taken as linear in the logarithm of the node count. The scales are taken as they are: where the
 * share does not grow steadily, the first crossing counts and falls_back says so. */
struct crossing scale_crossing(const double *node_counts, const double *shares, size_t scales,
                               double level);

/* ---- gradually or suddenly ---- */

enum { PACE_SCALES_LEAST = 4 };

enum pace {
    PACE_FEW_SCALES,
    PACE_NOT_SEEN,   /* the share never reaches .1 */
    PACE_EVERYWHERE, /* it is .9 at the smallest scale already */
    PACE_CANNOT_TELL,
    PACE_SUDDENLY,
    PACE_GRADUALLY,
    PACE_COUNT
};
extern const char *const pace_words[PACE_COUNT];

struct scale_pace {
    enum pace answer;
    struct crossing n10;
    struct crossing n50;
    struct crossing n90;
    double widening; /* (N90 - 1) / (N10 - 1), in peers per node; where an end was not seen, what it
                        is at least; NaN: nothing can be said */
};

/* From the share of node-time outside at each scale. `suddenly` where the number of peers grows by
 * less than four times while the share goes from .1 to .9. Exposure alone, where each further peer
 * adds the same chance, would need ln .1 / ln .9 = 22 times. */
struct scale_pace scale_pace_of(const double *node_counts, const double *shares, size_t scales);

/* ---- the exponent ---- */

/* One run: how many episodes all its nodes together opened, in how many seconds. */
struct scale_run {
    double nodes;
    double episodes;
    double watched_s; /* of the window, not of the nodes together */
};

struct scale_exponent {
    double value;
    double low; /* 95 %; NaN: fewer than three runs, or one that decides the line alone */
    double high;
    size_t scales;
};

/* β in: episodes per second of the whole system ~ (N (N - 1))^β. 1 is what the number of links
 * alone does. Poisson pseudo-likelihood, by reweighted least squares on the logarithms (Santos
 * Silva and Tenreyro, Rev. Econ. Stat. 88, 2006): runs without an episode count as such, and runs
 * may differ by more than counting error. The interval is Student's with runs - 2 degrees of
 * freedom on the error that is robust against unequal variances, HC3 (MacKinnon and White, J.
 * Econometrics 29, 1985); on drawn counts it holds the true value in .93 to .98. It speaks of the
 * runs: that the law is a power is assumed. False if episodes occur at fewer than two scales. */
bool scale_exponent_of(const struct scale_run *runs, size_t count, struct scale_exponent *found);

#endif
