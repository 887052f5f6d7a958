/* First drift over the repetitions, and what exposure alone predicts for N. */

#include "agrees.h"
#include "cunit_main.h"
#include "made_comparison.h"

#include <string.h>

#define STALLED BADGE_SELF_STALLED

enum { EPISODES_MAX = 6 };

/* Episodes of one run: delays of 1 ms that one node sees about the next. */
struct drifts {
    uint32_t node;
    uint32_t flags;
    double at_s[EPISODES_MAX]; /* 0: no more */
};

static void add_drifts(struct made_comparison *made, uint32_t nodes, uint32_t repetition,
                       const struct drifts *drifts)
{
    struct made_episode episodes[EPISODES_MAX];
    struct made_run run = made_run_default(nodes, repetition);
    size_t count = 0;
    run.observations = nodes == 2 ? 1000 : 800;
    for (; count < EPISODES_MAX && drifts->at_s[count] > 0; count++)
        episodes[count] = (struct made_episode){.begin_s = drifts->at_s[count],
                                                .end_s = drifts->at_s[count] + 0.001,
                                                .node = drifts->node,
                                                .peer = (drifts->node + 1) % nodes,
                                                .context = DELAY,
                                                .flags = drifts->flags};
    made_add_list(made, run, episodes, count);
}

static const struct drifts two_nodes[6] = {{1, STALLED, {1.0}}, {0, 0, {3.0, 3.05}}};
static const struct drifts five_nodes[6] = {{3, 0, {.4, 2}}, {3, 0, {.8}}, {3, 0, {.6, .65, 4}},
                                            {3, 0, {1}},     {1, 0, {.2}}, {0, 0, {0}}};

static void compare(struct made_comparison *made, const struct drifts at_two[6])
{
    for (uint32_t i = 0; i < 6; i++) {
        add_drifts(made, 2, i + 1, &at_two[i]);
        add_drifts(made, 5, i + 1, &five_nodes[i]);
    }
    CU_ASSERT_FATAL(made_compare(made, false));
}

static const struct first_drift_figures *first_of(const struct made_comparison *made, size_t column,
                                                  size_t context, enum variant variant)
{
    return &made_row(made, column, context)->first[variant];
}

static bool is_interval(const struct figure *figure, double value, double low, double high)
{
    return figure->unknown == NULL && agrees(figure->value, value) && agrees(figure->low, low) &&
           agrees(figure->high, high) && figure->value_count == 0;
}

/* ---- the median ---- */

static void test_median(void)
{
    struct made_comparison made = {.count = 0};
    compare(&made, two_nodes);
    const struct first_drift_figures *two = first_of(&made, 0, DELAY, WITH_STALLED);
    const struct first_drift_figures *five = first_of(&made, 1, DELAY, WITH_STALLED);
    /* metrics.kaplan_meier([1, 3, 5, 5, 5, 5], [1, 1, 0, 0, 0, 0])[1] */
    CU_ASSERT_PTR_NULL(two->unknown);
    CU_ASSERT(!two->reached && isnan(two->median_s) && agrees(two->window_s, 5));
    CU_ASSERT(two->drifted == 2 && two->runs == 6);
    /* metrics.kaplan_meier([.4, .8, .6, 1, .2, 5], [1, 1, 1, 1, 1, 0])[1] */
    CU_ASSERT(five->reached && agrees(five->median_s, 0.7));
    CU_ASSERT(five->drifted == 5 && five->runs == 6);
    CU_ASSERT_EQUAL(five->node, 3);
    CU_ASSERT_EQUAL(five->node_runs, 4);
    CU_ASSERT_EQUAL(first_of(&made, 1, LAG, WITH_STALLED)->drifted, 0);
    made_reset(&made);
}

static void test_without_self_stalled(void)
{
    struct made_comparison made = {.count = 0};
    compare(&made, two_nodes);
    const struct first_drift_figures *two = first_of(&made, 0, DELAY, WITHOUT_STALLED);
    CU_ASSERT_EQUAL(two->drifted, 1);
    CU_ASSERT_EQUAL(two->node, 0);
    /* One train in 2000 * (5 + 5 + 5 + 5 + 5 + 4.85) / 5 observations:
     * metrics.first_drift_exposure(1, 11940, 3200) */
    const struct first_drift_figures *five = first_of(&made, 1, DELAY, WITHOUT_STALLED);
    CU_ASSERT_EQUAL(five->trains_at_two, 1);
    CU_ASSERT(agrees(five->observations_at_risk, 11940));
    CU_ASSERT(is_interval(&five->exposure_s, 2.5863054174642954, 0.46419076670814513,
                          102.15360741613736));
    made_reset(&made);
}

/* The node's own clock says when, and streams that were outside before say nothing. */
static void test_whose_clock(void)
{
    static const struct made_episode episodes[] = {{-0.1, 0.5, 1, 0, DELAY, 0, false},
                                                   {2.5, 2.6, 0, 1, LAG, 0, false},
                                                   {2.0, 2.1, 1, 0, LAG, 0, false}};
    static const double shift_s[] = {0, 1};
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(2, 1);
    run.shift_s = shift_s;
    made_add_list(&made, run, episodes, LENGTH(episodes));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct first_drift_figures *all = first_of(&made, 0, ALL_CONTEXTS, WITH_STALLED);
    CU_ASSERT(all->reached && agrees(all->median_s, 2.0));
    CU_ASSERT_EQUAL(all->node, 1);
    CU_ASSERT_EQUAL(first_of(&made, 0, DELAY, WITH_STALLED)->drifted, 0);
    made_reset(&made);
}

