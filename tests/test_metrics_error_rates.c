#include "analysis/metrics/coupling.h"
#include "analysis/metrics/rates.h"
#include "analysis/metrics/symmetry.h"
#include "analysis/metrics/trend.h"
#include "cunit_main.h"
#include "drawn_episodes.h"

#include <string.h>

/* How often the verdicts are right on episodes whose cause is known, beside the rates that the
 * metrics page states. `test_error_rates long` takes as many sets as stand there. A stated rate
 * must be compatible with what is counted here: they overlap within 99.9 %. */

enum { RUNS = 6, WINDOWS = TREND_WINDOWS, NODES_MAX = 16 };
static bool long_form;

/* A set is one experiment: six runs of a plan. The judgement adds what it found to `found` and what
 * it judged to `judged`. */
struct tally {
    uint64_t found;
    uint64_t judged;
};
typedef void judgement(const struct drawn_plan *plan, struct drawn_episodes *runs, unsigned seed,
                       struct tally *tally);

struct rate_case {
    const char *what;
    struct drawn_plan plan;
    judgement *judge;
    int sets_quick;
    int sets_long;
    double stated_low; /* both 0: none may be found */
    double stated_high;
};

/* ---- judgements ---- */

static void judge_coupled(const struct drawn_plan *plan, struct drawn_episodes *drawn,
                          unsigned seed, struct tally *tally)
{
    struct episode_run runs[RUNS];
    struct coupling coupling;
    for (int r = 0; r < RUNS; r++)
        runs[r] = (struct episode_run){drawn[r].items, drawn[r].count};
    CU_ASSERT_FATAL(
        coupling_of(runs, RUNS, plan->nodes, plan->window_s, plan->times, seed, &coupling));
    tally->found += coupling.verdict == COUPLING_COUPLED;
    tally->judged++;
}

static void judge_rising(const struct drawn_plan *plan, struct drawn_episodes *drawn, unsigned seed,
                         struct tally *tally)
{
    uint64_t counts[RUNS][WINDOWS];
    double slopes[RUNS];
    (void)seed;
    for (int r = 0; r < RUNS; r++)
        drawn_windows(plan, &drawn[r], WINDOWS, counts[r]);
    tally->found += trend_of(counts[0], RUNS, WINDOWS, slopes).rising;
    tally->judged++;
}

static struct symmetry symmetry_drawn(const struct drawn_plan *plan,
                                      const struct drawn_episodes *drawn, unsigned seed)
{
    uint32_t counts[NODES_MAX * WINDOWS];
    drawn_node_windows(plan, drawn, WINDOWS, counts);
    return symmetry_of(counts, plan->nodes, WINDOWS, seed);
}

static void judge_asymmetric(const struct drawn_plan *plan, struct drawn_episodes *drawn,
                             unsigned seed, struct tally *tally)
{
    for (int r = 0; r < RUNS; r++)
        tally->found += symmetry_drawn(plan, &drawn[r], seed).verdict == SYMMETRY_ASYMMETRIC;
    tally->judged += RUNS;
}

static void judge_always(const struct drawn_plan *plan, struct drawn_episodes *drawn, unsigned seed,
                         struct tally *tally)
{
    struct symmetry runs[RUNS];
    char text[64];
    for (int r = 0; r < RUNS; r++)
        runs[r] = symmetry_drawn(plan, &drawn[r], seed);
    symmetry_runs(runs, RUNS, text);
    tally->found += strncmp(text, "always", 6) == 0;
    tally->judged++;
}

/* ---- one case ---- */

static struct tally count_case(const struct rate_case *c)
{
    struct tally tally = {0, 0};
    struct drawn_episodes drawn[RUNS] = {{NULL, 0, 0}};
    int sets = long_form ? c->sets_long : c->sets_quick;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, 4711);
    for (int set = 0; set < sets; set++) {
        for (int r = 0; r < RUNS; r++)
            drawn_run(&c->plan, rng, &drawn[r]);
        c->judge(&c->plan, drawn, (unsigned)set + 1, &tally);
    }
    for (int r = 0; r < RUNS; r++)
        drawn_free(&drawn[r]);
    gsl_rng_free(rng);
    return tally;
}

static void check_case(const struct rate_case *c)
{
    struct tally tally = count_case(c);
    struct rate_interval share = share_interval(tally.found, tally.judged, 0.999);
    bool none_allowed = !(c->stated_high > 0);
    bool good = none_allowed ? tally.found == 0
                             : share.high >= c->stated_low && share.low <= c->stated_high;
    printf("\n    %-26s %-20s %2u nodes %5llu of %5llu = %.3f [%.3f, %.3f], stated %.3f-%.3f%s",
           c->what, drawn_names[c->plan.kind], c->plan.nodes, (unsigned long long)tally.found,
           (unsigned long long)tally.judged, share.value, share.low, share.high, c->stated_low,
           c->stated_high, good ? "" : "  DIFFERS");
    CU_ASSERT(tally.judged > 0);
    CU_ASSERT(good);
}

