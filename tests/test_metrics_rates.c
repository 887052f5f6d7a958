/* Rates, shares, medians, dispersion, elasticity. Each figure stands beside the call of metrics.py
 * that gave it. */

#include "agrees.h"
#include "analysis/metrics/counting.h"
#include "analysis/metrics/elasticity.h"
#include "analysis/metrics/rates.h"
#include "cunit_main.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* ---- counting ---- */

static void test_fano(void)
{
    const uint64_t even[] = {4, 4, 4, 4}, mixed[] = {3, 0, 7, 2, 1}, one_sided[] = {0, 10};
    const uint64_t none[] = {0, 0, 0}, one[] = {5};
    CU_ASSERT(agrees(fano(even, 4), 0));                 /* fano([4, 4, 4, 4]) */
    CU_ASSERT(agrees(fano(mixed, 5), 2.80769230769231)); /* fano([3, 0, 7, 2, 1]) */
    CU_ASSERT(agrees(fano(one_sided, 2), 10));           /* fano([0, 10]) */
    CU_ASSERT(agrees(fano(one, 1), UNSUPPORTED));        /* fano([5]) */
    CU_ASSERT(agrees(fano(none, 3), UNSUPPORTED));       /* fano([0, 0, 0]) */
    CU_ASSERT(agrees(fano(none, 0), UNSUPPORTED));       /* fano([]) */
}

