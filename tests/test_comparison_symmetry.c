/* Which nodes emit, over the repetitions, and how each context reacts to scale and limit. */

#include "agrees.h"
#include "cunit_main.h"
#include "made_comparison.h"

#include <stdlib.h>
#include <string.h>

#define STALLED BADGE_SELF_STALLED

enum { NODES_MAX = 5 };

/* ---- symmetry ---- */

/* Each node emits its number of delays, evenly over the window. `flags` are those of the node that
 * emits most. */
static void add_uneven(struct made_comparison *made, uint32_t nodes, uint32_t repetition,
                       const size_t *of_node, uint32_t flags)
{
    struct made_episode *episodes = calloc((size_t)NODES_MAX * 100, sizeof *episodes);
    struct made_run run = made_run_default(nodes, repetition);
    size_t count = 0, most = 0;
    if (episodes == NULL)
        abort();
    for (uint32_t node = 0; node < nodes; node++)
        most = of_node[node] > most ? of_node[node] : most;
    for (uint32_t node = 0; node < nodes; node++)
        for (size_t i = 0; i < of_node[node]; i++) {
            double begin_s = ((double)i + 0.5) / (double)of_node[node] * 5;
            episodes[count++] = (struct made_episode){.begin_s = begin_s,
                                                      .end_s = begin_s + 0.001,
                                                      .node = node,
                                                      .peer = (node + 1) % nodes,
                                                      .context = DELAY,
                                                      .flags = of_node[node] == most ? flags : 0};
        }
    made_add_list(made, run, episodes, count);
    free(episodes);
}

static const struct symmetry_figures *symmetry_of_all(const struct made_comparison *made,
                                                      const char *label, enum variant variant)
{
    const struct column *column = made_column(made, label);
    return &column->rows[ALL_CONTEXTS].symmetry[variant];
}

static void test_figures_of_one_run(void)
{
    static const size_t uneven[] = {4, 4, 40, 4, 4};
    struct made_comparison made = {.count = 0};
    add_uneven(&made, 5, 1, uneven, 0);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct symmetry_figures *s = symmetry_of_all(&made, "5 nodes", WITH_STALLED);
    /* C = [metrics.windows([(i + .5) / c * 5 for i in range(c)], 5, 20) for c in (4, 4, 40, 4, 4)]
     * metrics.symmetry(C) */
    CU_ASSERT_STRING_EQUAL(s->verdict, "asymmetric");
    CU_ASSERT_EQUAL(s->top_node, 2);
    CU_ASSERT(made_is_single(&s->top_share, 0.7142857142857143));
    CU_ASSERT(made_is_single(&s->emitting, 5));
    CU_ASSERT(made_is_single(&s->jain, 0.3769230769230769));
    CU_ASSERT(made_is_single(&s->jain_expected, 0.9333333333333333));
    CU_ASSERT(made_is_single(&s->dispersion, 1));
    CU_ASSERT(made_is_single(&s->variation, 1.2576297758327863));
    CU_ASSERT(made_is_single(&s->episodes, 56));
    made_reset(&made);
}

/* 40 episodes in one twentieth of the window carry hardly more information than one. */
static void test_bursts_are_weak_evidence(void)
{
    struct made_episode burst[60];
    struct made_comparison made = {.count = 0};
    for (size_t i = 0; i < LENGTH(burst); i++) {
        uint32_t node = i >= 40;
        double begin_s = node == 0 ? 1.001 + 0.005 * (double)i : 0.125 + 0.25 * (double)(i - 40);
        burst[i] = (struct made_episode){begin_s, begin_s + 0.001, node, 1 - node, DELAY, 0, false};
    }
    made_add_list(&made, made_run_default(2, 1), burst, LENGTH(burst));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct symmetry_figures *s = symmetry_of_all(&made, "Two nodes", WITH_STALLED);
    /* C = [[40 if w == 4 else 0 for w in range(20)], [1] * 20]; metrics.symmetry(C) */
    CU_ASSERT_STRING_EQUAL(s->verdict, "symmetric (not rejected)");
    CU_ASSERT(made_is_single(&s->dispersion, 26.666666666666668));
    CU_ASSERT(made_is_single(&s->variation, 0));
    CU_ASSERT(made_is_single(&s->jain_expected, 0.6923076923076923));
    made_reset(&made);
}

