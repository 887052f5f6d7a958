#include "analysis/comparison/figures.h"

#include "analysis/comparison/curve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Coupling, trend and precedence over the repetitions: the metrics page, section 3. */

static const double STEPS_OF_P99 = 5, HEARTBEATS = 2, ROUNDS = 2;
enum { COUPLING_SEED = 1 };

static const char no_two[] = "no run at two nodes, whose delays say what is soon";
static const char no_delay[] = "no message delay at two nodes";

/* ---- how soon something may follow ---- */

/* The p99 of the one-way delay over the runs of a column: the largest of the runs' own. NaN: no
 * delay was seen, or the histogram does not reach so far. */
double column_delay_p99_s(const struct column *column)
{
    double p99_s = (double)NAN;
    for (size_t i = 0; i < column->run_count; i++) {
        struct binned_values delays = run_values(column->runs[i], HISTOGRAM_DELAY);
        p99_s = fmax(p99_s, binned_quantile(&delays, 0.99).high); /* fmax ignores NaN */
    }
    return isfinite(p99_s) ? p99_s : (double)NAN;
}

/* The smallest delay that any of these runs saw, at least 0. */
static double delay_least_s(const struct column *column, double least_s)
{
    for (size_t i = 0; i < column->run_count; i++) {
        const struct run_histogram *h = &column->runs[i]->histograms[HISTOGRAM_DELAY];
        size_t bin = 0;
        while (bin < h->bins && h->counts[bin] == 0)
            bin++;
        if (h->underflow > 0)
            least_s = 0;
        else if (bin < h->bins)
            least_s = fmin(least_s, h->edges[bin]);
    }
    return fmax(0, least_s);
}

static double setting_ms(const struct column *column, const char *key)
{
    return run_reader_number(column->runs[0]->reader, "/config", key);
}

/* What travels with messages follows within five times their p99; silence and beliefs ride on
 * heartbeats, decisions on the messages of the next round. NaN: unknown. */
static double reach_of(const struct column *column, const struct column *two, size_t context)
{
    switch (context) {
    case CONTEXT_HEARTBEAT_MISSED:
    case CONTEXT_DUAL_LEADER_OBSERVED:
    case CONTEXT_LEADER_VIEW_SPLIT:
        return HEARTBEATS * setting_ms(column, "heartbeat_ms") / 1e3;
    case CONTEXT_DECISION_SPLIT:
        return ROUNDS * setting_ms(column, "round_ms") / 1e3;
    default:
        return STEPS_OF_P99 * column_delay_p99_s(two);
    }
}

/* Of all contexts together, the one with the most episodes says how soon is soon. */
static size_t leading_context(const struct column *column)
{
    size_t leading = CONTEXT_MESSAGE_DELAY_EXCEEDED, most = 0;
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        size_t episodes = 0;
        for (size_t i = 0; i < column->run_count; i++)
            episodes += column->runs[i]->kept.count[c];
        if (episodes > most) {
            most = episodes;
            leading = c;
        }
    }
    return leading;
}

/* Why there are none; NULL: they are in *times. */
static const char *step_times_of(const struct column *column, const struct column *two,
                                 size_t context, struct step_times *times)
{
    size_t by = context < CONTEXT_COUNT ? context : leading_context(column);
    *times = (struct step_times){(double)NAN, (double)NAN};
    if (two->run_count == 0)
        return no_two;
    double reach_s = reach_of(column, two, by);
    double minimum_s = delay_least_s(two, delay_least_s(column, reach_s));
    if (!(reach_s > 0) || !isfinite(reach_s))
        return no_delay;
    *times = (struct step_times){fmin(minimum_s, reach_s), reach_s};
    return NULL;
}

/* ---- episodes of a column ---- */

/* Those of some contexts, run by run; the groups of a run are systems of their own, and stand as
 * runs. */
struct gathered {
    struct episode_start *items;
    struct episode_run *runs; /* [count] */
    size_t count;
    double window_s;
};

