/* From a run file's trace and badges to what they tell: the merge, beside the same events handed to
 * the metrics in one sorted list. */

#include "agrees.h"
#include "cunit_main.h"
#include "drawn_trace.h"
#include "made_comparison.h"

#include <gsl/gsl_randist.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 4 };
static const double DURATION_S = 5, UNCERTAINTY_S = 1e-7;
/* Times that a file holds are local; the nodes' clocks differ by this. */
static const double shift_s[2 * NODES] = {0, 0.001, -0.002, 0.0005, 0, 0.001, -0.002, 0.0005};

static double delay_s(gsl_rng *rng, uint32_t from, uint32_t to)
{
    return 0.001 * (from + 1) + gsl_ran_exponential(rng, 0.003 * (to + 1));
}

/* ---- a run file of merged events ---- */

struct rows {
    struct trace_event *events;
    size_t event_count;
    struct made_episode *episodes;
    size_t episode_count;
};

static struct trace_event row_of(const struct merged_event *e, uint32_t first_rank)
{
    bool is_write = e->kind == MERGED_WRITE;
    uint32_t node = e->node + first_rank;
    return (struct trace_event){.time_s = e->time_s - shift_s[node],
                                .sent_s = is_write ? e->time_s : e->sent_s,
                                .version = e->version,
                                .sequence = e->sequence,
                                .node = node,
                                .peer = is_write ? node : e->peer + first_rank,
                                .key = (int16_t)e->key,
                                .kind = (uint16_t)(is_write ? BOUNDARY_SEND : BOUNDARY_UPDATE)};
}

/* Add the events of one system whose nodes begin at that rank. */
static void add_rows(struct rows *rows, const struct merged_list *list, uint32_t first_rank)
{
    rows->events =
        realloc(rows->events, (rows->event_count + list->count + 1) * sizeof *rows->events);
    rows->episodes =
        realloc(rows->episodes, (rows->episode_count + list->count + 1) * sizeof *rows->episodes);
    if (rows->events == NULL || rows->episodes == NULL)
        abort();
    for (uint32_t node = 0; node < NODES; node++)
        for (size_t i = 0; i < list->count; i++) {
            const struct merged_event *e = &list->items[i];
            if (e->node != node)
                continue;
            double local_s = e->time_s - shift_s[node + first_rank];
            if (e->kind == MERGED_BADGE)
                rows->episodes[rows->episode_count++] = (struct made_episode){
                    local_s, local_s + 1e-4, node + first_rank, e->peer + first_rank, e->context,
                    0,       false};
            else
                rows->events[rows->event_count++] = row_of(e, first_rank);
        }
}

static void rows_free(struct rows *rows)
{
    free(rows->events);
    free(rows->episodes);
}

static struct made_run run_of(const struct rows *rows, uint32_t nodes)
{
    static const struct made_value delays[] = {{0.002, 985}, {0.02, 15}};
    struct made_run run = made_run_default(nodes, 1);
    run.config.duration_s = DURATION_S;
    run.config.keys = 3;
    run.uncertainty_s = UNCERTAINTY_S;
    run.shift_s = shift_s;
    run.values[HISTOGRAM_DELAY] = (struct made_values){delays, LENGTH(delays)};
    run.trace = (struct made_trace){rows->events, rows->event_count, NULL};
    return run;
}

/* A drawn system of four nodes and three keys; a badge where a node takes something very late. */
static void draw(unsigned long seed, struct merged_list *list)
{
    struct drawn_system system = {
        .nodes = NODES, .keys = 3, .writes_per_s = 60, .until_s = DURATION_S, .delay_s = delay_s};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, seed);
    drawn_trace(&system, rng, list);
    gsl_rng_free(rng);
    size_t count = list->count;
    for (size_t i = 0; i < count; i++) {
        struct merged_event e = list->items[i];
        if (e.kind == MERGED_DELIVERY && e.time_s - e.sent_s > 0.02 && e.time_s < DURATION_S - 0.01)
            merged_add(list, opened(e.time_s, e.node, e.peer, i % 2 ? LAG : DELAY));
    }
    merged_sort(list);
}

/* ---- the same by hand ---- */

struct told {
    struct awareness awareness;
    struct enforcement enforcement;
    struct backlog_found backlog;
};

static struct told tell(const struct merged_list *list, double horizon_s, double reaction_s)
{
    struct awareness_pass *awareness = awareness_begin(
        &(struct awareness_setup){NODES, 3, 1, 2 * UNCERTAINTY_S, reaction_s, horizon_s});
    struct enforcement_pass *enforcement =
        enforcement_begin(&(struct enforcement_setup){NODES, 3, horizon_s});
    struct backlog_pass *backlog =
        backlog_begin(&(struct backlog_setup){NODES, 1, 0.001, horizon_s});
    for (size_t i = 0; i < list->count; i++) {
        awareness_take(awareness, &list->items[i]);
        enforcement_take(enforcement, &list->items[i]);
        backlog_take(backlog, &list->items[i]);
    }
    struct told told = {awareness_end(awareness), enforcement_end(enforcement),
                        backlog_end(backlog)};
    awareness_free(awareness);
    enforcement_free(enforcement);
    backlog_pass_free(backlog);
    return told;
}

