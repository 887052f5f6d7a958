/* What is declared shows as badges, all of it and nothing else; what is attempted stays the same.
 */

#include "cunit_main.h"
#include "planted.h"

#include <math.h>

/* A quick net under the declared conditions; the lag of concurrent writes is not looked at, so that
 * a run without conditions is without badges. */
static struct fake_run_setup quick_net(uint32_t nodes, uint32_t seed, const char *conditions)
{
    static struct planted_net net;
    net = (struct planted_net){.delay_s = 100e-6};
    struct fake_run_setup setup = planted_setup(nodes, seed, &net);
    setup.corridor.limit[CONTEXT_VERSION_LAG_EXCEEDED] = HUGE_VAL;
    if (conditions != NULL)
        planted_declare(&setup, conditions);
    return setup;
}

/* Run it, and hold its badges against the oracle's. */
static struct fake_run *judged_run(const struct fake_run_setup *setup)
{
    uint64_t found[CONTEXT_COUNT] = {0};
    struct fake_run *run = fake_run(setup);
    CU_ASSERT_EQUAL(planted_differences(run, found), 0);
    return run;
}

/* The badges of that context, those of node 0 first. */
static size_t badges_in(const struct fake_run *run, enum context context, struct badge *badges,
                        size_t most)
{
    size_t count = 0;
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        for (uint64_t place = 0; place < spool_count(run->node[node].spool); place++) {
            struct badge badge = spool_read(run->node[node].spool, place);
            if (badge.context == context && count < most)
                badges[count++] = badge;
        }
    return count;
}

/* ---- one condition at a time ---- */

static void test_without_conditions_there_is_no_badge(void)
{
    struct fake_run_setup setup = quick_net(5, 3, NULL);
    struct fake_run *run = judged_run(&setup);
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        CU_ASSERT_EQUAL(planted_badges_in_run(run, c), 0);
    CU_ASSERT_PTR_NULL(run->node[0].perturb); /* the layer is not even there */
    fake_run_free(run);
}

static void test_a_late_link_is_the_only_one(void)
{
    struct fake_run_setup setup =
        quick_net(5, 3, "delay link=A>B constant_us=3000 from_s=1 until_s=2");
    struct fake_run *run = judged_run(&setup);
    struct badge badges[64];
    CU_ASSERT_EQUAL_FATAL(badges_in(run, CONTEXT_MESSAGE_DELAY_EXCEEDED, badges, 64), 1);
    CU_ASSERT(badges[0].node == 1 && badges[0].peer == 0);
    CU_ASSERT(badges[0].time_s > 1 + 3e-3 && badges[0].time_s < 1.03);
    CU_ASSERT(badges[0].end_s > 2 && badges[0].end_s < 2.03);
    CU_ASSERT(badges[0].observed >= 3e-3 && badges[0].peak < 3e-3 + 2 * setup.idle_s);
    CU_ASSERT_EQUAL(badges[0].flags, 0);
    /* B gets what others build on A's writes before those: nobody else lacks anything. */
    size_t causal = badges_in(run, CONTEXT_CAUSAL_ORDER_VIOLATED, badges, 64);
    CU_ASSERT(causal > 0);
    for (size_t i = 0; i < causal; i++)
        CU_ASSERT(badges[i].node == 1 && badges[i].peer != 0);
    CU_ASSERT_EQUAL(planted_false_causal_badges(run, 1), 0);
    CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_HEARTBEAT_MISSED), 0);
    CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_MESSAGE_MISSING), 0);
    fake_run_free(run);
}