typedef bool choose_context(size_t context, size_t chosen);

static bool is_chosen(size_t context, size_t chosen)
{
    return chosen == ALL_CONTEXTS || context == chosen;
}

static bool is_of_class(size_t context, size_t class)
{
    return context_table[context].class == (enum context_class) class;
}

static size_t count_chosen(const struct run *run, choose_context *choose, size_t chosen)
{
    size_t count = 0;
    for (size_t c = 0; c < CONTEXT_COUNT; c++)
        count += choose(c, chosen) ? run->kept.count[c] : 0;
    return count;
}

/* Copy those of one group, with nodes counted from its first. */
static size_t copy_group(const struct run *run, uint32_t group, choose_context *choose,
                         size_t chosen, struct episode_start *items)
{
    uint32_t first = group * run->group_nodes;
    double last_s = nextafter(run->window_s, 0);
    size_t copied = 0;
    for (size_t c = 0; c < CONTEXT_COUNT; c++)
        for (size_t i = 0; choose(c, chosen) && i < run->kept.count[c]; i++) {
            const struct episode_start *e = &run->kept.items[c][i];
            if (e->node / run->group_nodes != group || e->peer / run->group_nodes != group)
                continue;
            items[copied++] = (struct episode_start){fmin(fmax(e->begin_s, 0), last_s),
                                                     e->node - first, e->peer - first};
        }
    return copied;
}

/* False when memory is short. With more episodes than are looked at, only their counts. */
static bool gather(const struct column *column, choose_context *choose, size_t chosen,
                   struct gathered *all)
{
    size_t total = 0, filled = 0, groups = column->nodes / column->group_nodes;
    for (size_t i = 0; i < column->run_count; i++) {
        total += count_chosen(column->runs[i], choose, chosen);
        all->window_s = fmax(all->window_s, column->runs[i]->window_s);
    }
    bool is_kept = total <= COUPLING_EPISODES_MAX;
    all->items = calloc((is_kept ? total : 0) + 1, sizeof *all->items);
    all->runs = calloc(column->run_count * groups + 1, sizeof *all->runs);
    if (all->items == NULL || all->runs == NULL)
        return false;
    for (size_t i = 0; i < column->run_count; i++)
        for (uint32_t group = 0; group < groups; group++) {
            struct episode_run *run = &all->runs[all->count++];
            run->episodes = all->items + filled;
            run->count =
                is_kept ? copy_group(column->runs[i], group, choose, chosen, all->items + filled)
                : group == 0 ? count_chosen(column->runs[i], choose, chosen)
                             : 0;
            filled += is_kept ? run->count : 0;
        }
    return true;
}

static void gathered_free(struct gathered *all)
{
    free(all->items);
    free(all->runs);
}

/* ---- coupling ---- */

/* Coupling is looked for once: it always leaves the self-stalled out. */
static bool find_coupling(const struct column *column, const struct column *two, size_t context,
                          struct stability_figures *s)
{
    struct gathered all = {.items = NULL};
    bool done = gather(column, is_chosen, context, &all);
    s->no_coupling = step_times_of(column, two, context, &s->times);
    if (done && s->no_coupling == NULL)
        done = coupling_of(all.runs, all.count, column->group_nodes, all.window_s, s->times,
                           COUPLING_SEED, &s->coupling);
    gathered_free(&all);
    return done;
}

/* ---- trend ---- */

/* The tally's windows, three to one. */
static void fill_windows(const struct tally_row *row, uint64_t *counts)
{
    static_assert(TALLY_WINDOWS % TREND_WINDOWS == 0, "windows merge evenly");
    for (size_t w = 0; w < TALLY_WINDOWS; w++)
        counts[w * TREND_WINDOWS / TALLY_WINDOWS] += row->windows[w];
}

