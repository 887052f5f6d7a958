/* The rules of episodes, one event at a time. */

#include "cunit_main.h"
#include "observe/observer.h"
#include "observe/outside.h"
#include "record/spool.h"

#include <math.h>

/* Node 0 of three watches a window of 10 s that opens at local time 100; activity began at 99. */
static struct corridor corridor;
static struct spool *spool;
static struct observer *observer;
static struct boundary boundary;

static void open_observer(void)
{
    static const double pair_uncertainty_s[] = {0, 1e-6, 5e-3};
    struct failure failure = {0};
    struct spool_setup spool_setup = {.badges_max = 64};
    corridor = corridor_default();
    spool = spool_open(&spool_setup, &failure);
    struct observer_setup setup = {.nodes = 3,
                                   .first_rank = 6,
                                   .node = 6,
                                   .corridor = &corridor,
                                   .contexts = {true, true, true, true, true},
                                   .pair_uncertainty_s = pair_uncertainty_s,
                                   .windows = 10,
                                   .sink = spool_sink(spool)};
    observer = observer_create(&setup, &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(observer);
    observer_set_window(observer, (struct local_time){99}, (struct local_time){100},
                        (struct local_time){110});
    boundary = observer_boundary(observer);
}

static void close_observer(void)
{
    observer_free(observer);
    spool_close(spool);
}

static void report(enum measure measure, enum window_phase phase, double at_s, uint32_t peer,
                   int32_t key, double value)
{
    struct boundary_event event = {
        .measure = measure, .phase = phase, .at = {at_s}, .peer = peer, .key = key, .value = value};
    boundary_report(&boundary, &event);
}

static void delay(enum window_phase phase, double at_s, uint32_t peer, double value_s)
{
    report(MEASURE_DELAY_S, phase, at_s, peer, -1, value_s);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

/* Both peers are heard in time until the end, so that silence plays no part. */
static void beat_until_end(double from_s)
{
    for (int beat = 0; from_s + 0.02 * beat < 110.02; beat++)
        for (uint32_t peer = 1; peer <= 2; peer++)
            report(MEASURE_HEARTBEAT_GAP_S, PHASE_WINDOW, from_s + 0.02 * beat, peer, -1, 0);
}

static void test_the_limit_itself_is_inside(void)
{
    open_observer();
    delay(PHASE_WINDOW, 101, 1, 1e-3);
    CU_ASSERT_EQUAL(spool_count(spool), 0);
    delay(PHASE_WINDOW, 102, 1, nextafter(1e-3, 1));
    CU_ASSERT_EQUAL(spool_count(spool), 1);
    close_observer();
}

/* Node 1's clock is known to 1 us, node 2's to 5 ms. */
static void test_messages_before_they_were_sent_are_counted(void)
{
    open_observer();
    const double delays_s[] = {1e-6, 0, -0.9e-6, -1.1e-6, -4e-3, -6e-3};
    for (uint32_t peer = 1; peer <= 2; peer++)
        for (int i = 0; i < 6; i++)
            delay(i % 2 == 0 ? PHASE_WARMUP : PHASE_WINDOW, 99.5 + i, peer, delays_s[i]);
    delay(PHASE_AFTER, 110.5, 1, -1); /* not observed */
    struct clock_count one = observer_clock(observer, 1), two = observer_clock(observer, 2);
    CU_ASSERT(one.early == 4 && one.impossible == 3 && one.uncertainty_s == 1e-6);
    CU_ASSERT(two.early == 4 && two.impossible == 1 && two.uncertainty_s == 5e-3);
    static const double finer_s[] = {0, 1e-7, 1e-7};
    observer_set_uncertainty(observer, finer_s);
    delay(PHASE_WINDOW, 108, 2, -2e-7);
    CU_ASSERT_EQUAL(observer_clock(observer, 2).impossible, 2);
    CU_ASSERT_EQUAL(observer_clock(observer, 0).early, 0);
    close_observer();
}

static void test_one_episode_however_many_observations(void)
{
    open_observer();
    const double values_s[] = {2e-3, 5e-3, 3e-3, 0.5e-3, 4e-3};
    for (int i = 0; i < 5; i++)
        delay(PHASE_WINDOW, 101 + i, 1, values_s[i]);
    beat_until_end(99.02);
    observer_finish(observer);
    CU_ASSERT_EQUAL_FATAL(spool_count(spool), 2);
    struct badge first = spool_read(spool, 0), second = spool_read(spool, 1);
    CU_ASSERT(near(first.time_s, 1) && near(first.end_s, 4) && near(first.peak, 5e-3));
    CU_ASSERT(near(first.observed, 2e-3) && first.node == 6 && first.peer == 7);
    CU_ASSERT(near(second.time_s, 5) && isnan(second.end_s));
    CU_ASSERT(second.flags & BADGE_CENSORED);
    struct stream_count stream = observer_stream(observer, 1, CONTEXT_MESSAGE_DELAY_EXCEEDED);
    CU_ASSERT(stream.observations == 5 && stream.beyond == 4 && stream.episodes == 2);
    CU_ASSERT(near(observer_totals(observer).outside_node_s, 3 + 5));
    CU_ASSERT(near(observer_totals(observer).first_drift_s, 1));
    close_observer();
}

static void test_open_at_the_start_is_no_first_drift(void)
{
    open_observer();
    delay(PHASE_WARMUP, 99.5, 1, 2e-3);
    delay(PHASE_WINDOW, 101, 1, 2e-3);
    delay(PHASE_WINDOW, 102, 1, 0.1e-3);
    delay(PHASE_WARMUP, 99.6, 2, 2e-3); /* comes back before the window: forgotten */
    delay(PHASE_WARMUP, 99.7, 2, 0.1e-3);
    beat_until_end(99.02);
    observer_finish(observer);
    struct observer_totals totals = observer_totals(observer);
    CU_ASSERT_EQUAL(spool_count(spool), 0);
    CU_ASSERT_EQUAL(totals.already_outside, 1);
    CU_ASSERT(isnan(totals.first_drift_s));
    CU_ASSERT(near(totals.outside_node_s, 2));
    struct stream_count stream = observer_stream(observer, 1, CONTEXT_MESSAGE_DELAY_EXCEEDED);
    CU_ASSERT(near(stream.already_outside_until_s, 2));
    CU_ASSERT_EQUAL(stream.observations, 2);
    close_observer();
}

static void test_what_was_sent_after_the_window_is_not_observed(void)
{
    open_observer();
    delay(PHASE_WINDOW, 109.9, 1, 2e-3);
    delay(PHASE_AFTER, 110.1, 1, 0.1e-3);
    delay(PHASE_AFTER, 110.2, 2, 2e-3);
    delay(PHASE_WINDOW, 110.3, 1, 0.1e-3); /* sent inside, received in the drain: counts */
    beat_until_end(99.02);
    observer_finish(observer);
    CU_ASSERT_EQUAL_FATAL(spool_count(spool), 1);
    struct badge badge = spool_read(spool, 0);
    CU_ASSERT(near(badge.end_s, 10.3));
    CU_ASSERT_EQUAL(badge.flags & BADGE_CENSORED, 0);
    CU_ASSERT(near(observer_totals(observer).outside_node_s, 0.1));
    close_observer();
}

static void test_a_stream_is_outside_while_any_key_is(void)
{
    open_observer();
    report(MEASURE_VERSION_GAP, PHASE_WINDOW, 101, 1, 3, -2);
    report(MEASURE_VERSION_GAP, PHASE_WINDOW, 102, 1, 63, -4);
    report(MEASURE_VERSION_GAP, PHASE_WINDOW, 103, 1, 3, 0);
    report(MEASURE_VERSION_GAP, PHASE_WINDOW, 104, 1, 63, -1); /* the limit: inside */
    report(MEASURE_VERSION_GAP, PHASE_WINDOW, 105, 1, 0, 2);   /* the other sign */
    beat_until_end(99.02);
    observer_finish(observer);
    CU_ASSERT_EQUAL_FATAL(spool_count(spool), 2);
    struct badge lag = spool_read(spool, 0), causal = spool_read(spool, 1);
    CU_ASSERT_EQUAL(lag.context, CONTEXT_VERSION_LAG_EXCEEDED);
    CU_ASSERT(lag.key == 3 && near(lag.peak, -4) && near(lag.end_s, 4));
    CU_ASSERT_EQUAL(causal.context, CONTEXT_CAUSAL_ORDER_VIOLATED);
    CU_ASSERT(causal.key == 0 && near(causal.observed, 2) && causal.limit == 0);
    close_observer();
}

/* After a long stall a loop stumbles over all that it has missed; the long one is not forgotten. */
static void test_a_long_stall_outlives_many_short_ones(void)
{
    open_observer();
    report(MEASURE_STALL_S, PHASE_WINDOW, 103, 0, -1, 2);
    for (int i = 1; i <= 1000; i++)
        report(MEASURE_STALL_S, PHASE_WINDOW, 103 + i * 1e-3, 0, -1, 1e-3 * (i % 7 + 1));
    delay(PHASE_WINDOW, 104.1, 1, 2.5);      /* waited through the long one */
    delay(PHASE_WINDOW, 104.1, 2, 1.105e-3); /* through the end of the last ones */
    beat_until_end(99.02);
    observer_finish(observer);
    CU_ASSERT_EQUAL_FATAL(spool_count(spool), 2);
    CU_ASSERT(near(spool_read(spool, 0).own_stall_s, 2));
    CU_ASSERT(spool_read(spool, 1).own_stall_s < 0.01);
    close_observer();
}

/* A stall counts for a wait that it overlaps, and for no other. */
static void test_own_stalls_are_told_from_lateness_of_others(void)
{
    open_observer();
    delay(PHASE_WINDOW, 101, 1, 0.1e-3);
    delay(PHASE_WINDOW, 102, 2, 0.1e-3);
    report(MEASURE_STALL_S, PHASE_WINDOW, 103, 0, -1, 0.02);
    delay(PHASE_WINDOW, 103.001, 1, 10e-3);                       /* waited through the stall */
    report(MEASURE_VERSION_GAP, PHASE_WINDOW, 103.001, 1, 0, -3); /* since 101: overlaps */
    delay(PHASE_WINDOW, 104, 2, 10e-3);                           /* later: the peer was late */
    beat_until_end(99.02);
    observer_finish(observer);
    CU_ASSERT_EQUAL_FATAL(spool_count(spool), 3);
    for (uint64_t place = 0; place < 3; place++) {
        struct badge badge = spool_read(spool, place);
        bool stalled = badge.flags & BADGE_SELF_STALLED;
        CU_ASSERT_EQUAL(stalled, badge.peer == 7);
        CU_ASSERT(near(badge.own_stall_s, stalled ? 0.02 : 0));
    }
    CU_ASSERT_EQUAL(observer_totals(observer).stalls, 1);
    CU_ASSERT(near(observer_totals(observer).longest_stall_s, 0.02));
    close_observer();
}

static void test_what_the_clocks_cannot_resolve_is_marked(void)
{
    open_observer();
    delay(PHASE_WINDOW, 101, 1, 2e-3); /* clocks of the pair: 1 µs */
    delay(PHASE_WINDOW, 101, 2, 2e-3); /* 5 ms, above the limit of 1 ms */
    CU_ASSERT_EQUAL_FATAL(spool_count(spool), 2);
    CU_ASSERT_EQUAL(spool_read(spool, 0).flags & BADGE_BELOW_CLOCK_RESOLUTION, 0);
    CU_ASSERT(spool_read(spool, 1).flags & BADGE_BELOW_CLOCK_RESOLUTION);
    CU_ASSERT(near(spool_read(spool, 1).uncertainty_s, 5e-3));
    close_observer();
}

static void test_silence_lasts_from_limit_to_next_heartbeat(void)
{
    open_observer();
    corridor.limit[0] = 0; /* the observer works on its own copy */
    for (int beat = 0; beat < 299; beat++)
        for (uint32_t peer = 1; peer <= 2; peer++)
            report(MEASURE_HEARTBEAT_GAP_S, PHASE_WINDOW, 99.02 + 0.02 * beat, peer, -1, 0);
    report(MEASURE_HEARTBEAT_GAP_S, PHASE_WINDOW, 105, 1, -1, 0);
    report(MEASURE_HEARTBEAT_GAP_S, PHASE_WINDOW, 105, 2, -1, 0);
    report(MEASURE_SILENCE, PHASE_WINDOW, 105.09, 0, -1, 0);
    CU_ASSERT_EQUAL(spool_count(spool), 0);
    report(MEASURE_HEARTBEAT_GAP_S, PHASE_WINDOW, 105.095, 2, -1, 0);
    report(MEASURE_SILENCE, PHASE_WINDOW, 105.15, 0, -1, 0);
    report(MEASURE_SILENCE, PHASE_WINDOW, 105.16, 0, -1, 0);
    CU_ASSERT_EQUAL(spool_count(spool), 1); /* at once, and once */
    beat_until_end(105.18);
    observer_finish(observer);
    CU_ASSERT_EQUAL_FATAL(spool_count(spool), 1);
    struct badge badge = spool_read(spool, 0);
    CU_ASSERT(badge.peer == 7 && near(badge.time_s, 5.1) && near(badge.end_s, 5.18));
    CU_ASSERT(near(badge.observed, 0.15) && near(badge.peak, 0.18));
    close_observer();
}

/* A heartbeat that was never followed, and a loop that slept past both limit and heartbeat. */
static void test_silence_that_nobody_looked_at_is_found(void)
{
    open_observer();
    report(MEASURE_SILENCE, PHASE_WARMUP, 99.2, 0, -1, 0);
    report(MEASURE_HEARTBEAT_GAP_S, PHASE_WINDOW, 104, 1, -1, 0);
    report(MEASURE_HEARTBEAT_GAP_S, PHASE_WINDOW, 104.3, 1, -1, 0);
    observer_finish(observer);
    CU_ASSERT_EQUAL(spool_count(spool), 2);
    CU_ASSERT_EQUAL(observer_totals(observer).already_outside, 2); /* silent since 99 */
    CU_ASSERT(near(spool_read(spool, 0).time_s, 4.1) && near(spool_read(spool, 0).end_s, 4.3));
    CU_ASSERT(near(spool_read(spool, 1).time_s, 4.4) && isnan(spool_read(spool, 1).end_s));
    CU_ASSERT(near(spool_read(spool, 1).peak, 110 - 104.3));
    CU_ASSERT(near(observer_totals(observer).outside_node_s, 10)); /* peer 2 all along */
    close_observer();
}

/* ---- the length of a union, against brute force ---- */

enum { TICKS = 1000, STREAMS = 4 };

static void test_outside_time_is_the_length_of_the_union(void)
{
    double part_s[10] = {0}, expected[10] = {0}, total = 0, expected_total = 0;
    struct window_grid grid = {{50}, 10, 10};
    struct outside_meter meter = {.part_s = part_s, .covered_until = {0}};
    bool outside[STREAMS] = {false};
    uint32_t state = 12345;
    for (int tick = 0; tick < TICKS; tick++) { /* one tick is 0.2 s, from 0 to 200 */
        double now_s = tick * 0.2;
        state = state * 1664525U + 1013904223U;
        uint32_t stream = state >> 16 & (STREAMS - 1);
        if ((state >> 24) % 3 == 0 && !outside[stream])
            outside_leave(&meter, (struct local_time){now_s});
        else if ((state >> 24) % 3 == 1 && outside[stream])
            outside_return(&meter, &grid, (struct local_time){now_s});
        else
            stream = STREAMS;
        if (stream < STREAMS)
            outside[stream] = !outside[stream];
        bool any = outside[0] || outside[1] || outside[2] || outside[3];
        if (any && tick >= 250 && tick < 750)
            expected[(tick - 250) / 50] += 0.2;
    }
    for (int i = 0; i < STREAMS; i++)
        if (outside[i])
            outside_return(&meter, &grid, (struct local_time){200});
    for (int i = 0; i < 10; i++) {
        CU_ASSERT(fabs(part_s[i] - expected[i]) < 1e-9);
        total += part_s[i];
        expected_total += expected[i];
    }
    CU_ASSERT(total > 10 && fabs(total - expected_total) < 1e-9);
}

/* A silence is judged late: its interval begins before the last that was closed. */
static void test_a_late_judgement_counts_no_time_twice(void)
{
    double part_s[1] = {0};
    struct window_grid grid = {{0}, 100, 1};
    struct outside_meter meter = {.part_s = part_s, .covered_until = {0}};
    outside_leave(&meter, (struct local_time){10});
    outside_return(&meter, &grid, (struct local_time){20});
    outside_leave(&meter, (struct local_time){15});
    outside_return(&meter, &grid, (struct local_time){30});
    CU_ASSERT(near(part_s[0], 20));
    outside_leave(&meter, (struct local_time){50});
    outside_leave(&meter, (struct local_time){45});
    outside_return(&meter, &grid, (struct local_time){55});
    outside_return(&meter, &grid, (struct local_time){60});
    CU_ASSERT(near(part_s[0], 35));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"the limit itself is inside", test_the_limit_itself_is_inside},
        {"messages before they were sent are counted",
         test_messages_before_they_were_sent_are_counted},
        {"one episode however many observations", test_one_episode_however_many_observations},
        {"open at the start is no first drift", test_open_at_the_start_is_no_first_drift},
        {"sent after the window: not observed",
         test_what_was_sent_after_the_window_is_not_observed},
        {"outside while any key is", test_a_stream_is_outside_while_any_key_is},
        {"a long stall outlives many short ones", test_a_long_stall_outlives_many_short_ones},
        {"own stalls are told apart", test_own_stalls_are_told_from_lateness_of_others},
        {"below clock resolution is marked", test_what_the_clocks_cannot_resolve_is_marked},
        {"silence lasts from limit to heartbeat", test_silence_lasts_from_limit_to_next_heartbeat},
        {"silence that nobody looked at is found", test_silence_that_nobody_looked_at_is_found},
        {"outside time is the length of the union", test_outside_time_is_the_length_of_the_union},
        {"a late judgement counts no time twice", test_a_late_judgement_counts_no_time_twice},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("observer", tests);
}
