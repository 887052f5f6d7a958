#include "analysis/metrics/steps.h"
#include "cunit_main.h"

#include <math.h>

static const struct step_times times = {.minimum_s = 0.1, .reach_s = 1};

/* ---- an observer's own stalls ---- */

static size_t count_kept(struct episode_start *episodes, size_t count, uint32_t nodes)
{
    size_t kept = 0;
    episodes_sort(episodes, count);
    CU_ASSERT_FATAL(drop_own_stalls(episodes, count, nodes, 1, &kept));
    return kept;
}

static void test_own_stalls(void)
{
    /* Node 0 sees two peers, each alone: it stood still itself. Node 1 sees one: it may be right.
     */
    struct episode_start own[] = {{5.5, 0, 2}, {5, 0, 1}, {9, 1, 2}};
    CU_ASSERT_EQUAL(count_kept(own, 3, 4), 1);
    CU_ASSERT_EQUAL(own[0].node, 1);
    /* Peer 2 is seen by more nodes than node 0 sees peers: what is about it stays. */
    struct episode_start others[] = {{5, 0, 1}, {5.1, 0, 2}, {5.2, 1, 2}, {5.3, 3, 2}};
    CU_ASSERT_EQUAL(count_kept(others, 4, 4), 3);
    CU_ASSERT_EQUAL(others[0].peer, 2);
    /* Exactly tau apart is near, more is not; the same peer twice is one peer. */
    struct episode_start at_tau[] = {{5, 0, 1}, {6, 0, 2}};
    CU_ASSERT_EQUAL(count_kept(at_tau, 2, 3), 0);
    struct episode_start apart[] = {{5, 0, 1}, {6.001, 0, 2}};
    CU_ASSERT_EQUAL(count_kept(apart, 2, 3), 2);
    struct episode_start twice[] = {{5, 0, 1}, {5.5, 0, 1}};
    CU_ASSERT_EQUAL(count_kept(twice, 2, 3), 2);
    CU_ASSERT_EQUAL(count_kept(twice, 0, 3), 0);
}

/* ---- events ---- */

static void test_collapse(void)
{
    const struct episode_start episodes[] = {{7, 0, 2},   {6, 1, 2},   {5, 0, 2},  {5.5, 1, 2},
                                             {5.7, 0, 2}, {6.5, 0, 2}, {5.2, 2, 0}};
    struct event_list list;
    CU_ASSERT_FATAL(events_collapse(&list, episodes, 7, 3, 1));
    CU_ASSERT_EQUAL(list.count, 3);
    CU_ASSERT_EQUAL(list.of_source[1], 1); /* one about node 0, none about 1, two about 2 */
    CU_ASSERT_EQUAL(list.of_source[2], 1);
    CU_ASSERT_EQUAL(list.of_source[3], 3);
    /* From 5 to 6, exactly tau later, by nodes 0 and 1, each counted once. */
    CU_ASSERT_EQUAL(list.events[1].begin_s, 5);
    CU_ASSERT_EQUAL(list.events[1].sightings, 2);
    CU_ASSERT_EQUAL(list.sightings[list.events[1].first].observer, 0);
    CU_ASSERT_EQUAL(list.sightings[list.events[1].first + 1].observer, 1);
    CU_ASSERT_EQUAL(list.sightings[list.events[1].first + 1].delay_s, 0.5);
    CU_ASSERT_EQUAL(list.events[2].begin_s, 6.5);
    CU_ASSERT_EQUAL(list.events[2].sightings, 1);
    CU_ASSERT_EQUAL(list.sighting_count, 4);
    events_free(&list);
    CU_ASSERT_FATAL(events_collapse(&list, episodes, 7, 3, -1)); /* nothing is joined */
    CU_ASSERT_EQUAL(list.count, 7);
    events_free(&list);
    CU_ASSERT_FATAL(events_collapse(&list, NULL, 0, 3, 1));
    CU_ASSERT_EQUAL(list.count, 0);
    events_free(&list);
}

/* ---- steps ---- */

/* Steps forward and backward of node 1 that saw node 0 at 5, beside one event about node 1. */
static void check_steps(double event_s, uint32_t observer, size_t forward, size_t backward)
{
    const struct episode_start episodes[] = {{5, 1, 0}, {event_s, observer, 1}};
    struct event_list list;
    struct arrangement arranged;
    CU_ASSERT_FATAL(events_collapse(&list, episodes, 2, 4, 1));
    CU_ASSERT_FATAL(arrangement_init(&arranged, &list));
    arrange_observed(&arranged);
    CU_ASSERT_EQUAL(steps_of(&arranged, 1, 0, 5, times, STEP_FORWARD), forward);
    CU_ASSERT_EQUAL(steps_of(&arranged, 1, 0, 5, times, STEP_BACKWARD), backward);
    CU_ASSERT_EQUAL(steps_count(&arranged, times), forward);
    arrangement_free(&arranged);
    events_free(&list);
}

