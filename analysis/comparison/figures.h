#ifndef MPIDRIFT_FIGURES_H
#define MPIDRIFT_FIGURES_H

#include "analysis/comparison/comparison.h"

/* Every figure of a column, `two` being the column of two nodes (for which it may be the same).
 * After column_conditions of both. False when memory is short. */
bool column_figures(struct column *column, const struct column *two);

/* Parts of it, for one context or ALL_CONTEXTS. The column of two nodes must be done first. */
bool rate_figures(struct column *column, const struct column *two, size_t context);
bool first_drift_figures(struct column *column, const struct column *two, size_t context);
bool symmetry_figures(struct column *column, size_t context);
bool sensitivity_figures(struct column *column, const struct column *two);

/* A figure that is not known, and why. */
struct figure figure_unknown(const char *why);
/* Median over the repetitions with its interval, or all values where there are too few. */
struct figure figure_between_runs(const double *values, size_t count);
/* A number with an interval; NaN where an end is not known. */
struct figure figure_interval(double value, double low, double high);

#endif