/* ---- exposure alone ---- */

static void test_exposure(void)
{
    struct made_comparison made = {.count = 0};
    compare(&made, two_nodes);
    /* k, m = 2, 2000 * (4.9 + 4.85 + 4 * 5) / 5, metrics.trains(…, .1, 5) of each run;
     * metrics.first_drift_exposure(2, 11900, 3200) */
    const struct first_drift_figures *five = first_of(&made, 1, DELAY, WITH_STALLED);
    CU_ASSERT_EQUAL(five->trains_at_two, 2);
    CU_ASSERT(agrees(five->observations_at_risk, 11900));
    CU_ASSERT(is_interval(&five->exposure_s, 1.2888205388536482, 0.35678235465082025,
                          10.642206166513194));
    /* 16000 * (.4 + .8 + .6 + 1 + .2 + 5) / 5 observations before:
     * metrics.exposure_ratio(2, 11900, 5, 25600) */
    CU_ASSERT(
        is_interval(&five->hazard_ratio, 1.162109375, 0.19025407664739147, 12.203764593424234));
    CU_ASSERT(agrees(five->hazard_p, 0.6074741826262493));
    /* Five contexts observe five times as often, here and there. */
    five = first_of(&made, 1, ALL_CONTEXTS, WITH_STALLED);
    CU_ASSERT(agrees(five->observations_at_risk, 59500));
    CU_ASSERT(is_interval(&five->exposure_s, 1.2888205388536482, 0.35678235465082025,
                          10.642206166513194));
    CU_ASSERT(agrees(five->hazard_ratio.value, 1.162109375));
    CU_ASSERT(made_is_unknown(&first_of(&made, 0, DELAY, 0)->exposure_s, "this is two nodes"));
    made_reset(&made);
}

static void test_exposure_of_clustered_trains(void)
{
    static const struct drifts clustered[6] = {{0, 0, {.5, 1, 1.5, 2, 2.5, 3}}};
    struct made_comparison made = {.count = 0};
    compare(&made, clustered);
    /* phi = metrics.fano([6, 0, 0, 0, 0, 0]) = 6; metrics.first_drift_exposure(6, 11760, 3200, 6)
     */
    const struct first_drift_figures *five = first_of(&made, 1, DELAY, WITH_STALLED);
    CU_ASSERT(is_interval(&five->exposure_s, 0.4245526480929665, 0.07619881932562517,
                          16.768933880705955));
    /* metrics.exposure_ratio(6, 11760, 5, 25600, 6) */
    CU_ASSERT(
        is_interval(&five->hazard_ratio, 0.3828125, 0.042836082839490974, 18.106088985157452));
    CU_ASSERT(agrees(five->hazard_p, 0.9374139555610872));
    made_reset(&made);
}

static void test_no_train_at_two(void)
{
    static const struct drifts none[6] = {{0, 0, {0}}};
    struct made_comparison made = {.count = 0};
    compare(&made, none);
    /* metrics.first_drift_exposure(0, 12000, 3200): a lower bound only */
    const struct first_drift_figures *five = first_of(&made, 1, DELAY, WITH_STALLED);
    CU_ASSERT(is_interval(&five->exposure_s, (double)NAN, 0.8676682993490971, (double)NAN));
    /* metrics.exposure_ratio(0, 12000, 5, 25600) */
    CU_ASSERT(isnan(five->hazard_ratio.value) && five->hazard_ratio.unknown == NULL);
    CU_ASSERT(agrees(five->hazard_ratio.low, 0.4295418081166219));
    CU_ASSERT(isnan(five->hazard_ratio.high));
    /* Neither here nor there. */
    five = first_of(&made, 1, LAG, WITH_STALLED);
    CU_ASSERT(made_is_unknown(&five->hazard_ratio, "no drift at either"));
    CU_ASSERT(is_interval(&five->exposure_s, (double)NAN, 0.8676682993490971, (double)NAN));
    made_reset(&made);
}

static void test_no_run_at_two(void)
{
    struct made_comparison made = {.count = 0};
    add_drifts(&made, 5, 1, &five_nodes[0]);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct first_drift_figures *two = first_of(&made, 0, DELAY, WITH_STALLED);
    const struct first_drift_figures *five = first_of(&made, 1, DELAY, WITH_STALLED);
    CU_ASSERT_STRING_EQUAL(two->unknown, "no run at this node count");
    CU_ASSERT(five->reached && agrees(five->median_s, 0.4));
    CU_ASSERT(made_is_unknown(&five->exposure_s, "no run at two nodes"));
    CU_ASSERT(made_is_unknown(&five->hazard_ratio, "no run at two nodes"));
    made_reset(&made);
}

int main(void)
{
    CU_TestInfo tests[] = {{"median, censored runs, who saw it", test_median},
                           {"without self-stalled", test_without_self_stalled},
                           {"on the node's own clock", test_whose_clock},
                           {"exposure alone and hazard", test_exposure},
                           {"clustered trains say less", test_exposure_of_clustered_trains},
                           {"no train at two: a bound", test_no_train_at_two},
                           {"no run at two", test_no_run_at_two},
                           CU_TEST_INFO_NULL};
    return cunit_main("comparison: first drift", tests);
}