/* The node has its own stall marks and its peers have none, though both miss heartbeats. */
static void test_a_stalled_node_and_its_peers_are_told_apart(void)
{
    struct fake_run_setup setup = quick_net(5, 11, "stall node=C from_s=2 for_s=0.2");
    struct fake_run *run = judged_run(&setup);
    struct badge badges[64];
    size_t count = badges_in(run, CONTEXT_HEARTBEAT_MISSED, badges, 64);
    CU_ASSERT_EQUAL(count, 4 + 4); /* C of its four peers, each of them of C */
    for (size_t i = 0; i < count; i++) {
        bool own = badges[i].node == 2;
        CU_ASSERT(own || badges[i].peer == 2);
        CU_ASSERT_EQUAL((badges[i].flags & BADGE_SELF_STALLED) != 0, own);
        CU_ASSERT(own ? badges[i].own_stall_s > 0.199 && badges[i].own_stall_s < 0.202
                      : badges[i].own_stall_s == 0);
    }
    count = badges_in(run, CONTEXT_MESSAGE_DELAY_EXCEEDED, badges, 64);
    CU_ASSERT_EQUAL(count, 4); /* what had come for C waited there */
    for (size_t i = 0; i < count; i++)
        CU_ASSERT(badges[i].node == 2 && badges[i].flags & BADGE_SELF_STALLED);
    for (uint32_t node = 0; node < 5; node++) {
        struct observer_totals totals = observer_totals(run->node[node].observer);
        CU_ASSERT_EQUAL(totals.stalls, node == 2 ? 1 : 0);
    }
    CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_MESSAGE_MISSING), 0);
    fake_run_free(run);
}

/* ---- loss ---- */

/* Which numbers of the link were put in and never taken out, by the log alone. */
static size_t undelivered(const struct fake_run *run, uint32_t from, uint32_t to, bool *lost)
{
    size_t events, sent = 0, missing = 0;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++) {
        bool here = log[i].from == from && log[i].to == to;
        if (here && log[i].kind == FAKE_SENT)
            lost[log[i].message.sequence] = true;
        sent += here && log[i].kind == FAKE_SENT;
    }
    for (size_t i = 0; i < events; i++)
        if (log[i].from == from && log[i].to == to && log[i].kind == FAKE_TAKEN)
            lost[log[i].message.sequence] = false;
    for (size_t sequence = 1; sequence <= sent; sequence++)
        missing += lost[sequence];
    CU_ASSERT_EQUAL(missing, run->node[to].mailbox.links[from].lost);
    return sent;
}

static void test_loss_shows_as_exactly_the_missing_numbers(void)
{
    struct fake_run_setup setup = quick_net(5, 4, "loss link=*>* share=0.05");
    struct fake_run *run = judged_run(&setup);
    size_t sent = 0, missing = 0, badges = 0;
    for (uint32_t to = 0; to < 5; to++)
        for (uint32_t from = 0; from < 5; from++) {
            if (from == to)
                continue;
            bool lost[4096] = {false};
            sent += undelivered(run, from, to, lost);
            missing += run->node[to].mailbox.links[from].lost;
            for (uint64_t place = 0; place < spool_count(run->node[to].spool); place++) {
                struct badge badge = spool_read(run->node[to].spool, place);
                if (badge.context != CONTEXT_MESSAGE_MISSING || badge.peer != from)
                    continue;
                badges++;
                CU_ASSERT(!lost[badge.sequence]);
                for (uint64_t gap = 1; gap <= (uint64_t)badge.observed; gap++)
                    CU_ASSERT(lost[badge.sequence - gap]);
                CU_ASSERT(!lost[badge.sequence - (uint64_t)badge.observed - 1]);
            }
        }
    double share = (double)missing / (double)sent;
    printf("  %zu of %zu lost, %zu badges\n", missing, sent, badges);
    CU_ASSERT(fabs(share - 0.05) < 4 * sqrt(0.05 * 0.95 / (double)sent));
    CU_ASSERT(badges > missing / 2);
    fake_run_free(run);
}

static void test_what_is_not_declared_is_not_lost(void)
{
    struct fake_run_setup setup = quick_net(5, 4, "loss link=*>C share=1 from_s=1 until_s=1.03");
    struct fake_run *run = judged_run(&setup);
    struct badge badges[64];
    size_t count = badges_in(run, CONTEXT_MESSAGE_MISSING, badges, 64);
    CU_ASSERT_EQUAL(count, 4);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT(badges[i].node == 2 && badges[i].time_s > 1.03 && badges[i].time_s < 1.06);
    for (uint32_t node = 0; node < 5; node++) {
        struct link_totals totals = mailbox_totals(&run->node[node].mailbox);
        CU_ASSERT_EQUAL(totals.lost > 0, node == 2);
    }
    fake_run_free(run);
}

