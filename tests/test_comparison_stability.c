/* Does drift stabilise or cascade? The whole path, from run files to the verdict, on episodes whose
 * cause was planted. */

#include "agrees.h"
#include "cunit_main.h"
#include "drawn_episodes.h"
#include "made_comparison.h"

#include <stdlib.h>
#include <string.h>

enum { RUNS = 6 };

/* Delays of 0.2 ms at least, with a p99 of 1 ms: five times that is the 5 ms of the drawn plans. */
static const struct made_value delays[] = {{0.0002, 900}, {0.000999, 100}};

static struct made_run run_with_delays(uint32_t nodes, uint32_t repetition)
{
    struct made_run run = made_run_default(nodes, repetition);
    run.values[HISTOGRAM_DELAY] = (struct made_values){delays, LENGTH(delays)};
    return run;
}

static int by_node(const void *a, const void *b)
{
    const struct made_episode *x = a, *y = b;
    if (x->node != y->node)
        return x->node > y->node ? 1 : -1;
    return (x->begin_s > y->begin_s) - (x->begin_s < y->begin_s);
}

/* What was drawn, as episodes of 0.1 ms in one context; node 0 emits first. */
static void add_drawn(struct made_comparison *made, struct made_run run,
                      const struct drawn_episodes *drawn, uint32_t flags)
{
    struct made_episode *episodes = calloc(drawn->count + 1, sizeof *episodes);
    if (episodes == NULL)
        abort();
    for (size_t i = 0; i < drawn->count; i++)
        episodes[i] = (struct made_episode){.begin_s = drawn->items[i].begin_s,
                                            .end_s = drawn->items[i].begin_s + 1e-4,
                                            .node = drawn->items[i].node,
                                            .peer = drawn->items[i].peer,
                                            .context = DELAY,
                                            .flags = flags};
    qsort(episodes, drawn->count, sizeof *episodes, by_node);
    made_add_list(made, run, episodes, drawn->count);
    free(episodes);
}

/* Six runs of the plan, and six silent ones at two nodes. */
static void compare_drawn(struct made_comparison *made, const struct drawn_plan *plan,
                          uint32_t flags)
{
    struct drawn_episodes drawn = {NULL, 0, 0};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    *made = (struct made_comparison){.count = 0};
    for (uint32_t r = 1; r <= RUNS; r++) {
        struct made_run two = run_with_delays(2, r);
        made_add(made, &two);
        drawn_run(plan, rng, &drawn);
        add_drawn(made, run_with_delays(plan->nodes, r), &drawn, flags);
    }
    drawn_free(&drawn);
    gsl_rng_free(rng);
    CU_ASSERT_FATAL(made_compare(made, false));
}

static const struct stability_figures *found_in(const struct made_comparison *made, size_t column,
                                                enum variant variant)
{
    return &made_row(made, column, ALL_CONTEXTS)->stability[variant];
}

static void expect(const struct drawn_plan *plan, const char *wanted, enum coupling_verdict verdict)
{
    struct made_comparison made;
    compare_drawn(&made, plan, 0);
    const struct stability_figures *found = found_in(&made, 1, WITH_STALLED);
    CU_ASSERT_PTR_NULL(found->unknown);
    CU_ASSERT_STRING_EQUAL(found->text, wanted);
    CU_ASSERT_EQUAL(found->coupling.verdict, verdict);
    if (strcmp(found->text, wanted) != 0)
        printf("\n    %s, wanted %s", found->text, wanted);
    CU_ASSERT_STRING_EQUAL(found_in(&made, 0, WITH_STALLED)->text, "silent (6/6 runs)");
    /* The one context that has episodes says the same as all of them together. */
    CU_ASSERT_STRING_EQUAL(made_row(&made, 1, DELAY)->stability[WITH_STALLED].text, found->text);
    CU_ASSERT_STRING_EQUAL(made_row(&made, 1, LAG)->stability[WITH_STALLED].text,
                           "silent (6/6 runs)");
    CU_ASSERT_NOT_EQUAL(strstr(made.comparison.cells[1][ASPECT_STABILISES], wanted), NULL);
    made_reset(&made);
}

/* The positive control: the path from badges in files to the verdict must find what was planted,
 * and nothing where nothing was. */
