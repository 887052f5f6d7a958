/* What a comparison answers to the lab's questions, from run files whose truth is known by hand. */

#include "agrees.h"
#include "analysis/comparison/answers.h"
#include "analysis/comparison/curve.h"
#include "cunit_main.h"
#include "made_comparison.h"

#include <stdlib.h>
#include <string.h>

static const struct scene_answers *answers_of(const struct made_comparison *made)
{
    return &made->comparison.answers[0];
}

static const char *line_of(const struct made_comparison *made, enum question q)
{
    return answers_of(made)->answers[q].line;
}

static void expect_insight(const struct made_comparison *made, enum insight i,
                           enum insight_verdict wanted)
{
    CU_ASSERT_EQUAL(answers_of(made)->insight[i].verdict, wanted);
    if (answers_of(made)->insight[i].verdict != wanted)
        printf("\n    %s: %s (%s)", insight_texts[i],
               insight_words[answers_of(made)->insight[i].verdict],
               answers_of(made)->insight[i].why);
}

/* ---- assumptions ---- */

/* `runs` runs at two nodes, and as many at five that are outside in `lag_s` of 25 node-seconds. */
static void add_lags(struct made_comparison *made, uint32_t runs, double at_two_s, double at_five_s)
{
    for (uint32_t r = 1; r <= runs; r++) {
        double shift_s = 0.01 * r;
        struct made_episode two = {1 + shift_s, 1 + shift_s + at_two_s, 0, 1, LAG, 0, false};
        struct made_episode five = {0.5 + shift_s, 0.5 + shift_s + at_five_s, 3, 1, LAG, 0, false};
        made_add_list(made, made_run_default(2, r), &two, at_two_s > 0 ? 1 : 0);
        made_add_list(made, made_run_default(5, r), &five, 1);
    }
}

static void test_failed_only_at_n(void)
{
    struct made_comparison made = {.count = 0};
    add_lags(&made, 6, 0, 2);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_STRING_EQUAL(line_of(&made, QUESTION_ASSUMPTIONS),
                           "version_lag_exceeded held at two nodes and failed at 5 nodes");
    CU_ASSERT_EQUAL(answers_of(&made)->held[SIDE_TWO][LAG], ASSUMPTION_HELD);
    CU_ASSERT_EQUAL(answers_of(&made)->held[SIDE_LARGEST][LAG], ASSUMPTION_FAILED);
    CU_ASSERT_EQUAL(answers_of(&made)->held[SIDE_LARGEST][DELAY], ASSUMPTION_HELD);
    expect_insight(&made, INSIGHT_FRAGMENT, SEEN);
    expect_insight(&made, INSIGHT_RARE_AND_SYMMETRIC, CANNOT_TELL); /* no episode */
    made_reset(&made);
}

static void test_failed_at_two_already(void)
{
    struct made_comparison made = {.count = 0};
    add_lags(&made, 6, 1, 2);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_STRING_EQUAL(
        line_of(&made, QUESTION_ASSUMPTIONS),
        "none that can be told; failed at two nodes already: version_lag_exceeded");
    expect_insight(&made, INSIGHT_FRAGMENT, NOT_SEEN);
    expect_insight(&made, INSIGHT_RARE_AND_SYMMETRIC, NOT_SEEN);
    made_reset(&made);
}

/* Two runs have no interval. */
static void test_too_few_runs(void)
{
    struct made_comparison made = {.count = 0};
    add_lags(&made, 2, 0, 2);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_STRING_EQUAL(line_of(&made, QUESTION_ASSUMPTIONS),
                           "unknown (needs 6 runs at each scale)");
    for (enum insight i = 0; i < INSIGHT_COUNT; i++)
        expect_insight(&made, i, CANNOT_TELL);
    made_reset(&made);
}

static void test_only_one_scale(void)
{
    struct made_comparison made = {.count = 0};
    made_add_even(&made, made_run_default(2, 1), DELAY, 20);
    CU_ASSERT_FATAL(made_compare(&made, false));
    for (enum question q = 0; q < QUESTION_COUNT; q++)
        CU_ASSERT_STRING_EQUAL(line_of(&made, q), "unknown (no run at more than two nodes)");
    for (enum insight i = 0; i < INSIGHT_COUNT; i++)
        expect_insight(&made, i, CANNOT_TELL);
    made_reset(&made);
    made_add_even(&made, made_run_default(5, 1), DELAY, 20);
    CU_ASSERT_FATAL(made_compare(&made, false));
    for (enum question q = 0; q < QUESTION_COUNT; q++)
        CU_ASSERT_STRING_EQUAL(line_of(&made, q), "unknown (no run at two nodes)");
    made_reset(&made);
}

