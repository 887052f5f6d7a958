#include "analysis/comparison/figures.h"

#include "analysis/comparison/curve.h"
#include "analysis/metrics/elasticity.h"
#include "analysis/metrics/ranks.h"

#include <math.h>

/* Contexts are compared at limits that two nodes exceed equally often: in this share of the
 * observations, or as near as the values allow with this many beyond, but not in more than the
 * second share. */
static const double SHARE_AT_TWO = 0.01, SHARE_AT_TWO_MAX = 0.05;
enum { BEYOND_LEAST = 5 };
static const double STEP = 0.1;

/* ---- counts beyond a limit ---- */

struct exceedance {
    uint64_t beyond;
    uint64_t total;
};

static double share_of(struct exceedance e)
{
    return e.total > 0 ? (double)e.beyond / (double)e.total : (double)NAN;
}

/* Index of the edge at that limit; `bins` + 1 if the histogram has none. */
static size_t edge_at(const struct run_histogram *h, double limit)
{
    for (size_t i = 0; i <= h->bins; i++)
        if (fabs(h->edges[i] - limit) <= 1e-9 * fabs(limit))
            return i;
    return h->bins + 1;
}

static struct exceedance beyond_edge(const struct run_histogram *h, size_t edge)
{
    struct exceedance e = {h->overflow, h->underflow + h->overflow};
    for (size_t i = 0; i < h->bins; i++) {
        e.total += h->counts[i];
        e.beyond += i >= edge ? h->counts[i] : 0;
    }
    return e;
}

/* Of one run beyond a limit. False where its histogram has no such edge. */
static bool beyond_in_run(const struct run *run, size_t context, double limit,
                          struct exceedance *found)
{
    enum histogram_kind kind = histogram_of_context(context);
    if (kind == HISTOGRAM_KINDS) {
        *found = (struct exceedance){run->beyond[context], run->observations[context]};
        return true;
    }
    size_t edge = edge_at(&run->histograms[kind], limit);
    if (edge > run->histograms[kind].bins)
        return false;
    *found = beyond_edge(&run->histograms[kind], edge);
    return true;
}

static bool beyond_in_column(const struct column *column, size_t context, double limit,
                             struct exceedance *sum)
{
    *sum = (struct exceedance){0, 0};
    for (size_t i = 0; i < column->run_count; i++) {
        struct exceedance e;
        if (!beyond_in_run(column->runs[i], context, limit, &e))
            return false;
        sum->beyond += e.beyond;
        sum->total += e.total;
    }
    return true;
}

/* ---- growth ---- */

/* The narrowest limit that two nodes exceed in at most SHARE_AT_TWO; a narrower one where that
 * leaves too few beyond, because values come in whole numbers or are few. False if there is none
 * that they exceed in at most SHARE_AT_TWO_MAX. */
static bool find_limit(const struct column *two, size_t context, double *limit)
{
    enum histogram_kind kind = histogram_of_context(context);
    struct exceedance e;
    if (kind == HISTOGRAM_KINDS) {
        *limit = 0;
        return beyond_in_column(two, context, 0, &e) && e.beyond >= BEYOND_LEAST &&
               share_of(e) <= SHARE_AT_TWO_MAX;
    }
    const struct run_histogram *edges = &two->runs[0]->histograms[kind];
    bool found = false;
    for (size_t i = 0; i <= edges->bins; i++) {
        if (!beyond_in_column(two, context, edges->edges[i], &e) || e.beyond < BEYOND_LEAST)
            break;
        *limit = edges->edges[i];
        found = share_of(e) <= SHARE_AT_TWO_MAX;
        if (share_of(e) <= SHARE_AT_TWO)
            break;
    }
    return found;
}

