/* Rates and shares of outside time of runs whose truth is known by hand. */

#include "agrees.h"
#include "cunit_main.h"
#include "made_comparison.h"

#include <string.h>

#define STALLED BADGE_SELF_STALLED
#define BELOW BADGE_BELOW_CLOCK_RESOLUTION

/* ---- one run, with all that can happen to an episode ---- */

static void test_counts_of_one_run(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(2, 1);
    run.beyond = 4;
    made_add_list(&made, run, made_mixed, LENGTH(made_mixed));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct {
        size_t context;
        uint64_t observations, beyond, episodes, self_stalled;
    } rows[] = {{DELAY, 2000, 12, 3, 1},  {HEARTBEAT, 2000, 8, 1, 0},
                {MISSING, 2000, 0, 0, 0}, {LAG, 2000, 4, 1, 0},
                {CAUSAL, 2000, 0, 0, 0},  {ALL_CONTEXTS, 10000, 24, 5, 1}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct context_figures *row = made_row(&made, 0, rows[i].context);
        double episodes = (double)rows[i].episodes, observations = (double)rows[i].observations;
        CU_ASSERT(row->watched);
        CU_ASSERT_EQUAL(row->observations, rows[i].observations);
        CU_ASSERT_EQUAL(row->beyond, rows[i].beyond);
        CU_ASSERT_EQUAL(row->episodes, rows[i].episodes);
        CU_ASSERT_EQUAL(row->self_stalled, rows[i].self_stalled);
        CU_ASSERT_EQUAL(row->below_clock, 0);
        /* 10 node-seconds, and each node watches one peer */
        CU_ASSERT(made_is_single(&row->per_node_s[WITH_STALLED], episodes / 10));
        CU_ASSERT(made_is_single(&row->per_node_s[WITHOUT_STALLED],
                                 (episodes - (double)rows[i].self_stalled) / 10));
        CU_ASSERT(made_is_single(&row->per_pair_s, episodes / 10));
        CU_ASSERT(made_is_single(&row->per_message, episodes / observations));
        CU_ASSERT(made_is_single(&row->outside_messages, (double)rows[i].beyond / observations));
    }
    CU_ASSERT(!made_row(&made, 0, CONTEXT_DECISION_SPLIT)->watched);
    CU_ASSERT(
        made_is_unknown(&made_row(&made, 0, CONTEXT_DECISION_SPLIT)->per_message, "not watched"));
    made_reset(&made);
}

static void test_watched_contexts(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(2, 1);
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        run.config.corridor.watched[c] = c == HEARTBEAT || c == CAUSAL;
    run.config.corridor.limit[HEARTBEAT] = (double)INFINITY;
    made_add(&made, &run);
    CU_ASSERT_FATAL(made_compare(&made, false));
    for (enum context c = 0; c < CONTEXT_COUNT; c++) {
        const struct context_figures *row = made_row(&made, 0, c);
        CU_ASSERT_EQUAL(row->watched, c == CAUSAL);
        CU_ASSERT(c == CAUSAL ? made_is_single(&row->outside_node[WITH_STALLED], 0)
                              : made_is_unknown(&row->outside_node[WITH_STALLED], "not watched"));
    }
    made_reset(&made);
}

/* What the clocks cannot resolve stays out of every figure, and is counted. */
static void test_below_the_clocks(void)
{
    static const struct made_episode episodes[] = {
        {0.5, 4.5, 0, 1, DELAY, BELOW, false},
        {1.0, 1.5, 1, 0, DELAY, 0, false},
        {1.2, 1.4, 1, 0, LAG, 0, false},
        {2.0, 2.1, 0, 1, DELAY, BELOW | STALLED, false},
    };
    struct made_comparison made = {.count = 0};
    made_add_list(&made, made_run_default(2, 1), episodes, LENGTH(episodes));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct context_figures *delay = made_row(&made, 0, DELAY);
    const struct context_figures *all = made_row(&made, 0, ALL_CONTEXTS);
    CU_ASSERT_EQUAL(delay->below_clock, 2);
    CU_ASSERT_EQUAL(all->below_clock, 2);
    CU_ASSERT_EQUAL(delay->episodes, 1);
    CU_ASSERT_EQUAL(all->episodes, 2);
    CU_ASSERT_EQUAL(all->self_stalled, 0);
    CU_ASSERT(made_is_single(&all->per_node_s[WITH_STALLED], 0.2));
    CU_ASSERT(made_is_single(&delay->outside_node[WITH_STALLED], 0.05));
    CU_ASSERT(made_is_single(&all->outside_node[WITH_STALLED], 0.05));
    CU_ASSERT(made_is_single(&all->outside_system[WITH_STALLED], 0.1));
    CU_ASSERT(agrees(all->first[WITH_STALLED].median_s, 1.0));
    CU_ASSERT(made_is_single(&all->symmetry[WITH_STALLED].emitting, 1));
    CU_ASSERT(agrees(all->time_share, 0.5));
    made_reset(&made);
}

