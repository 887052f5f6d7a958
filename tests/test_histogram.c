#include "cunit_main.h"
#include "observe/histogram.h"
#include "sample_run.h"

#include <math.h>
#include <string.h>

static const double limits[] = {0,    1e-3, 100e-3, 1,       2,         1.25e-3, 0x1p-10,
                                1e-9, 1e9,  0.9,    1 / 0.9, 0x1.4p-10, 3e-7};
enum { LIMITS = sizeof limits / sizeof limits[0] };

static double *edges_of(const struct histogram *histogram)
{
    double *edges = malloc((histogram->bins + 1) * sizeof *edges);
    if (edges == NULL)
        abort();
    histogram_edges(histogram, edges);
    return edges;
}

static bool has_edge(const struct histogram *histogram, const double *edges, double edge)
{
    for (size_t i = 0; i <= histogram->bins; i++)
        if (edges[i] == edge)
            return true;
    return false;
}

static void test_edges(void)
{
    for (int i = 0; i < LIMITS * HISTOGRAM_KINDS; i++) {
        struct histogram h;
        double limit = limits[i / HISTOGRAM_KINDS];
        CU_ASSERT_FATAL(histogram_init(&h, (enum histogram_kind)(i % HISTOGRAM_KINDS), limit));
        double *edges = edges_of(&h);
        CU_ASSERT_EQUAL(edges[0], h.low);
        CU_ASSERT_EQUAL(edges[h.bins], h.high);
        size_t unordered = 0;
        for (size_t e = 0; e < h.bins; e++)
            unordered += !(edges[e] < edges[e + 1]);
        CU_ASSERT_EQUAL(unordered, 0);
        const double wanted[] = {limit * 0.9, limit, limit * 1.1};
        for (size_t w = 0; w < 3; w++)
            if (wanted[w] > h.low && wanted[w] < h.high)
                CU_ASSERT(has_edge(&h, edges, wanted[w]));
        free(edges);
        histogram_free(&h);
    }
}

static void test_octaves(void)
{
    struct histogram h;
    CU_ASSERT_FATAL(histogram_init(&h, HISTOGRAM_DELAY, 0));
    CU_ASSERT_EQUAL(h.bins, 960);
    CU_ASSERT_EQUAL(h.high, 128);
    CU_ASSERT(h.low <= 0.2e-6);
    double *edges = edges_of(&h);
    for (size_t i = 0; i <= h.bins; i++)
        CU_ASSERT_EQUAL(edges[i], ldexp(1 + (double)(i % 32) / 32, (int)(i / 32) - 23));
    free(edges);
    histogram_free(&h);
}

static void test_merged_edges(void)
{
    struct histogram h;
    CU_ASSERT_FATAL(histogram_init(&h, HISTOGRAM_LAG, 1)); /* 1 is an edge; 0.9 and 1.1 are not */
    CU_ASSERT_EQUAL(h.bins, 546);
    CU_ASSERT_EQUAL(h.limit, 1);
    histogram_free(&h);
    CU_ASSERT_FATAL(histogram_init(&h, HISTOGRAM_LAG, (double)INFINITY));
    CU_ASSERT_EQUAL(h.bins, 544);
    CU_ASSERT_EQUAL(h.limit, 0);
    histogram_free(&h);
}

/* The bin of (lower, upper] by search; -1 underflow, bins overflow. */
static long bin_by_search(const struct histogram *h, const double *edges, double value)
{
    if (!(value <= edges[h->bins]))
        return (long)h->bins;
    long edges_below = 0;
    for (size_t i = 0; i <= h->bins && edges[i] < value; i++)
        edges_below++;
    return edges_below - 1;
}

static void add_to(const struct histogram *h, const double *edges, uint64_t *expected, double value)
{
    expected[bin_by_search(h, edges, value) + 1]++;
}

