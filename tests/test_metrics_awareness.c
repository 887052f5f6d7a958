/* Did any node know? Traces by hand, and drawn ones judged again the slow way. */

#include "analysis/metrics/awareness.h"
#include "cunit_main.h"
#include "drawn_trace.h"

#include <gsl/gsl_randist.h>
#include <math.h>

static const enum context LAG = CONTEXT_VERSION_LAG_EXCEEDED;

static struct awareness judge(const struct awareness_setup *setup, struct merged_list *list)
{
    struct awareness_pass *pass = awareness_begin(setup);
    CU_ASSERT_FATAL(pass != NULL);
    merged_sort(list);
    for (size_t i = 0; i < list->count; i++)
        awareness_take(pass, &list->items[i]);
    struct awareness found = awareness_end(pass);
    awareness_free(pass);
    return found;
}

/* ---- by hand ---- */

static const struct awareness_setup three = {
    .nodes = 3, .keys = 1, .lag_max = 1, .reaction_s = 0.5, .horizon_s = 100};

/* Everybody has version 1. */
static void begin(struct merged_list *list)
{
    *list = (struct merged_list){NULL, 0, 0};
    merged_add(list, wrote(1, 0, 0, 1));
    merged_add(list, took(1.1, 1, 0, 0, 1, 1));
    merged_add(list, took(1.2, 2, 0, 0, 1, 1));
}

/* Node 0 writes two versions at `from_s`; node 1 takes them at once, node 2 at `to_s`. */
static void add_interval(struct merged_list *list, double from_s, double to_s, uint64_t version)
{
    for (uint64_t v = version; v < version + 2; v++) {
        merged_add(list, wrote(from_s, 0, 0, v));
        merged_add(list, took(from_s, 1, 0, 0, v, from_s));
        merged_add(list, took(to_s, 2, 0, 0, v, from_s));
    }
}

static void test_who_knew(void)
{
    struct merged_list list;
    begin(&list);
    add_interval(&list, 10, 12, 2); /* nobody */
    add_interval(&list, 20, 22, 4); /* node 2 at the end of the reaction, node 0 too late */
    merged_add(&list, opened(22.5, 2, 0, LAG));
    merged_add(&list, opened(22.51, 0, 2, LAG));
    add_interval(&list, 30, 33, 6); /* all, one of them twice */
    merged_add(&list, opened(30, 1, 0, LAG));
    merged_add(&list, opened(30.5, 1, 2, LAG));
    merged_add(&list, opened(31, 0, 2, LAG));
    merged_add(&list, opened(33, 2, 0, LAG));
    struct awareness found = judge(&three, &list);
    CU_ASSERT_EQUAL(found.intervals, 3);
    CU_ASSERT_EQUAL(found.none, 1);
    CU_ASSERT_EQUAL(found.some, 1);
    CU_ASSERT_EQUAL(found.all, 1);
    CU_ASSERT_EQUAL(found.not_judged, 0);
    CU_ASSERT_DOUBLE_EQUAL(found.beyond_s, 2 + 2 + 3, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.watched_s, 99, 1e-9);
    CU_ASSERT_EQUAL(found.badges, 6);
    CU_ASSERT_EQUAL(found.badges_unmatched, 1);
    CU_ASSERT_DOUBLE_EQUAL(found.first_badge_mean_s, (2.5 + 0) / 2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.first_badge_median_s, 1.25, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.first_badge_longest_s, 2.5, 1e-9);
    merged_free(&list);
}

static void test_limit(void)
{
    struct merged_list list;
    begin(&list);
    merged_add(&list, wrote(10, 0, 0, 2)); /* one version behind is within the limit */
    merged_add(&list, took(10, 1, 0, 0, 2, 10));
    merged_add(&list, took(15, 2, 0, 0, 2, 10));
    struct awareness_setup setup = three;
    CU_ASSERT_EQUAL(judge(&setup, &list).intervals, 0);
    CU_ASSERT(isnan(judge(&setup, &list).first_badge_mean_s));
    setup.lag_max = 0;
    struct awareness found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.intervals, 1); /* of version 1 nobody knows who lacked it */
    CU_ASSERT_DOUBLE_EQUAL(found.beyond_s, 5, 1e-9);
    merged_free(&list);
}

