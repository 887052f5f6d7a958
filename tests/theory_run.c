#include "theory_run.h"

#include "analysis/metrics/backlog.h"
#include "planted.h"

#include <assert.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>

const char *const theory_quantity_names[THEORY_QUANTITIES] = {
    [UNSEEN_MEAN] = "unseen writes, mean",     [UNSEEN_ABOVE_0] = "unseen writes > 0",
    [UNSEEN_ABOVE_1] = "unseen writes > 1",    [UNSEEN_ABOVE_2] = "unseen writes > 2",
    [UNSEEN_ABOVE_3] = "unseen writes > 3",    [UNSEEN_RISES_ABOVE_1] = "rises above 1",
    [WRITTEN_ON_STALE] = "written on stale",   [VISIBLE_TO_HALF] = "visible at all, .5",
    [VISIBLE_TO_MOST] = "visible at all, .9",  [VERSION_LAG_ABOVE_0] = "version lag > 0",
    [VERSION_LAG_ABOVE_1] = "version lag > 1",
};

double theory_case_delay_s(const struct theory_case *theory_case)
{
    return theory_case->law.constant_s + theory_case->law.exponential_s;
}

double theory_case_rate_per_s(const struct theory_case *theory_case)
{
    return theory_case->load / theory_case_delay_s(theory_case);
}

/* Delays drawn one after the other: nothing here may depend on link or number. */
struct plan {
    struct delay_law law;
    gsl_rng *rng;
};

static double delay_of(void *self, uint32_t from, uint32_t to, const struct message *message,
                       double now_s)
{
    const struct plan *plan = self;
    (void)from, (void)to, (void)message, (void)now_s;
    double random_s =
        plan->law.exponential_s > 0 ? gsl_ran_exponential(plan->rng, plan->law.exponential_s) : 0;
    return plan->law.constant_s + random_s;
}

/* No heartbeat stands in the way of a write, and a message is taken when it arrives. */
static struct fake_run *run_case(const struct theory_case *theory_case, uint32_t seed)
{
    static const double WARMUP_DELAYS = 20, NO_HEARTBEAT_S = 1e7;
    struct planted_net unused = {.seed = 0};
    struct fake_run_setup setup = planted_setup(theory_case->nodes, seed, &unused);
    struct plan plan = {theory_case->law, gsl_rng_alloc(gsl_rng_mt19937)};
    assert(plan.rng != NULL);
    gsl_rng_set(plan.rng, seed);
    setup.delay = delay_of;
    setup.plan = &plan;
    setup.rate_per_s = theory_case_rate_per_s(theory_case);
    setup.heartbeat_s = NO_HEARTBEAT_S;
    setup.idle_s = 0;
    setup.warmup_s = WARMUP_DELAYS * theory_case_delay_s(theory_case);
    setup.duration_s = theory_case->writes / (setup.rate_per_s * setup.nodes);
    setup.observe = false;
    struct trace_load load = {setup.rate_per_s, setup.duration_s, setup.nodes, setup.nodes, 1e6};
    setup.trace_capacity = trace_capacity(&load);
    struct fake_run *run = fake_run(&setup);
    gsl_rng_free(plan.rng);
    return run;
}

/* ---- from traces to events ---- */

struct events {
    struct replica_event *events;
    size_t count;
};

static struct events events_of(const struct fake_run *run)
{
    struct events all = {NULL, 0};
    size_t total = 0;
    for (uint32_t node = 0; node < run->setup.nodes; node++) {
        if (trace_dropped(run->node[node].trace) > 0)
            abort(); /* half of a run would not show in the figures */
        total += trace_count(run->node[node].trace);
    }
    all.events = calloc(total + 1, sizeof *all.events);
    assert(all.events != NULL);
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        for (uint64_t place = 0; place < trace_count(run->node[node].trace); place++) {
            struct trace_event e = fake_run_trace(run, node, place);
            all.events[all.count++] =
                (struct replica_event){.at_s = e.global_s,
                                       .written_s = e.sent_s,
                                       .version = e.version,
                                       .node = node,
                                       .writer = e.kind == BOUNDARY_SEND ? node : e.peer};
        }
    return all;
}

/* ---- what they say ---- */

static void read_backlog(const struct fake_run *run, const struct write_history *history,
                         double delay_s, double *found)
{
    struct backlog backlog = {.watched_s = 0};
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        if (!backlog_add(&backlog, history, node, 0, run->setup.duration_s))
            abort();
    found[UNSEEN_MEAN] = backlog.unseen_s / backlog.watched_s;
    for (uint32_t limit = 0; limit <= 3; limit++)
        found[UNSEEN_ABOVE_0 + limit] = backlog_share_above(&backlog, limit);
    found[UNSEEN_RISES_ABOVE_1] = (double)backlog.rises[1] / backlog.watched_s * delay_s;
    found[WRITTEN_ON_STALE] = (double)backlog.writes_on_stale / (double)backlog.writes;
}

static void read_visibility(const struct fake_run *run, const struct write_history *history,
                            double delay_s, double *found)
{
    double *after_s = calloc(history->count + 1, sizeof *after_s);
    size_t count = 0;
    assert(after_s != NULL);
    for (size_t i = 0; i < history->count; i++)
        if (history->writes[i].at_s >= 0 && history->writes[i].at_s < run->setup.duration_s)
            after_s[count++] = write_visible_after_s(history, i);
    gsl_sort(after_s, 1, count);
    found[VISIBLE_TO_HALF] = gsl_stats_quantile_from_sorted_data(after_s, 1, count, 0.5) / delay_s;
    found[VISIBLE_TO_MOST] = gsl_stats_quantile_from_sorted_data(after_s, 1, count, 0.9) / delay_s;
    free(after_s);
}

/* Each node's events are still in its own order. */
static void read_version_lag(const struct events *all, double *found)
{
    uint64_t known = 0, updates = 0, above[2] = {0, 0};
    for (size_t i = 0; i < all->count; i++) {
        const struct replica_event *e = &all->events[i];
        if (i > 0 && e->node != all->events[i - 1].node)
            known = 0;
        if (e->node != e->writer && known > 0) {
            updates++;
            above[0] += known + 1 > e->version;
            above[1] += known + 1 > e->version + 1;
        }
        known = e->version > known ? e->version : known;
    }
    found[VERSION_LAG_ABOVE_0] = (double)above[0] / (double)updates;
    found[VERSION_LAG_ABOVE_1] = (double)above[1] / (double)updates;
}

void theory_run(const struct theory_case *theory_case, uint32_t seed,
                double found[THEORY_QUANTITIES])
{
    double delay_s = theory_case_delay_s(theory_case);
    struct fake_run *run = run_case(theory_case, seed);
    struct events all = events_of(run);
    struct write_history history;
    read_version_lag(&all, found);
    if (!write_history_make(&history, all.events, all.count, run->setup.nodes))
        abort();
    read_backlog(run, &history, delay_s, found);
    read_visibility(run, &history, delay_s, found);
    write_history_free(&history);
    free(all.events);
    fake_run_free(run);
}