/* ---- gradually or suddenly ---- */

/* Each node is outside for that share of the time; N (N - 1) episodes in all. */
static void add_scale(struct made_comparison *made, uint32_t nodes, double share)
{
    size_t each = nodes - 1, count = 0;
    struct made_episode *episodes = calloc((size_t)nodes * each, sizeof *episodes);
    if (episodes == NULL)
        abort();
    for (uint32_t node = 0; node < nodes; node++)
        for (size_t i = 0; i < each; i++) {
            double begin_s = 5 * (double)i / (double)each;
            episodes[count++] = (struct made_episode){
                begin_s, begin_s + 5 * share / (double)each, node, (node + 1) % nodes, LAG, 0,
                false};
        }
    made_add_list(made, made_run_default(nodes, 1), episodes, count);
    free(episodes);
}

static void test_pace(void)
{
    struct made_comparison made = {.count = 0};
    add_scale(&made, 2, 0.05);
    add_scale(&made, 4, 0.15);
    add_scale(&made, 8, 0.5);
    add_scale(&made, 16, 0.95);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct pace_figures *pace = &answers_of(&made)->pace;
    CU_ASSERT_EQUAL(pace->count, 4);
    CU_ASSERT_EQUAL(pace->pace.answer, PACE_GRADUALLY);
    CU_ASSERT(fabs(pace->pace.n10.nodes - 2 * sqrt(2)) < 1e-6);
    CU_ASSERT(fabs(pace->pace.n50.nodes - 8) < 1e-6);
    CU_ASSERT(fabs(pace->pace.n90.nodes - 8 * pow(2, 0.4 / 0.45)) < 1e-6);
    CU_ASSERT(fabs(pace->exponent.value - 1) < 1e-6); /* as many as there are links */
    CU_ASSERT(agrees(pace->cores, 16));
    CU_ASSERT_STRING_EQUAL(line_of(&made, QUESTION_PACE),
                           "gradually; half of the node-time is outside at 8 nodes");
    made_reset(&made);
}

static void test_pace_of_three(void)
{
    struct made_comparison made = {.count = 0};
    add_scale(&made, 2, 0.05);
    add_scale(&made, 4, 0.15);
    add_scale(&made, 8, 0.3);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_STRING_EQUAL(line_of(&made, QUESTION_PACE), "unknown (needs four node counts)");
    made_reset(&made);
}

/* ---- time or state ---- */

static const struct made_value late_1[] = {{0.0005, 990}, {0.01, 10}};
static const struct made_value late_10[] = {{0.0005, 900}, {0.01, 100}};
static const struct made_value behind_1[] = {{0, 990}, {2, 10}};
static const struct made_value behind_10[] = {{0, 900}, {2, 100}};

static void compare_growth(struct made_comparison *made, uint32_t runs,
                           const struct made_value *delays, const struct made_value *lags)
{
    *made = (struct made_comparison){.count = 0};
    for (uint32_t i = 0; i < 2 * runs; i++) {
        uint32_t nodes = i % 2 == 0 ? 2 : 5;
        struct made_run run = made_run_default(nodes, 1 + i / 2);
        run.values[HISTOGRAM_DELAY] = (struct made_values){nodes == 2 ? late_1 : delays, 2};
        run.values[HISTOGRAM_LAG] = (struct made_values){nodes == 2 ? behind_1 : lags, 2};
        made_add(made, &run);
    }
    CU_ASSERT_FATAL(made_compare(made, false));
}

static void test_time_or_state(void)
{
    struct made_comparison made;
    compare_growth(&made, 5, late_10, behind_1);
    CU_ASSERT_EQUAL(answers_of(&made)->time, TIME_MATTERS_MORE);
    CU_ASSERT_EQUAL(strncmp(line_of(&made, QUESTION_TIME_OR_STATE),
                            "yes: message_delay_exceeded was exceeded 10 times", 48),
                    0);
    expect_insight(&made, INSIGHT_TIME_DOMINATES, SEEN);
    made_reset(&made);
    compare_growth(&made, 5, late_1, behind_10);
    CU_ASSERT_EQUAL(answers_of(&made)->time, STATE_MATTERS_MORE);
    expect_insight(&made, INSIGHT_TIME_DOMINATES, NOT_SEEN);
    made_reset(&made);
    compare_growth(&made, 5, late_10, behind_10);
    CU_ASSERT_EQUAL(answers_of(&made)->time, TIME_CANNOT_TELL);
    made_reset(&made);
    compare_growth(&made, 4, late_10, behind_1); /* p = 1/70 */
    CU_ASSERT_EQUAL(answers_of(&made)->time, TIME_CANNOT_TELL);
    made_reset(&made);
}

