#include "analysis/comparison/figures.h"

#include "analysis/metrics/counting.h"
#include "analysis/metrics/first_drift.h"

#include <math.h>
#include <stdlib.h>

static const struct tally_row *row_of(const struct run *run, size_t context, enum variant variant)
{
    return &run->tally.rows[variant][context];
}

/* ---- one column ---- */

static bool find_median(const struct column *column, size_t context, enum variant variant,
                        struct first_drift_figures *first)
{
    double *times_s = calloc(column->run_count, sizeof *times_s);
    bool *drifted = calloc(column->run_count, sizeof *drifted);
    bool done = times_s != NULL && drifted != NULL;
    for (size_t i = 0; done && i < column->run_count; i++) {
        double first_s = row_of(column->runs[i], context, variant)->first_s;
        drifted[i] = !isnan(first_s);
        times_s[i] = drifted[i] ? first_s : column->runs[i]->window_s;
        first->drifted += drifted[i];
        first->window_s = fmin(first->window_s, column->runs[i]->window_s);
    }
    if (done)
        first->median_s = kaplan_meier_median(times_s, drifted, column->run_count);
    first->reached = done && !isnan(first->median_s);
    first->runs = column->run_count;
    free(times_s);
    free(drifted);
    return done;
}

/* The node that saw drift first in the most runs; the first of equals. */
static void find_node(const struct column *column, size_t context, enum variant variant,
                      struct first_drift_figures *first)
{
    for (size_t i = 0; i < column->run_count; i++) {
        const struct tally_row *row = row_of(column->runs[i], context, variant);
        size_t times = 0;
        for (size_t j = 0; j < column->run_count; j++) {
            const struct tally_row *other = row_of(column->runs[j], context, variant);
            times += !isnan(other->first_s) && other->first_node == row->first_node;
        }
        if (isnan(row->first_s) || times <= first->node_runs)
            continue;
        first->node = row->first_node;
        first->node_runs = times;
    }
}

/* ---- what exposure alone predicts ---- */

/* What two nodes say about the hazard of one observation. */
struct reference {
    uint64_t trains;
    double observations_at_risk; /* in which a new train could begin */
    double dispersion;           /* of the trains from run to run, at least 1 */
};

static bool reference_of(const struct column *two, size_t context, enum variant variant,
                         struct reference *reference)
{
    uint64_t *trains = calloc(two->run_count, sizeof *trains);
    *reference = (struct reference){0, 0, 1};
    if (trains == NULL)
        return false;
    for (size_t i = 0; i < two->run_count; i++) {
        const struct run *run = two->runs[i];
        const struct tally_row *row = row_of(run, context, variant);
        trains[i] = row->trains;
        reference->trains += row->trains;
        reference->observations_at_risk +=
            (double)run->observations[context] * row->at_risk_s / run->window_s;
    }
    double factor = fano(trains, two->run_count);
    reference->dispersion = isnan(factor) ? 1 : fmax(1, factor);
    free(trains);
    return true;
}

static double observations_per_s(const struct column *column, size_t context)
{
    double observations = 0, window_s = 0;
    for (size_t i = 0; i < column->run_count; i++) {
        observations += (double)column->runs[i]->observations[context];
        window_s += column->runs[i]->window_s;
    }
    return observations / window_s;
}

/* Observations made until the first drift, or to the end where there was none. */
static double observations_before_drift(const struct column *column, size_t context,
                                        enum variant variant)
{
    double sum = 0;
    for (size_t i = 0; i < column->run_count; i++) {
        const struct run *run = column->runs[i];
        double first_s = row_of(run, context, variant)->first_s;
        double at_risk_s = isnan(first_s) ? run->window_s : fmax(0, first_s);
        sum += (double)run->observations[context] * at_risk_s / run->window_s;
    }
    return sum;
}

static struct figure hazard_of(const struct column *column, size_t context, enum variant variant,
                               const struct reference *reference, struct first_drift_figures *first)
{
    struct hazard hazard;
    if (!exposure_ratio(reference->trains, reference->observations_at_risk, first->drifted,
                        observations_before_drift(column, context, variant), reference->dispersion,
                        &hazard))
        return figure_unknown("no drift at either");
    first->hazard_p = hazard.p;
    if (isnan(hazard.ratio) && isnan(hazard.low))
        return figure_unknown("no drift at two nodes");
    return figure_interval(hazard.ratio, hazard.low, hazard.high);
}

static bool set_beside_two(const struct column *column, const struct column *two, size_t context,
                           enum variant variant, struct first_drift_figures *first)
{
    const char *why = why_not_beside_two(column, two, context);
    first->exposure_s = figure_unknown(why);
    first->hazard_ratio = figure_unknown(why);
    first->hazard_p = (double)NAN;
    if (why != NULL)
        return true;
    struct reference reference;
    if (!reference_of(two, context, variant, &reference))
        return false;
    first->trains_at_two = reference.trains;
    first->observations_at_risk = reference.observations_at_risk;
    struct rate_interval alone =
        first_drift_exposure(reference.trains, reference.observations_at_risk,
                             observations_per_s(column, context), reference.dispersion);
    first->exposure_s = isnan(alone.low) ? figure_unknown("no observation")
                                         : figure_interval(alone.value, alone.low, alone.high);
    first->hazard_ratio = hazard_of(column, context, variant, &reference, first);
    return true;
}

bool first_drift_figures(struct column *column, const struct column *two, size_t context)
{
    for (enum variant v = 0; v < VARIANT_COUNT; v++) {
        struct first_drift_figures *first = &column->rows[context].first[v];
        *first = (struct first_drift_figures){.unknown = why_unwatched(column, context),
                                              .median_s = (double)NAN,
                                              .window_s = (double)INFINITY};
        if (first->unknown == NULL) {
            if (!find_median(column, context, v, first))
                return false;
            find_node(column, context, v, first);
        }
        if (!set_beside_two(column, two, context, v, first))
            return false;
    }
    return true;
}
