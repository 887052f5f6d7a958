/* The loop does what is due, on the state as it is, whether somebody watches or not. */

#include "cunit_main.h"
#include "planted.h"

#include <math.h>

static struct fake_run *run_of(uint32_t nodes, uint32_t seed, bool observe)
{
    static struct planted_net net;
    net = (struct planted_net){.delay_s = 200e-6, .jitter_s = 500e-6, .loss_share = 0.02};
    struct fake_run_setup setup = planted_setup(nodes, seed, &net);
    setup.observe = observe;
    setup.duration_s = 3;
    return fake_run(&setup);
}

static bool is_send(const struct fake_event *event)
{
    return event->kind != FAKE_TAKEN;
}

/* ---- what is sent ---- */

static void test_the_same_sends_with_and_without_observer(void)
{
    struct fake_run *with = run_of(5, 9, true), *without = run_of(5, 9, false);
    size_t count;
    (void)fake_net_log(with->net, &count);
    CU_ASSERT(count > 5000);
    CU_ASSERT(fake_net_same(with->net, without->net));
    CU_ASSERT(spool_count(with->node[0].spool) > 0);
    CU_ASSERT_EQUAL(spool_count(without->node[0].spool), 0);
    fake_run_free(with);
    fake_run_free(without);
}

static void test_another_seed_is_another_run(void)
{
    struct fake_run *one = run_of(2, 1, true), *other = run_of(2, 2, true);
    CU_ASSERT(!fake_net_same(one->net, other->net));
    fake_run_free(one);
    fake_run_free(other);
}

/* ---- when it is done ---- */

static void test_sends_are_due_when_they_were_sent(void)
{
    struct fake_run *run = run_of(3, 4, true);
    size_t events;
    const struct fake_event *log = fake_net_log(run->net, &events);
    double heartbeat_before_s = -1;
    for (size_t i = 0; i < events; i++) {
        const struct message *message = &log[i].message;
        if (!is_send(&log[i]))
            continue;
        CU_ASSERT(fabs(log[i].at_s - message->sent.s) < 1e-9);
        CU_ASSERT(fabs(message->due.s - message->sent.s) < 2e-9); /* nothing delays it here */
        if (log[i].from != 0 || log[i].to != 1 || message->kind != MESSAGE_HEARTBEAT)
            continue;
        if (heartbeat_before_s >= 0)
            CU_ASSERT(fabs(log[i].at_s - heartbeat_before_s - 0.02) < 1e-6);
        heartbeat_before_s = log[i].at_s;
    }
    fake_run_free(run);
}

/* While node 1 stood still, messages arrived and writes of its own fell due. The writes go out
 * first, on the state as it was: a write never polls. */
static void test_a_late_write_does_not_poll_first(void)
{
    struct planted_net net = {.delay_s = 100e-6};
    struct fake_run_setup setup = planted_setup(2, 6, &net);
    setup.stalls[0] = (struct fake_stall){.node = 1, .from_s = 1, .to_s = 1.5};
    setup.stall_count = 1;
    struct fake_run *run = fake_run(&setup);
    double awake_s = run->t0_s + 1.5;
    size_t events, sends = 0, takes = 0;
    uint64_t version_known = 0;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++) {
        bool taken = log[i].kind == FAKE_TAKEN && log[i].to == 1;
        bool sent = is_send(&log[i]) && log[i].from == 1;
        bool update = log[i].message.kind == MESSAGE_UPDATE;
        if (log[i].at_s < awake_s - 0.4 && (taken || sent) && update)
            version_known =
                log[i].message.version > version_known ? log[i].message.version : version_known;
        if (fabs(log[i].at_s - awake_s) > 1e-6)
            continue;
        takes += taken;
        if (sent && update) {
            CU_ASSERT_EQUAL(takes, 0);
            CU_ASSERT_EQUAL(log[i].message.version, version_known + ++sends);
        }
    }
    CU_ASSERT(sends > 20 && takes > 20);
    fake_run_free(run);
}

static void test_replicas_agree_in_the_end(void)
{
    struct planted_net net = {.delay_s = 1e-3, .jitter_s = 5e-3};
    struct fake_run_setup setup = planted_setup(5, 8, &net);
    setup.keys = 8;
    struct fake_run *run = fake_run(&setup);
    const struct system_ops *ops = system_find("replication");
    for (uint32_t node = 1; node < 5; node++)
        CU_ASSERT_EQUAL(ops->digest(run->node[node].system), ops->digest(run->node[0].system));
    fake_run_free(run);
    net.loss_share = 0.5; /* and they do not when the last writes are lost */
    run = fake_run(&setup);
    size_t alike = 0;
    for (uint32_t node = 1; node < 5; node++)
        alike += ops->digest(run->node[node].system) == ops->digest(run->node[0].system);
    CU_ASSERT(alike < 4);
    fake_run_free(run);
}

/* ---- an early end ---- */

/* One node of five is told to end. The others learn it by its last message, and nobody watches a
 * node that has gone. */
static struct fake_run *stopped_run(double stop_s, bool observe)
{
    static struct planted_net net;
    net = (struct planted_net){.delay_s = 300e-6, .jitter_s = 100e-6};
    struct fake_run_setup setup = planted_setup(5, 31, &net);
    setup.observe = observe;
    setup.stop_s = stop_s;
    setup.stop_node = 2;
    setup.trace_capacity = 20000;
    return fake_run(&setup);
}