/* Of two replicas that are behind, the last one ends the interval; keys are apart. */
static void test_overlap(void)
{
    struct merged_list list;
    begin(&list);
    for (uint64_t v = 2; v < 4; v++) {
        merged_add(&list, wrote(10, 0, 0, v));
        merged_add(&list, took(11, 1, 0, 0, v, 10));
        merged_add(&list, took(12, 2, 0, 0, v, 10));
        merged_add(&list, wrote(11.5, 1, 1, v - 1));
        merged_add(&list, took(13, 0, 1, 1, v - 1, 11.5));
        merged_add(&list, took(13, 2, 1, 1, v - 1, 11.5));
    }
    struct awareness_setup setup = three;
    setup.keys = 2;
    struct awareness found = judge(&setup, &list);
    /* Of key 1 only node 1 counts: what the others held of it is not known before 13. */
    CU_ASSERT_EQUAL(found.intervals, 1);
    CU_ASSERT_DOUBLE_EQUAL(found.beyond_s, 2, 1e-9);
    merged_free(&list);
}

/* A replica of which only an old version was heard may hold a newer one. */
static void test_before_the_trace(void)
{
    struct merged_list list = {NULL, 0, 0};
    merged_add(&list, wrote(1, 0, 0, 9));
    merged_add(&list, took(2, 1, 2, 0, 5, 0.9));
    merged_add(&list, took(3, 2, 0, 0, 9, 1));
    merged_add(&list, wrote(4, 0, 0, 10));
    merged_add(&list, wrote(4, 0, 0, 11)); /* node 2 is behind from here, node 1 is not known */
    merged_add(&list, took(5, 2, 0, 0, 11, 4));
    merged_add(&list, wrote(6, 1, 0, 7)); /* now it is: four behind */
    merged_add(&list, took(8, 1, 0, 0, 11, 4));
    struct awareness found = judge(&three, &list);
    CU_ASSERT_EQUAL(found.intervals, 2);
    CU_ASSERT_DOUBLE_EQUAL(found.beyond_s, 1 + 2, 1e-9);
    merged_free(&list);
}

static void test_uncertainty(void)
{
    struct merged_list list;
    struct awareness_setup setup = three;
    setup.uncertainty_s = 0.25;
    begin(&list);
    add_interval(&list, 10, 11, 2);
    add_interval(&list, 11.5, 12, 4); /* touches once widened */
    add_interval(&list, 12.75, 13, 6);
    merged_add(&list, opened(9.75, 1, 0, LAG));
    merged_add(&list, opened(9.7, 2, 0, LAG)); /* too early */
    merged_add(&list, opened(13.75, 0, 2, LAG));
    merged_add(&list, opened(13.8, 1, 2, LAG)); /* too late */
    struct awareness found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.intervals, 2);
    CU_ASSERT_EQUAL(found.some, 2);
    CU_ASSERT_EQUAL(found.badges, 4);
    CU_ASSERT_EQUAL(found.badges_unmatched, 2);
    CU_ASSERT_DOUBLE_EQUAL(found.beyond_s, 1 + 0.5 + 0.25, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.first_badge_longest_s, 1, 1e-9); /* the earlier one: 0 */
    CU_ASSERT_DOUBLE_EQUAL(found.first_badge_mean_s, 0.5, 1e-9);
    merged_free(&list);
}

static void test_horizon(void)
{
    struct merged_list list;
    struct awareness_setup setup = three;
    setup.horizon_s = 30;
    begin(&list);
    add_interval(&list, 20, 29.4, 2); /* over, with its reaction, by the horizon */
    add_interval(&list, 29.45, 29.6, 4);
    add_interval(&list, 29.8, 31, 6);
    merged_add(&list, opened(29.9, 1, 0, LAG));
    merged_add(&list, opened(30, 1, 0, LAG)); /* something could still begin at that moment */
    merged_add(&list, opened(30.5, 1, 0, LAG));
    struct awareness found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.intervals, 1);
    CU_ASSERT_EQUAL(found.not_judged, 2);
    CU_ASSERT_EQUAL(found.badges, 1);
    CU_ASSERT_DOUBLE_EQUAL(found.beyond_s, 9.4 + 0.15 + 0.2, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.watched_s, 29, 1e-9);
    merged_free(&list);
}

/* ---- what is bounded ---- */

/* Far more intervals than are kept at once: each begins with nobody knowing. */
static void test_many_intervals(void)
{
    enum { MANY = 3 * AWARENESS_INTERVALS_MAX / 2 };
    struct merged_list list;
    struct awareness_setup setup = three;
    setup.horizon_s = 1e6;
    begin(&list);
    for (uint64_t i = 0; i < MANY; i++) {
        double from_s = 10 + 2 * (double)i;
        add_interval(&list, from_s, from_s + 0.5, 2 + 2 * i);
        merged_add(&list, opened(from_s + 0.25, 1, 0, LAG));
    }
    struct awareness found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.intervals, MANY);
    CU_ASSERT_EQUAL(found.some, MANY);
    CU_ASSERT_EQUAL(found.cut_short, 0);
    CU_ASSERT_DOUBLE_EQUAL(found.first_badge_mean_s, 0.25, 1e-9);
    merged_free(&list);
}