/* ---- clocks ---- */

static double fast_b_s(uint32_t node, double since_t0_s)
{
    return node == 1 && since_t0_s >= 1 && since_t0_s < 2 ? 5e-3 : 0;
}

static double slow_b_s(uint32_t node, double since_t0_s)
{
    return -fast_b_s(node, since_t0_s);
}

/* B's clock is off for a second; each stream of one direction looks late once, no other ever. */
static void check_one_direction(const char *condition, double (*error_s)(uint32_t, double),
                                bool heard_by_b)
{
    struct fake_run_setup setup = quick_net(5, 6, condition);
    setup.clock_error_s = error_s;
    struct fake_run *run = judged_run(&setup);
    struct badge badges[64];
    size_t count = badges_in(run, CONTEXT_MESSAGE_DELAY_EXCEEDED, badges, 64);
    CU_ASSERT_EQUAL(count, 4);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(badges[i].node == 1, heard_by_b);
        CU_ASSERT_EQUAL(badges[i].peer == 1, !heard_by_b);
        CU_ASSERT(badges[i].time_s >= 1 && badges[i].time_s < 1.03);
        CU_ASSERT(badges[i].end_s >= 2 && badges[i].end_s < 2.03);
        CU_ASSERT(badges[i].observed > 5e-3 && badges[i].observed < 5.4e-3);
    }
    for (enum context c = CONTEXT_HEARTBEAT_MISSED; c < CONTEXT_COUNT; c++)
        CU_ASSERT_EQUAL(planted_badges_in_run(run, c), 0);
    fake_run_free(run);
}

static void test_a_wrong_clock_is_late_in_one_direction(void)
{
    check_one_direction("clock node=B offset_us=5000 from_s=1 until_s=2", fast_b_s, true);
    check_one_direction("clock node=B offset_us=-5000 from_s=1 until_s=2", slow_b_s, false);
}

static double drifting_d_s(uint32_t node, double since_t0_s)
{
    return node == 3 ? 1000e-6 * since_t0_s : 0;
}

/* 1,000 ppm fast from T0: beyond the limit of 2 ms after about 1.8 s, and it stays there. */
static void test_a_clock_rate_is_seen_when_it_has_grown(void)
{
    struct fake_run_setup setup = quick_net(4, 6, "clock node=D rate_ppm=1000");
    setup.clock_error_s = drifting_d_s;
    struct fake_run *run = judged_run(&setup);
    struct badge badges[64];
    size_t count = badges_in(run, CONTEXT_MESSAGE_DELAY_EXCEEDED, badges, 64);
    CU_ASSERT(count >= 3);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(badges[i].node, 3);
        CU_ASSERT(badges[i].time_s > 1.6 && badges[i].time_s < 2);
    }
    fake_run_free(run);
}

/* The window and the phase of a message go by true time, whatever the clock shows. */
static void test_a_wrong_clock_moves_no_window(void)
{
    struct fake_run_setup setup = quick_net(3, 2, "clock node=B offset_us=-20000000");
    struct fake_run *run = fake_run(&setup);
    struct fake_run_setup plain_setup = quick_net(3, 2, NULL);
    struct fake_run *plain = fake_run(&plain_setup);
    for (uint32_t node = 0; node < 3; node++)
        CU_ASSERT_EQUAL(observer_totals(run->node[node].observer).messages_observed,
                        observer_totals(plain->node[node].observer).messages_observed);
    fake_run_free(plain);
    fake_run_free(run);
}

/* ---- order between paths ---- */

/* Updates that a node took without what they build on, by the log alone. */
static size_t true_violations(const struct fake_run *run)
{
    size_t events, count = 0;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++) {
        double sent_s = log[i].message.sent.s - run->t0_s;
        if (log[i].kind == FAKE_TAKEN && log[i].message.kind == MESSAGE_UPDATE &&
            log[i].message.version > 1 && sent_s >= 0 && sent_s < run->setup.duration_s)
            count += !planted_had_base(log, i, log[i].to, &log[i].message);
    }
    return count;
}