static void test_an_early_end_reaches_every_node(void)
{
    struct fake_run *run = stopped_run(1.5, true);
    for (uint32_t node = 0; node < 5; node++) {
        double watched_s = observer_watched_s(run->node[node].observer);
        CU_ASSERT(watched_s >= 1.5 && watched_s < 1.51);
        CU_ASSERT(fabs(trace_covered_until_s(run->node[node].trace) - watched_s) < 1e-9);
        CU_ASSERT(observer_totals(run->node[node].observer).outside_node_s <= watched_s);
        for (uint64_t place = 0; place < spool_count(run->node[node].spool); place++) {
            struct badge badge = spool_read(run->node[node].spool, place);
            CU_ASSERT_NOT_EQUAL(badge.context, CONTEXT_HEARTBEAT_MISSED);
            CU_ASSERT(badge.time_s < watched_s + 0.01); /* what was sent before may come after */
        }
    }
    fake_run_free(run);
}

static void test_no_message_follows_the_last(void)
{
    struct fake_run *run = stopped_run(1.5, true);
    bool has_ended[5][5] = {{false}};
    size_t events, ends = 0;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++) {
        if (!is_send(&log[i]))
            continue;
        CU_ASSERT(!has_ended[log[i].from][log[i].to]);
        bool is_end = log[i].message.kind == MESSAGE_END;
        has_ended[log[i].from][log[i].to] = is_end;
        ends += is_end;
        CU_ASSERT(log[i].at_s < run->t0_s + 1.51);
    }
    CU_ASSERT_EQUAL(ends, 20); /* 5 nodes to 4 peers each */
    fake_run_free(run);
}

/* Until then everything is as it would have been; an end before the window opens leaves none. */
static void test_an_early_end_changes_nothing_before(void)
{
    struct fake_run *stopped = stopped_run(1.5, true), *whole = stopped_run(0, true);
    size_t count, whole_count;
    const struct fake_event *log = fake_net_log(stopped->net, &count);
    const struct fake_event *whole_log = fake_net_log(whole->net, &whole_count);
    size_t same = 0;
    while (same < count && log[same].at_s < stopped->t0_s + 1.5 &&
           memcmp((const void *)&log[same].message, (const void *)&whole_log[same].message,
                  sizeof log[same].message) ==
               0) /* NOLINT(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
        same++;
    CU_ASSERT(same > 1000 && log[same].at_s >= stopped->t0_s + 1.5);
    CU_ASSERT(count < whole_count);
    fake_run_free(stopped);
    fake_run_free(whole);
    struct fake_run *early = stopped_run(1e-9, true);
    for (uint32_t node = 0; node < 5; node++)
        CU_ASSERT(observer_watched_s(early->node[node].observer) < 0.01);
    fake_run_free(early);
}

/* ---- stalls ---- */

/* A network whose third look takes half a second, and the stalls that a boundary was told of. */
struct slow_look {
    struct true_time time;
    size_t looks;
    size_t stalls;
    double longest_s;
};

static bool slow_send(void *carrier, uint32_t peer, const struct message *message)
{
    (void)carrier, (void)peer, (void)message;
    return true;
}

static bool slow_receive(void *carrier, uint32_t *peer, struct message *message)
{
    struct slow_look *slow = carrier;
    *peer = 0;
    *message = (struct message){.kind = MESSAGE_HEARTBEAT};
    slow->time.s += ++slow->looks == 3 ? 0.5 : 0;
    return false;
}

static void count_stall(void *observer, const struct boundary_event *event)
{
    struct slow_look *slow = observer;
    if (event->measure != MEASURE_STALL_S)
        return;
    slow->stalls++;
    slow->longest_s = fmax(slow->longest_s, event->value);
}

/* Wherever in its turn a node stands still, it was its own stall. */
static void test_a_stall_within_a_turn_is_seen(void)
{
    static const struct carrier_ops ops = {.send = slow_send, .receive = slow_receive};
    struct slow_look slow = {.time = {1}};
    struct fake_clock clock = {&slow.time, 0};
    struct clock_source source = fake_clock_source(&clock);
    struct clock_model model = fake_clock_model(&clock);
    struct boundary boundary = {count_stall, &slow};
    struct mailbox mailbox;
    struct failure failure = {0};
    CU_ASSERT_FATAL(mailbox_open(&mailbox, &ops, &slow, 0, 2, &failure));
    struct engine_setup setup = {.clock = &source,
                                 .model = &model,
                                 .mailbox = &mailbox,
                                 .boundary = &boundary,
                                 .ops = system_find("idle"),
                                 .plan = {{1}, {1}, {2}},
                                 .heartbeat_s = 0.02,
                                 .idle_s = 200e-6};
    struct engine engine;
    engine_init(&engine, &setup);
    while (!engine_finished(&engine))
        slow.time.s = fmax(slow.time.s, engine_step(&engine).s);
    CU_ASSERT_EQUAL(slow.stalls, 1);
    CU_ASSERT(fabs(slow.longest_s - 0.5) < 1e-9);
    mailbox_close(&mailbox);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"the same sends with and without observer", test_the_same_sends_with_and_without_observer},
        {"another seed is another run", test_another_seed_is_another_run},
        {"sends are due when they were sent", test_sends_are_due_when_they_were_sent},
        {"a late write does not poll first", test_a_late_write_does_not_poll_first},
        {"replicas agree in the end", test_replicas_agree_in_the_end},
        {"an early end reaches every node", test_an_early_end_reaches_every_node},
        {"no message follows the last", test_no_message_follows_the_last},
        {"a stall within a turn is seen", test_a_stall_within_a_turn_is_seen},
        {"an early end changes nothing before", test_an_early_end_changes_nothing_before},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("engine", tests);
}
