#include "analysis/metrics/stability.h"
#include "cunit_main.h"
#include "drawn_episodes.h"

#include <math.h>
#include <string.h>

enum { WINDOWS = TREND_WINDOWS, RUNS = 6 };

/* ---- trend, beside metrics.py ---- */

/* def counts(x, mean, rise):
 *     out = []
 *     for w in range(20):
 *         x = (1103515245 * x + 12345) % 2**31
 *         out.append(int(x / 2**31 * mean * 2 + rise * w))
 *     return out */
static void draw_counts(uint32_t state, double mean, double rise, uint64_t *counts)
{
    for (int w = 0; w < WINDOWS; w++) {
        state = (1103515245 * state + 12345) & 0x7fffffff;
        counts[w] = (uint64_t)(state / 2147483648.0 * mean * 2 + rise * w);
    }
}

/* metrics.rising([counts(r + 1, mean, rise) for r in range(6)]) */
struct reference {
    double mean;
    double rise;
    struct trend trend;
    double slopes[RUNS];
};
static const struct reference references[] = {
    {6,
     0,
     {false, 0.10026579402371033, 100, 0.03990602273422224, 1.07019840371617, 4, 6},
     {0.2264957264957265, -0.25, 0, 0.07738095238095238, 0.08712121212121213, 0.2}},
    {6,
     0.3,
     {true, 8.995929911795227e-08, 412, 0.058758175576182695, 1.105085768585653, 6, 6},
     {0.5166666666666666, 0, 0.22875816993464052, 0.3333333333333333, 0.39230769230769236, 0.5}},
    {2,
     0.05,
     {true, 0.0011835881872256431, 219, 0.001679959216429508, 1.0028599766242883, 5, 6},
     {0.125, 0, 0, 0, 0, 0.09090909090909091}},
};

static void check_trend(const struct trend *found, const struct trend *wanted)
{
    CU_ASSERT_EQUAL(found->rising, wanted->rising);
    CU_ASSERT_DOUBLE_EQUAL(found->p / wanted->p, 1, 1e-9);
    CU_ASSERT_EQUAL(found->s, wanted->s);
    CU_ASSERT_DOUBLE_EQUAL(found->rho, wanted->rho, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(found->factor, wanted->factor, 1e-12);
    CU_ASSERT_EQUAL(found->up, wanted->up);
    CU_ASSERT_EQUAL(found->runs, wanted->runs);
}

static void test_trend_reference(void)
{
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++) {
        const struct reference *wanted = &references[i];
        uint64_t counts[RUNS][WINDOWS];
        double slopes[RUNS];
        for (uint32_t r = 0; r < RUNS; r++)
            draw_counts(r + 1, wanted->mean, wanted->rise, counts[r]);
        struct trend trend = trend_of(counts[0], RUNS, WINDOWS, slopes);
        check_trend(&trend, &wanted->trend);
        for (int r = 0; r < RUNS; r++)
            CU_ASSERT_DOUBLE_EQUAL(slopes[r], wanted->slopes[r], 1e-12);
    }
}

/* Random walks: neighbours resemble each other, and the variance is raised. metrics.rising(…) of
 * these three gives p .006373757, ρ .644223019, factor 3.356393261; without the factor p were far
 * smaller. */
static void test_trend_autocorrelated(void)
{
    const uint64_t walks[3 * WINDOWS] = {
        10, 9, 8, 10, 9,  10, 10, 11, 13, 13, 15, 16, 17, 18, 17, 17, 19, 17, 19, 20, //
        8,  9, 8, 10, 8,  8,  9,  8,  6,  6,  7,  6,  7,  8,  9,  8,  9,  11, 10, 12, //
        10, 9, 8, 9,  11, 9,  11, 13, 12, 11, 10, 11, 13, 14, 12, 10, 10, 11, 11, 10};
    double slopes[3];
    struct trend trend = trend_of(walks, 3, WINDOWS, slopes);
    check_trend(&trend, &(struct trend){true, 0.00637375727337465, 239, 0.6442230189507087,
                                        3.3563932607990488, 3, 3});
}