static void check_awareness(const struct awareness *found, const struct awareness *wanted)
{
    CU_ASSERT_EQUAL(found->intervals, wanted->intervals);
    CU_ASSERT_EQUAL(found->none, wanted->none);
    CU_ASSERT_EQUAL(found->some, wanted->some);
    CU_ASSERT_EQUAL(found->all, wanted->all);
    CU_ASSERT_EQUAL(found->badges, wanted->badges);
    CU_ASSERT_EQUAL(found->badges_unmatched, wanted->badges_unmatched);
    CU_ASSERT(fabs(found->beyond_s - wanted->beyond_s) < 1e-9);
}

static void check_told(const struct trace_found *found, const struct told *wanted)
{
    check_awareness(&found->awareness, &wanted->awareness);
    CU_ASSERT_EQUAL(found->enforcement.writes, wanted->enforcement.writes);
    CU_ASSERT_EQUAL(found->enforcement.open, wanted->enforcement.open);
    CU_ASSERT_EQUAL(found->enforcement.state_episodes, wanted->enforcement.state_episodes);
    CU_ASSERT_EQUAL(found->enforcement.delay_episodes, wanted->enforcement.delay_episodes);
    CU_ASSERT(fabs(found->enforcement.all.mean_s - wanted->enforcement.all.mean_s) < 1e-9);
    CU_ASSERT(fabs(found->enforcement.majority.mean_s - wanted->enforcement.majority.mean_s) <
              1e-9);
    CU_ASSERT(fabs(found->backlog.unseen_s - wanted->backlog.unseen_s) < 1e-9);
    CU_ASSERT_EQUAL(found->backlog.rises, wanted->backlog.rises);
    CU_ASSERT_EQUAL(found->backlog.late_somewhere, wanted->backlog.late_somewhere);
}

/* The p99 of the declared delays, as the histogram knows it. */
static double p99_s(const struct run *run)
{
    return run->trace.reaction_s;
}

static void test_merge(void)
{
    struct made_comparison made = {.count = 0};
    struct merged_list list = {NULL, 0, 0};
    struct rows rows = {NULL, 0, NULL, 0};
    draw(1, &list);
    add_rows(&rows, &list, 0);
    made_add_list(&made, run_of(&rows, NODES), rows.episodes, rows.episode_count);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct run *run = &made.comparison.runs[0];
    CU_ASSERT_PTR_NULL(run->trace.unknown);
    CU_ASSERT_EQUAL(run->trace.events, rows.event_count);
    CU_ASSERT_EQUAL(run->trace.out_of_order, 0);
    CU_ASSERT(p99_s(run) >= 0.02 && p99_s(run) < 0.0207);
    struct told wanted = tell(&list, DURATION_S, p99_s(run));
    CU_ASSERT(wanted.awareness.intervals > 50 && wanted.awareness.some > 10);
    CU_ASSERT(wanted.enforcement.delay_episodes > 10);
    check_told(&run->trace, &wanted);
    const struct trace_figures *figures = &made.comparison.columns[1].trace;
    CU_ASSERT(agrees(figures->awareness.some.value,
                     (double)wanted.awareness.some / (double)wanted.awareness.intervals));
    CU_ASSERT_EQUAL(figures->awareness.sum.intervals, wanted.awareness.intervals);
    CU_ASSERT(fabs(figures->backlog.mean.value - wanted.backlog.unseen_s / (NODES * DURATION_S)) <
              1e-9);
    made_reset(&made);
    merged_free(&list);
    rows_free(&rows);
}

/* One node's trace is full early: nothing after it is told of any node. */
static void test_horizon(void)
{
    static const double covered_s[NODES] = {5, 5, 2.5, 4};
    struct made_comparison made = {.count = 0};
    struct merged_list list = {NULL, 0, 0};
    struct rows rows = {NULL, 0, NULL, 0};
    draw(2, &list);
    add_rows(&rows, &list, 0);
    struct made_run made_run = run_of(&rows, NODES);
    made_run.trace.covered_until_s = covered_s;
    made_add_list(&made, made_run, rows.episodes, rows.episode_count);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct run *run = &made.comparison.runs[0];
    struct told wanted = tell(&list, 2.5, p99_s(run));
    CU_ASSERT(agrees(run->trace.horizon_s, 2.5));
    check_told(&run->trace, &wanted);
    made_reset(&made);
    merged_free(&list);
    rows_free(&rows);
}