/* ---- coupling ---- */

static void test_coupling_false(void)
{
    for (enum drawn_kind kind = DRAWN_POISSON; kind < DRAWN_CHAINS; kind++)
        for (uint32_t nodes = 5; nodes <= 16; nodes += 11)
            check_case(&(struct rate_case){"coupled, false", drawn_plan_of(kind, nodes),
                                           judge_coupled, 25, 163, 0, 0});
}

static void check_chains(double branching, uint32_t nodes, double low, double high)
{
    struct rate_case c = {
        "coupled, found", drawn_plan_of(DRAWN_CHAINS, nodes), judge_coupled, 50, 400, low, high};
    c.plan.branching = branching;
    check_case(&c);
}

static void test_coupling_found(void)
{
    check_chains(0.2, 5, 0.995, 1);
    check_chains(0.2, 16, 0.995, 1);
    check_chains(0.1, 5, 0.35, 0.55);
    check_chains(0.1, 16, 0.945, 0.955);
}

/* Why the marks are kept: without them a node that is late itself passes for propagation. */
static void test_coupling_without_marks(void)
{
    struct rate_case c = {"coupled, marks ignored",
                          drawn_plan_of(DRAWN_STALLING_SENDER, 5),
                          judge_coupled,
                          10,
                          100,
                          0.95,
                          1};
    c.plan.keep_own_stalls = true;
    check_case(&c);
}

/* ---- trend ---- */

static void check_trend(enum drawn_kind kind, double per_window, double growth, double low,
                        double high)
{
    struct rate_case c = {growth > 0 ? "rising, a doubling" : "rising, false",
                          drawn_plan_of(kind, 5),
                          judge_rising,
                          200,
                          1000,
                          low,
                          high};
    c.plan.rate_per_node_s = per_window * WINDOWS / c.plan.window_s / c.plan.nodes;
    c.plan.growth = growth;
    check_case(&c);
}

static void test_trend_false(void)
{
    const double per_window[] = {2, 4, 30};
    for (enum drawn_kind kind = DRAWN_POISSON; kind < DRAWN_CHAINS; kind++)
        for (int i = 0; i < 3; i++)
            check_trend(kind, per_window[i], 0, 0.003, 0.02);
}

static void test_trend_found(void)
{
    check_trend(DRAWN_POISSON, 2, 2, 0.665, 0.675);
    check_trend(DRAWN_POISSON, 4, 2, 0.955, 0.965);
    check_trend(DRAWN_POISSON, 30, 2, 0.995, 1);
}

/* ---- symmetry ---- */

static void check_symmetry(judgement *judge, struct drawn_plan plan, double busy, double low,
                           double high)
{
    enum { EPISODES_PER_NODE = 40 };
    struct rate_case c = {
        judge == judge_always ? "always, false" : "asymmetric", plan, judge, 60, 600, low, high};
    c.plan.busy_node = busy;
    c.plan.rate_per_node_s =
        EPISODES_PER_NODE / plan.window_s * plan.nodes / (plan.nodes - 1 + (busy > 0 ? busy : 1));
    check_case(&c);
}

static const uint32_t node_counts[] = {2, 5, 16};
static const enum drawn_kind even_kinds[] = {DRAWN_POISSON, DRAWN_SHARED_BURSTS, DRAWN_TRAINS,
                                             DRAWN_SLOW_MODULATION};

static void test_symmetry_false(void)
{
    for (int n = 0; n < 3; n++)
        for (int k = 0; k < 4; k++) {
            struct drawn_plan plan = drawn_plan_of(even_kinds[k], node_counts[n]);
            bool trains = even_kinds[k] == DRAWN_TRAINS;
            check_symmetry(judge_asymmetric, plan, 0, 0.0005, trains ? 0.07 : 0.01);
            check_symmetry(judge_always, plan, 0, 0, 0);
        }
}

/* At five nodes a node at twice the others is found more often than the page states: in .82, by its
 * own formulas, too. */
static void test_symmetry_found(void)
{
    const double twice[] = {0.53, 0.70, 0.61}, twice_high[] = {0.53, 0.85, 0.61};
    for (int n = 0; n < 3; n++) {
        struct drawn_plan plan = drawn_plan_of(DRAWN_POISSON, node_counts[n]);
        check_symmetry(judge_asymmetric, plan, 4, 0.99, 1);
        check_symmetry(judge_asymmetric, plan, 2, twice[n] - 0.005, twice_high[n] + 0.005);
    }
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"no coupling where nothing propagates", test_coupling_false},
        {"planted chains are found", test_coupling_found},
        {"without marks, late observers look coupled", test_coupling_without_marks},
        {"no trend where the rate is steady", test_trend_false},
        {"a doubling is found", test_trend_found},
        {"equal nodes are not called asymmetric", test_symmetry_false},
        {"a busy node is found", test_symmetry_found},
        CU_TEST_INFO_NULL};
    long_form = argc > 1 && strcmp(argv[1], "long") == 0;
    return cunit_main("error rates", tests);
}
