#include "analysis/metrics/rates.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

/* ---- quantiles ---- */

/* Share of a distribution with two parameters that lies below x. */
typedef double distribution(double x, double a, double b);

/* Halve [low, high] around the quantile. gsl_cdf_gamma_Pinv and gsl_cdf_beta_Pinv go by Newton's
 * method and fail or stray for ordinary counts (6 of 400), while the distributions they invert are
 * sound. NaN where even these are not. */
static double quantile(distribution *below, double a, double b, double share, double low,
                       double high)
{
    enum { HALVINGS = 200 }; /* the low end of a few clustered events lies near 1e-50 */
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2, at = below(middle, a, b);
        if (isnan(at))
            return at;
        *(at < share ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

/* Beyond, GSL's incomplete gamma function leaves off, and the cube root of a gamma variable is
 * normal to 5e-10 of the quantile (Wilson and Hilferty, PNAS 17, 1931). */
static const double SHAPE_MAX = 1e5;

/* Of Gamma(shape, 1). */
static double gamma_quantile(double share, double shape)
{
    if (shape > SHAPE_MAX) {
        double z = gsl_cdf_ugaussian_Pinv(share);
        return shape * pow(1 - 1 / (9 * shape) + z / (3 * sqrt(shape)), 3);
    }
    return quantile(gsl_cdf_gamma_P, shape, 1, share, 0, 4 * shape + 40);
}

static double beta_quantile(double share, double a, double b)
{
    return quantile(gsl_cdf_beta_P, a, b, share, 0, 1);
}

/* ---- intervals ---- */

struct rate_interval poisson_interval(double count, double exposure, double confidence,
                                      double dispersion)
{
    double tail = (1 - confidence) / 2;
    double phi = fmax(1, dispersion);
    if (!(exposure > 0))
        return (struct rate_interval){(double)NAN, (double)NAN, (double)NAN};
    double low = count > 0 ? gamma_quantile(tail, count / phi) : 0;
    double high = gamma_quantile(1 - tail, count / phi + 1);
    return (struct rate_interval){count / exposure, low * phi / exposure, high * phi / exposure};
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
        share.low = beta_quantile(tail, k, n - k + 1);
    if (successes < trials)
        share.high = beta_quantile(1 - tail, k + 1, n - k);
    return share;
}