static void test_planted_causes(void)
{
    struct drawn_plan chains = drawn_plan_of(DRAWN_CHAINS, 5);
    struct drawn_plan poisson = drawn_plan_of(DRAWN_POISSON, 5);
    struct drawn_plan bursts = drawn_plan_of(DRAWN_SHARED_BURSTS, 16);
    chains.branching = 0.2;
    expect(&chains, "propagates (6/6 runs)", COUPLING_COUPLED);
    expect(&poisson, "stabilises (6/6 runs)", COUPLING_NONE_FOUND);
    expect(&bursts, "common cause or coupling (6/6 runs)", COUPLING_CLUSTERED);
    chains.growth = poisson.growth = 4;
    expect(&chains, "cascades (6/6 runs)", COUPLING_COUPLED);
    expect(&poisson, "accumulates (6/6 runs)", COUPLING_NONE_FOUND);
}

/* All of it marked self-stalled: coupling is not looked for among these, and without them there is
 * silence. */
static void test_self_stalled(void)
{
    struct drawn_plan chains = drawn_plan_of(DRAWN_CHAINS, 5);
    struct made_comparison made;
    chains.branching = 0.2;
    compare_drawn(&made, &chains, BADGE_SELF_STALLED);
    const struct stability_figures *all = found_in(&made, 1, WITH_STALLED);
    CU_ASSERT_STRING_EQUAL(all->text, "too few (6/6 runs)");
    CU_ASSERT_EQUAL(all->coupling.episodes, 0);
    CU_ASSERT_EQUAL(all->left_out, made_row(&made, 1, ALL_CONTEXTS)->episodes);
    CU_ASSERT(all->left_out > 200);
    CU_ASSERT_STRING_EQUAL(found_in(&made, 1, WITHOUT_STALLED)->text, "silent (6/6 runs)");
    made_reset(&made);
}

/* Five times the p99 at two nodes, and the lower end of the bin of the smallest delay. */
static void test_step_times(void)
{
    struct drawn_plan poisson = drawn_plan_of(DRAWN_POISSON, 5);
    struct made_comparison made;
    compare_drawn(&made, &poisson, 0);
    struct step_times times = found_in(&made, 1, WITH_STALLED)->times;
    CU_ASSERT(times.reach_s >= 5 * 0.000999 && times.reach_s < 5 * 0.000999 * 1.04);
    CU_ASSERT(times.minimum_s <= 0.0002 && times.minimum_s > 0.0002 * 0.96);
    times = made_row(&made, 1, HEARTBEAT)->stability[WITH_STALLED].times;
    CU_ASSERT(agrees(times.reach_s, 0.04));
    made_reset(&made);
}

static void add_five(struct made_comparison *made, double rate_per_node_s, uint32_t repetition)
{
    struct drawn_plan poisson = drawn_plan_of(DRAWN_POISSON, 5);
    struct drawn_episodes drawn = {NULL, 0, 0};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    poisson.rate_per_node_s = rate_per_node_s;
    drawn_run(&poisson, rng, &drawn);
    add_drawn(made, run_with_delays(5, repetition), &drawn, 0);
    drawn_free(&drawn);
    gsl_rng_free(rng);
}

/* Without two nodes nobody knows how soon is soon. */
static void test_no_two_nodes(void)
{
    struct made_comparison made = {.count = 0};
    add_five(&made, 2, 1);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_STRING_EQUAL(found_in(&made, 1, WITH_STALLED)->text,
                           "unknown (no run at two nodes, whose delays say what is soon)");
    CU_ASSERT_STRING_EQUAL(found_in(&made, 0, WITH_STALLED)->unknown, "no run at this node count");
    CU_ASSERT_PTR_NOT_NULL(made.comparison.columns[1].precedence.unknown);
    made_reset(&made);
}

/* One run; more episodes than are looked at; and nothing at all. */
static void test_too_many(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run two = run_with_delays(2, 1);
    made_add(&made, &two);
    made_add_even(&made, run_with_delays(16, 1), DELAY, COUPLING_EPISODES_MAX + 1);
    add_five(&made, 1000, 1);
    add_five(&made, 0, 2);
    add_five(&made, 0, 3);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_STRING_EQUAL(found_in(&made, 2, WITH_STALLED)->text,
                           "unknown (too many episodes: more than 20000)");
    CU_ASSERT_EQUAL(found_in(&made, 2, WITH_STALLED)->coupling.episodes, COUPLING_EPISODES_MAX + 1);
    CU_ASSERT_STRING_EQUAL(found_in(&made, 1, WITH_STALLED)->text, "silent (2/3 runs)");
    CU_ASSERT_EQUAL(made.comparison.columns[2].precedence.found.verdict, PRECEDENCE_TOO_MANY);
    made_reset(&made);
}

/* A run in groups is several systems: chains in groups of five are found, and groups of two have
 * nobody who could follow. */