static void test_steps(void)
{
    check_steps(5.5, 2, 1, 0);
    check_steps(4.5, 2, 0, 1);
    check_steps(5.5, 0, 0, 0); /* seen by node 0 alone, which had drifted itself */
    check_steps(6, 2, 1, 0);   /* the reach is within */
    check_steps(6.001, 2, 0, 0);
    check_steps(4, 2, 0, 1);
    check_steps(3.999, 2, 0, 0);
    check_steps(5 + 0.1, 2, 0, 0); /* the minimum is not */
    check_steps(5 - 0.1, 2, 0, 0);
    check_steps(5.05, 2, 0, 0);
    check_steps(4.95, 2, 0, 0);
    check_steps(5, 2, 0, 0);
}

/* Two observers: not node 0 alone. A later sighting counts from when it was drawn. */
static void test_steps_of_two_observers(void)
{
    const struct episode_start episodes[] = {{5, 1, 0}, {5.5, 0, 1}, {5.6, 3, 1}, {6.55, 2, 3}};
    struct event_list list;
    struct arrangement arranged;
    CU_ASSERT_FATAL(events_collapse(&list, episodes, 4, 4, 1));
    CU_ASSERT_FATAL(arrangement_init(&arranged, &list));
    arrange_observed(&arranged);
    CU_ASSERT_EQUAL(steps_count(&arranged, times), 2); /* 0→1→…, 1→3→2 from 5.6 */
    arrangement_free(&arranged);
    events_free(&list);
}

/* ---- what the nulls keep ---- */

static void make_list(struct event_list *list, struct arrangement *arranged)
{
    enum { COUNT = 60, NODES = 3 };
    struct episode_start episodes[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        episodes[i] = (struct episode_start){0.13 + i * 0.16, (i + 1) % NODES, i % NODES};
    CU_ASSERT_FATAL(events_collapse(list, episodes, COUNT, NODES, 0.1));
    CU_ASSERT_EQUAL_FATAL(list->count, COUNT);
    CU_ASSERT_FATAL(arrangement_init(arranged, list));
}

static size_t unordered(const struct arrangement *arranged)
{
    size_t found = 0;
    for (uint32_t k = 0; k < arranged->list->nodes; k++)
        for (size_t i = arranged->list->of_source[k] + 1; i < arranged->list->of_source[k + 1]; i++)
            found += arranged->arrivals[i - 1].begin_s > arranged->arrivals[i].begin_s;
    return found;
}

/* Largest difference between the offsets, modulo the window, of the events from … to - 1. */
static double offset_spread_s(const struct arrangement *arranged, size_t from, size_t to,
                              double window_s)
{
    double first_s = 0, spread_s = 0;
    for (size_t i = from; i < to; i++) {
        double offset_s = arranged->begin_s[i] - arranged->list->events[i].begin_s;
        offset_s = offset_s < 0 ? offset_s + window_s : offset_s;
        first_s = i == from ? offset_s : first_s;
        spread_s = fmax(spread_s, fabs(offset_s - first_s));
    }
    return spread_s;
}

static void check_shift(bool together)
{
    const double window_s = 10;
    struct event_list list;
    struct arrangement arranged;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    make_list(&list, &arranged);
    for (int draw = 0; draw < 50; draw++) {
        if (together)
            arrange_shifted_together(&arranged, window_s, rng);
        else
            arrange_shifted(&arranged, window_s, rng);
        CU_ASSERT_EQUAL(unordered(&arranged), 0);
        for (size_t i = 0; i < list.count; i++)
            CU_ASSERT(arranged.begin_s[i] >= 0 && arranged.begin_s[i] < window_s);
        for (uint32_t k = 0; k < list.nodes; k++)
            CU_ASSERT(offset_spread_s(&arranged, list.of_source[k], list.of_source[k + 1],
                                      window_s) < 1e-9);
        CU_ASSERT_EQUAL(offset_spread_s(&arranged, 0, list.count, window_s) < 1e-9, together);
    }
    gsl_rng_free(rng);
    arrangement_free(&arranged);
    events_free(&list);
}

static void test_shift(void)
{
    check_shift(false);
    check_shift(true);
}

static void test_jitter(void)
{
    struct event_list list;
    struct arrangement arranged;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    double mean_s = 0, draws = 200;
    make_list(&list, &arranged);
    for (int draw = 0; draw < (int)draws; draw++) {
        arrange_jittered(&arranged, 2, rng);
        CU_ASSERT_EQUAL(unordered(&arranged), 0);
        for (size_t i = 0; i < list.count; i++) {
            CU_ASSERT_EQUAL(floor(arranged.begin_s[i] / 2), floor(list.events[i].begin_s / 2));
            mean_s += fmod(arranged.begin_s[i], 2) / (draws * (double)list.count);
        }
    }
    CU_ASSERT_DOUBLE_EQUAL(mean_s, 1, 0.04); /* all over the block: 7 standard errors */
    gsl_rng_free(rng);
    arrangement_free(&arranged);
    events_free(&list);
}

int main(void)
{
    CU_TestInfo tests[] = {{"an observer's own stalls are left out", test_own_stalls},
                           {"one source with many observers is one event", test_collapse},
                           {"steps and their limits", test_steps},
                           {"steps of two observers", test_steps_of_two_observers},
                           {"a shift keeps each source's rhythm", test_shift},
                           {"a jitter keeps each block", test_jitter},
                           CU_TEST_INFO_NULL};
    return cunit_main("steps", tests);
}
