/* What the trace keeps, and that it is what happened. */

#include "cunit_main.h"
#include "planted.h"

#include <math.h>
#include <string.h>

/* ---- one event at a time: rank 7 of a group that begins with rank 6; the window is [100, 110)
 * ---- */

static struct trace *trace;
static struct boundary boundary;
static size_t handed_on;
static struct boundary_event last_handed_on;

static void count_event(void *self, const struct boundary_event *event)
{
    (void)self;
    handed_on++;
    last_handed_on = *event;
}

static void open_trace(uint64_t capacity)
{
    struct failure failure = {0};
    struct trace_setup setup = {.node = 7, .first_rank = 6, .capacity = capacity};
    trace = trace_create(&setup, &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(trace);
    trace_set_window(trace, (struct local_time){100}, (struct local_time){110});
    boundary = trace_boundary(trace, (struct boundary){count_event, NULL});
    handed_on = 0;
}

static void report(enum measure measure, double at_s, uint64_t version)
{
    struct boundary_event event = {.measure = measure,
                                   .at = {at_s},
                                   .peer = 2,
                                   .base = 3,
                                   .key = 5,
                                   .value = -4,
                                   .version_received = version,
                                   .sequence = 9,
                                   .sent = {1000 + at_s}};
    boundary_report(&boundary, &event);
}

/* Global time runs ahead by 900 s and 1 ms more each second. */
static const struct clock_model model = {.at = {100}, .offset_s = 900, .rate = 1e-3};
static const struct global_time t0 = {1000};

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void test_an_event_comes_back(void)
{
    open_trace(4);
    report(MEASURE_VERSION_GAP, 105, 17);
    report(MEASURE_WRITE, 106, 1);
    CU_ASSERT_EQUAL_FATAL(trace_count(trace), 2);
    struct trace_event update = trace_read(trace, 0, &model, t0);
    CU_ASSERT_EQUAL(update.kind, BOUNDARY_UPDATE);
    CU_ASSERT(near(update.time_s, 5) && near(update.global_s, 5.005) && near(update.sent_s, 105));
    CU_ASSERT(update.version == 17 && update.sequence == 9 && update.key == 5);
    CU_ASSERT(update.node == 7 && update.peer == 8 && update.base == 9);
    struct trace_event first = trace_read(trace, 1, &model, t0);
    CU_ASSERT_EQUAL(first.kind, BOUNDARY_SEND);
    CU_ASSERT(first.version == 1 && first.base == 0); /* there is no version before */
    trace_free(trace);
}

static void test_only_versions_in_and_after_the_window(void)
{
    open_trace(100);
    for (enum measure measure = 0; measure < MEASURE_END; measure++) {
        report(measure, 99.999, 1);
        report(measure, 100, 2);
        report(measure, 110.5, 3); /* the drain */
    }
    CU_ASSERT_EQUAL_FATAL(trace_count(trace), 4);
    for (uint64_t place = 0; place < 4; place++)
        CU_ASSERT_EQUAL(trace_read(trace, place, &model, t0).version, 2 + place % 2);
    CU_ASSERT_EQUAL(trace_covered_until_s(trace), 10);
    report(MEASURE_END, 108, 4); /* earlier than planned */
    CU_ASSERT(trace_count(trace) == 4 && trace_covered_until_s(trace) == 8);
    trace_free(trace);
}

static void test_every_event_is_handed_on(void)
{
    open_trace(1);
    for (size_t i = 1; i <= 20; i++) {
        report((enum measure)(i % MEASURE_COUNT), 95 + (double)i, i);
        CU_ASSERT_EQUAL(handed_on, i);
        CU_ASSERT(last_handed_on.version_received == i && last_handed_on.value == -4);
    }
    trace_free(trace);
}

static void test_a_full_trace_covers_the_first_part(void)
{
    open_trace(3);
    CU_ASSERT_EQUAL(trace_covered_until_s(trace), 10);
    for (int i = 0; i < 8; i++)
        report(i % 2 == 0 ? MEASURE_WRITE : MEASURE_VERSION_GAP, 101 + i, (uint64_t)i);
    CU_ASSERT_EQUAL_FATAL(trace_count(trace), 3);
    CU_ASSERT_EQUAL(trace_dropped(trace), 5);
    CU_ASSERT_EQUAL(trace_covered_until_s(trace), 4);
    for (uint64_t place = 0; place < 3; place++)
        CU_ASSERT_EQUAL(trace_read(trace, place, &model, t0).version, place);
    trace_free(trace);
    open_trace(0);
    report(MEASURE_WRITE, 103, 1);
    CU_ASSERT(trace_count(trace) == 0 && trace_dropped(trace) == 1);
    CU_ASSERT_EQUAL(trace_covered_until_s(trace), 3);
    trace_free(trace);
}

/* ---- size ---- */

static void test_capacity(void)
{
    struct trace_load load = {
        .writes_per_s = 100, .duration_s = 5, .nodes = 16, .ranks = 16, .max_mib = 64};
    /* 100 writes/s of 16 nodes for 5 + 1 s, and six times the root of that. */
    CU_ASSERT_EQUAL(trace_capacity(&load), 9600 + 588);
    CU_ASSERT_EQUAL(trace_bytes(10188), 489024);
    load.ranks = 160; /* ten groups: each sees its own writes only, all share the bound */
    CU_ASSERT_EQUAL(trace_capacity(&load), (uint64_t)64 * 1048576 / 160 / 48);
    load.ranks = 16;
    load.max_mib = 1;
    CU_ASSERT_EQUAL(trace_capacity(&load), 1048576 / 16 / 48);
    load.max_mib = 0;
    CU_ASSERT_EQUAL(trace_capacity(&load), 0);
    load.max_mib = 64;
    load.writes_per_s = 0;
    CU_ASSERT_EQUAL(trace_capacity(&load), 0);
}

static void test_memory_is_refused_above_half_of_what_is_free(void)
{
    struct failure failure = {0};
    CU_ASSERT(trace_memory_suffices(512, 1024, &failure));
    CU_ASSERT(trace_memory_suffices(1e12, (double)NAN, &failure));
    CU_ASSERT_EQUAL(failure.code, EXIT_DONE);
    CU_ASSERT(!trace_memory_suffices(1100 * 1048576.0, 2048 * 1048576.0, &failure));
    CU_ASSERT_EQUAL(failure.code, EXIT_BAD_USAGE);
    CU_ASSERT(strstr(failure.text, "1100 MiB") && strstr(failure.text, "2048 MiB") &&
              strstr(failure.text, "--trace-max-mib"));
}

/* ---- whole runs: the trace is what the log of the network says ---- */

static struct fake_run *run_of(uint32_t nodes, uint32_t seed, uint64_t capacity)
{
    static struct planted_net net;
    net = (struct planted_net){
        .delay_s = 200e-6, .jitter_s = 2e-3, .loss_share = 0.02, .silence_share = 0.1};
    struct fake_run_setup setup = planted_setup(nodes, seed, &net);
    setup.keys = seed;
    setup.duration_s = 3;
    setup.trace_capacity = capacity;
    setup.stalls[0] = (struct fake_stall){.node = 1, .from_s = -0.2, .to_s = 0.1};
    setup.stalls[1] = (struct fake_stall){.node = 0, .from_s = 2.9, .to_s = 3.2};
    setup.stall_count = 2;
    return fake_run(&setup);
}

/* The event of the log as the node must have traced it; false: it is none of that node's. */
static bool expected_event(const struct fake_run *run, const struct fake_event *logged,
                           uint32_t node, struct trace_event *expected)
{
    const struct message *message = &logged->message;
    bool taken = logged->kind == FAKE_TAKEN;
    /* Of the copies of a write the first is that to the next node. */
    bool written = !taken && logged->to == (logged->from + 1) % run->setup.nodes;
    double at_s = logged->at_s - run->t0_s;
    *expected = (struct trace_event){
        .global_s = at_s,
        .time_s = at_s, /* clocks are offset, not skewed */
        .sent_s = message->sent.s - run->t0_s,
        .version = message->version,
        .sequence = taken ? message->sequence : 0,
        .node = taken ? logged->to : logged->from,
        .peer = logged->from,
        .base = message->version > 1 ? message->base_origin : 0,
        .key = (int16_t)message->key,
        .kind = taken ? BOUNDARY_UPDATE : BOUNDARY_SEND,
    };
    return message->kind == MESSAGE_UPDATE && at_s >= 0 && (taken || written) &&
           expected->node == node;
}

static bool matches(const struct trace_event *found, const struct trace_event *expected)
{
    return near(found->global_s, expected->global_s) && near(found->time_s, expected->time_s) &&
           near(found->sent_s, expected->sent_s) && found->version == expected->version &&
           found->sequence == expected->sequence && found->node == expected->node &&
           found->peer == expected->peer && found->base == expected->base &&
           found->key == expected->key && found->kind == expected->kind;
}

static void expect_trace(const struct fake_run *run, uint32_t node)
{
    size_t logged;
    uint64_t place = 0, different = 0, before_t0 = 0, in_drain = 0;
    const struct fake_event *log = fake_net_log(run->net, &logged);
    for (size_t i = 0; i < logged; i++) {
        struct trace_event expected;
        if (!expected_event(run, &log[i], node, &expected))
            continue;
        before_t0 += expected.sent_s < 0;
        in_drain += expected.time_s > run->setup.duration_s;
        if (place < trace_count(run->node[node].trace)) {
            struct trace_event found = fake_run_trace(run, node, place);
            different += !matches(&found, &expected);
        }
        place++;
    }
    CU_ASSERT_EQUAL(different, 0);
    CU_ASSERT_EQUAL(place, trace_count(run->node[node].trace));
    CU_ASSERT_EQUAL(trace_dropped(run->node[node].trace), 0);
    CU_ASSERT(near(trace_covered_until_s(run->node[node].trace), run->setup.duration_s));
    CU_ASSERT(place > 100);
    /* Who stood still at the edges of the window took there what was under way. */
    CU_ASSERT(node != 1 || before_t0 > 0);
    CU_ASSERT(node != 0 || in_drain > 0);
}

static void test_the_trace_is_the_log(void)
{
    static const uint32_t scales[] = {2, 5};
    for (size_t i = 0; i < 2; i++)
        for (uint32_t seed = 1; seed <= 3; seed++) {
            struct fake_run *run = run_of(scales[i], seed, 1 << 14);
            for (uint32_t node = 0; node < scales[i]; node++)
                expect_trace(run, node);
            fake_run_free(run);
        }
}

static void test_a_small_trace_is_the_beginning_of_a_large_one(void)
{
    struct fake_run *large = run_of(3, 1, 1 << 14), *small = run_of(3, 1, 500);
    for (uint32_t node = 0; node < 3; node++) {
        uint64_t all = trace_count(large->node[node].trace);
        CU_ASSERT_EQUAL(trace_count(small->node[node].trace), 500);
        CU_ASSERT_EQUAL(trace_dropped(small->node[node].trace), all - 500);
        for (uint64_t place = 0; place < 500; place++) {
            struct trace_event one = fake_run_trace(large, node, place);
            struct trace_event other = fake_run_trace(small, node, place);
            CU_ASSERT(matches(&one, &other));
        }
        CU_ASSERT_EQUAL(trace_covered_until_s(small->node[node].trace),
                        fake_run_trace(large, node, 500).time_s);
    }
    fake_run_free(large);
    fake_run_free(small);
}

static void test_the_declared_load_fits(void)
{
    struct trace_load load = {
        .writes_per_s = 100, .duration_s = 3, .nodes = 5, .ranks = 5, .max_mib = 64};
    for (uint32_t seed = 1; seed <= 10; seed++) {
        struct fake_run *run = run_of(5, seed, trace_capacity(&load));
        for (uint32_t node = 0; node < 5; node++)
            CU_ASSERT_EQUAL(trace_dropped(run->node[node].trace), 0);
        fake_run_free(run);
    }
}

static void test_the_same_sends_with_and_without_trace(void)
{
    struct fake_run *with = run_of(5, 9, 100), *without = run_of(5, 9, 0);
    CU_ASSERT(fake_net_same(with->net, without->net));
    uint64_t badges = spool_count(with->node[0].spool);
    CU_ASSERT(badges > 0 && badges == spool_count(without->node[0].spool));
    fake_run_free(with);
    fake_run_free(without);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"an event comes back", test_an_event_comes_back},
        {"only versions, in and after the window", test_only_versions_in_and_after_the_window},
        {"every event is handed on", test_every_event_is_handed_on},
        {"a full trace covers the first part", test_a_full_trace_covers_the_first_part},
        {"room for the load, under the bound", test_capacity},
        {"memory is refused above half of what is free",
         test_memory_is_refused_above_half_of_what_is_free},
        {"the trace is the log", test_the_trace_is_the_log},
        {"a small trace is the beginning of a large one",
         test_a_small_trace_is_the_beginning_of_a_large_one},
        {"the declared load fits", test_the_declared_load_fits},
        {"the same sends with and without trace", test_the_same_sends_with_and_without_trace},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("trace", tests);
}