/* Six repetitions at two and six at five nodes. */
struct verdicts {
    const char *expected;
    uint32_t nodes;
    size_t of_node[6][NODES_MAX];
    size_t asymmetric, symmetric, too_few, silent;
};

static const struct verdicts verdict_rows[] = {
    /* 5 P(Bin(6, 1/5) >= 6) = .0003, 2 P(Bin(6, 1/2) >= 6) = .031 */
    {"always node_C",
     5,
     {{4, 4, 40, 4, 4},
      {4, 4, 40, 4, 4},
      {4, 4, 40, 4, 4},
      {4, 4, 40, 4, 4},
      {4, 4, 40, 4, 4},
      {4, 4, 40, 4, 4}},
     6,
     0,
     0,
     0},
    {"always node_A", 2, {{40, 10}, {40, 10}, {40, 10}, {40, 10}, {40, 10}, {40, 10}}, 6, 0, 0, 0},
    /* 2 P(Bin(4, 1/2) >= 4) = .125 */
    {"mostly node_A", 2, {{40, 10}, {40, 10}, {40, 10}, {40, 10}, {20, 20}, {20, 20}}, 4, 2, 0, 0},
    {"another node each run",
     5,
     {{4, 40, 4, 4, 4},
      {4, 40, 4, 4, 4},
      {4, 4, 40, 4, 4},
      {4, 4, 4, 40, 4},
      {4, 4, 4, 4, 40},
      {40, 4, 4, 4, 4}},
     6,
     0,
     0,
     0},
    {"symmetric (not rejected)",
     5,
     {{10, 10, 10, 10, 10},
      {10, 10, 10, 10, 10},
      {10, 10, 10, 10, 10},
      {10, 10, 10, 10, 10},
      {0},
      {0}},
     0,
     4,
     0,
     2},
    {"mixed",
     5,
     {{40, 4, 4, 4, 4},
      {4, 40, 4, 4, 4},
      {4, 4, 40, 4, 4},
      {10, 10, 10, 10, 10},
      {10, 10, 10, 10, 10},
      {10, 10, 10, 10, 10}},
     3,
     3,
     0,
     0},
    {"too few", 2, {{1, 1}, {1, 1}, {1, 0}, {0}, {20, 20}, {20, 20}}, 0, 2, 3, 1},
    {"silent", 2, {{0}, {0}, {0}, {0}, {0}, {0}}, 0, 0, 0, 6},
};

static void test_verdicts_over_runs(void)
{
    for (size_t i = 0; i < LENGTH(verdict_rows); i++) {
        struct made_comparison made = {.count = 0};
        for (uint32_t r = 0; r < 6; r++)
            add_uneven(&made, verdict_rows[i].nodes, r + 1, verdict_rows[i].of_node[r], 0);
        CU_ASSERT_FATAL(made_compare(&made, false));
        const struct symmetry_figures *s = symmetry_of_all(
            &made, verdict_rows[i].nodes == 2 ? "Two nodes" : "5 nodes", WITH_STALLED);
        CU_ASSERT_STRING_EQUAL(s->verdict, verdict_rows[i].expected);
        CU_ASSERT_EQUAL(s->asymmetric, verdict_rows[i].asymmetric);
        CU_ASSERT_EQUAL(s->symmetric, verdict_rows[i].symmetric);
        CU_ASSERT_EQUAL(s->too_few, verdict_rows[i].too_few);
        CU_ASSERT_EQUAL(s->silent, verdict_rows[i].silent);
        if (strcmp(s->verdict, "another node each run") == 0) {
            CU_ASSERT_EQUAL(s->top_node, 1);
            CU_ASSERT_EQUAL(s->top_runs, 2);
        }
        made_reset(&made);
    }
}

/* A node that is late itself makes the asymmetry; without what is self-stalled it is gone. */
static void test_without_self_stalled(void)
{
    static const size_t uneven[] = {12, 12, 40, 12, 12};
    struct made_comparison made = {.count = 0};
    for (uint32_t r = 0; r < 6; r++)
        add_uneven(&made, 5, r + 1, uneven, STALLED);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_STRING_EQUAL(symmetry_of_all(&made, "5 nodes", WITH_STALLED)->verdict,
                           "always node_C");
    const struct symmetry_figures *s = symmetry_of_all(&made, "5 nodes", WITHOUT_STALLED);
    CU_ASSERT_STRING_EQUAL(s->verdict, "symmetric (not rejected)");
    CU_ASSERT(agrees(s->emitting.value, 4));
    made_reset(&made);
}

