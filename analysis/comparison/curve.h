#ifndef MPIDRIFT_CURVE_H
#define MPIDRIFT_CURVE_H

#include "analysis/comparison/comparison.h"
#include "analysis/metrics/exceedance.h"

/* What another limit would have found, as far as the histograms carry it. */

/* The histogram of what a context judges; HISTOGRAM_KINDS: there is none. */
enum histogram_kind histogram_of_context(size_t context);

/* The histogram of one run, without its memory. */
struct binned_values run_values(const struct run *run, enum histogram_kind kind);
/* Over all runs of a column; `counts` becomes their memory, to be freed by the caller. sum->counts
 * is NULL where the runs have other bins. False when memory is short. */
bool column_values_of(const struct column *column, enum histogram_kind kind,
                      struct binned_values *sum, uint64_t **counts);

/* Fill in the curve of every context. False when memory is short; curves_free in either case. */
bool curve_figures(struct column *column);
void curves_free(struct column *column);

/* "KEY=VALUE" of --what-if. False after filling in `failure` (64): no limit that a histogram
 * carries, or no number. */
bool what_if_read(const char *text, struct what_if *what_if, struct failure *failure);
/* Answer it in every column. False when memory is short. */
bool what_if_answer(struct comparison *comparison, const struct what_if *what_if);

#endif