static void test_pooled_dispersion(void)
{
    const struct {
        size_t nodes;
        size_t windows;
        double expected;
        uint32_t counts[16];
    } rows[] = {
        /* pooled_phi([[1, 0, 2, 0, 1, 0, 0, 3], [0, 0, 0, 0, 1, 1, 1, 1]]) */
        {2, 8, 1.54545454545455, {1, 0, 2, 0, 1, 0, 0, 3, 0, 0, 0, 0, 1, 1, 1, 1}},
        {1, 4, 1, {5, 5, 5, 5}},                         /* pooled_phi([[5, 5, 5, 5]]) */
        {1, 8, 1, {5, 5, 5, 5, 5, 5, 5, 5}},             /* … [[5] * 8]: never below 1 */
        {1, 7, 3, {3, 3, 3, 0, 0, 0, 1}},                /* … [[3, 3, 3, 0, 0, 0, 1]] */
        {1, 8, 3.42857142857143, {6, 0, 6, 0, 6, 0, 6}}, /* … [[6, 0, 6, 0, 6, 0, 6, 0]] */
        /* pooled_phi([[2, 2, 2, 2, 0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0]]): only the windows merged
         * by 4 show it */
        {1, 16, 5.33333333333333, {2, 2, 2, 2, 0, 0, 0, 0, 2, 2, 2, 2}},
        {1, 1, 1, {9}},       /* pooled_phi([[9]]) */
        {2, 3, 1, {0, 0, 0}}, /* pooled_phi([[0, 0, 0], [0, 0, 0]]) */
        {0, 0, 1, {0}},       /* pooled_phi([]) */
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        CU_ASSERT(agrees(pooled_dispersion(rows[i].counts, rows[i].nodes, rows[i].windows),
                         rows[i].expected));
}

/* ---- intervals ---- */

static bool same_interval(struct rate_interval found, struct rate_interval expected)
{
    return agrees(found.value, expected.value) && agrees(found.low, expected.low) &&
           agrees(found.high, expected.high);
}

static void test_poisson_interval(void)
{
    const struct {
        double count, exposure, confidence, dispersion;
        struct rate_interval expected;
    } rows[] = {
        /* poisson_ci(0, 30) … poisson_ci(7, 10) */
        {0, 30, .95, 1, {0, 0, 0.122962648470464}},
        {1, 30, .95, 1, {1.0 / 30, 0.000843926932809663, 0.18572144636463}},
        {7, 10, .95, 1, {.7, 0.281436305151987, 1.44226753617024}},
        /* poisson_ci(7, 10, phi=3.5), phi=.2: clusters widen, a dispersion below 1 does not
         * narrow */
        {7, 10, .95, 3.5, {.7, 0.0847732474903878, 2.52864068370339}},
        {7, 10, .95, .2, {.7, 0.281436305151987, 1.44226753617024}},
        {7, 10, .9, 1, {.7, 0.328531569189467, 1.31481138024321}}, /* poisson_ci(7, 10, .9) */
        /* poisson_ci(1, 4, phi=10), poisson_ci(0, 4, phi=10): one train of many episodes */
        {1, 4, .95, 10, {.25, 1.44792756138036e-16, 9.74002246109701}},
        {0, 4, .95, 10, {0, 0, 9.22219863528483}},
        /* poisson_ci(583, 80), poisson_ci(99999, 80), poisson_ci(1000000, 80, phi=2) */
        {583, 80, .95, 1, {7.2875, 6.70787568747347, 7.90380740916646}},
        {99999, 80, .95, 1, {1249.9875, 1242.25194703403, 1257.75927051004}},
        {1000000, 80, .95, 2, {12500, 12465.3760892901, 12534.6963030011}},
        {20000000, 80, .95, 1, {250000, 249890.446521848, 250109.589660416}},
        /* poisson_ci(3, 0) and below */
        {3, 0, .95, 1, {UNSUPPORTED, UNSUPPORTED, UNSUPPORTED}},
        {3, -1, .95, 1, {UNSUPPORTED, UNSUPPORTED, UNSUPPORTED}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        CU_ASSERT(same_interval(poisson_interval(rows[i].count, rows[i].exposure,
                                                 rows[i].confidence, rows[i].dispersion),
                                rows[i].expected));
}

/* Whatever the count and the clustering: the interval holds the rate, and from some dozens of
 * independent events on it is about four standard deviations wide. */
static void test_poisson_interval_at_every_size(void)
{
    static const double phis[] = {1, 1.5, 2, 5, 10, 50, 100, 1000};
    int wrong = 0;
    for (uint64_t events = 1; events < 100000000; events += events / 5 + 1)
        for (size_t i = 0; i < LENGTH(phis); i++) {
            double count = (double)events, phi = phis[i];
            struct rate_interval found = poisson_interval(count, 1, .95, phi);
            double widths = (found.high - found.low) / sqrt(count * phi);
            wrong += !(found.low >= 0 && found.low < count && found.high > count);
            wrong += count / phi > 50 && !(widths > 3.8 && widths < 4.3);
        }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_silent_rate_bound(void)
{
    CU_ASSERT(agrees(silent_rate_bound(30), 0.0998577424517997)); /* run_rate([], 5, 30)['hi'] */
    CU_ASSERT(agrees(silent_rate_bound(0), UNSUPPORTED));         /* run_rate([], 5, 0) */
}

static void test_median_interval(void)
{
    const struct {
        size_t count;
        double confidence;
        struct median_interval expected;
        double values[9];
    } rows[] = {
        {0, .95, {UNSUPPORTED, UNSUPPORTED, UNSUPPORTED}, {0}}, /* median_ci([]) */
        {1, .95, {3, UNSUPPORTED, UNSUPPORTED}, {3}},           /* median_ci([3]) */
        {2, .95, {2.5, UNSUPPORTED, UNSUPPORTED}, {1, 4}},      /* median_ci([1, 4]) */
        /* median_ci([1, 2, 3, 4, 5]), … 6]), … 6], .99) */
        {5, .95, {3, UNSUPPORTED, UNSUPPORTED}, {1, 2, 3, 4, 5}},
        {6, .95, {3.5, 1, 6}, {1, 2, 3, 4, 5, 6}},
        {6, .99, {3.5, UNSUPPORTED, UNSUPPORTED}, {1, 2, 3, 4, 5, 6}},
        /* median_ci([1, 2, 3, 4, 5, 6, 7, 8]), … 9]), median_ci([2, 2, 2, 2, 5, 5, 5, 5]) */
        {8, .95, {4.5, 1, 8}, {1, 2, 3, 4, 5, 6, 7, 8}},
        {9, .95, {5, 2, 8}, {1, 2, 3, 4, 5, 6, 7, 8, 9}},
        {8, .95, {3.5, 2, 5}, {2, 2, 2, 2, 5, 5, 5, 5}},
        /* median_ci([.1, .2, .3, inf, inf, inf]): a drift that was not seen */
        {6, .95, {INFINITY, .1, INFINITY}, {.1, .2, .3, INFINITY, INFINITY, INFINITY}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct median_interval found =
            median_interval(rows[i].values, rows[i].count, rows[i].confidence);
        CU_ASSERT(agrees(found.median, rows[i].expected.median));
        CU_ASSERT(agrees(found.low, rows[i].expected.low));
        CU_ASSERT(agrees(found.high, rows[i].expected.high));
    }
}

static void test_share_interval(void)
{
    const struct {
        uint64_t successes, trials;
        double confidence;
        struct rate_interval expected;
    } rows[] = {
        {0, 0, .95, {UNSUPPORTED, 0, 1}},                        /* binom_ci(0, 0) */
        {0, 6, .95, {0, 0, 0.459258126439896}},                  /* binom_ci(0, 6) */
        {6, 6, .95, {1, 0.5407418735601, 1}},                    /* binom_ci(6, 6) */
        {3, 6, .95, {.5, 0.118117248757025, 0.881882751242974}}, /* binom_ci(3, 6) */
        /* binom_ci(1, 1000), binom_ci(6, 400), binom_ci(1283, 7151), binom_ci(5, 10, .9) */
        {1, 1000, .95, {.001, 2.53174874912924e-05, 0.00555892427984311}},
        {6, 400, .95, {.015, 0.00552410950458057, 0.0323612944807524}},
        {1283, 7151, .95, {1283.0 / 7151, 0.170584427710178, 0.188508656179601}},
        {5, 10, .9, {.5, 0.222441101008129, 0.777558898991871}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        CU_ASSERT(
            same_interval(share_interval(rows[i].successes, rows[i].trials, rows[i].confidence),
                          rows[i].expected));
}

static void test_share_interval_at_every_size(void)
{
    int wrong = 0;
    for (uint64_t trials = 1; trials < 1000000; trials += trials / 6 + 1)
        for (uint64_t successes = 1; successes < trials; successes += successes / 3 + 1) {
            struct rate_interval found = share_interval(successes, trials, .95);
            wrong += !(found.low > 0 && found.low < found.value && found.high > found.value &&
                       found.high < 1);
        }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* ---- elasticity ---- */

static void test_elasticity(void)
{
    struct elasticity found;
    /* elasticity([1.2]*5 + [1.05]*7 + [.95]*8 + [.5]*100, 1) */
    CU_ASSERT(elasticity(5, 20, .1, &found));
    CU_ASSERT(agrees(found.value, -6.90830496165476) && agrees(found.low, -10.691142979475) &&
              agrees(found.high, -3.12546694383452));
    CU_ASSERT(elasticity(40, 40, .1, &found)); /* elasticity([1.2]*40, 1) */
    CU_ASSERT(found.value == 0 && found.low == 0 && found.high == 0);
    /* elasticity([1.3]*6 + [.9]*4, 1, .2) */
    CU_ASSERT(elasticity(6, 10, .2, &found));
    CU_ASSERT(agrees(found.value, -1.25985100456466) && agrees(found.low, -2.50797276346441) &&
              agrees(found.high, -0.0117292456649229));
    CU_ASSERT(!elasticity(4, 13, .1, &found)); /* elasticity([1.2]*4 + [1]*9, 1) */
    CU_ASSERT(!elasticity(0, 0, .1, &found));  /* elasticity([], 1) */
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"Fano factor", test_fano},
        {"pooled dispersion", test_pooled_dispersion},
        {"Garwood's interval", test_poisson_interval},
        {"Garwood's interval at every size", test_poisson_interval_at_every_size},
        {"bound of a silent run", test_silent_rate_bound},
        {"median and its interval", test_median_interval},
        {"Clopper-Pearson interval", test_share_interval},
        {"Clopper-Pearson interval at every size", test_share_interval_at_every_size},
        {"elasticity", test_elasticity},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("metrics of rates", tests);
}