/* ---- time sensitivity ---- */

static void add_measured(struct made_comparison *made, uint32_t nodes, uint32_t repetition,
                         enum histogram_kind kind, const struct made_value *values, size_t count)
{
    struct made_run run = made_run_default(nodes, repetition);
    run.values[kind] = (struct made_values){values, count};
    made_add(made, &run);
}

/* Two nodes exceed 0.5 ms in 1 % of the messages: that is where five nodes are compared. */
static void test_growth_of_exceedance(void)
{
    static const struct made_value two[] = {{0.0005, 9900}, {0.002, 80}, {0.008, 20}};
    static const struct made_value five_1[] = {{0.0005, 9000}, {0.002, 900}, {0.008, 100}};
    static const struct made_value five_2[] = {{0.0005, 9500}, {0.002, 500}};
    struct made_comparison made = {.count = 0};
    add_measured(&made, 2, 1, HISTOGRAM_DELAY, two, LENGTH(two));
    add_measured(&made, 5, 1, HISTOGRAM_DELAY, five_1, LENGTH(five_1));
    add_measured(&made, 5, 2, HISTOGRAM_DELAY, five_2, LENGTH(five_2));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct sensitivity *s = &made_row(&made, 1, DELAY)->sensitivity;
    CU_ASSERT_PTR_NULL_FATAL(s->growth.unknown);
    CU_ASSERT(agrees(s->at_two, 0.01));
    CU_ASSERT(agrees(s->here, 0.075));
    CU_ASSERT(s->limit >= 0.0005 && s->limit < 0.0005 * 1.04); /* the next edge */
    CU_ASSERT(agrees(s->growth.value, 7.5));
    CU_ASSERT(agrees(s->growth.low, 5) && agrees(s->growth.high, 10));
    CU_ASSERT_STRING_EQUAL(s->rank.text, "all 2 runs above the one at two (p = 1/3)");
    CU_ASSERT(made_is_unknown(&made_row(&made, 0, DELAY)->sensitivity.growth, "this is two nodes"));
    made_reset(&made);
}

/* Each run at five is above the mean of two nodes, and yet in the midst of their runs: the span of
 * the single runs excludes 1, and nothing has grown. */
static void test_growth_within_the_spread_of_two(void)
{
    enum { RUNS = 6 };
    static const uint64_t beyond_at_two[RUNS] = {200, 200, 50, 50, 50, 50};
    struct made_comparison made = {.count = 0};
    for (uint32_t i = 0; i < RUNS; i++) {
        uint64_t beyond = beyond_at_two[i];
        const struct made_value two[] = {{0.0005, 10000 - beyond}, {0.002, beyond}};
        const struct made_value five[] = {{0.0005, 9895}, {0.002, 105}};
        add_measured(&made, 2, i + 1, HISTOGRAM_DELAY, two, LENGTH(two));
        add_measured(&made, 5, i + 1, HISTOGRAM_DELAY, five, LENGTH(five));
    }
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct sensitivity *s = &made_row(&made, 1, DELAY)->sensitivity;
    CU_ASSERT(agrees(s->growth.low, 1.05));
    CU_ASSERT_PTR_NULL_FATAL(s->rank.unknown);
    CU_ASSERT(agrees(s->rank.pairs_above, 24));
    CU_ASSERT(s->rank.p_above > 0.05 && s->rank.p_below > 0.05);
    made_reset(&made);
}

/* Lag comes in whole numbers, and two nodes may exceed no limit in 1 %. */
static void test_growth_of_lag(void)
{
    static const struct made_value two[] = {{0, 9990}, {2, 10}}, five[] = {{0, 9900}, {1, 100}};
    static const struct made_value half[] = {{0, 5000}, {1, 5000}};
    struct made_comparison made = {.count = 0};
    add_measured(&made, 2, 1, HISTOGRAM_LAG, two, LENGTH(two));
    add_measured(&made, 5, 1, HISTOGRAM_LAG, five, LENGTH(five));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct sensitivity *s = &made_row(&made, 1, LAG)->sensitivity;
    CU_ASSERT(agrees(s->at_two, 0.001) && agrees(s->here, 0.01));
    CU_ASSERT(agrees(s->growth.value, 10));
    CU_ASSERT(made_is_unknown(&s->elasticity, "lag is a whole number"));
    made_reset(&made);

    add_measured(&made, 2, 1, HISTOGRAM_LAG, half, LENGTH(half));
    add_measured(&made, 5, 1, HISTOGRAM_LAG, five, LENGTH(five));
    CU_ASSERT_FATAL(made_compare(&made, false));
    s = &made_row(&made, 1, LAG)->sensitivity;
    CU_ASSERT(made_is_unknown(&s->growth, "no limit that two nodes exceed in 1 %"));
    CU_ASSERT(isnan(s->limit) && isnan(s->at_two) && isnan(s->here));
    made_reset(&made);
}