/* Badges that did not reach the file count in rates and times outside. */
static void test_lost_badges(void)
{
    static const struct made_episode episodes[] = {{1.0, 1.5, 0, 1, DELAY, 0, true},
                                                   {2.0, 2.5, 0, 1, DELAY, 0, false},
                                                   {3.0, 3.5, 1, 0, DELAY, 0, true}};
    struct made_comparison made = {.count = 0};
    made_add_list(&made, made_run_default(2, 1), episodes, LENGTH(episodes));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct context_figures *delay = made_row(&made, 0, DELAY);
    CU_ASSERT_EQUAL(delay->episodes, 3);
    CU_ASSERT(made_is_single(&delay->per_node_s[WITH_STALLED], 0.3));
    CU_ASSERT(made_is_single(&delay->outside_node[WITH_STALLED], 0.15));
    CU_ASSERT_EQUAL(made.comparison.columns[0].conditions.badges_lost, 2);
    CU_ASSERT_EQUAL_FATAL(made.comparison.warnings.count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(made.comparison.warnings.items[0], "badges lost: 2;"));
    made_reset(&made);
}

/* ---- over the repetitions ---- */

static void add_even_runs(struct made_comparison *made, uint32_t nodes, const size_t *episodes,
                          size_t runs)
{
    for (size_t i = 0; i < runs; i++)
        made_add_even(made, made_run_default(nodes, (uint32_t)i + 1), DELAY, episodes[i]);
}

static void test_between_runs(void)
{
    /* metrics.between_runs([.3, .1, 1.2, .5, .7]) and with a sixth run, [..., .9] */
    static const size_t episodes[] = {3, 1, 12, 5, 7, 9};
    struct made_comparison made = {.count = 0};
    add_even_runs(&made, 2, episodes, 5);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct figure *rate = &made_row(&made, 0, DELAY)->per_node_s[WITH_STALLED];
    static const double sorted[] = {.1, .3, .5, .7, 1.2};
    CU_ASSERT(agrees(rate->value, 0.5) && isnan(rate->low));
    CU_ASSERT_EQUAL_FATAL(rate->value_count, LENGTH(sorted));
    for (size_t i = 0; i < LENGTH(sorted); i++)
        CU_ASSERT(agrees(rate->values[i], sorted[i]));
    made_reset(&made);

    add_even_runs(&made, 2, episodes, 6);
    CU_ASSERT_FATAL(made_compare(&made, false));
    rate = &made_row(&made, 0, DELAY)->per_node_s[WITH_STALLED];
    CU_ASSERT_EQUAL(rate->value_count, 0);
    CU_ASSERT(agrees(rate->value, 0.6) && agrees(rate->low, 0.1) && agrees(rate->high, 1.2));
    made_reset(&made);
}

/* The counting error stands for the run with the lower median rate: 5 episodes, none of which
 * shares a sixtieth of the window with another. */
static void test_counting_error(void)
{
    static const size_t episodes[] = {3, 1, 12, 5, 7, 9};
    struct made_comparison made = {.count = 0};
    add_even_runs(&made, 2, episodes, 6);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct context_figures *delay = made_row(&made, 0, DELAY);
    /* metrics.run_rate([.5, 1.5, 2.5, 3.5, 4.5], 5, 10) */
    CU_ASSERT(agrees(delay->counting.value, 0.5));
    CU_ASSERT(agrees(delay->counting.low, 0.162348639011842));
    CU_ASSERT(agrees(delay->counting.high, 1.16683320793227));
    CU_ASSERT(agrees(delay->counting_dispersion, 1));
    /* Nothing in 10 node-seconds: metrics.run_rate([], 5, 10) */
    const struct context_figures *lag = made_row(&made, 0, LAG);
    CU_ASSERT(agrees(lag->counting.value, 0) && agrees(lag->counting.low, 0));
    CU_ASSERT(agrees(lag->counting.high, 0.299573227355399));
    made_reset(&made);

    /* Six in one sixtieth: metrics.run_rate([1.001 + .001 * i for i in range(6)], 5, 10) */
    struct made_episode burst[6];
    for (size_t i = 0; i < LENGTH(burst); i++)
        burst[i] = (struct made_episode){
            1.001 + 0.001 * (double)i, 1.0015 + 0.001 * (double)i, 0, 1, DELAY, 0, false};
    made_add_list(&made, made_run_default(2, 1), burst, LENGTH(burst));
    CU_ASSERT_FATAL(made_compare(&made, false));
    delay = made_row(&made, 0, DELAY);
    CU_ASSERT(agrees(delay->counting_dispersion, 6));
    CU_ASSERT(agrees(delay->counting.value, 0.6));
    CU_ASSERT(agrees(delay->counting.low, 0.0151906847905741));
    CU_ASSERT(agrees(delay->counting.high, 3.34298603456333));
    made_reset(&made);
}