static void test_groups(void)
{
    struct drawn_plan chains = drawn_plan_of(DRAWN_CHAINS, 5);
    struct drawn_episodes drawn = {NULL, 0, 0}, both = {NULL, 0, 0};
    struct made_comparison made = {.count = 0};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    chains.branching = 0.2;
    for (uint32_t r = 1; r <= RUNS; r++) {
        struct made_run run = run_with_delays(2, r), pairs = run_with_delays(10, r);
        made_add(&made, &run);
        pairs.config.groups = 2;
        made_add_even(&made, pairs, DELAY, 100);
        both.count = 0;
        for (uint32_t group = 0; group < 2; group++) {
            drawn_run(&chains, rng, &drawn);
            both.items = realloc(both.items, (both.count + drawn.count + 1) * sizeof *both.items);
            for (size_t i = 0; i < drawn.count; i++) {
                struct episode_start e = drawn.items[i];
                both.items[both.count++] =
                    (struct episode_start){e.begin_s, e.node + 5 * group, e.peer + 5 * group};
            }
        }
        run = run_with_delays(10, r);
        run.config.groups = 5;
        add_drawn(&made, run, &both, 0);
    }
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct column *fives = made_column(&made, "2 × 5 nodes (control)");
    const struct column *pairs = made_column(&made, "5 × 2 nodes (control)");
    CU_ASSERT_STRING_EQUAL(fives->rows[DELAY].stability[0].text, "propagates (6/6 runs)");
    CU_ASSERT_EQUAL(pairs->rows[DELAY].stability[0].coupling.verdict, COUPLING_NOT_APPLICABLE);
    CU_ASSERT_EQUAL(pairs->rows[DELAY].stability[0].coupling.episodes, 600);
    made_reset(&made);
    drawn_free(&drawn);
    drawn_free(&both);
    gsl_rng_free(rng);
}

/* Outside all the time with few episodes is not silence. */
static void test_saturated(void)
{
    struct made_comparison made = {.count = 0};
    const struct made_episode long_ones[] = {{0.1, 4.9, 0, 1, DELAY, 0, false},
                                             {0.1, 4.9, 1, 0, DELAY, 0, false},
                                             {0.1, 4.9, 2, 0, DELAY, 0, false}};
    struct made_run two = run_with_delays(2, 1);
    made_add(&made, &two);
    made_add_list(&made, run_with_delays(3, 1), long_ones, LENGTH(long_ones));
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_STRING_EQUAL(found_in(&made, 1, WITH_STALLED)->text, "saturated (1/1 runs)");
    made_reset(&made);
}

/* State episodes 1 ms after time episodes of their node, and time episodes on their own. */
static void test_time_before_state(void)
{
    enum { PAIRS = 60 };
    struct made_comparison made = {.count = 0};
    struct made_episode episodes[PAIRS * 2];
    struct made_run two = run_with_delays(2, 1);
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    made_add(&made, &two);
    for (size_t i = 0; i < PAIRS; i++) {
        double at_s = 0.05 + 0.08 * (double)i + 0.02 * gsl_rng_uniform(rng);
        uint32_t node = (uint32_t)(i % 3);
        episodes[2 * i] =
            (struct made_episode){at_s, at_s + 1e-4, node, (node + 1) % 3, DELAY, 0, false};
        episodes[2 * i + 1] =
            (struct made_episode){at_s + 0.001, at_s + 0.0011, node, (node + 1) % 3, LAG, 0, false};
    }
    gsl_rng_free(rng);
    qsort(episodes, LENGTH(episodes), sizeof *episodes, by_node);
    made_add_list(&made, run_with_delays(3, 1), episodes, LENGTH(episodes));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct precedence *found = &made.comparison.columns[1].precedence.found;
    CU_ASSERT_EQUAL(found->verdict, PRECEDENCE_TIME_FIRST);
    CU_ASSERT_EQUAL(found->state_episodes, PAIRS);
    CU_ASSERT_EQUAL(found->time_episodes, PAIRS);
    CU_ASSERT(agrees(found->share, 1));
    made_reset(&made);
}

int main(void)
{
    CU_TestInfo tests[] = {{"planted causes", test_planted_causes},
                           {"self-stalled episodes", test_self_stalled},
                           {"how soon is soon", test_step_times},
                           {"no run at two nodes", test_no_two_nodes},
                           {"more episodes than are looked at", test_too_many},
                           {"runs in groups", test_groups},
                           {"outside all the time", test_saturated},
                           {"time before state", test_time_before_state},
                           CU_TEST_INFO_NULL};
    return cunit_main("comparison: stability", tests);
}