/* What has no histogram is compared at its limit 0. */
static void test_growth_without_histogram(void)
{
    struct made_comparison made = {.count = 0};
    made_add_even(&made, made_run_default(2, 1), CAUSAL, 20);
    made_add_even(&made, made_run_default(5, 1), CAUSAL, 400);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct sensitivity *s = &made_row(&made, 1, CAUSAL)->sensitivity;
    CU_ASSERT(agrees(s->at_two, 20.0 / 2000) && agrees(s->here, 400.0 / 20000));
    CU_ASSERT(agrees(s->growth.value, 2));
    CU_ASSERT(made_is_unknown(&s->elasticity, "its limit is 0"));
    made_reset(&made);
}

static void test_elasticity(void)
{
    static const struct made_value values[] = {
        {0.0004, 8000}, {0.00095, 300}, {0.00105, 200}, {0.0015, 100}};
    static const struct made_value few[] = {{0.0004, 8000}, {0.00105, 200}, {0.0015, 2}};
    struct made_comparison made = {.count = 0};
    add_measured(&made, 2, 1, HISTOGRAM_DELAY, values, LENGTH(values));
    CU_ASSERT_FATAL(made_compare(&made, false));
    /* metrics.elasticity([.95e-3] * 600 + [1.05e-3] * 400 + [1.5e-3] * 200, 1e-3) */
    const struct figure *e = &made_row(&made, 0, DELAY)->sensitivity.elasticity;
    CU_ASSERT_PTR_NULL_FATAL(e->unknown);
    CU_ASSERT(agrees(e->value, -8.928854634711731));
    CU_ASSERT(agrees(e->low, -9.559327637681772) && agrees(e->high, -8.298381631741691));
    made_reset(&made);

    add_measured(&made, 2, 1, HISTOGRAM_DELAY, few, LENGTH(few));
    CU_ASSERT_FATAL(made_compare(&made, false));
    e = &made_row(&made, 0, DELAY)->sensitivity.elasticity;
    CU_ASSERT(made_is_unknown(e, "fewer than 5 observations above the limit + 10 %"));
    made_reset(&made);
}

static void test_share_of_time_episodes(void)
{
    static const struct made_episode episodes[] = {{1, 1.1, 0, 1, DELAY, 0, false},
                                                   {2, 2.1, 1, 0, HEARTBEAT, 0, false},
                                                   {3, 3.1, 0, 1, DELAY, 0, false},
                                                   {4, 4.1, 1, 0, LAG, 0, false}};
    struct made_comparison made = {.count = 0};
    made_add_list(&made, made_run_default(2, 1), episodes, LENGTH(episodes));
    made_add_even(&made, made_run_default(5, 1), DELAY, 0);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT(agrees(made_row(&made, 0, ALL_CONTEXTS)->time_share, 0.75));
    CU_ASSERT(isnan(made_row(&made, 1, ALL_CONTEXTS)->time_share));
    made_reset(&made);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"figures of one run", test_figures_of_one_run},
        {"bursts are weak evidence", test_bursts_are_weak_evidence},
        {"verdicts over six runs", test_verdicts_over_runs},
        {"without self-stalled", test_without_self_stalled},
        {"growth at equal exceedance", test_growth_of_exceedance},
        {"growth within the spread of two", test_growth_within_the_spread_of_two},
        {"growth of lag", test_growth_of_lag},
        {"growth without histogram", test_growth_without_histogram},
        {"elasticity", test_elasticity},
        {"share of time episodes", test_share_of_time_episodes},
        CU_TEST_INFO_NULL};
    return cunit_main("comparison: symmetry and sensitivity", tests);
}