/* Two groups: counts are sums, means the mean of both. */
static void test_groups(void)
{
    struct made_comparison made = {.count = 0};
    struct merged_list lists[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
    struct rows rows = {NULL, 0, NULL, 0};
    struct told told[2];
    for (uint32_t g = 0; g < 2; g++) {
        draw(3 + g, &lists[g]);
        add_rows(&rows, &lists[g], g * NODES);
    }
    struct made_run made_run = run_of(&rows, 2 * NODES);
    made_run.config.groups = NODES;
    made_add_list(&made, made_run, rows.episodes, rows.episode_count);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct trace_found *found = &made.comparison.runs[0].trace;
    for (uint32_t g = 0; g < 2; g++)
        told[g] = tell(&lists[g], DURATION_S, p99_s(&made.comparison.runs[0]));
    CU_ASSERT_EQUAL(found->systems, 2);
    CU_ASSERT_EQUAL(found->awareness.intervals,
                    told[0].awareness.intervals + told[1].awareness.intervals);
    CU_ASSERT_EQUAL(found->enforcement.writes,
                    told[0].enforcement.writes + told[1].enforcement.writes);
    CU_ASSERT(fabs(found->enforcement.all.mean_s -
                   (told[0].enforcement.all.mean_s + told[1].enforcement.all.mean_s) / 2) < 1e-9);
    CU_ASSERT(fabs(found->backlog.unseen_s - told[0].backlog.unseen_s - told[1].backlog.unseen_s) <
              1e-9);
    made_reset(&made);
    for (uint32_t g = 0; g < 2; g++)
        merged_free(&lists[g]);
    rows_free(&rows);
}

/* ---- files that say nothing, or too much ---- */

static void expect_refused(struct trace_event event)
{
    struct made_comparison made = {.count = 0};
    struct rows rows = {&event, 1, NULL, 0};
    struct made_run run = run_of(&rows, NODES);
    made_add(&made, &run);
    CU_ASSERT_FALSE(made_compare(&made, false));
    CU_ASSERT_EQUAL(made.failure.code, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(made.failure.text, "/trace"));
    made_reset(&made);
}

static void test_hostile(void)
{
    const struct trace_event good = {.time_s = 1, .version = 1, .key = 0, .kind = BOUNDARY_SEND};
    struct trace_event bad = good;
    bad.key = 3;
    expect_refused(bad);
    bad.key = -2;
    expect_refused(bad);
    bad = good;
    bad.kind = BOUNDARY_UPDATE; /* of one's own write */
    expect_refused(bad);
    bad.peer = 1; /* times that go back are taken as now */
    struct trace_event back[2] = {bad, bad};
    back[1].time_s = 0.5;
    struct made_comparison made = {.count = 0};
    struct rows rows = {back, 2, NULL, 0};
    struct made_run run = run_of(&rows, NODES);
    made_add(&made, &run);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_EQUAL(made.comparison.runs[0].trace.out_of_order, 1);
    made_reset(&made);
}

static void expect_unknown(struct made_run run, const char *why)
{
    struct made_comparison made = {.count = 0};
    made_add(&made, &run);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct trace_figures *found = &made.comparison.columns[1].trace;
    CU_ASSERT_STRING_EQUAL(found->unknown != NULL ? found->unknown : "", why);
    made_reset(&made);
}

static void test_unknown(void)
{
    static const double nothing_s[NODES] = {5, 0, 5, 5};
    struct trace_event one = {.time_s = 1, .version = 1, .key = 0, .kind = BOUNDARY_SEND};
    struct rows rows = {&one, 1, NULL, 0};
    struct made_run run = run_of(&rows, NODES);
    expect_unknown(made_run_default(NODES, 1), "no trace");
    run.trace.covered_until_s = nothing_s;
    expect_unknown(run, "the trace of some node covers nothing");
    run = run_of(&rows, NODES);
    (void)snprintf(run.config.system, sizeof run.config.system, "leader");
    expect_unknown(run, "this system keeps no replicas");
    run = run_of(&rows, NODES);
    run.config.corridor.limit[LAG] = (double)INFINITY;
    struct made_comparison made = {.count = 0};
    made_add(&made, &run);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct trace_figures *found = &made.comparison.columns[1].trace;
    CU_ASSERT_PTR_NULL(found->unknown);
    CU_ASSERT_STRING_EQUAL(found->awareness.unknown, "version_lag_max is off");
    CU_ASSERT_PTR_NOT_NULL(found->backlog.share_above_limit.unknown);
    CU_ASSERT_PTR_NULL(found->backlog.mean.unknown);
    made_reset(&made);
}

int main(void)
{
    CU_TestInfo tests[] = {{"the merge", test_merge},
                           {"the earliest end of any trace", test_horizon},
                           {"runs in groups", test_groups},
                           {"events that no run has", test_hostile},
                           {"traces that say nothing", test_unknown},
                           CU_TEST_INFO_NULL};
    return cunit_main("comparison: trace", tests);
}