static void test_bounds(void)
{
    enum { MORE = 6 };
    struct merged_list list;
    struct awareness_setup setup = three;
    setup.reaction_s = 1e5; /* nothing is over for long */
    setup.horizon_s = 1e6;
    begin(&list);
    for (uint64_t i = 0; i < AWARENESS_INTERVALS_MAX + MORE; i++)
        add_interval(&list, 10 + (double)i, 10.5 + (double)i, 2 + 2 * i);
    merged_add(&list, opened(20, 1, 0, LAG));
    struct awareness found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.intervals, AWARENESS_INTERVALS_MAX + MORE);
    CU_ASSERT_EQUAL(found.cut_short, MORE);
    CU_ASSERT_EQUAL(found.some, 11); /* those that had begun by 20 */
    merged_free(&list);
    begin(&list);
    setup = three;
    setup.uncertainty_s = 20;
    for (int i = 0; i < AWARENESS_BADGES_MAX + MORE; i++)
        merged_add(&list, opened(50 + 1e-6 * i, 1, 0, LAG));
    found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.badges, AWARENESS_BADGES_MAX + MORE);
    CU_ASSERT_EQUAL(found.badges_early, MORE);
    CU_ASSERT_EQUAL(found.badges_unmatched, AWARENESS_BADGES_MAX + MORE);
    merged_free(&list);
}

static void test_empty(void)
{
    struct merged_list list = {NULL, 0, 0};
    struct awareness found = judge(&three, &list);
    CU_ASSERT_EQUAL(found.intervals + found.not_judged + found.badges, 0);
    CU_ASSERT_EQUAL(found.beyond_s, 0);
    CU_ASSERT_EQUAL(found.watched_s, 0);
    CU_ASSERT(isnan(found.first_badge_median_s));
}

/* ---- drawn traces, judged again from all events at once ---- */

/* Is that replica beyond the limit once the first `count` events have happened? */
static bool is_beyond(const struct awareness_setup *setup, const struct merged_list *list,
                      size_t count, int32_t key, uint32_t node)
{
    uint64_t newest = 0, own = 0;
    bool known = false;
    for (size_t i = 0; i < count; i++) {
        const struct merged_event *e = &list->items[i];
        if (e->kind == MERGED_BADGE || e->key != key)
            continue;
        newest = e->version > newest ? e->version : newest;
        if (e->node != node)
            continue;
        own = e->version > own ? e->version : own;
        known |= e->kind == MERGED_WRITE || e->version == newest;
    }
    return known && (double)newest - (double)own > setup->lag_max;
}

static bool any_beyond(const struct awareness_setup *setup, const struct merged_list *list,
                       size_t count)
{
    bool any = false;
    for (int32_t key = 0; key < (int32_t)setup->keys; key++)
        for (uint32_t node = 0; node < setup->nodes; node++)
            any |= is_beyond(setup, list, count, key, node);
    return any;
}

struct span {
    double begin_s;
    double end_s;
};

static size_t find_spans(const struct awareness_setup *setup, const struct merged_list *list,
                         struct span *spans)
{
    size_t count = 0;
    bool was_beyond = false;
    for (size_t i = 0; i < list->count && list->items[i].time_s <= setup->horizon_s; i++) {
        double at_s = list->items[i].time_s;
        bool beyond = any_beyond(setup, list, i + 1);
        if (!was_beyond && beyond) {
            if (count == 0 || at_s - spans[count - 1].end_s > 2 * setup->uncertainty_s)
                spans[count++].begin_s = at_s;
            spans[count - 1].end_s = HUGE_VAL;
        }
        if (was_beyond && !beyond)
            spans[count - 1].end_s = at_s;
        was_beyond = beyond;
    }
    return count;
}

static uint32_t count_knowing(const struct awareness_setup *setup, const struct merged_list *list,
                              const struct span *span)
{
    uint32_t knowing = 0;
    for (uint32_t node = 0; node < setup->nodes; node++) {
        bool knew = false;
        for (size_t i = 0; i < list->count; i++) {
            const struct merged_event *e = &list->items[i];
            knew |= e->kind == MERGED_BADGE && e->node == node &&
                    e->time_s >= span->begin_s - setup->uncertainty_s &&
                    e->time_s <= span->end_s + setup->uncertainty_s + setup->reaction_s;
        }
        knowing += knew;
    }
    return knowing;
}

