#include "analysis/comparison/figures.h"

#include "analysis/metrics/counting.h"
#include "analysis/metrics/ranks.h"
#include "analysis/metrics/rates.h"

#include <math.h>
#include <stdlib.h>

/* ---- values of one run ---- */

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : (double)NAN;
}

static double outside_messages(const struct run *run, size_t context, enum variant variant)
{
    (void)variant;
    return share(run->beyond[context], run->observations[context]);
}

static double per_message(const struct run *run, size_t context, enum variant variant)
{
    (void)variant;
    return share(run->episodes[context], run->observations[context]);
}

static double per_pair_s(const struct run *run, size_t context, enum variant variant)
{
    (void)variant;
    /* Each node watches for its own time, and as many peers as all others do. */
    return (double)run->episodes[context] / (run->watched_s * (run->group_nodes - 1));
}

/* Counts include badges that were lost; which of those were self-stalled is not known. */
static uint64_t episodes_of(const struct run *run, size_t context, enum variant variant)
{
    return variant == WITH_STALLED ? run->episodes[context]
                                   : run->tally.rows[variant][context].episodes;
}

double run_rate_per_node_s(const struct run *run, size_t context, enum variant variant)
{
    return (double)episodes_of(run, context, variant) / run->watched_s;
}

/* What the nodes kept themselves is exact; but it holds episodes finer than the clocks, which have
 * to stay out. */
double run_outside_node(const struct run *run, size_t context, enum variant variant)
{
    bool as_kept = variant == WITH_STALLED && run->tally.below_clock[context] == 0;
    double outside_s =
        as_kept ? run->outside_node_s[context] : run->tally.rows[variant][context].outside_node_s;
    return outside_s / run->watched_s;
}

static double outside_system(const struct run *run, size_t context, enum variant variant)
{
    return run->tally.rows[variant][context].outside_system_s / run->window_s;
}

/* ---- rates and shares ---- */

static bool between(const struct column *column, run_value *value_of, size_t context,
                    enum variant variant, struct figure *found)
{
    const char *why = why_unwatched(column, context);
    if (why != NULL) {
        *found = figure_unknown(why);
        return true;
    }
    double *values = column_values(column, value_of, context, variant);
    if (values == NULL)
        return false;
    *found = figure_between_runs(values, column->run_count, "no observation");
    free(values);
    return true;
}

/* The run whose rate is the median, the lower one of an even number. */
static const struct run *median_run(const struct column *column, size_t context)
{
    for (size_t i = 0; i < column->run_count; i++) {
        double rate = run_rate_per_node_s(column->runs[i], context, WITH_STALLED);
        size_t below = 0, equal_before = 0;
        for (size_t j = 0; j < column->run_count; j++) {
            double other = run_rate_per_node_s(column->runs[j], context, WITH_STALLED);
            below += other < rate;
            equal_before += j < i && !(other < rate) && !(other > rate);
        }
        if (below + equal_before == (column->run_count - 1) / 2)
            return column->runs[i];
    }
    return column->runs[0];
}

static void count_error(const struct column *column, size_t context, struct context_figures *row)
{
    const char *why = why_unwatched(column, context);
    row->counting = figure_unknown(why);
    row->counting_dispersion = (double)NAN;
    if (why != NULL)
        return;
    const struct run *run = median_run(column, context);
    double factor = fano(run->tally.rows[WITH_STALLED][context].windows, TALLY_WINDOWS);
    row->counting_dispersion = isnan(factor) ? 1 : fmax(1, factor);
    struct rate_interval rate = poisson_interval((double)run->episodes[context], run->watched_s,
                                                 0.95, row->counting_dispersion);
    if (run->episodes[context] == 0)
        rate.high = silent_rate_bound(run->watched_s);
    row->counting = figure_interval(rate.value, rate.low, rate.high);
}

/* ---- beside two nodes ---- */

/* Sums over a column's runs. */
struct sums {
    double watched_s;
    double observations;
    double beyond;
    double episodes;
};

static struct sums sums_of(const struct column *column, size_t context)
{
    const struct context_figures *row = &column->rows[context];
    struct sums sums = {0, (double)row->observations, (double)row->beyond, (double)row->episodes};
    for (size_t i = 0; i < column->run_count; i++)
        sums.watched_s += column->runs[i]->watched_s;
    return sums;
}

/* The four factors multiply to the ratio of the rates over all runs of both. */
static struct growth growth_of(const struct column *column, const struct column *two,
                               size_t context)
{
    const char *why = why_not_beside_two(column, two, context);
    if (why != NULL)
        return (struct growth){.unknown = why};
    struct sums here = sums_of(column, context), there = sums_of(two, context);
    if (!(there.episodes > 0))
        return (struct growth){.unknown = "no episode at two nodes"};
    if (!(here.episodes > 0))
        return (struct growth){.unknown = "no episode at this node count"};
    if (!(here.beyond > 0) || !(there.beyond > 0))
        return (struct growth){.unknown = "no observation beyond the limit"};
    double links = column->group_nodes - 1;
    double per_node_s =
        (here.observations / here.watched_s) / (there.observations / there.watched_s);
    return (struct growth){
        .ratio = (here.episodes / here.watched_s) / (there.episodes / there.watched_s),
        .links = links,
        .activity = per_node_s / links,
        .tail = (here.beyond / here.observations) / (there.beyond / there.observations),
        .clustering = (here.episodes / here.beyond) / (there.episodes / there.beyond),
    };
}

static bool rank_of(const struct column *column, const struct column *two, size_t context,
                    enum variant variant, struct rank_statement *statement)
{
    const char *why = why_not_beside_two(column, two, context);
    *statement = (struct rank_statement){.unknown = why};
    if (why != NULL)
        return true;
    double *here = column_values(column, run_rate_per_node_s, context, variant);
    double *there = column_values(two, run_rate_per_node_s, context, variant);
    struct rank_comparison ranks;
    bool done = here != NULL && there != NULL;
    if (done && rank_compare(there, two->run_count, here, column->run_count, &ranks)) {
        *statement = (struct rank_statement){
            .pairs_above = ranks.pairs, .p_above = ranks.p_above, .p_below = ranks.p_below};
        (void)snprintf(statement->text, sizeof statement->text, "%s", ranks.text);
    } else {
        statement->unknown = "too many runs for the exact test";
    }
    free(here);
    free(there);
    return done;
}

bool rate_figures(struct column *column, const struct column *two, size_t context)
{
    struct context_figures *row = &column->rows[context];
    bool done = between(column, outside_messages, context, WITH_STALLED, &row->outside_messages) &&
                between(column, per_message, context, WITH_STALLED, &row->per_message) &&
                between(column, per_pair_s, context, WITH_STALLED, &row->per_pair_s);
    for (enum variant v = 0; done && v < VARIANT_COUNT; v++)
        done = between(column, run_outside_node, context, v, &row->outside_node[v]) &&
               between(column, outside_system, context, v, &row->outside_system[v]) &&
               between(column, run_rate_per_node_s, context, v, &row->per_node_s[v]) &&
               rank_of(column, two, context, v, &row->rank[v]);
    count_error(column, context, row);
    row->growth = growth_of(column, two, context);
    return done;
}