/* Nodes of one group watch each other only. */
static void test_rates_in_groups(void)
{
    struct made_comparison made = {.count = 0};
    made_add_even(&made, made_run_default(2, 1), DELAY, 4);
    struct made_run run = made_run_default(6, 1);
    run.config.groups = 3;
    made_add_even(&made, run, DELAY, 12);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct column *groups = made_column(&made, "2 × 3 nodes (control)");
    const struct context_figures *delay = &groups->rows[DELAY];
    /* 6 nodes for 5 s, each watches 2 peers */
    CU_ASSERT_EQUAL(delay->observations, 12000);
    CU_ASSERT(made_is_single(&delay->per_node_s[WITH_STALLED], 12.0 / 30));
    CU_ASSERT(made_is_single(&delay->per_pair_s, 12.0 / 60));
    CU_ASSERT(made_is_single(&delay->per_message, 12.0 / 12000));
    CU_ASSERT(agrees(delay->growth.links, 2));
    made_reset(&made);
}

/* ---- beside two nodes ---- */

static void test_growth_factors(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run two = made_run_default(2, 1), five = made_run_default(5, 1);
    two.beyond = 2;
    five.observations = 800;
    made_add_even(&made, two, DELAY, 4);
    made_add_even(&made, five, DELAY, 50);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct growth *growth = &made_row(&made, 1, DELAY)->growth;
    CU_ASSERT_PTR_NULL_FATAL(growth->unknown);
    CU_ASSERT(agrees(growth->ratio, (50.0 / 25) / (4.0 / 10)));
    CU_ASSERT(agrees(growth->links, 4));
    CU_ASSERT(agrees(growth->activity, 800.0 / 1000));
    CU_ASSERT(agrees(growth->tail, (50.0 / 16000) / (8.0 / 2000)));
    CU_ASSERT(agrees(growth->clustering, (50.0 / 50) / (4.0 / 8)));
    growth = &made_row(&made, 1, ALL_CONTEXTS)->growth;
    CU_ASSERT(agrees(growth->links * growth->activity * growth->tail * growth->clustering,
                     growth->ratio));
    CU_ASSERT_STRING_EQUAL(made_row(&made, 1, LAG)->growth.unknown, "no episode at two nodes");
    CU_ASSERT_STRING_EQUAL(made_row(&made, 0, DELAY)->growth.unknown, "this is two nodes");
    made_reset(&made);
}

static void test_rank_statement(void)
{
    static const size_t at_two[] = {3, 1, 2, 4, 2, 3}, at_five[] = {9, 30, 18, 20, 25, 40};
    struct made_comparison made = {.count = 0};
    add_even_runs(&made, 2, at_two, 6);
    add_even_runs(&made, 5, at_five, 6);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct rank_statement *rank = &made_row(&made, 1, DELAY)->rank[WITH_STALLED];
    /* a = [.3, .1, .2, .4, .2, .3]; b = [.36, 1.2, .72, .8, 1, 1.6]; metrics.rank_compare(a, b) */
    CU_ASSERT_PTR_NULL_FATAL(rank->unknown);
    CU_ASSERT(agrees(rank->pairs_above, 35));
    CU_ASSERT(agrees(rank->p_above, 2.0 / 924));
    CU_ASSERT_STRING_EQUAL(rank->text, "35 of 36 pairs above (p = 0.0022)");
    CU_ASSERT_STRING_EQUAL(made_row(&made, 0, DELAY)->rank[0].unknown, "this is two nodes");
    made_reset(&made);

    add_even_runs(&made, 2, at_two, 6);
    add_even_runs(&made, 5, at_five + 1, 5);
    CU_ASSERT_FATAL(made_compare(&made, false));
    rank = &made_row(&made, 1, DELAY)->rank[WITH_STALLED];
    CU_ASSERT_STRING_EQUAL(rank->text, "all 5 runs above all 6 at two (p = 1/462)");
    made_reset(&made);
}

/* Without what is self-stalled the order of the scales may turn. */
static void test_rank_without_self_stalled(void)
{
    static const struct made_episode stalled[] = {{1, 1.1, 0, 1, DELAY, STALLED, false},
                                                  {2, 2.1, 1, 2, DELAY, STALLED, false},
                                                  {3, 3.1, 2, 3, DELAY, STALLED, false}};
    struct made_comparison made = {.count = 0};
    made_add_even(&made, made_run_default(2, 1), DELAY, 1);
    made_add_list(&made, made_run_default(5, 1), stalled, LENGTH(stalled));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct context_figures *delay = made_row(&made, 1, DELAY);
    CU_ASSERT_STRING_EQUAL(delay->rank[WITH_STALLED].text,
                           "the only run above the one at two (p = 1/2)");
    CU_ASSERT_STRING_EQUAL(delay->rank[WITHOUT_STALLED].text,
                           "the only run below the one at two (p = 1/2)");
    made_reset(&made);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"counts and rates of one run", test_counts_of_one_run},
        {"what is not watched, or has its limit off", test_watched_contexts},
        {"finer than the clocks: left out, counted", test_below_the_clocks},
        {"lost badges: counted", test_lost_badges},
        {"between runs: all values, from six on the interval", test_between_runs},
        {"counting error of the median run", test_counting_error},
        {"groups", test_rates_in_groups},
        {"the factors multiply to the ratio", test_growth_factors},
        {"rank statement", test_rank_statement},
        {"rank statement without self-stalled", test_rank_without_self_stalled},
        CU_TEST_INFO_NULL};
    return cunit_main("comparison: rates", tests);
}