/* metrics.mann_kendall, rank_autocorrelation, theil_sen of counts(1, 6, .3). */
static void test_trend_parts(void)
{
    uint64_t counts[WINDOWS], level[WINDOWS];
    draw_counts(1, 6, 0.3, counts);
    struct mann_kendall mk = mann_kendall(counts, WINDOWS);
    CU_ASSERT_EQUAL(mk.s, 99);
    CU_ASSERT_DOUBLE_EQUAL(mk.variance, 936.3333333333334, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(theil_sen(counts, WINDOWS), 0.5166666666666666, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(rank_autocorrelation(counts, WINDOWS), 0.002631578947368421, 1e-12);
    for (int w = 0; w < WINDOWS; w++)
        level[w] = 3;
    CU_ASSERT(isnan(rank_autocorrelation(level, WINDOWS)));
    CU_ASSERT(isnan(rank_autocorrelation(counts, 3)));
    CU_ASSERT(isnan(theil_sen(counts, 1)));
    CU_ASSERT_EQUAL(mann_kendall(level, WINDOWS).variance, 0);
}

static void set_line(uint64_t *counts, int64_t from, int64_t step)
{
    for (int w = 0; w < WINDOWS; w++)
        counts[w] = (uint64_t)(from + step * w);
}

/* How many of the runs have to rise: all of one or two, all but one of more. */
static void test_trend_runs(void)
{
    uint64_t counts[3][WINDOWS];
    double slopes[3];
    set_line(counts[0], 0, 1);
    set_line(counts[1], 0, 1);
    set_line(counts[2], 20, -1);
    CU_ASSERT(trend_of(counts[0], 1, WINDOWS, slopes).rising);
    struct trend three = trend_of(counts[0], 3, WINDOWS, slopes);
    CU_ASSERT(three.rising);
    CU_ASSERT_EQUAL(three.up, 2);
    CU_ASSERT_EQUAL(slopes[2], -1);
    CU_ASSERT_FALSE(trend_of(counts[1], 2, WINDOWS, slopes).rising);
    CU_ASSERT(isnan(trend_of(counts[0], 0, WINDOWS, slopes).p));
    CU_ASSERT(isnan(trend_of(counts[0], 3, 3, slopes).p));
    CU_ASSERT_FALSE(trend_of(counts[0], 0, WINDOWS, slopes).rising);
    set_line(counts[0], 5, 0);
    CU_ASSERT_EQUAL(trend_of(counts[0], 1, WINDOWS, slopes).p, 0.5);
}

/* Two runs that both have to rise: the second does not, though the sum does. */
static void test_trend_of_two(void)
{
    uint64_t counts[2][WINDOWS];
    double slopes[2];
    set_line(counts[0], 0, 1);
    set_line(counts[1], 5, 0);
    struct trend level = trend_of(counts[0], 2, WINDOWS, slopes);
    CU_ASSERT(level.p < 0.001 && level.up == 1);
    CU_ASSERT_FALSE(level.rising);
    counts[1][1] = 6; /* two in order, 17 not */
    CU_ASSERT_EQUAL(mann_kendall(counts[1], WINDOWS).s, 1 - 18);
    CU_ASSERT_FALSE(trend_of(counts[0], 2, WINDOWS, slopes).rising);
    counts[1][1] = 5;
    counts[1][WINDOWS - 1] = 6;
    CU_ASSERT(trend_of(counts[0], 2, WINDOWS, slopes).rising);
    CU_ASSERT_FALSE(trend_of(counts[1], 1, WINDOWS, slopes).rising); /* up, by chance */
    CU_ASSERT_EQUAL(trend_of(counts[1], 1, WINDOWS, slopes).up, 1);
}

/* Neighbours that differ do not make a trend surer. */
static void test_trend_alternating(void)
{
    uint64_t counts[WINDOWS];
    double slope;
    for (int w = 0; w < WINDOWS; w++)
        counts[w] = (uint64_t)w + (w % 2 == 0 ? 0 : 8);
    struct trend trend = trend_of(counts, 1, WINDOWS, &slope);
    CU_ASSERT(rank_autocorrelation(counts, WINDOWS) < -0.5);
    CU_ASSERT_EQUAL(trend.rho, 0);
    CU_ASSERT_EQUAL(trend.factor, 1);
}

/* ---- the ordered verdict ---- */

static struct stability judge(const struct stability_run *runs, size_t count,
                              enum coupling_verdict verdict, bool rising)
{
    struct coupling coupling = {.verdict = verdict, .episodes = 500, .events = 100};
    struct trend trend = {.rising = rising, .up = 5, .runs = count};
    if (verdict == COUPLING_TOO_MANY)
        coupling = (struct coupling){.verdict = verdict, .episodes = COUPLING_EPISODES_MAX + 1};
    return stability_of(runs, count, &coupling, &trend);
}

static void test_order(void)
{
    const struct stability_run runs[RUNS] = {{90, .1}, {90, .1},          {90, .1},
                                             {90, .1}, {90, (double)NAN}, {90, .8}};
    const struct {
        enum coupling_verdict coupling;
        bool rising;
        enum stability_verdict wanted;
    } cases[] = {{COUPLING_COUPLED, true, STABILITY_CASCADES},
                 {COUPLING_COUPLED, false, STABILITY_PROPAGATES},
                 {COUPLING_CLUSTERED, true, STABILITY_COMMON_CAUSE},
                 {COUPLING_CLUSTERED, false, STABILITY_COMMON_CAUSE},
                 {COUPLING_NONE_FOUND, true, STABILITY_ACCUMULATES},
                 {COUPLING_NONE_FOUND, false, STABILITY_STABILISES},
                 {COUPLING_NOT_APPLICABLE, true, STABILITY_ACCUMULATES},
                 {COUPLING_NOT_APPLICABLE, false, STABILITY_STABILISES},
                 {COUPLING_TOO_FEW, false, STABILITY_STABILISES}, /* one source */
                 {COUPLING_TOO_MANY, true, STABILITY_UNKNOWN}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stability found = judge(runs, RUNS, cases[i].coupling, cases[i].rising);
        CU_ASSERT_EQUAL(found.verdict, cases[i].wanted);
        bool by_trend =
            found.verdict == STABILITY_CASCADES || found.verdict == STABILITY_ACCUMULATES;
        CU_ASSERT_EQUAL(found.agree, found.verdict == STABILITY_UNKNOWN ? 0 : by_trend ? 5 : 6);
    }
    struct coupling few = {.verdict = COUPLING_TOO_FEW, .episodes = 30, .events = 19};
    struct trend rising = {.rising = true, .up = 6, .runs = RUNS};
    CU_ASSERT_EQUAL(stability_of(runs, RUNS, &few, &rising).verdict, STABILITY_TOO_FEW);
    few.verdict = COUPLING_NOT_APPLICABLE;
    CU_ASSERT_EQUAL(stability_of(runs, RUNS, &few, &rising).verdict, STABILITY_TOO_FEW);
}

static void check_tally(const struct stability_run *runs, size_t count, const char *wanted)
{
    char text[96];
    struct stability found = judge(runs, count, COUPLING_NONE_FOUND, false);
    stability_text(&found, text);
    CU_ASSERT_STRING_EQUAL(text, wanted);
    if (strcmp(text, wanted) != 0)
        printf("\n    %s, wanted %s", text, wanted);
}

static void test_tally(void)
{
    const struct stability_run silent[] = {{0, 1}, {0, 0}, {0, 0}, {0, 0}, {9, .9}, {9, .1}};
    const struct stability_run saturated[] = {{9, .9}, {9, .81}, {9, 1}, {9, .95}, {0, 0}, {9, .8}};
    const struct stability_run mixed[] = {{0, .9}, {0, 0}, {0, 0}, {9, .9}, {9, .1}, {9, .1}};
    check_tally(silent, 6, "silent (4/6 runs)");
    check_tally(saturated, 6, "saturated (4/6 runs)");
    check_tally(mixed, 6, "mixed (3 silent, 1 saturated, 2 other of 6 runs)");
    check_tally(mixed + 2, 4, "mixed (1 silent, 1 saturated, 2 other of 4 runs)");
    check_tally(mixed + 3, 3, "stabilises (2/3 runs)");
    check_tally(silent, 1, "silent (1/1 runs)"); /* outside from the start to the end: no badge */
    check_tally(silent + 5, 1, "stabilises (1/1 runs)");
    check_tally(silent, 0, "unknown (no runs)");
    char text[96];
    struct stability many = judge(mixed + 4, 2, COUPLING_TOO_MANY, false);
    stability_text(&many, text);
    CU_ASSERT_STRING_EQUAL(text, "unknown (too many episodes: more than 20000)");
}

/* ---- episodes whose cause is known ---- */

static enum stability_verdict judge_drawn(const struct drawn_plan *plan)
{
    struct drawn_episodes drawn[RUNS] = {{NULL, 0, 0}};
    struct episode_run runs[RUNS];
    struct stability_run each[RUNS];
    uint64_t counts[RUNS][WINDOWS];
    double slopes[RUNS];
    struct coupling coupling;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    for (int r = 0; r < RUNS; r++) {
        drawn_run(plan, rng, &drawn[r]);
        runs[r] = (struct episode_run){drawn[r].items, drawn[r].count};
        each[r] = (struct stability_run){drawn[r].count, 0.1};
        drawn_windows(plan, &drawn[r], WINDOWS, counts[r]);
    }
    CU_ASSERT_FATAL(
        coupling_of(runs, RUNS, plan->nodes, plan->window_s, plan->times, 1, &coupling));
    struct trend trend = trend_of(counts[0], RUNS, WINDOWS, slopes);
    struct stability found = stability_of(each, RUNS, &coupling, &trend);
    for (int r = 0; r < RUNS; r++)
        drawn_free(&drawn[r]);
    gsl_rng_free(rng);
    return found.verdict;
}

/* The planted chain is the positive control: a verdict that never finds one proves nothing. */
static void test_known_causes(void)
{
    struct drawn_plan chains = drawn_plan_of(DRAWN_CHAINS, 5);
    struct drawn_plan growing = drawn_plan_of(DRAWN_POISSON, 5);
    struct drawn_plan steady = drawn_plan_of(DRAWN_POISSON, 5);
    struct drawn_plan bursts = drawn_plan_of(DRAWN_SHARED_BURSTS, 16);
    struct drawn_plan none = drawn_plan_of(DRAWN_POISSON, 5), few = none;
    chains.branching = 0.2;
    CU_ASSERT_EQUAL(judge_drawn(&chains), STABILITY_PROPAGATES);
    chains.growth = growing.growth = 4;
    CU_ASSERT_EQUAL(judge_drawn(&chains), STABILITY_CASCADES);
    CU_ASSERT_EQUAL(judge_drawn(&growing), STABILITY_ACCUMULATES);
    CU_ASSERT_EQUAL(judge_drawn(&steady), STABILITY_STABILISES);
    CU_ASSERT_EQUAL(judge_drawn(&bursts), STABILITY_COMMON_CAUSE);
    none.rate_per_node_s = 0;
    few.rate_per_node_s = 0.1;
    CU_ASSERT_EQUAL(judge_drawn(&none), STABILITY_SILENT);
    CU_ASSERT_EQUAL(judge_drawn(&few), STABILITY_TOO_FEW);
}

int main(void)
{
    CU_TestInfo tests[] = {{"trends of metrics.py", test_trend_reference},
                           {"neighbours that resemble each other", test_trend_autocorrelated},
                           {"parts of a trend", test_trend_parts},
                           {"how many runs must rise", test_trend_runs},
                           {"two runs must both rise", test_trend_of_two},
                           {"alternating counts", test_trend_alternating},
                           {"the order of the verdicts", test_order},
                           {"the tally over the runs", test_tally},
                           {"known causes, planted chains among them", test_known_causes},
                           CU_TEST_INFO_NULL};
    return cunit_main("stability", tests);
}