static struct figure growth_of(const struct column *column, const struct column *two,
                               size_t context, struct sensitivity *s)
{
    struct exceedance there, here, one;
    if (!find_limit(two, context, &s->limit))
        return figure_unknown("no limit that two nodes exceed in 1 %");
    if (!beyond_in_column(two, context, s->limit, &there) ||
        !beyond_in_column(column, context, s->limit, &here))
        return figure_unknown("the histograms have other edges");
    s->at_two = share_of(there);
    s->here = share_of(here);
    if (isnan(s->here))
        return figure_unknown("no observation");
    struct figure growth = figure_interval(s->here / s->at_two, (double)INFINITY, 0);
    for (size_t i = 0; i < column->run_count; i++)
        if (beyond_in_run(column->runs[i], context, s->limit, &one) && one.total > 0) {
            growth.low = fmin(growth.low, share_of(one) / s->at_two);
            growth.high = fmax(growth.high, share_of(one) / s->at_two);
        }
    return growth;
}

/* Shares beyond the limit of the single runs; returns how many, at most RANKS_MAX + 1. */
static size_t shares_of_runs(const struct column *column, size_t context, double limit,
                             double shares[RANKS_MAX + 1])
{
    size_t count = 0;
    struct exceedance one;
    for (size_t i = 0; i < column->run_count && count <= RANKS_MAX; i++)
        if (beyond_in_run(column->runs[i], context, limit, &one) && one.total > 0)
            shares[count++] = share_of(one);
    return count;
}

static struct rank_statement rank_of(const struct column *column, const struct column *two,
                                     size_t context, const struct sensitivity *s)
{
    double here[RANKS_MAX + 1], there[RANKS_MAX + 1];
    struct rank_comparison ranks;
    struct rank_statement statement = {.unknown = s->growth.unknown};
    if (statement.unknown != NULL)
        return statement;
    size_t at_n = shares_of_runs(column, context, s->limit, here);
    size_t at_two = shares_of_runs(two, context, s->limit, there);
    if (!rank_compare(there, at_two, here, at_n, &ranks))
        return (struct rank_statement){.unknown = "too many runs for the exact test"};
    statement = (struct rank_statement){
        .pairs_above = ranks.pairs, .p_above = ranks.p_above, .p_below = ranks.p_below};
    (void)snprintf(statement.text, sizeof statement.text, "%s", ranks.text);
    return statement;
}

/* ---- elasticity ---- */

static struct figure elasticity_of(const struct column *column, size_t context)
{
    enum histogram_kind kind = histogram_of_context(context);
    if (kind == HISTOGRAM_KINDS)
        return figure_unknown("its limit is 0");
    if (kind == HISTOGRAM_LAG)
        return figure_unknown("lag is a whole number");
    double limit = column->runs[0]->histograms[kind].limit;
    if (!(limit > 0))
        return figure_unknown("no limit");
    struct exceedance upper, lower;
    if (!beyond_in_column(column, context, limit * (1 + STEP), &upper) ||
        !beyond_in_column(column, context, limit * (1 - STEP), &lower))
        return figure_unknown("the runs have other limits");
    struct elasticity e;
    if (!elasticity(upper.beyond, lower.beyond, STEP, &e))
        return figure_unknown("fewer than 5 observations above the limit + 10 %");
    return figure_interval(e.value, e.low, e.high);
}

void sensitivity_figures(struct column *column, const struct column *two, size_t context)
{
    struct sensitivity *s = &column->rows[context].sensitivity;
    const char *each = context == ALL_CONTEXTS ? "stands with each context" : NULL;
    const char *why = each != NULL ? each : why_unwatched(column, context);
    s->elasticity = why != NULL ? figure_unknown(why) : elasticity_of(column, context);
    why = each != NULL ? each : why_not_beside_two(column, two, context);
    s->growth = why != NULL ? figure_unknown(why) : growth_of(column, two, context, s);
    s->rank = rank_of(column, two, context, s);
    if (s->growth.unknown != NULL)
        s->limit = s->at_two = s->here = (double)NAN;
}
