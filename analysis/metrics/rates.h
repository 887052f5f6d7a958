#ifndef MPIDRIFT_METRICS_RATES_H
#define MPIDRIFT_METRICS_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A figure with its interval; NaN where a part is not supported. */
struct rate_interval {
    double value;
    double low;
    double high;
};

/* Rate of `count` events in `exposure` with Garwood's exact interval (Biometrika 28, 1936); the
 * count is divided by the dispersion (at least 1), because clustered events carry less information.
 * All NaN without exposure; 0 events give a lower end of 0. */
struct rate_interval poisson_interval(double count, double exposure, double confidence,
                                      double dispersion);

/* Upper end of the rate that no event in `exposure` leaves possible, one-sided 95 %. */
double silent_rate_bound(double exposure);

struct median_interval {
    double median;
    double low; /* NaN: too few values for that confidence (fewer than 6 at 95 %) */
    double high;
};
/* Median of values in ascending order with its exact order-statistic interval (binomial with
 * p = 1/2). All NaN if there are none. */
struct median_interval median_interval(const double *sorted, size_t count, double confidence);

/* Clopper-Pearson interval of the share successes / trials (Biometrika 26, 1934). (0, 1) for no
 * trials, the value then NaN. Beyond a million trials the ends may be NaN. */
struct rate_interval share_interval(uint64_t successes, uint64_t trials, double confidence);

#endif