static void test_reordering_between_paths_is_found_and_never_false(void)
{
    for (uint32_t seed = 1; seed <= 3; seed++) {
        struct fake_run_setup setup =
            quick_net(5, seed, "delay link=*>* constant_us=1000 exponential_us=5000");
        setup.duration_s = 2;
        setup.keys = seed;
        setup.corridor.limit[CONTEXT_VERSION_LAG_EXCEEDED] = 1;
        struct fake_run *run = judged_run(&setup);
        uint64_t beyond = 0;
        for (uint32_t node = 0; node < 5; node++) {
            CU_ASSERT_EQUAL(planted_false_causal_badges(run, node), 0);
            for (uint32_t peer = 0; peer < 5; peer++)
                beyond +=
                    observer_stream(run->node[node].observer, peer, CONTEXT_CAUSAL_ORDER_VIOLATED)
                        .beyond;
        }
        size_t violations = true_violations(run);
        printf("  %u keys: %llu of %zu violations seen\n", setup.keys, (unsigned long long)beyond,
               violations);
        CU_ASSERT(beyond > 10 && beyond <= violations);
        fake_run_free(run);
    }
}

static void test_no_delay_breaks_causal_order_at_two(void)
{
    struct fake_run_setup setup =
        quick_net(2, 5,
                  "delay link=*>* exponential_us=20000; delay link=A>B constant_us=30000;"
                  "stall node=A from_s=1 for_s=0.3; clock node=B offset_us=90000");
    setup.corridor.limit[CONTEXT_VERSION_LAG_EXCEEDED] = 1;
    struct fake_run *run = fake_run(&setup);
    CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_CAUSAL_ORDER_VIOLATED), 0);
    CU_ASSERT(planted_badges_in_run(run, CONTEXT_VERSION_LAG_EXCEEDED) > 10);
    fake_run_free(run);
}

/* ---- what must not change ---- */

struct attempt {
    uint32_t kind;
    uint64_t sequence;
    double due_s;
};

/* All that `from` put on its way to `to`, in order. Returns how many. */
static size_t attempts_of(const struct fake_run *run, uint32_t from, uint32_t to,
                          struct attempt *attempts, size_t most)
{
    size_t events, count = 0;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++)
        if (log[i].kind == FAKE_SENT && log[i].from == from && log[i].to == to && count < most)
            attempts[count++] = (struct attempt){log[i].message.kind, log[i].message.sequence,
                                                 log[i].message.due.s};
    return count;
}

static size_t different_attempts(const struct fake_run *a, const struct fake_run *b)
{
    enum { MOST = 8192 };
    static struct attempt of_a[MOST], of_b[MOST];
    size_t different = 0;
    for (uint32_t from = 0; from < a->setup.nodes; from++)
        for (uint32_t to = 0; to < a->setup.nodes; to++) {
            size_t count = attempts_of(a, from, to, of_a, MOST);
            different += count != attempts_of(b, from, to, of_b, MOST);
            CU_ASSERT(from == to || (count > 100 && count < MOST));
            for (size_t i = 0; i < count; i++)
                different += of_a[i].kind != of_b[i].kind || of_a[i].sequence != of_b[i].sequence ||
                             fabs(of_a[i].due_s - of_b[i].due_s) > 1e-9;
        }
    return different;
}

/* Nothing is sent in reaction to lateness, loss or disagreement: with every condition the attempts
 * are those of the schedule, to the last one. */
static void test_the_attempts_are_those_without_conditions(void)
{
    static const char *const conditions[] = {
        "delay link=*>* constant_us=20000 exponential_us=20000",
        "loss link=*>* share=0.5",
        "loss link=A>* share=1",
        "stall node=C from_s=1 for_s=0.7; stall node=* from_s=2.9",
        "clock node=* rate_ppm=90000; clock node=B offset_us=-3000000",
    };
    struct fake_run_setup plain_setup = quick_net(4, 12, NULL);
    plain_setup.duration_s = 3;
    struct fake_run *plain = fake_run(&plain_setup);
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        struct fake_run_setup setup = quick_net(4, 12, conditions[i]);
        setup.duration_s = 3;
        struct fake_run *run = fake_run(&setup);
        CU_ASSERT_EQUAL(different_attempts(plain, run), 0);
        fake_run_free(run);
    }
    fake_run_free(plain);
}

