#include "analysis/metrics/first_drift.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* Runs still under watch just before that moment, and drifts at it. */
struct at_risk {
    size_t runs;
    size_t drifts;
};

static struct at_risk at_risk(const double *times_s, const bool *drifted, size_t runs, double at_s)
{
    struct at_risk found = {0, 0};
    for (size_t i = 0; i < runs; i++) {
        found.runs += times_s[i] >= at_s;
        found.drifts += drifted[i] && times_s[i] == at_s;
    }
    return found;
}

/* The first drift after that moment; NaN if there is none. */
static double next_drift_s(const double *times_s, const bool *drifted, size_t runs, double after_s)
{
    double next_s = (double)NAN;
    for (size_t i = 0; i < runs; i++)
        if (drifted[i] && times_s[i] > after_s)
            next_s = fmin(next_s, times_s[i]);
    return next_s;
}

double kaplan_meier_median(const double *times_s, const bool *drifted, size_t runs)
{
    double surviving = 1;
    double at_s = next_drift_s(times_s, drifted, runs, -HUGE_VAL);
    while (!isnan(at_s)) {
        struct at_risk risk = at_risk(times_s, drifted, runs, at_s);
        double next_s = next_drift_s(times_s, drifted, runs, at_s);
        surviving *= 1 - (double)risk.drifts / (double)risk.runs;
        if (fabs(surviving - 0.5) < 1e-12)
            return isnan(next_s) ? at_s : (at_s + next_s) / 2;
        if (surviving < 0.5)
            return at_s;
        at_s = next_s;
    }
    return at_s;
}

struct rate_interval first_drift_exposure(uint64_t trains, double observations,
                                          double observations_per_s, double dispersion)
{
    struct rate_interval none = {(double)NAN, (double)NAN, (double)NAN};
    if (!(observations > 0) || !(observations_per_s > 0))
        return none;
    if (trains == 0) {
        none.low = log(2) / (silent_rate_bound(observations) * observations_per_s);
        return none;
    }
    struct rate_interval p = poisson_interval((double)trains, observations, 0.95, dispersion);
    return (struct rate_interval){log(2) / (p.value * observations_per_s),
                                  log(2) / (p.high * observations_per_s),
                                  log(2) / (p.low * observations_per_s)};
}

bool exposure_ratio(uint64_t trains, double observations, uint64_t drifts,
                    double observations_at_risk, double dispersion, struct hazard *hazard)
{
    double phi = fmax(1, dispersion);
    if (!(observations > 0) || !(observations_at_risk > 0))
        return false;
    /* Clustered trains carry the information of fewer independent ones. */
    uint64_t k = (uint64_t)floor((double)trains / phi + 0.5);
    double m = observations / phi;
    if (k + drifts == 0)
        return false;
    struct rate_interval share = share_interval(drifts, k + drifts, 0.95);
    double scale = m / observations_at_risk;
    double chance = observations_at_risk / (m + observations_at_risk);
    hazard->ratio = k > 0 ? (double)drifts / (double)k * scale : (double)NAN;
    hazard->low = share.low < 1 ? share.low / (1 - share.low) * scale : (double)NAN;
    hazard->high = share.high < 1 ? share.high / (1 - share.high) * scale : (double)NAN;
    /* P(X >= drifts) */
    hazard->p =
        drifts == 0 ? 1 : gsl_cdf_binomial_Q((unsigned)drifts - 1, chance, (unsigned)(k + drifts));
    return true;
}
