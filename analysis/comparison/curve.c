#include "analysis/comparison/curve.h"

#include "analysis/comparison/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum histogram_kind histogram_of_context(size_t context)
{
    switch (context) {
    case CONTEXT_MESSAGE_DELAY_EXCEEDED:
        return HISTOGRAM_DELAY;
    case CONTEXT_HEARTBEAT_MISSED:
        return HISTOGRAM_GAP;
    case CONTEXT_VERSION_LAG_EXCEEDED:
        return HISTOGRAM_LAG;
    default:
        return HISTOGRAM_KINDS;
    }
}

struct binned_values run_values(const struct run *run, enum histogram_kind kind)
{
    const struct run_histogram *h = &run->histograms[kind];
    return (struct binned_values){h->edges, h->counts, h->bins, h->underflow, h->overflow};
}

static bool has_same_edges(const struct run_histogram *a, const struct run_histogram *b)
{
    if (a->bins != b->bins)
        return false;
    for (size_t i = 0; i <= a->bins; i++)
        if (fabs(a->edges[i] - b->edges[i]) > 1e-9 * fabs(a->edges[i]))
            return false;
    return true;
}

bool column_values_of(const struct column *column, enum histogram_kind kind,
                      struct binned_values *sum, uint64_t **counts)
{
    const struct run_histogram *first = &column->runs[0]->histograms[kind];
    *counts = calloc(first->bins + 1, sizeof **counts);
    *sum = (struct binned_values){first->edges, *counts, first->bins, 0, 0};
    for (size_t r = 0; *counts != NULL && r < column->run_count; r++) {
        const struct run_histogram *h = &column->runs[r]->histograms[kind];
        if (!has_same_edges(first, h)) {
            sum->counts = NULL;
            return true;
        }
        for (size_t i = 0; i < h->bins; i++)
            (*counts)[i] += h->counts[i];
        sum->underflow += h->underflow;
        sum->overflow += h->overflow;
    }
    return *counts != NULL;
}

/* ---- the curve ---- */

static const double SHARE_STEP = 0.02;

/* A point is kept if its share differs visibly from that of the one before, or if it is the
 * declared limit, its share being exact. */
static void keep_points(struct curve_figures *curve, const struct binned_values *values,
                        const uint64_t *beyond, double total)
{
    double last = 2; /* above any share */
    for (size_t i = 0; i <= values->bins; i++) {
        double share = (double)beyond[i] / total, limit = values->edges[i];
        bool is_declared = fabs(limit - curve->declared) <= 1e-9 * fabs(limit);
        bool is_other = share < last * (1 - SHARE_STEP) || (!(share > 0) && last > 0);
        if (!is_declared && !is_other && i < values->bins)
            continue;
        curve->limits[curve->count] = limit;
        curve->shares[curve->count++] = share;
        last = share;
        if (beyond[i] == 0 && limit >= curve->declared)
            return;
    }
}

static bool make_curve(struct curve_figures *curve, const struct binned_values *values)
{
    uint64_t *beyond = calloc(values->bins + 1, sizeof *beyond);
    double total = (double)(values->underflow + values->overflow);
    curve->limits = calloc(values->bins + 1, sizeof *curve->limits);
    curve->shares = calloc(values->bins + 1, sizeof *curve->shares);
    bool done = beyond != NULL && curve->limits != NULL && curve->shares != NULL;
    for (size_t i = 0; i < values->bins; i++)
        total += (double)values->counts[i];
    if (done && total > 0) {
        exceedance_curve(values, beyond);
        keep_points(curve, values, beyond, total);
    }
    if (!(total > 0))
        curve->unknown = "no observation";
    free(beyond);
    return done;
}

static bool curve_of(struct column *column, size_t context)
{
    struct curve_figures *curve = &column->rows[context].curve;
    enum histogram_kind kind = histogram_of_context(context);
    *curve = (struct curve_figures){.unknown = why_unwatched(column, context)};
    if (curve->unknown == NULL && kind == HISTOGRAM_KINDS)
        curve->unknown = "its limit is 0";
    if (curve->unknown != NULL)
        return true;
    uint64_t *counts;
    struct binned_values values;
    bool done = column_values_of(column, kind, &values, &counts);
    curve->unit = context_table[context].unit;
    curve->limit_key = context_table[context].limit_key;
    curve->per_key_unit = context_table[context].limit_unit;
    curve->declared = column->runs[0]->histograms[kind].limit;
    if (done && values.counts == NULL)
        curve->unknown = "the runs have other limits";
    done = done && (values.counts == NULL || make_curve(curve, &values));
    free(counts);
    return done;
}