/* Values of all magnitudes, each edge and its neighbours, and what is no number. */
static double seeded_value(const struct histogram *h, const double *edges, uint64_t *state)
{
    static const double odd[] = {0, -1, 1e300, -1e300, 5e-324};
    uint64_t bits = sample_random(state);
    double edge = edges[(bits >> 8) % (h->bins + 1)];
    switch (bits & 7) {
    case 0:
        return edge;
    case 1:
        return nextafter(edge, (double)INFINITY);
    case 2:
        return nextafter(edge, 0);
    case 3:
        return bits & 8 ? (double)NAN : odd[(bits >> 8) % 5];
    case 4:
        return bits & 8 ? (double)INFINITY : -(double)INFINITY;
    default:
        return ldexp((double)(bits >> 11) + 1, (int)(sample_random(state) % 36) - 78);
    }
}

static void count_seeded(enum histogram_kind kind, double limit, uint64_t seed)
{
    struct histogram h;
    CU_ASSERT_FATAL(histogram_init(&h, kind, limit));
    double *edges = edges_of(&h);
    uint64_t *expected = calloc(h.bins + 2, sizeof *expected);
    if (expected == NULL)
        abort();
    for (int i = 0; i < 20000; i++) {
        double value = seeded_value(&h, edges, &seed);
        histogram_add(&h, value);
        add_to(&h, edges, expected, value);
    }
    CU_ASSERT_EQUAL(h.underflow, expected[0]);
    CU_ASSERT_EQUAL(h.overflow, expected[h.bins + 1]);
    CU_ASSERT_EQUAL(memcmp(h.counts, expected + 1, h.bins * sizeof *expected), 0);
    free(expected);
    free(edges);
    histogram_free(&h);
}

static void test_counting(void)
{
    for (int i = 0; i < LIMITS; i++) {
        count_seeded(HISTOGRAM_DELAY, limits[i], (uint64_t)i);
        count_seeded(HISTOGRAM_LAG, limits[i], (uint64_t)i + 100);
    }
}

static void test_limit_is_inside(void)
{
    struct histogram h;
    CU_ASSERT_FATAL(histogram_init(&h, HISTOGRAM_DELAY, 1e-3));
    double *edges = edges_of(&h);
    histogram_add(&h, 1e-3);
    histogram_add(&h, nextafter(1e-3, 1));
    uint64_t inside = 0, beyond = 0;
    for (size_t i = 0; i < h.bins; i++)
        *(edges[i + 1] <= 1e-3 ? &inside : &beyond) += h.counts[i];
    CU_ASSERT_EQUAL(inside, 1);
    CU_ASSERT_EQUAL(beyond, 1);
    free(edges);
    histogram_free(&h);
}

static void test_out_of_range(void)
{
    struct histogram h;
    CU_ASSERT_FATAL(histogram_init(&h, HISTOGRAM_LAG, 1));
    const double under[] = {0, -5, h.low, -(double)INFINITY};
    const double over[] = {nextafter(h.high, (double)INFINITY), (double)INFINITY, (double)NAN};
    for (size_t i = 0; i < 4; i++)
        histogram_add(&h, under[i]);
    for (size_t i = 0; i < 3; i++)
        histogram_add(&h, over[i]);
    CU_ASSERT_EQUAL(h.underflow, 4);
    CU_ASSERT_EQUAL(h.overflow, 3);
    histogram_add(&h, 1); /* one version behind is counted */
    histogram_add(&h, h.high);
    CU_ASSERT_EQUAL(h.counts[h.bins - 1], 1);
    CU_ASSERT_EQUAL(h.underflow + h.overflow, 7);
    histogram_free(&h);
}

static void test_names(void)
{
    static const char *const names[] = {"delay", "lag", "gap", "stall", "lateness"};
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++)
        CU_ASSERT_STRING_EQUAL(histogram_names[kind], names[kind]);
}

int main(void)
{
    CU_TestInfo tests[] = {{"edges ascend and hold the limit", test_edges},
                           {"base edges are exact", test_octaves},
                           {"an edge is not there twice", test_merged_edges},
                           {"counts equal those of a search", test_counting},
                           {"a value equal to the limit is inside", test_limit_is_inside},
                           {"underflow, overflow, NaN", test_out_of_range},
                           {"names", test_names},
                           CU_TEST_INFO_NULL};
    return cunit_main("histogram", tests);
}
