#include "analysis/metrics/trend.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

static const double P_MOST = 0.01, AUTOCORRELATION_MOST = 0.95;

double theil_sen(const uint64_t *counts, size_t windows)
{
    double slopes[TREND_WINDOWS_MAX * (TREND_WINDOWS_MAX - 1) / 2];
    size_t pairs = 0;
    assert(windows <= TREND_WINDOWS_MAX);
    for (size_t i = 0; i < windows; i++)
        for (size_t j = i + 1; j < windows; j++)
            slopes[pairs++] = ((double)counts[j] - (double)counts[i]) / (double)(j - i);
    if (pairs == 0)
        return (double)NAN;
    gsl_sort(slopes, 1, pairs);
    return gsl_stats_median_from_sorted_data(slopes, 1, pairs);
}

/* Σ over groups of equal values: t (t - 1) (2t + 5), counted once for each of the t members. */
static double ties(const uint64_t *counts, size_t windows)
{
    double sum = 0;
    for (size_t i = 0; i < windows; i++) {
        double equal = 0;
        for (size_t j = 0; j < windows; j++)
            equal += counts[j] == counts[i];
        sum += (equal - 1) * (2 * equal + 5);
    }
    return sum;
}

struct mann_kendall mann_kendall(const uint64_t *counts, size_t windows)
{
    double n = (double)windows, s = 0;
    for (size_t i = 0; i < windows; i++)
        for (size_t j = i + 1; j < windows; j++)
            s += (counts[j] > counts[i]) - (counts[j] < counts[i]);
    return (struct mann_kendall){s, (n * (n - 1) * (2 * n + 5) - ties(counts, windows)) / 18};
}

double rank_autocorrelation(const uint64_t *counts, size_t windows)
{
    double rest[TREND_WINDOWS_MAX], ranks[TREND_WINDOWS_MAX], squares = 0, products = 0;
    double slope = theil_sen(counts, windows);
    /* Values that are equal but for rounding must tie. */
    for (size_t i = 0; i < windows; i++)
        rest[i] = nearbyint(((double)counts[i] - slope * (double)i) * 1e9);
    for (size_t i = 0; i < windows; i++) {
        ranks[i] = 0; /* centred: half the values below minus half the values above */
        for (size_t j = 0; j < windows; j++)
            ranks[i] += 0.5 * ((rest[j] < rest[i]) - (rest[j] > rest[i]));
        squares += ranks[i] * ranks[i];
        products += i > 0 ? ranks[i - 1] * ranks[i] : 0;
    }
    return windows >= TREND_WINDOWS_LEAST && squares > 0 ? products / squares : (double)NAN;
}

static double pooled_autocorrelation(const uint64_t *counts, size_t runs, size_t windows)
{
    double sum = 0, known = 0, n = (double)windows;
    for (size_t r = 0; r < runs; r++) {
        double one = rank_autocorrelation(counts + r * windows, windows);
        sum += isnan(one) ? 0 : one;
        known += !isnan(one);
    }
    if (!(known > 0) || windows <= 4)
        return 0;
    return fmin(AUTOCORRELATION_MOST, fmax(0, (n * sum / known + 2) / (n - 4)));
}

static double hamed_rao(double rho, size_t windows)
{
    double n = (double)windows, sum = 0;
    for (size_t lag = 1; lag < windows; lag++) {
        double left = n - (double)lag;
        sum += left * (left - 1) * (left - 2) * pow(rho, (double)lag);
    }
    return 1 + 2 / (n * (n - 1) * (n - 2)) * sum;
}

struct trend trend_of(const uint64_t *counts, size_t runs, size_t windows, double *slopes)
{
    struct trend trend = {.p = (double)NAN, .factor = 1, .runs = runs};
    double variance = 0;
    for (size_t r = 0; r < runs; r++) {
        struct mann_kendall one = mann_kendall(counts + r * windows, windows);
        slopes[r] = theil_sen(counts + r * windows, windows);
        trend.s += one.s;
        trend.up += one.s > 0;
        variance += one.variance;
    }
    if (runs == 0 || windows < TREND_WINDOWS_LEAST)
        return trend;
    trend.rho = pooled_autocorrelation(counts, runs, windows);
    trend.factor = hamed_rao(trend.rho, windows);
    /* S is a whole number: half of its smallest step is taken off. */
    double corrected = trend.s - (trend.s > 0) + (trend.s < 0);
    double z = variance > 0 ? corrected / sqrt(variance * trend.factor) : 0;
    trend.p = gsl_cdf_ugaussian_Q(z);
    trend.rising = trend.up >= (runs < 3 ? runs : runs - 1) && trend.p <= P_MOST;
    return trend;
}
