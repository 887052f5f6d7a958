#include "analysis/comparison/figures.h"
#include "analysis/comparison/trace_sum.h"

#include "analysis/metrics/rates.h"

#include <math.h>
#include <stdlib.h>

/* ---- values of one run ---- */

typedef double trace_value(const struct run *run);

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

static double backlog_mean_of(const struct run *run)
{
    return ratio(run->trace.backlog.unseen_s, run->trace.backlog.watched_s);
}

static double share_above_limit(const struct run *run)
{
    return ratio(run->trace.backlog.beyond_s, run->trace.backlog.watched_s);
}

static double rises_per_node_s(const struct run *run)
{
    return ratio((double)run->trace.backlog.rises, run->trace.backlog.watched_s);
}

static double stale_writes(const struct run *run)
{
    return ratio((double)run->trace.backlog.writes_on_stale, (double)run->trace.backlog.writes);
}

static double late_somewhere(const struct run *run)
{
    return ratio((double)run->trace.backlog.late_somewhere, (double)run->trace.backlog.everywhere);
}

/* ---- between the runs ---- */

/* Values of the runs that have a trace, each from a function or from a member at `offset` of struct
 * trace_found. False when memory is short. */
static bool between_values(const struct column *column, trace_value *value_of, size_t offset,
                           const char *why, struct figure *found)
{
    double *values = calloc(column->run_count + 1, sizeof *values);
    if (values == NULL)
        return false;
    for (size_t i = 0; i < column->run_count; i++) {
        const struct run *run = column->runs[i];
        const char *trace = (const char *)&run->trace;
        if (run->trace.unknown != NULL)
            values[i] = (double)NAN;
        else
            values[i] =
                value_of != NULL ? value_of(run) : *(const double *)(const void *)(trace + offset);
    }
    *found = figure_between_runs(values, column->run_count, why);
    free(values);
    return true;
}

static bool between(const struct column *column, trace_value *value_of, const char *why,
                    struct figure *found)
{
    return between_values(column, value_of, 0, why, found);
}

#define AT(member) offsetof(struct trace_found, member)

static bool between_members(const struct column *column, size_t offset, const char *why,
                            struct figure *found)
{
    return between_values(column, NULL, offset, why, found);
}

/* ---- awareness ---- */

static struct figure share_of(uint64_t part, uint64_t whole, const char *why)
{
    if (whole == 0)
        return figure_unknown(why);
    struct rate_interval share = share_interval(part, whole, 0.95);
    return figure_interval(share.value, share.low, share.high);
}

static double setting(const struct column *column, const char *key)
{
    return run_reader_number(column->runs[0]->reader, "/config/corridor", key);
}

static bool find_awareness(const struct column *column, struct awareness_figures *a)
{
    static const char no_interval[] = "no replica was beyond the limit";
    *a = (struct awareness_figures){.limit = setting(column, "version_lag_max"),
                                    .uncertainty_s = (double)NAN,
                                    .reaction_s = (double)NAN};
    a->sum.first_badge_longest_s = (double)NAN;
    for (size_t i = 0; i < column->run_count; i++) {
        const struct trace_found *trace = &column->runs[i]->trace;
        if (trace->unknown != NULL)
            continue;
        if (trace->no_awareness != NULL)
            a->unknown = trace->no_awareness;
        a->uncertainty_s = fmax(a->uncertainty_s, trace->uncertainty_s);
        a->reaction_s = fmax(a->reaction_s, trace->reaction_s);
        awareness_add(&a->sum, &trace->awareness);
        a->sum.first_badge_longest_s =
            fmax(a->sum.first_badge_longest_s, trace->awareness.first_badge_longest_s);
    }
    a->none = share_of(a->sum.none, a->sum.intervals, no_interval);
    a->some = share_of(a->sum.some, a->sum.intervals, no_interval);
    a->all = share_of(a->sum.all, a->sum.intervals, no_interval);
    a->unmatched = share_of(a->sum.badges_unmatched, a->sum.badges, "no badge");
    return between_members(column, AT(awareness.first_badge_mean_s), "nobody ever knew",
                           &a->first_badge_mean_s) &&
           between_members(column, AT(awareness.first_badge_median_s), "nobody ever knew",
                           &a->first_badge_median_s);
}