/* ---- insight by ranks ---- */

static void test_earlier_and_more(void)
{
    struct made_comparison made = {.count = 0};
    for (uint32_t r = 1; r <= 5; r++) {
        made_add_even(&made, made_run_default(2, r), DELAY, 2);
        made_add_even(&made, made_run_default(5, r), DELAY, 20 + r);
    }
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_insight(&made, INSIGHT_EARLIER, SEEN); /* p = 1/252 */
    expect_insight(&made, INSIGHT_MORE_FREQUENT, SEEN);
    expect_insight(&made, INSIGHT_EMERGENT, CANNOT_TELL); /* no trace */
    made_reset(&made);
    for (uint32_t r = 1; r <= 5; r++) {
        made_add_even(&made, made_run_default(2, r), DELAY, 40);
        made_add_even(&made, made_run_default(5, r), DELAY, 20 + r);
    }
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_insight(&made, INSIGHT_EARLIER, NOT_SEEN);
    expect_insight(&made, INSIGHT_MORE_FREQUENT, NOT_SEEN);
    made_reset(&made);
}

/* ---- theory ---- */

static const struct theory_row *theory_of(const struct made_comparison *made, const char *label,
                                          const char *key)
{
    const struct scene_answers *answers = answers_of(made);
    for (size_t i = 0; i < answers->theory_count; i++)
        if (strcmp(answers->theory[i].column->label, label) == 0 &&
            strcmp(answers->theory[i].key, key) == 0)
            return &answers->theory[i];
    (void)fprintf(stderr, "no row %s of %s\n", key, label);
    abort();
}

/* Bins are 3 % wide. */
static bool is_near(const struct figure *figure, double value)
{
    return figure->unknown == NULL && fabs(figure->value / value - 1) < 0.03;
}

static void test_theory(void)
{
    static const struct made_value one_ms[] = {{0.001, 1000}};
    struct made_comparison made = {.count = 0};
    for (uint32_t nodes = 2; nodes <= 5; nodes += 3) {
        struct made_run run = made_run_default(nodes, 1);
        run.values[HISTOGRAM_DELAY] = (struct made_values){one_ms, 1};
        made_add(&made, &run); /* 100 writes per second and node */
    }
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT(is_near(&theory_of(&made, "5 nodes", "backlog_mean")->predicted, 0.4));
    /* metrics.py: write_on_stale, backlog_outside, critical_nodes, (5, 100, .001, L = 1) */
    CU_ASSERT(is_near(&theory_of(&made, "5 nodes", "write_on_stale")->predicted, 0.32968));
    CU_ASSERT(fabs(theory_of(&made, "5 nodes", "backlog_outside")->predicted.value - 0.061552) <
              0.003);
    CU_ASSERT(is_near(&theory_of(&made, "5 nodes", "critical_nodes")->predicted, 17.667));
    CU_ASSERT(is_near(&theory_of(&made, "5 nodes", "visible_p99")->predicted, 0.001));
    CU_ASSERT(agrees(theory_of(&made, "5 nodes", "causal_triples")->predicted.value, 60));
    CU_ASSERT(agrees(theory_of(&made, "Two nodes", "causal_triples")->predicted.value, 0));
    CU_ASSERT(made_is_unknown(&theory_of(&made, "5 nodes", "backlog_mean")->measured, "no trace"));
    CU_ASSERT(isnan(theory_of(&made, "5 nodes", "backlog_mean")->ratio));
    made_reset(&made);
}

/* One gap in four is three times the leader's time-out: silent in a third of all time. */
static void test_theory_of_leader(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(3, 1);
    (void)snprintf(run.config.system, sizeof run.config.system, "leader");
    double timeout_s = run.config.leader_timeout_ms / 1e3;
    const struct made_value gaps[] = {{timeout_s, 300}, {3 * timeout_s, 100}};
    run.values[HISTOGRAM_GAP] = (struct made_values){gaps, 2};
    made_add(&made, &run);
    CU_ASSERT_FATAL(made_compare(&made, false));
    double p = 1.0 / 3;
    CU_ASSERT(fabs(theory_of(&made, "3 nodes", "views_split")->predicted.value -
                   (1 - (1 - p) * (1 - p))) < 0.02);
    CU_ASSERT(fabs(theory_of(&made, "3 nodes", "two_leaders")->predicted.value -
                   (1 - (1 - p) * (1 - p * p))) < 0.02);
    made_reset(&made);
}

