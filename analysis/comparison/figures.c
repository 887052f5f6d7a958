#include "analysis/comparison/figures.h"

#include "analysis/comparison/curve.h"
#include "analysis/metrics/rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- figures ---- */

struct figure figure_unknown(const char *why)
{
    return (struct figure){
        .unknown = why, .value = (double)NAN, .low = (double)NAN, .high = (double)NAN};
}

struct figure figure_interval(double value, double low, double high)
{
    return (struct figure){.value = value, .low = low, .high = high};
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

struct figure figure_between_runs(double *values, size_t count, const char *why)
{
    size_t known = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            values[known++] = values[i];
    if (known == 0)
        return figure_unknown(why);
    qsort(values, known, sizeof *values, by_value);
    struct median_interval median = median_interval(values, known, 0.95);
    struct figure figure = figure_interval(median.median, median.low, median.high);
    if (!isnan(median.low))
        return figure;
    figure.value_count = known < VALUES_KEPT ? known : VALUES_KEPT;
    memcpy(figure.values, values, figure.value_count * sizeof *values);
    return figure;
}

const char *why_unwatched(const struct column *column, size_t context)
{
    if (column->run_count == 0)
        return "no run at this node count";
    return column->rows[context].watched ? NULL : "not watched";
}

const char *why_not_beside_two(const struct column *column, const struct column *two,
                               size_t context)
{
    if (column == two)
        return "this is two nodes";
    if (two->run_count == 0)
        return "no run at two nodes";
    if (!two->rows[context].watched)
        return "not watched at two nodes";
    return why_unwatched(column, context);
}

double *column_values(const struct column *column, run_value *value_of, size_t context,
                      enum variant variant)
{
    double *values = calloc(column->run_count + 1, sizeof *values);
    for (size_t i = 0; values != NULL && i < column->run_count; i++)
        values[i] = value_of(column->runs[i], context, variant);
    return values;
}

/* ---- one column ---- */

static void add_counts(struct context_figures *row, const struct run *run, size_t context)
{
    row->watched = row->watched || run->watched[context];
    row->observations += run->observations[context];
    row->beyond += run->beyond[context];
    row->episodes += run->episodes[context];
    row->self_stalled += run->tally.self_stalled[context];
    row->below_clock += run->tally.below_clock[context];
}

static void find_time_share(struct column *column)
{
    uint64_t of_class[CLASS_COUNT] = {0};
    for (size_t c = 0; c < CONTEXT_COUNT; c++)
        of_class[context_table[c].class] += column->rows[c].episodes;
    uint64_t all = of_class[CLASS_TIME] + of_class[CLASS_STATE];
    if (all > 0)
        column->rows[ALL_CONTEXTS].time_share = (double)of_class[CLASS_TIME] / (double)all;
}

bool column_figures(struct column *column, const struct column *two)
{
    for (size_t context = 0; context < CONTEXT_ROWS; context++) {
        column->rows[context] = (struct context_figures){.time_share = (double)NAN};
        for (size_t i = 0; i < column->run_count; i++)
            add_counts(&column->rows[context], column->runs[i], context);
    }
    find_time_share(column);
    bool done = true;
    for (size_t context = 0; done && context < CONTEXT_ROWS; context++) {
        sensitivity_figures(column, two, context);
        done = rate_figures(column, two, context) && first_drift_figures(column, two, context) &&
               symmetry_figures(column, context);
    }
    return done && stability_figures(column, two) && trace_figures(column) && curve_figures(column);
}