static double delay_s(gsl_rng *rng, uint32_t from, uint32_t to)
{
    (void)from;
    (void)to;
    return 0.002 + gsl_ran_exponential(rng, 0.01);
}

static bool is_matched(const struct awareness_setup *setup, const struct span *spans, size_t count,
                       double at_s)
{
    for (size_t i = 0; i < count; i++)
        if (at_s >= spans[i].begin_s - setup->uncertainty_s &&
            at_s <= spans[i].end_s + setup->uncertainty_s + setup->reaction_s)
            return true;
    return false;
}

static uint64_t count_unmatched(const struct awareness_setup *setup, const struct merged_list *list,
                                const struct span *spans, size_t count)
{
    uint64_t unmatched = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct merged_event *e = &list->items[i];
        unmatched += e->kind == MERGED_BADGE &&
                     e->time_s < setup->horizon_s - setup->uncertainty_s &&
                     !is_matched(setup, spans, count, e->time_s);
    }
    return unmatched;
}

/* Adds up what was found over all calls. */
static void check_drawn(const struct awareness_setup *setup, gsl_rng *rng, struct awareness *sum)
{
    struct drawn_system system = {setup->nodes,           setup->keys, 10,
                                  setup->horizon_s + 0.1, delay_s,     0.02};
    struct merged_list list = {NULL, 0, 0};
    struct span spans[512];
    drawn_trace(&system, rng, &list);
    for (unsigned i = gsl_ran_poisson(rng, 60); i > 0; i--)
        merged_add(&list, opened(gsl_rng_uniform(rng) * setup->horizon_s,
                                 (uint32_t)gsl_rng_uniform_int(rng, setup->nodes), 0, LAG));
    merged_sort(&list);
    struct awareness found = judge(setup, &list);
    size_t count = find_spans(setup, &list, spans), none = 0, some = 0, all = 0;
    CU_ASSERT_FATAL(count <= 512);
    for (size_t i = 0; i < count; i++) {
        uint32_t knowing = count_knowing(setup, &list, &spans[i]);
        if (spans[i].end_s + 2 * setup->uncertainty_s + setup->reaction_s >= setup->horizon_s)
            continue;
        none += knowing == 0;
        all += knowing == setup->nodes;
        some += knowing > 0 && knowing < setup->nodes;
    }
    CU_ASSERT_EQUAL(found.intervals + found.not_judged, count);
    CU_ASSERT_EQUAL(found.none, none);
    CU_ASSERT_EQUAL(found.some, some);
    CU_ASSERT_EQUAL(found.all, all);
    CU_ASSERT_EQUAL(found.badges_unmatched, count_unmatched(setup, &list, spans, count));
    sum->none += found.none;
    sum->some += found.some;
    sum->all += found.all;
    sum->not_judged += found.not_judged;
    sum->badges_unmatched += found.badges_unmatched;
    merged_free(&list);
}

static void test_drawn(void)
{
    struct awareness sum = {.intervals = 0};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    for (int i = 0; i < 60; i++) {
        struct awareness_setup setup = {.nodes = i % 2 == 0 ? 2 : 5,
                                        .keys = 1 + (uint32_t)i % 3,
                                        .lag_max = i % 3,
                                        .uncertainty_s = i % 4 * 0.004,
                                        .reaction_s = 0.02 * (i % 5),
                                        .horizon_s = 3};
        check_drawn(&setup, rng, &sum);
    }
    gsl_rng_free(rng);
    CU_ASSERT(sum.none > 20 && sum.some > 20 && sum.all > 20); /* all of it was put to the test */
    CU_ASSERT(sum.not_judged > 5 && sum.badges_unmatched > 20);
}

int main(void)
{
    CU_TestInfo tests[] = {{"none, some, all", test_who_knew},
                           {"the limit is within", test_limit},
                           {"several replicas and keys", test_overlap},
                           {"what was before the trace is not known", test_before_the_trace},
                           {"the clocks' uncertainty", test_uncertainty},
                           {"the horizon", test_horizon},
                           {"more intervals than are kept", test_many_intervals},
                           {"bounded queues are counted", test_bounds},
                           {"no event", test_empty},
                           {"drawn traces, judged again the slow way", test_drawn},
                           CU_TEST_INFO_NULL};
    return cunit_main("awareness", tests);
}
