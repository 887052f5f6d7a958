/* First drift and ranks. Each figure stands beside the call of metrics.py that gave it. */

#include "agrees.h"
#include "analysis/metrics/first_drift.h"
#include "analysis/metrics/ranks.h"
#include "cunit_main.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* ---- first drift ---- */

static void test_kaplan_meier(void)
{
    const struct {
        size_t runs;
        double expected;
        double times_s[7];
        bool drifted[7];
    } rows[] = {
        /* kaplan_meier([], [])[1], ([2], [1])[1], ([5], [0])[1] */
        {0, UNSUPPORTED, {0}, {0}},
        {1, 2, {2}, {1}},
        {1, UNSUPPORTED, {5}, {0}},
        /* S exactly 1/2: ([1, 2, 3, 4], [1, 1, 1, 1])[1], then a tie, then censored behind it */
        {4, 2.5, {1, 2, 3, 4}, {1, 1, 1, 1}},
        {4, 2, {1, 1, 3, 3}, {1, 1, 1, 1}},           /* ([1, 1, 3, 3], [1, 1, 1, 1])[1] */
        {4, 2, {1, 2, 5, 5}, {1, 1, 0, 0}},           /* ([1, 2, 5, 5], [1, 1, 0, 0])[1] */
        {4, 3, {2, 2, 2, 4}, {1, 1, 0, 1}},           /* ([2, 2, 2, 4], [1, 1, 0, 1])[1] */
        {3, 2, {3, 1, 2}, {1, 1, 1}},                 /* ([3, 1, 2], [1, 1, 1])[1] */
        {4, UNSUPPORTED, {1, 5, 5, 5}, {1, 0, 0, 0}}, /* ([1, 5, 5, 5], [1, 0, 0, 0])[1] */
        /* ([1, 2, 3, 4, 5, 6], [1, 0, 1, 0, 1, 1])[1], ([1, 2, 2, 5, 5], [1, 1, 0, 1, 0])[1] */
        {6, 5, {1, 2, 3, 4, 5, 6}, {1, 0, 1, 0, 1, 1}},
        {5, 5, {1, 2, 2, 5, 5}, {1, 1, 0, 1, 0}},
        /* ([1, 2, 3, 4, 5, 6, 7], [1] * 7)[1]: an odd number */
        {7, 4, {1, 2, 3, 4, 5, 6, 7}, {1, 1, 1, 1, 1, 1, 1}},
        /* ([.53, .12, 5, .71, 5, 2.2], [1, 1, 0, 1, 0, 1])[1] */
        {6, 1.455, {.53, .12, 5, .71, 5, 2.2}, {1, 1, 0, 1, 0, 1}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        CU_ASSERT(agrees(kaplan_meier_median(rows[i].times_s, rows[i].drifted, rows[i].runs),
                         rows[i].expected));
}

static void test_first_drift_exposure(void)
{
    const struct {
        uint64_t trains;
        double observations, observations_per_s, dispersion;
        struct rate_interval expected;
    } rows[] = {
        /* first_drift_exposure(12, 40000, 2500), the same with phi = 4, (1, 40000, 2500) */
        {12, 40000, 2500, 1, {0.924196240746594, 0.529079974795306, 1.78860100789015}},
        {12, 40000, 2500, 4, {0.924196240746594, 0.316242998271442, 4.48151552273456}},
        {1, 40000, 2500, 1, {11.0903548889591, 1.99049977013878, 438.04561974089}},
        /* no train at two: first_drift_exposure(0, 40000, 2500) */
        {0, 40000, 2500, 1, {UNSUPPORTED, 3.70205141055615, UNSUPPORTED}},
        /* first_drift_exposure(0, 0, 2500), (3, 40000, 0) */
        {0, 0, 2500, 1, {UNSUPPORTED, UNSUPPORTED, UNSUPPORTED}},
        {3, 40000, 0, 1, {UNSUPPORTED, UNSUPPORTED, UNSUPPORTED}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rate_interval found = first_drift_exposure(
            rows[i].trains, rows[i].observations, rows[i].observations_per_s, rows[i].dispersion);
        CU_ASSERT(agrees(found.value, rows[i].expected.value));
        CU_ASSERT(agrees(found.low, rows[i].expected.low));
        CU_ASSERT(agrees(found.high, rows[i].expected.high));
    }
}

static void test_exposure_ratio(void)
{
    const struct {
        uint64_t trains;
        double observations;
        uint64_t drifts;
        double at_risk, dispersion;
        struct hazard expected;
    } rows[] = {
        /* exposure_ratio(4, 30000, 6, 2000), the same with phi = 2 and 20 */
        {4, 3e4, 6, 2e3, 1, {22.5, 5.33562116890469, 108.403713201385, 1.00467568699969e-05}},
        {4, 3e4, 6, 2e3, 2, {22.5, 4.02328989675232, 227.949043117844, 6.00387848262053e-05}},
        {4, 3e4, 6, 2e3, 20, {UNSUPPORTED, .883068544293133, UNSUPPORTED, .0348154255454785}},
        /* exposure_ratio(5, 30000, 6, 2000, 2): two and a half trains count as three */
        {5, 3e4, 6, 2e3, 2, {15, 3.20350661352279, 92.6942011837501, 0.000162039093435374}},
        /* no train at two: exposure_ratio(0, 30000, 6, 2000) */
        {0, 3e4, 6, 2e3, 1, {UNSUPPORTED, 17.6613708858627, UNSUPPORTED, 5.96046447753907e-08}},
        /* no drift at N: exposure_ratio(9, 30000, 0, 2000) */
        {9, 3e4, 0, 2e3, 1, {0, 0, 7.59945285442025, 1}},
        /* exposure_ratio(394, 300000, 6, 2000) */
        {394,
         3e5,
         6,
         2e3,
         1,
         {2.28426395939086, .83321921989913, 5.01653576321964, .0521225513455064}},
    };
    struct hazard found;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        CU_ASSERT(exposure_ratio(rows[i].trains, rows[i].observations, rows[i].drifts,
                                 rows[i].at_risk, rows[i].dispersion, &found));
        CU_ASSERT(agrees(found.ratio, rows[i].expected.ratio));
        CU_ASSERT(agrees(found.low, rows[i].expected.low));
        CU_ASSERT(agrees(found.high, rows[i].expected.high));
        CU_ASSERT(agrees(found.p, rows[i].expected.p));
    }
    CU_ASSERT(!exposure_ratio(0, 3e4, 0, 2e3, 1, &found)); /* exposure_ratio(0, 30000, 0, 2000) */
    CU_ASSERT(!exposure_ratio(1, 3e4, 0, 2e3, 5, &found)); /* … (1, 30000, 0, 2000, 5) */
    CU_ASSERT(!exposure_ratio(4, 0, 6, 2e3, 1, &found));   /* … (4, 0, 6, 2000) */
    CU_ASSERT(!exposure_ratio(4, 3e4, 6, 0, 1, &found));   /* … (4, 30000, 6, 0) */
}

/* ---- ranks ---- */

static const struct {
    size_t count_two, count_n;
    double at_two[6], at_n[6];
    double pairs, p_above, p_below, arrangements;
    const char *text;
} rank_rows[] = {
    /* rank_compare([1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]), and the other way round */
    {6,
     6,
     {1, 2, 3, 4, 5, 6},
     {7, 8, 9, 10, 11, 12},
     36,
     1.0 / 924,
     1,
     924,
     "all 6 runs above all 6 at two (p = 1/924)"},
    {6,
     6,
     {7, 8, 9, 10, 11, 12},
     {1, 2, 3, 4, 5, 6},
     0,
     1,
     1.0 / 924,
     924,
     "all 6 runs below all 6 at two (p = 1/924)"},
    /* rank_compare([1, 2, 3, 4, 5, 10], [6, 7, 8, 9, 11, 3.5]) */
    {6,
     6,
     {1, 2, 3, 4, 5, 10},
     {6, 7, 8, 9, 11, 3.5},
     29,
     0.0465367965367965,
     0.967532467532468,
     924,
     "29 of 36 pairs above (p = 0.047)"},
    /* ties: rank_compare([1, 2, 2], [2, 3]), ([1, 1], [1, 1, 1]), ([1, 2, 3], [3, 4, 5]) */
    {3, 2, {1, 2, 2}, {2, 3}, 5, .3, 1, 10, "5 of 6 pairs above (p = 0.3)"},
    {2, 3, {1, 1}, {1, 1, 1}, 3, 1, 1, 10, "3 of 6 pairs above (p = 1)"},
    {3, 3, {1, 2, 3}, {3, 4, 5}, 8.5, .1, 1, 20, "8.5 of 9 pairs above (p = 0.1)"},
    /* rank_compare([0, 0, 0, 1, 2, 2], [0, 5, 5, 7, 9, 9]) */
    {6,
     6,
     {0, 0, 0, 1, 2, 2},
     {0, 5, 5, 7, 9, 9},
     31.5,
     0.0151515151515152,
     0.989177489177489,
     924,
     "31.5 of 36 pairs above (p = 0.015)"},
    /* one each: rank_compare([3], [3]), ([3], [4]) */
    {1, 1, {3}, {3}, .5, 1, 1, 2, "0.5 of 1 pairs above (p = 1)"},
    {1, 1, {3}, {4}, 1, .5, 1, 2, "the only run above the one at two (p = 1/2)"},
    /* not seen: rank_compare([5, inf, inf], [.1, .2, inf]) */
    {3,
     3,
     {5, INFINITY, INFINITY},
     {.1, .2, INFINITY},
     2,
     .95,
     .2,
     20,
     "2 of 9 pairs above (p = 0.95)"},
    /* rank_compare([inf]*6, [.1, .2, .3, .1, .4, .2]) */
    {6,
     6,
     {INFINITY, INFINITY, INFINITY, INFINITY, INFINITY, INFINITY},
     {.1, .2, .3, .1, .4, .2},
     0,
     1,
     1.0 / 924,
     924,
     "all 6 runs below all 6 at two (p = 1/924)"},
};

static void test_rank_compare(void)
{
    struct rank_comparison found;
    for (size_t i = 0; i < LENGTH(rank_rows); i++) {
        CU_ASSERT_FATAL(rank_compare(rank_rows[i].at_two, rank_rows[i].count_two, rank_rows[i].at_n,
                                     rank_rows[i].count_n, &found));
        CU_ASSERT_EQUAL(found.pairs, rank_rows[i].pairs);
        CU_ASSERT(agrees(found.p_above, rank_rows[i].p_above));
        CU_ASSERT(agrees(found.p_below, rank_rows[i].p_below));
        CU_ASSERT(agrees(found.arrangements, rank_rows[i].arrangements));
        CU_ASSERT_EQUAL(found.all_above,
                        strstr(rank_rows[i].text, "pairs") == NULL && found.pairs > 0);
        CU_ASSERT_EQUAL(found.all_below, found.pairs == 0);
        CU_ASSERT_STRING_EQUAL(found.text, rank_rows[i].text);
    }
}

static void test_rank_compare_bounds(void)
{
    double at_two[RANKS_MAX], at_n[RANKS_MAX];
    struct rank_comparison found;
    for (size_t i = 0; i < RANKS_MAX; i++) {
        at_two[i] = (double)i;
        at_n[i] = (double)i + 8.5;
    }
    /* rank_compare(list(range(32)), [x + 8.5 for x in range(32)]) */
    CU_ASSERT_FATAL(rank_compare(at_two, RANKS_MAX / 2, at_n, RANKS_MAX / 2, &found));
    CU_ASSERT(found.pairs == 748 && agrees(found.p_above, 0.000642005822982436) &&
              agrees(found.p_below, 0.99938955236114));
    CU_ASSERT(rank_compare(at_two, 1, at_n, RANKS_MAX - 1, &found));
    CU_ASSERT(!rank_compare(at_two, 1, at_n, RANKS_MAX, &found));
    CU_ASSERT(!rank_compare(at_two, 0, at_n, 1, &found));
    CU_ASSERT(!rank_compare(at_two, 1, at_n, 0, &found));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"Kaplan-Meier median", test_kaplan_meier},
        {"first drift by exposure alone", test_first_drift_exposure},
        {"hazard at N over two nodes", test_exposure_ratio},
        {"exact ranks", test_rank_compare},
        {"bounds of the ranks", test_rank_compare_bounds},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("metrics of first drift and ranks", tests);
}
