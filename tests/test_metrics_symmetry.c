/* Symmetry of one run and over the repetitions. Each figure stands beside the call of metrics.py
 * that gave it. */

#include "agrees.h"
#include "analysis/metrics/symmetry.h"
#include "cunit_main.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* ---- one run ---- */

struct one_run {
    size_t nodes;
    size_t windows;
    uint32_t counts[16];
    struct symmetry expected;
};

static void check_figures(const struct symmetry *found, const struct symmetry *expected)
{
    CU_ASSERT_EQUAL(found->episodes, expected->episodes);
    CU_ASSERT_EQUAL(found->nodes, expected->nodes);
    CU_ASSERT_EQUAL(found->top_node, expected->top_node);
    CU_ASSERT_EQUAL(found->emitting, expected->emitting);
    CU_ASSERT(agrees(found->phi, expected->phi));
    CU_ASSERT(agrees(found->chi2, expected->chi2));
    /* A difference of squares: what is left of 1 - 1 is rounding. */
    CU_ASSERT(agrees(found->cv, expected->cv) || fabs(found->cv - expected->cv) < 1e-7);
    CU_ASSERT(agrees(found->top_share, expected->top_share));
    CU_ASSERT(agrees(found->jain, expected->jain));
    CU_ASSERT(agrees(found->jain_expected, expected->jain_expected));
    CU_ASSERT_EQUAL(found->verdict, expected->verdict);
}

