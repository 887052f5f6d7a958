#include "analysis/metrics/rates.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

struct rate_interval poisson_interval(double count, double exposure, double confidence,
                                      double dispersion)
{
    double tail = (1 - confidence) / 2;
    double phi = fmax(1, dispersion);
    if (!(exposure > 0))
        return (struct rate_interval){(double)NAN, (double)NAN, (double)NAN};
    double low = count > 0 ? gsl_cdf_gamma_Pinv(tail, count / phi, phi) : 0;
    return (struct rate_interval){count / exposure, low / exposure,
                                  gsl_cdf_gamma_Qinv(tail, count / phi + 1, phi) / exposure};
}

double silent_rate_bound(double exposure)
{
    return exposure > 0 ? -log(0.05) / exposure : (double)NAN;
}

struct median_interval median_interval(const double *sorted, size_t count, double confidence)
{
    struct median_interval found = {(double)NAN, (double)NAN, (double)NAN};
    double below = 0;
    if (count == 0)
        return found;
    found.median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    for (unsigned k = 0; k < count / 2; k++) {
        below += gsl_ran_binomial_pdf(k, 0.5, (unsigned)count);
        if (below > (1 - confidence) / 2)
            break;
        found.low = sorted[k];
        found.high = sorted[count - 1 - k];
    }
    return found;
}

struct rate_interval share_interval(uint64_t successes, uint64_t trials, double confidence)
{
    double k = (double)successes, n = (double)trials, tail = (1 - confidence) / 2;
    struct rate_interval share = {trials > 0 ? k / n : (double)NAN, 0, 1};
    /* The ends are quantiles of beta distributions. */
    if (successes > 0)
        share.low = gsl_cdf_beta_Pinv(tail, k, n - k + 1);
    if (successes < trials)
        share.high = gsl_cdf_beta_Qinv(tail, k + 1, n - k);
    return share;
}