/* A condition that is not in force leaves everything as it is, to the bit. */
static void test_the_layer_itself_is_transparent(void)
{
    struct fake_run_setup plain_setup = quick_net(4, 9, NULL);
    struct fake_run_setup setup =
        quick_net(4, 9,
                  "delay link=*>* constant_us=1 from_s=100; loss link=*>* share=1 from_s=100;"
                  "stall node=* from_s=100; clock node=* offset_us=1 from_s=100;"
                  "delay link=A>Z constant_us=5000");
    struct planted_net rough = {.seed = 9, .delay_s = 100e-6, .jitter_s = 2e-3, .loss_share = 0.01};
    plain_setup.plan = setup.plan = &rough;
    struct fake_run *plain = fake_run(&plain_setup), *run = fake_run(&setup);
    size_t count, plain_count;
    const struct fake_event *log = fake_net_log(run->net, &count);
    const struct fake_event *plain_log = fake_net_log(plain->net, &plain_count);
    CU_ASSERT_EQUAL_FATAL(count, plain_count);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT(log[i].kind == plain_log[i].kind && log[i].at_s == plain_log[i].at_s);
        CU_ASSERT(log[i].from == plain_log[i].from && log[i].to == plain_log[i].to);
        CU_ASSERT(log[i].message.sequence == plain_log[i].message.sequence);
        CU_ASSERT(log[i].message.version == plain_log[i].message.version);
        CU_ASSERT(log[i].message.sent.s == plain_log[i].message.sent.s);
    }
    fake_run_free(plain);
    fake_run_free(run);
}

/* ---- the idle system ---- */

static void test_the_idle_system_sends_heartbeats_only(void)
{
    struct fake_run_setup setup = quick_net(5, 2, "stall node=B from_s=1 for_s=0.1");
    setup.system = "idle";
    struct fake_run *run = judged_run(&setup);
    size_t events, others = 0, heartbeats = 0;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++) {
        others += log[i].message.kind != MESSAGE_HEARTBEAT;
        heartbeats += log[i].kind == FAKE_SENT;
    }
    CU_ASSERT_EQUAL(others, 0);
    size_t beats = (size_t)round((setup.warmup_s + setup.duration_s) / setup.heartbeat_s);
    CU_ASSERT_EQUAL(heartbeats, beats * 5 * 4);
    CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_HEARTBEAT_MISSED), 4 + 4);
    fake_run_free(run);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"without conditions there is no badge", test_without_conditions_there_is_no_badge},
        {"a late link is the only one", test_a_late_link_is_the_only_one},
        {"a stalled node and its peers are told apart",
         test_a_stalled_node_and_its_peers_are_told_apart},
        {"loss shows as exactly the missing numbers",
         test_loss_shows_as_exactly_the_missing_numbers},
        {"what is not declared is not lost", test_what_is_not_declared_is_not_lost},
        {"a wrong clock is late in one direction", test_a_wrong_clock_is_late_in_one_direction},
        {"a clock rate is seen when it has grown", test_a_clock_rate_is_seen_when_it_has_grown},
        {"a wrong clock moves no window", test_a_wrong_clock_moves_no_window},
        {"reordering between paths is found and never false",
         test_reordering_between_paths_is_found_and_never_false},
        {"no delay breaks causal order at two", test_no_delay_breaks_causal_order_at_two},
        {"the attempts are those without conditions",
         test_the_attempts_are_those_without_conditions},
        {"the layer itself is transparent", test_the_layer_itself_is_transparent},
        {"the idle system sends heartbeats only", test_the_idle_system_sends_heartbeats_only},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("perturbed runs", tests);
}
