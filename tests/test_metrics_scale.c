#include "analysis/metrics/assumption.h"
#include "analysis/metrics/exceedance.h"
#include "analysis/metrics/rates.h"
#include "analysis/metrics/scale.h"
#include "cunit_main.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>

static const double NONE = (double)NAN;

/* ---- N10, N50, N90 ---- */

static const double four[] = {2, 4, 8, 16};

static void test_crossing_between(void)
{
    const double shares[] = {0.05, 0.2, 0.6, 0.95};
    struct scale_pace pace = scale_pace_of(four, shares, 4);
    CU_ASSERT_EQUAL(pace.n10.place, CROSSING_BETWEEN);
    CU_ASSERT_DOUBLE_EQUAL(pace.n10.nodes, 2 * pow(2, 1 / 3.0), 1e-12);
    CU_ASSERT_EQUAL(pace.n10.from_nodes, 2);
    CU_ASSERT_EQUAL(pace.n10.to_nodes, 4);
    CU_ASSERT_DOUBLE_EQUAL(pace.n50.nodes, 4 * pow(2, 0.75), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(pace.n90.nodes, 8 * pow(2, 6 / 7.0), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(pace.widening, 8.8769607251233, 1e-9);
    CU_ASSERT_EQUAL(pace.answer, PACE_GRADUALLY);
    CU_ASSERT_FALSE(pace.n10.falls_back || pace.n50.falls_back || pace.n90.falls_back);
}

static void check_crossing(const double *shares, size_t scales, double level,
                           enum crossing_place place, double nodes, bool falls_back)
{
    struct crossing found = scale_crossing(four, shares, scales, level);
    CU_ASSERT_EQUAL(found.place, place);
    CU_ASSERT(isnan(nodes) ? isnan(found.nodes) : fabs(found.nodes - nodes) < 1e-12);
    CU_ASSERT_EQUAL(found.falls_back, falls_back);
    CU_ASSERT_EQUAL(isnan(found.from_nodes), place != CROSSING_BETWEEN);
}

static void test_crossing_elsewhere(void)
{
    const double low[] = {0, 0.01, 0.02, 0.09}, high[] = {0.6, 0.7, 0.4, 0.8};
    const double exact[] = {0, 0.5, 0.5, 1}, up_and_down[] = {0, 1, 0, 1};
    check_crossing(low, 4, 0.1, CROSSING_NOT_SEEN, 16, false);
    check_crossing(high, 4, 0.5, CROSSING_BEFORE, 2, true);
    check_crossing(high, 2, 0.5, CROSSING_BEFORE, 2, false);
    check_crossing(exact, 4, 0.5, CROSSING_BETWEEN, 4, false);
    check_crossing(up_and_down, 4, 0.5, CROSSING_BETWEEN, 2 * sqrt(2), true);
    check_crossing(low, 0, 0.1, CROSSING_UNKNOWN, NONE, false);
    check_crossing(low, 1, 0.1, CROSSING_NOT_SEEN, 2, false);
}

static void check_pace(const double *shares, size_t scales, enum pace answer, double widening)
{
    struct scale_pace pace = scale_pace_of(four, shares, scales);
    CU_ASSERT_EQUAL(pace.answer, answer);
    CU_ASSERT(isnan(widening) ? isnan(pace.widening) : fabs(pace.widening - widening) < 1e-9);
}

static void test_pace(void)
{
    const double sudden[] = {0, 0, 1, 1}, rest[] = {0, 0.1, 0.3, 0.5}, late[] = {0, 0, 0.1, 0.6};
    const double none[] = {0, 0.05, 0.09, 0.07}, all[] = {0.9, 0.95, 1, 1};
    const double early[] = {0.1, 0.9, 1, 1}, early_slow[] = {0.2, 0.5, 0.9, 1};
    double n10 = 4 * pow(2, 0.1), n90 = 4 * pow(2, 0.9);
    check_pace(sudden, 4, PACE_SUDDENLY, (n90 - 1) / (n10 - 1));
    check_pace(sudden, 3, PACE_FEW_SCALES, (n90 - 1) / (n10 - 1));
    check_pace(rest, 4, PACE_GRADUALLY, 5); /* 10 % at 4, not 90 % at 16: 15 / 3 at least */
    check_pace(late, 4, PACE_CANNOT_TELL, 15 / 7.0);
    check_pace(none, 4, PACE_NOT_SEEN, NONE);
    check_pace(all, 4, PACE_EVERYWHERE, NONE);
    check_pace(early, 4, PACE_CANNOT_TELL, 3); /* 10 % perhaps before two */
    check_pace(early_slow, 4, PACE_GRADUALLY, 7);
    CU_ASSERT_STRING_EQUAL(pace_words[PACE_FEW_SCALES], "unknown (needs four node counts)");
}

/* Exposure alone, 1 - (1 - s)^(N - 1), is not sudden whatever the share of one stream is. */
static void test_exposure_is_gradual(void)
{
    const double nodes[] = {2, 3, 5, 9, 16, 32, 64, 128, 256};
    const double one_stream[] = {0.003, 0.006, 0.012, 0.025, 0.05, 0.09};
    for (int s = 0; s < 6; s++) {
        double shares[9];
        for (int i = 0; i < 9; i++)
            shares[i] = 1 - pow(1 - one_stream[s], nodes[i] - 1);
        CU_ASSERT_EQUAL(scale_pace_of(nodes, shares, 9).answer, PACE_GRADUALLY);
    }
}

/* ---- the exponent ---- */

static void test_exponent_exact(void)
{
    struct scale_run runs[8];
    struct scale_exponent found;
    for (int i = 0; i < 8; i++) {
        double n = four[i / 2], s = i % 2 == 0 ? 5 : 2;
        runs[i] = (struct scale_run){n, 0.7 * pow(n * (n - 1), 1.3) * s, s};
    }
    CU_ASSERT_FATAL(scale_exponent_of(runs, 8, &found));
    CU_ASSERT_DOUBLE_EQUAL(found.value, 1.3, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.high - found.low, 0, 1e-9);
    CU_ASSERT_EQUAL(found.scales, 4);
}

/* Newton's method on the likelihood with full matrices and HC3 in numpy; t(.975, 7) = 2.364624. */
static void test_exponent_reference(void)
{
    const struct scale_run runs[] = {{2, 0, 5},  {2, 2, 5},    {2, 1, 5},   {5, 9, 5},   {5, 6, 5},
                                     {5, 15, 5}, {16, 120, 5}, {16, 90, 5}, {16, 260, 4}};
    struct scale_exponent found;
    CU_ASSERT_FATAL(scale_exponent_of(runs, 9, &found));
    CU_ASSERT_DOUBLE_EQUAL(found.value, 1.1187109958125592, 1e-8);
    CU_ASSERT_DOUBLE_EQUAL(found.low, 0.6549695722476117, 1e-8);
    CU_ASSERT_DOUBLE_EQUAL(found.high, 1.5824524193775067, 1e-8);
}

static void test_exponent_unknown(void)
{
    struct scale_exponent found;
    const struct scale_run one_scale[] = {{4, 3, 5}, {4, 5, 5}, {2, 0, 5}, {2, 0, 5}};
    const struct scale_run two[] = {{2, 3, 5}, {4, 30, 5}, {4, 40, 5}};
    CU_ASSERT_FALSE(scale_exponent_of(one_scale, 4, &found));
    CU_ASSERT_FALSE(scale_exponent_of(one_scale, 0, &found));
    CU_ASSERT_FATAL(scale_exponent_of(two, 2, &found));
    CU_ASSERT_DOUBLE_EQUAL(found.value, log(10) / log(6), 1e-9);
    CU_ASSERT(isnan(found.low) && isnan(found.high));
    CU_ASSERT_FATAL(scale_exponent_of(two, 3, &found)); /* one run alone decides at two nodes */
    CU_ASSERT(isnan(found.low) && isnan(found.high));
    CU_ASSERT_EQUAL(found.scales, 2);
}

/* Six runs at each scale; runs differ by 20 % besides counting error. The interval holds the true
 * exponent in .93 to .98. */
static void test_exponent_coverage(void)
{
    enum { SETS = 500, RUNS = 6, ALL = 4 * RUNS };
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    uint64_t held = 0;
    for (int set = 0; set < SETS; set++) {
        struct scale_run runs[ALL];
        struct scale_exponent found;
        for (int i = 0; i < ALL; i++) {
            double n = four[i / RUNS], mean = 2 * n * (n - 1) * gsl_ran_gamma(rng, 25, 0.04);
            runs[i] = (struct scale_run){n, gsl_ran_poisson(rng, mean), 5};
        }
        CU_ASSERT_FATAL(scale_exponent_of(runs, ALL, &found));
        held += found.low <= 1 && found.high >= 1;
    }
    gsl_rng_free(rng);
    struct rate_interval share = share_interval(held, SETS, 0.999);
    CU_ASSERT(share.high >= 0.93 && share.low <= 0.98);
}

/* ---- held or failed ---- */

static void test_assumption(void)
{
    CU_ASSERT_EQUAL(assumption_of(0, 0.01, 0.01), ASSUMPTION_HELD);
    CU_ASSERT_EQUAL(assumption_of(0.011, 0.5, 0.01), ASSUMPTION_FAILED);
    CU_ASSERT_EQUAL(assumption_of(0.01, 0.5, 0.01), ASSUMPTION_CANNOT_TELL);
    CU_ASSERT_EQUAL(assumption_of(0, 0.02, 0.01), ASSUMPTION_CANNOT_TELL);
    CU_ASSERT_EQUAL(assumption_of(NONE, NONE, 0.01), ASSUMPTION_CANNOT_TELL);
    CU_ASSERT_EQUAL(assumption_of(0, 0, 0), ASSUMPTION_HELD);
    CU_ASSERT_STRING_EQUAL(assumption_words[ASSUMPTION_CANNOT_TELL], "cannot tell");
}

/* ---- another limit ---- */

static const double edges[] = {1, 2, 4, 8};
static const uint64_t counts[] = {5, 7, 11};
static const struct binned_values values = {edges, counts, 3, 2, 3};

static void check_exceedance(double limit, uint64_t least, uint64_t most)
{
    struct exceedance_bounds found = exceedance_at(&values, limit);
    CU_ASSERT_EQUAL(found.least, least);
    CU_ASSERT_EQUAL(found.most, most);
    CU_ASSERT_EQUAL(found.observations, 28);
}

static void test_exceedance(void)
{
    check_exceedance(1, 26, 26);
    check_exceedance(2, 21, 21);
    check_exceedance(2 * (1 + 1e-12), 21, 21); /* an edge, but for rounding */
    check_exceedance(2 * (1 - 1e-12), 21, 21);
    check_exceedance(4, 14, 14);
    check_exceedance(8, 3, 3);
    check_exceedance(3, 14, 21); /* inside (2, 4] */
    check_exceedance(2.0001, 14, 21);
    check_exceedance(0.5, 26, 28); /* in what is below the edges */
    check_exceedance(9, 0, 3);
    uint64_t beyond[4];
    exceedance_curve(&values, beyond);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(beyond[i], exceedance_at(&values, edges[i]).least);
}

static void check_quantile(double q, double low, double high)
{
    struct quantile_bounds found = binned_quantile(&values, q);
    CU_ASSERT_EQUAL(found.low, low);
    CU_ASSERT_EQUAL(found.high, high);
}

static void test_quantile(void)
{
    const struct binned_values empty = {edges, (const uint64_t[]){0, 0, 0}, 3, 0, 0};
    check_quantile(2 / 28.0, -(double)INFINITY, 1);
    check_quantile(3 / 28.0, 1, 2);
    check_quantile(0.5, 2, 4);       /* the 14th of 28 */
    check_quantile(14.5 / 28, 4, 8); /* the 15th */
    check_quantile(25 / 28.0, 4, 8);
    check_quantile(1, 8, (double)INFINITY);
    CU_ASSERT(isnan(binned_quantile(&empty, 0.5).low));
    CU_ASSERT_EQUAL(exceedance_at(&empty, 3).observations, 0);
}

int main(void)
{
    CU_TestInfo tests[] = {{"N10, N50, N90 between the scales", test_crossing_between},
                           {"levels not crossed, or more than once", test_crossing_elsewhere},
                           {"gradually or suddenly", test_pace},
                           {"exposure alone is gradual", test_exposure_is_gradual},
                           {"the exponent of an exact power", test_exponent_exact},
                           {"the exponent beside numpy's", test_exponent_reference},
                           {"an exponent that cannot be known", test_exponent_unknown},
                           {"the interval holds the exponent", test_exponent_coverage},
                           {"held, failed, cannot tell", test_assumption},
                           {"another limit, from a histogram", test_exceedance},
                           {"quantiles, from a histogram", test_quantile},
                           CU_TEST_INFO_NULL};
    return cunit_main("scale", tests);
}