static void test_theory_of_consensus(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(3, 1);
    (void)snprintf(run.config.system, sizeof run.config.system, "consensus");
    double deadline_s = run.config.deadline_us / 1e6;
    const struct made_value delays[] = {{deadline_s / 2, 900}, {2 * deadline_s, 100}};
    run.values[HISTOGRAM_DELAY] = (struct made_values){delays, 2};
    made_add(&made, &run);
    CU_ASSERT_FATAL(made_compare(&made, false));
    /* metrics.py: majority_disagrees(3, .9) */
    CU_ASSERT(fabs(theory_of(&made, "3 nodes", "majority_disagrees")->predicted.value - 0.1266375) <
              1e-6);
    made_reset(&made);
}

/* ---- other limits ---- */

static void test_curve(void)
{
    struct made_comparison made;
    compare_growth(&made, 1, late_10, behind_1);
    const struct curve_figures *curve = &made_row(&made, 1, DELAY)->curve;
    CU_ASSERT_PTR_NULL_FATAL(curve->unknown);
    CU_ASSERT(curve->count >= 3);
    bool has_declared = false;
    for (size_t i = 0; i < curve->count; i++) {
        double wanted = curve->limits[i] >= 0.01 ? 0 : curve->limits[i] >= 0.0005 ? 0.1 : 1;
        CU_ASSERT(agrees(curve->shares[i], wanted));
        CU_ASSERT(i == 0 || curve->limits[i] > curve->limits[i - 1]);
        has_declared = has_declared || agrees(curve->limits[i], curve->declared);
    }
    CU_ASSERT(has_declared);
    CU_ASSERT_STRING_EQUAL(made_row(&made, 1, CAUSAL)->curve.unknown, "its limit is 0");
    made_reset(&made);
}

static void test_what_if(void)
{
    struct made_comparison made;
    struct what_if asked;
    compare_growth(&made, 1, late_10, behind_1);
    /* 1/256 s is an edge. */
    CU_ASSERT_FATAL(what_if_read("message_delay_max_us=3906.25", &asked, &made.failure));
    CU_ASSERT_FATAL(what_if_answer(&made.comparison, &asked));
    const struct what_if_figures *found = &made_row(&made, 1, DELAY)->what_if;
    CU_ASSERT(found->is_asked && found->unknown == NULL);
    CU_ASSERT(made_is_single(&found->share, 0.1));
    CU_ASSERT(agrees(found->ratio.value, 1)); /* the declared 1 ms lets as many through */
    CU_ASSERT_FALSE(made_row(&made, 1, LAG)->what_if.is_asked);
    CU_ASSERT_FATAL(what_if_read("message_delay_max_us=10000", &asked, &made.failure));
    CU_ASSERT_FATAL(what_if_answer(&made.comparison, &asked)); /* inside the bin of 0.01 s */
    CU_ASSERT(isnan(found->share.value));
    CU_ASSERT(agrees(found->share.low, 0) && agrees(found->share.high, 0.1));
    CU_ASSERT_FATAL(what_if_read("version_lag_max=2", &asked, &made.failure));
    CU_ASSERT_FATAL(what_if_answer(&made.comparison, &asked));
    CU_ASSERT(made_is_single(&made_row(&made, 1, LAG)->what_if.share, 0));
    CU_ASSERT(agrees(made_row(&made, 1, LAG)->what_if.share_declared.value, 0.01));
    made_reset(&made);
}

static void test_what_if_refused(void)
{
    static const char *const words[] = {"message_delay_max_us",
                                        "message_delay_max_us=",
                                        "message_delay_max_us=1x",
                                        "version_lag_max=-1",
                                        "version_lag_max=inf",
                                        "no_key=1",
                                        "=1",
                                        ""};
    for (size_t i = 0; i < LENGTH(words); i++) {
        struct failure failure = {EXIT_DONE, ""};
        struct what_if asked;
        CU_ASSERT_FALSE(what_if_read(words[i], &asked, &failure));
        CU_ASSERT_EQUAL(failure.code, EXIT_BAD_USAGE);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"held at two, failed at five", test_failed_only_at_n},
                           {"failed at two already", test_failed_at_two_already},
                           {"too few runs", test_too_few_runs},
                           {"one scale", test_only_one_scale},
                           {"gradually", test_pace},
                           {"three scales", test_pace_of_three},
                           {"time or state", test_time_or_state},
                           {"earlier and more frequent", test_earlier_and_more},
                           {"theory", test_theory},
                           {"theory of leader", test_theory_of_leader},
                           {"theory of consensus", test_theory_of_consensus},
                           {"other limits", test_curve},
                           {"what if", test_what_if},
                           {"what cannot be asked", test_what_if_refused},
                           CU_TEST_INFO_NULL};
    return cunit_main("comparison: answers", tests);
}