/* ---- enforcement ---- */

static const char no_write[] = "no write was acknowledged so";

static void add_wait(struct wait_figures *sum, const struct enforced_wait *one)
{
    sum->writes += one->writes;
    sum->delay_episodes += one->delay_episodes;
    sum->longest_s = fmax(sum->longest_s, one->longest_s);
}

/* What one rule cost; `rule` is where it stands in struct trace_found. */
static bool find_waits(const struct column *column, size_t rule, struct wait_figures *waits)
{
#define WAIT(member) (rule + offsetof(struct enforced_wait, member))
    return between_members(column, WAIT(mean_s), no_write, &waits->mean_s) &&
           between_members(column, WAIT(median_s), no_write, &waits->median_s) &&
           between_members(column, WAIT(cap_per_s), no_write, &waits->cap_per_s) &&
           between_members(column, WAIT(asked_per_s), no_write, &waits->asked_per_s);
#undef WAIT
}

static bool find_enforcement(const struct column *column, struct enforcement_figures *e)
{
    *e = (struct enforcement_figures){.all.longest_s = (double)NAN,
                                      .majority.longest_s = (double)NAN};
    for (size_t i = 0; i < column->run_count; i++) {
        const struct trace_found *trace = &column->runs[i]->trace;
        if (trace->unknown != NULL)
            continue;
        enforcement_add(&e->sum, &trace->enforcement);
        add_wait(&e->all, &trace->enforcement.all);
        add_wait(&e->majority, &trace->enforcement.majority);
    }
    if (e->sum.writes == 0)
        e->unknown = "no write in the trace";
    return find_waits(column, AT(enforcement.all), &e->all) &&
           find_waits(column, AT(enforcement.majority), &e->majority);
}

/* ---- backlog ---- */

static bool find_backlog(const struct column *column, struct backlog_figures *b)
{
    double limit = setting(column, "version_lag_max");
    double delay_max = setting(column, "message_delay_max_us");
    *b = (struct backlog_figures){.limit = isfinite(limit) ? floor(limit) : (double)NAN};
    for (size_t i = 0; i < column->run_count; i++)
        b->forgotten +=
            column->runs[i]->trace.unknown == NULL ? column->runs[i]->trace.backlog.forgotten : 0;
    bool done = between(column, backlog_mean_of, "nothing watched", &b->mean) &&
                between(column, share_above_limit, "nothing watched", &b->share_above_limit) &&
                between(column, rises_per_node_s, "nothing watched", &b->rises_per_node_s) &&
                between(column, stale_writes, "no write", &b->stale_writes) &&
                between_members(column, AT(backlog.visible_median_s), "no write reached all peers",
                                &b->visible_median_s) &&
                between_members(column, AT(backlog.visible_p99_s), "no write reached all peers",
                                &b->visible_p99_s) &&
                between(column, late_somewhere, "no write reached all peers", &b->late_somewhere);
    if (!isfinite(limit))
        b->share_above_limit = b->rises_per_node_s = figure_unknown("version_lag_max is off");
    if (!isfinite(delay_max))
        b->late_somewhere = figure_unknown("message_delay_max_us is off");
    return done;
}

/* ---- all of it ---- */

bool trace_figures(struct column *column)
{
    struct trace_figures *t = &column->trace;
    *t = (struct trace_figures){.unknown = "no run at this node count"};
    for (size_t i = 0; i < column->run_count; i++) {
        const struct trace_found *trace = &column->runs[i]->trace;
        t->runs += trace->unknown == NULL;
        t->systems = trace->systems;
        t->events += trace->events;
        t->out_of_order += trace->out_of_order;
        t->unknown = trace->unknown;
    }
    if (t->runs == 0)
        return true;
    t->unknown = NULL;
    return between_members(column, AT(horizon_s), "no trace", &t->covered_s) &&
           find_awareness(column, &t->awareness) && find_enforcement(column, &t->enforcement) &&
           find_backlog(column, &t->backlog);
}
