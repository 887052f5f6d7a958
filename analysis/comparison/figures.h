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
void sensitivity_figures(struct column *column, const struct column *two, size_t context);
/* For all contexts; after rate_figures of each. False when memory is short. */
bool stability_figures(struct column *column, const struct column *two);
/* What the traces say. False when memory is short. */
bool trace_figures(struct column *column);

/* A figure that is not known, and why. */
struct figure figure_unknown(const char *why);
/* Median over the repetitions with its interval, or all values where there are too few. Sorts
 * `values`, NaN left out; without any value unknown, because of `why`. */
struct figure figure_between_runs(double *values, size_t count, const char *why);
/* A number with an interval; NaN where an end is not known. */
struct figure figure_interval(double value, double low, double high);

/* Why nothing can be said of this context in that column; NULL: something can. */
const char *why_unwatched(const struct column *column, size_t context);

/* Why the column cannot be set beside two nodes; NULL: it can. */
const char *why_not_beside_two(const struct column *column, const struct column *two,
                               size_t context);

/* The p99 of the one-way delay of a column: the largest of its runs'. NaN: not known. */
double column_delay_p99_s(const struct column *column);

/* Value of one run; NaN where it has none. */
typedef double run_value(const struct run *run, size_t context, enum variant variant);
double run_rate_per_node_s(const struct run *run, size_t context, enum variant variant);
double run_outside_node(const struct run *run, size_t context, enum variant variant);

/* Those values of a column's runs; memory of the caller, NULL when it is short. */
double *column_values(const struct column *column, run_value *value_of, size_t context,
                      enum variant variant);

#endif