bool curve_figures(struct column *column)
{
    bool done = true;
    for (size_t context = 0; done && context < CONTEXT_COUNT; context++)
        done = curve_of(column, context);
    return done;
}

void curves_free(struct column *column)
{
    for (size_t context = 0; context < CONTEXT_ROWS; context++) {
        free(column->rows[context].curve.limits);
        free(column->rows[context].curve.shares);
    }
}

/* ---- what if ---- */

bool what_if_read(const char *text, struct what_if *what_if, struct failure *failure)
{
    const char *equals = strchr(text, '=');
    char *end = NULL;
    double value = equals != NULL ? strtod(equals + 1, &end) : 0;
    for (size_t c = 0; equals != NULL && c < CONTEXT_COUNT; c++) {
        const char *key = context_table[c].limit_key;
        size_t length = (size_t)(equals - text);
        if (key == NULL || strlen(key) != length || strncmp(key, text, length) != 0 ||
            histogram_of_context(c) == HISTOGRAM_KINDS)
            continue;
        if (end == equals + 1 || *end != '\0' || !isfinite(value) || value < 0)
            return failure_set(failure, EXIT_BAD_USAGE, "--what-if %s wants a number, not '%s'",
                               key, equals + 1);
        *what_if =
            (struct what_if){key, value, (enum context)c, value * context_table[c].limit_unit};
        return true;
    }
    return failure_set(failure, EXIT_BAD_USAGE,
                       "--what-if wants KEY=VALUE with one of message_delay_max_us, "
                       "heartbeat_gap_max_ms, version_lag_max, not '%s'",
                       text);
}

/* The share beyond a limit between the runs; where it lies inside a bin of any, only the least and
 * the greatest that it can be. */
static bool share_beyond(const struct column *column, enum histogram_kind kind, double limit,
                         struct figure *found)
{
    double *shares = calloc(column->run_count + 1, sizeof *shares);
    double least = HUGE_VAL, most = 0;
    bool is_exact = true;
    if (shares == NULL)
        return false;
    for (size_t r = 0; r < column->run_count; r++) {
        struct binned_values values = run_values(column->runs[r], kind);
        struct exceedance_bounds bounds = exceedance_at(&values, limit);
        double total = bounds.observations > 0 ? (double)bounds.observations : (double)NAN;
        shares[r] = (double)bounds.least / total;
        is_exact = is_exact && bounds.least == bounds.most;
        least = fmin(least, shares[r]);
        most = fmax(most, (double)bounds.most / total);
    }
    *found = figure_between_runs(shares, column->run_count, "no observation");
    if (found->unknown == NULL && !is_exact)
        *found = figure_interval((double)NAN, least, most);
    free(shares);
    return true;
}

static bool answer_column(struct column *column, const struct what_if *what_if)
{
    struct what_if_figures *w = &column->rows[what_if->context].what_if;
    enum histogram_kind kind = histogram_of_context(what_if->context);
    *w = (struct what_if_figures){.unknown = why_unwatched(column, what_if->context),
                                  .limit = what_if->limit};
    w->is_asked = true;
    if (w->unknown != NULL)
        return true;
    double declared = column->runs[0]->histograms[kind].limit;
    if (!share_beyond(column, kind, what_if->limit, &w->share) ||
        !share_beyond(column, kind, declared, &w->share_declared))
        return false;
    if (!(declared > 0) && kind != HISTOGRAM_LAG)
        w->share_declared = figure_unknown("no limit was declared");
    const struct figure *is = &w->share, *was = &w->share_declared;
    if (is->unknown != NULL || was->unknown != NULL || isnan(was->value) || !(was->value > 0))
        w->ratio = figure_unknown("nothing was beyond the declared limit");
    else if (isnan(is->value))
        w->ratio = figure_interval((double)NAN, is->low / was->value, is->high / was->value);
    else
        w->ratio = figure_interval(is->value / was->value, (double)NAN, (double)NAN);
    return true;
}

bool what_if_answer(struct comparison *c, const struct what_if *what_if)
{
    bool done = true;
    c->what_if = *what_if;
    for (size_t i = 0; done && i < c->column_count; i++)
        done = answer_column(&c->columns[i], what_if);
    return done;
}
