#ifndef MPIDRIFT_METRICS_TREND_H
#define MPIDRIFT_METRICS_TREND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does drift become more frequent while a run lasts? The metrics page, section 3. */

enum { TREND_WINDOWS = 20, TREND_WINDOWS_LEAST = 4, TREND_WINDOWS_MAX = 64 };

/* Median of all pairwise slopes per window (Theil 1950, Sen 1968). NaN below two windows.
 * windows ≤ TREND_WINDOWS_MAX. */
double theil_sen(const uint64_t *counts, size_t windows);

/* Mann and Kendall's S (Mann, Econometrica 13, 1945) and its variance under no trend, ties taken
 * into account. */
struct mann_kendall {
    double s;
    double variance;
};
struct mann_kendall mann_kendall(const uint64_t *counts, size_t windows);

/* Lag-1 autocorrelation of the ranks once the Theil-Sen line is taken out. NaN below
 * TREND_WINDOWS_LEAST windows or if those are all equal. */
double rank_autocorrelation(const uint64_t *counts, size_t windows);

struct trend {
    bool rising; /* S > 0 in all runs but at most one (in all of fewer than three), and p ≤ .01 */
    double p;    /* one-sided; NaN: no run of TREND_WINDOWS_LEAST windows */
    double s;    /* Σ over the runs */
    double rho;  /* autocorrelation, pooled over the runs, at least 0 */
    double factor; /* by which it raises the variance */
    size_t up;     /* runs with S > 0 */
    size_t runs;
};

/* Over the repetitions; counts [runs][windows] of episodes in equal windows, slopes [runs] becomes
 * the Theil-Sen slopes. The variance is raised by the factor of Hamed and Rao (J. Hydrology 204,
 * 1998) with ρ_i = ρ^i, ρ = (windows · mean lag-1 autocorrelation + 2) / (windows - 4) between 0
 * and .95, which undoes the bias of short series. */
struct trend trend_of(const uint64_t *counts, size_t runs, size_t windows, double *slopes);

#endif