static bool find_trend(const struct column *column, size_t context, enum variant variant,
                       struct stability_figures *s)
{
    size_t runs = column->run_count;
    uint64_t *counts = calloc(runs * TREND_WINDOWS + 1, sizeof *counts);
    double *slopes = calloc(runs + 1, sizeof *slopes);
    bool done = counts != NULL && slopes != NULL;
    for (size_t i = 0; done && i < runs; i++)
        fill_windows(&column->runs[i]->tally.rows[variant][context], counts + i * TREND_WINDOWS);
    if (done) {
        s->trend = trend_of(counts, runs, TREND_WINDOWS, slopes);
        s->slope = figure_between_runs(slopes, runs, "no window");
    }
    free(counts);
    free(slopes);
    return done;
}

/* ---- the verdict ---- */

static bool judge(const struct column *column, size_t context, enum variant variant,
                  struct stability_figures *s)
{
    struct stability_run *runs = calloc(column->run_count + 1, sizeof *runs);
    if (runs == NULL)
        return false;
    for (size_t i = 0; i < column->run_count; i++) {
        const struct run *run = column->runs[i];
        runs[i] = (struct stability_run){run->tally.rows[variant][context].episodes,
                                         run_outside_node(run, context, variant)};
    }
    /* Where coupling was not looked for, as where there are too many episodes for it. */
    struct coupling coupling = s->coupling;
    if (s->no_coupling != NULL)
        coupling =
            (struct coupling){.verdict = COUPLING_TOO_MANY, .episodes = COUPLING_EPISODES_MAX + 1};
    s->stability = stability_of(runs, column->run_count, &coupling, &s->trend);
    free(runs);
    if (s->no_coupling != NULL && s->stability.verdict == STABILITY_UNKNOWN)
        (void)snprintf(s->text, sizeof s->text, "unknown (%s)", s->no_coupling);
    else
        stability_text(&s->stability, s->text);
    return true;
}

static bool stability_of_row(struct column *column, const struct column *two, size_t context)
{
    struct stability_figures *all = &column->rows[context].stability[WITH_STALLED];
    const char *why = why_unwatched(column, context);
    for (enum variant v = 0; v < VARIANT_COUNT; v++)
        column->rows[context].stability[v] = (struct stability_figures){.unknown = why};
    if (why != NULL)
        return true;
    bool done = find_coupling(column, two, context, all);
    all->left_out = column->rows[context].self_stalled;
    column->rows[context].stability[WITHOUT_STALLED] = *all;
    for (enum variant v = 0; done && v < VARIANT_COUNT; v++) {
        struct stability_figures *s = &column->rows[context].stability[v];
        done = find_trend(column, context, v, s) && judge(column, context, v, s);
    }
    return done;
}

/* ---- time before state ---- */

static bool find_precedence(struct column *column)
{
    struct precedence_figures *p = &column->precedence;
    const struct stability_figures *all = &column->rows[ALL_CONTEXTS].stability[WITH_STALLED];
    *p = (struct precedence_figures){.unknown =
                                         all->unknown != NULL ? all->unknown : all->no_coupling,
                                     .reach_s = all->times.reach_s};
    if (p->unknown != NULL)
        return true;
    struct gathered time = {.items = NULL}, state = {.items = NULL};
    bool done = gather(column, is_of_class, CLASS_TIME, &time) &&
                gather(column, is_of_class, CLASS_STATE, &state);
    struct precedence_run *runs = calloc(time.count + 1, sizeof *runs);
    done = done && runs != NULL;
    for (size_t i = 0; done && i < time.count; i++)
        runs[i] = (struct precedence_run){time.runs[i], state.runs[i]};
    done = done && precedence_of(runs, time.count, column->group_nodes, time.window_s, p->reach_s,
                                 COUPLING_SEED, &p->found);
    free(runs);
    gathered_free(&time);
    gathered_free(&state);
    return done;
}

bool stability_figures(struct column *column, const struct column *two)
{
    bool done = true;
    for (size_t context = 0; done && context < CONTEXT_ROWS; context++)
        done = stability_of_row(column, two, context);
    return done && find_precedence(column);
}
