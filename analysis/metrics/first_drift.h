#ifndef MPIDRIFT_METRICS_FIRST_DRIFT_H
#define MPIDRIFT_METRICS_FIRST_DRIFT_H

#include "analysis/metrics/rates.h"

/* Median of the time to first drift over runs, by Kaplan and Meier (J. Am. Stat. Assoc. 53, 1958).
 * times_s [runs] is the first drift or, where drifted is false, the end of the window. Where the
 * curve stands at exactly 1/2: the middle to the next drift. NaN: not reached, or no runs. */
double kaplan_meier_median(const double *times_s, const bool *drifted, size_t runs);

/* Median first drift if nothing but exposure changed: trains of episodes per observation at two
 * nodes, at the pace of observations_per_s. With no train at two: value and high NaN, low a
 * one-sided 95 % bound. All NaN without observations. */
struct rate_interval first_drift_exposure(uint64_t trains, double observations,
                                          double observations_per_s, double dispersion);

/* Hazard per observation at N over that at two nodes. */
struct hazard {
    double ratio; /* NaN: no train at two */
    double low;
    double high; /* NaN: no bound */
    double p;    /* one-sided: the hazard at N is not higher */
};
/* `trains` in `observations` at two nodes against `drifts` first drifts in observations_at_risk at
 * N, by the exact binomial test for two Poisson rates (Przyborowski and Wilenski, Biometrika 31,
 * 1940). False without events or observations. */
bool exposure_ratio(uint64_t trains, double observations, uint64_t drifts,
                    double observations_at_risk, double dispersion, struct hazard *hazard);

#endif