static void test_against_chi_square(void)
{
    static const struct one_run rows[] = {
        /* symmetry([[10, 9, 12, 9], [11, 10, 8, 11], [9, 12, 10, 10]]) */
        {3,
         4,
         {10, 9, 12, 9, 11, 10, 8, 11, 9, 12, 10, 10},
         {121, 3, 2, 3, 1, 0.0165289256198347, 0.99176959397792, 0, 0.338842975206612,
          0.999863415966673, 0.983739837398374, SYMMETRY_SYMMETRIC}},
        /* symmetry([[40, 35, 45, 40], [10, 12, 9, 9], [11, 8, 10, 11]]) */
        {3,
         4,
         {40, 35, 45, 40, 10, 12, 9, 9, 11, 8, 10, 11},
         {240, 3, 0, 3, 1, 120, 0, 0.701189465598754, 0.666666666666667, 0.666666666666667,
          0.991735537190083, SYMMETRY_ASYMMETRIC}},
        /* One burst is no asymmetry: symmetry([[30, 0, 0, 0], [2, 3, 2, 3], [3, 2, 3, 2]]) */
        {3,
         4,
         {30, 0, 0, 0, 2, 3, 2, 3, 3, 2, 3, 2},
         {50, 3, 0, 3, 18.0533333333333, 16, 0.642022799724101, 0, 0.6, 0.757575757575758,
          0.580675131619697, SYMMETRY_SYMMETRIC}},
        /* Surely uneven, but by little:
         * symmetry([[1350, 1340, 1360, 1350], [1150, 1160, 1140, 1150]]) */
        {2,
         4,
         {1350, 1340, 1360, 1350, 1150, 1160, 1140, 1150},
         {10000, 2, 0, 2, 1, 64, 1.22124532708767e-15, 0.0793725393319389, 0.54, 0.993640699523052,
          0.999900009999, SYMMETRY_SYMMETRIC}},
        /* The first of equals; a silent node counts:
         * symmetry([[5, 5, 5, 5], [5, 5, 5, 5], [0, 0, 0, 0]]) */
        {3,
         4,
         {5, 5, 5, 5, 5, 5, 5, 5, 0, 0, 0, 0},
         {40, 3, 0, 2, 1, 20, 4.53999297624907e-05, 0.670820393249937, 0.5, 0.666666666666667,
          0.952380952380952, SYMMETRY_ASYMMETRIC}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct symmetry found = symmetry_of(rows[i].counts, rows[i].nodes, rows[i].windows, 1);
        check_figures(&found, &rows[i].expected);
        CU_ASSERT(fabs(found.p - rows[i].expected.p) < 1e-12); /* 1 - P in metrics.py */
    }
}

/* p is the share of 2,000 draws here and of 100,000 in metrics.py; four standard deviations of the
 * difference, and the 1 that both add to the hits. */
static double draws_tolerance(double p)
{
    return 4 * sqrt(p * (1 - p) * (1.0 / 2000 + 1.0 / 100000)) + 1.0 / 2001;
}

static void test_against_draws(void)
{
    static const struct one_run rows[] = {
        /* symmetry([[1, 0, 2, 1], [0, 1, 0, 0], [2, 1, 1, 1], [0, 0, 1, 0]], 10**5,
         * random.Random(1)), and so for the others */
        {4,
         4,
         {1, 0, 2, 1, 0, 1, 0, 0, 2, 1, 1, 1, 0, 0, 1, 0},
         {11, 4, 2, 4, 1, 4.63636363636364, 0.251637483625164, 0.385694607919935, 0.454545454545455,
          0.703488372093023, 0.785714285714286, SYMMETRY_SYMMETRIC}},
        /* [[3, 2, 2, 2], [0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0]] */
        {4,
         4,
         {3, 2, 2, 2, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0},
         {12, 4, 0, 4, 1, 16, 0.001649983500165, 1.04083299973307, 0.75, 0.428571428571429, 0.8,
          SYMMETRY_ASYMMETRIC}},
        /* [[2, 2], [1, 0], [0, 1], [0, 0]] */
        {4,
         2,
         {2, 2, 1, 0, 0, 1, 0, 0},
         {6, 4, 0, 3, 1, 6, 0.178978210217898, 0.707106781186548, 0.666666666666667, 0.5,
          0.666666666666667, SYMMETRY_SYMMETRIC}},
        /* Fewer than nodes: [[1, 1], [1, 1], [1, 0], [0, 0], [0, 0], [0, 0]] */
        {6,
         2,
         {1, 1, 1, 1, 1},
         {5, 6, 0, 3, 1, 5.8, 0.441355864413559, 0.4, 0.4, 0.462962962962963, 0.5,
          SYMMETRY_TOO_FEW}},
        /* Fewer than five: [[1, 0], [2, 1]] */
        {2,
         2,
         {1, 0, 2, 1},
         {4, 2, 1, 2, 1, 1, 0.622688655672164, 0, 0.75, 0.8, 0.8, SYMMETRY_TOO_FEW}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        for (unsigned seed = 1; seed <= 10; seed++) {
            struct symmetry found =
                symmetry_of(rows[i].counts, rows[i].nodes, rows[i].windows, seed);
            check_figures(&found, &rows[i].expected);
            CU_ASSERT(fabs(found.p - rows[i].expected.p) < draws_tolerance(rows[i].expected.p));
        }
}

static void test_the_seed_decides_the_draws(void)
{
    static const uint32_t counts[] = {2, 2, 1, 0, 0, 1, 0, 0};
    double first = symmetry_of(counts, 4, 2, 7).p;
    int others = 0;
    for (unsigned seed = 8; seed < 18; seed++)
        others += symmetry_of(counts, 4, 2, seed).p != first;
    CU_ASSERT_EQUAL(symmetry_of(counts, 4, 2, 7).p, first);
    CU_ASSERT(others > 0);
}

static void test_nothing_to_compare(void)
{
    static const uint32_t none[4] = {0}, some[] = {3, 4};
    const struct {
        const uint32_t *counts;
        size_t nodes;
        uint64_t episodes;
        enum symmetry_verdict verdict;
    } rows[] = {
        {none, 2, 0, SYMMETRY_SILENT}, /* symmetry([[0, 0], [0, 0]]) */
        {some, 1, 7, SYMMETRY_ONE},    /* symmetry([[3, 4]]) */
        {none, 1, 0, SYMMETRY_SILENT}, /* symmetry([[0, 0]]) */
        {none, 0, 0, SYMMETRY_SILENT}, /* symmetry([]) */
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct symmetry found = symmetry_of(rows[i].counts, rows[i].nodes, 2, 1);
        CU_ASSERT_EQUAL(found.verdict, rows[i].verdict);
        CU_ASSERT_EQUAL(found.episodes, rows[i].episodes);
        CU_ASSERT(isnan(found.p) && isnan(found.chi2) && isnan(found.cv) && isnan(found.phi));
        CU_ASSERT(isnan(found.top_share) && isnan(found.jain) && isnan(found.jain_expected));
    }
}

/* ---- over the repetitions ---- */

/* A run in short: the busiest node of an asymmetric one, or its verdict below zero. */
enum { SYM = -1, FEW = -2, SIL = -3, ONE = -4 };

static struct symmetry run_of(int shorthand, size_t nodes)
{
    static const enum symmetry_verdict verdicts[] = {[-SYM] = SYMMETRY_SYMMETRIC,
                                                     [-FEW] = SYMMETRY_TOO_FEW,
                                                     [-SIL] = SYMMETRY_SILENT,
                                                     [-ONE] = SYMMETRY_ONE};
    return (struct symmetry){.nodes = nodes,
                             .top_node = shorthand >= 0 ? (size_t)shorthand : 0,
                             .verdict =
                                 shorthand >= 0 ? SYMMETRY_ASYMMETRIC : verdicts[-shorthand]};
}

/* The expected words are symmetry_runs() of metrics.py for runs with these verdicts, its node_2
 * called node_C. */
static void test_over_the_repetitions(void)
{
    static const struct {
        size_t nodes;
        size_t count;
        int runs[6];
        const char *expected;
    } rows[] = {
        {16, 0, {0}, "unknown (no runs)"},
        {16, 1, {3}, "asymmetric"},
        {16, 1, {SYM}, "symmetric (not rejected)"},
        {16, 1, {FEW}, "too few"},
        {16, 1, {SIL}, "silent"},
        {1, 1, {ONE}, "one node"},
        {1, 2, {ONE, ONE}, "too few"},
        {16, 6, {SIL, SIL, SIL, SIL, SIL, SIL}, "silent"},
        {16, 3, {SIL, SIL, FEW}, "too few"},
        {16, 6, {2, 2, 2, 2, 2, 2}, "always node_C"},
        {16, 6, {27, 27, 27, 27, SYM, FEW}, "always node_AB"},
        {16, 6, {0, 0, 1, 1, 1, 1}, "always node_B"},
        /* At two nodes chance alone leads often: 2/2^6 is rare enough, 2/2^5 is not. */
        {2, 6, {0, 0, 0, 0, 0, 0}, "always node_A"},
        {2, 5, {0, 0, 0, 0, 0}, "mostly node_A"},
        {2, 6, {1, 1, 1, 1, SYM, SYM}, "mostly node_B"},
        {2, 6, {0, 0, 0, 0, 1, 1}, "mostly node_A"},
        {5, 3, {4, 4, SYM}, "mostly node_E"},
        {5, 2, {4, 4}, "mostly node_E"},
        {16, 6, {0, 1, 2, 3, 4, 5}, "another node each run"},
        {16, 6, {0, 0, 0, 1, 1, 1}, "another node each run"},
        {16, 6, {0, 1, 2, SYM, SYM, SYM}, "mixed"},
        {16, 6, {0, 0, 0, SYM, SIL, SIL}, "mixed"},
        {16, 2, {0, SYM}, "mixed"},
        {16, 6, {0, 1, SYM, SYM, SYM, SYM}, "symmetric (not rejected)"},
        {16, 6, {SYM, SYM, SYM, SYM, SIL, SIL}, "symmetric (not rejected)"},
        {16, 6, {SYM, SYM, SIL, SIL, SIL, SIL}, "too few"},
        {16, 6, {0, 0, 0, FEW, FEW, FEW}, "too few"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct symmetry runs[6];
        char text[64];
        for (size_t r = 0; r < rows[i].count; r++)
            runs[r] = run_of(rows[i].runs[r], rows[i].nodes);
        symmetry_runs(runs, rows[i].count, text);
        CU_ASSERT_STRING_EQUAL(text, rows[i].expected);
    }
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"against chi-square", test_against_chi_square},
        {"against draws", test_against_draws},
        {"the seed decides the draws", test_the_seed_decides_the_draws},
        {"nothing to compare", test_nothing_to_compare},
        {"over the repetitions", test_over_the_repetitions},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("metrics of symmetry", tests);
}
