/* Truth is planted and must be found: all of it, once, and nothing else. */

#include "cunit_main.h"
#include "planted.h"

#include <math.h>
#include <string.h>

/* ---- ten thousand exits ---- */

static void test_ten_thousand_exits(void)
{
    static const uint32_t scales[] = {2, 3, 5, 8};
    uint64_t found[CONTEXT_COUNT] = {0}, total = 0;
    for (uint32_t seed = 1; seed <= 3; seed++)
        for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
            struct planted_net net = {.delay_s = 100e-6,
                                      .jitter_s = 400e-6,
                                      .late_share = 0.01,
                                      .late_s = 8e-3,
                                      .loss_share = 0.01,
                                      .silence_share = 0.15};
            struct fake_run_setup setup = planted_setup(scales[i], seed, &net);
            setup.keys = seed == 2 ? 8 : 1;
            struct fake_run *run = fake_run(&setup);
            CU_ASSERT_EQUAL(planted_differences(run, found), 0);
            fake_run_free(run);
        }
    for (enum context c = 0; c <= CONTEXT_CAUSAL_ORDER_VIOLATED; c++) {
        printf("  %s: %llu found", context_table[c].name, (unsigned long long)found[c]);
        CU_ASSERT(found[c] > 300);
        total += found[c];
    }
    printf("  total %llu\n", (unsigned long long)total);
    CU_ASSERT(total >= 10000);
}

static void test_quiet_net_gives_no_badge(void)
{
    struct planted_net net = {.delay_s = 100e-6};
    struct fake_run_setup setup = planted_setup(5, 7, &net);
    setup.rate_per_s = 5; /* too few writes to meet */
    setup.corridor.limit[CONTEXT_VERSION_LAG_EXCEEDED] = 2;
    struct fake_run *run = fake_run(&setup);
    uint64_t found[CONTEXT_COUNT] = {0};
    CU_ASSERT_EQUAL(planted_differences(run, found), 0);
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        CU_ASSERT_EQUAL(found[c], 0);
    fake_run_free(run);
}

/* ---- one fault at a time ---- */

/* One link is late from 1 s to 2 s after T0; the net is otherwise quick. */
struct one_link {
    uint32_t from;
    uint32_t to;
    double begin_s;
    double end_s;
    double delay_s; /* negative: lost */
};

static double one_link_delay(void *plan, uint32_t from, uint32_t to, const struct message *message,
                             double now_s)
{
    const struct one_link *link = plan;
    (void)message;
    bool hit =
        from == link->from && to == link->to && now_s >= link->begin_s && now_s < link->end_s;
    return hit ? link->delay_s : 100e-6;
}

static struct fake_run *run_one_link(struct one_link *link)
{
    struct planted_net unused = {.seed = 0};
    struct fake_run_setup setup = planted_setup(5, 3, &unused);
    setup.delay = one_link_delay;
    setup.plan = link;
    setup.corridor.limit[CONTEXT_VERSION_LAG_EXCEEDED] = HUGE_VAL;
    link->begin_s += 0.25 + setup.warmup_s; /* fake_run's T0 */
    link->end_s += 0.25 + setup.warmup_s;
    return fake_run(&setup);
}

static void test_late_link_is_the_only_one(void)
{
    struct one_link link = {.from = 2, .to = 4, .begin_s = 1, .end_s = 2, .delay_s = 3e-3};
    struct fake_run *run = run_one_link(&link);
    CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_MESSAGE_DELAY_EXCEEDED), 1);
    CU_ASSERT_EQUAL(planted_badges_of(run, 4, CONTEXT_MESSAGE_DELAY_EXCEEDED), 1);
    for (uint64_t place = 0; place < spool_count(run->node[4].spool); place++) {
        struct badge badge = spool_read(run->node[4].spool, place);
        if (badge.context != CONTEXT_MESSAGE_DELAY_EXCEEDED)
            continue;
        CU_ASSERT_EQUAL(badge.peer, 2);
        CU_ASSERT(badge.time_s > 1 && badge.time_s < 1.05);
        CU_ASSERT(badge.end_s > 2 && badge.end_s < 2.05);
        CU_ASSERT(badge.observed >= 3e-3 && badge.observed < 3.3e-3);
        CU_ASSERT_EQUAL(badge.flags & BADGE_SELF_STALLED, 0);
    }
    fake_run_free(run);
}

static void test_cut_link_is_silent_and_lacks_messages(void)
{
    struct one_link link = {.from = 1, .to = 0, .begin_s = 2, .end_s = 2.5, .delay_s = -1};
    struct fake_run *run = run_one_link(&link);
    CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_HEARTBEAT_MISSED), 1);
    CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_MESSAGE_MISSING), 1);
    size_t lost = 0, events;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++)
        lost += log[i].kind == FAKE_LOST;
    for (uint64_t place = 0; place < spool_count(run->node[0].spool); place++) {
        struct badge badge = spool_read(run->node[0].spool, place);
        if (badge.context == CONTEXT_MESSAGE_MISSING)
            CU_ASSERT(badge.peer == 1 && (size_t)badge.observed == lost);
        if (badge.context == CONTEXT_HEARTBEAT_MISSED)
            CU_ASSERT(badge.peer == 1 && badge.time_s > 2.0 && badge.end_s < 2.55);
    }
    fake_run_free(run);
}

/* A node that stands still is late itself; its peers see it fall silent. The marks tell the two
 * apart: its own badges carry the stall, theirs do not. */
static void test_stalled_node_and_its_peers(void)
{
    struct planted_net net = {.delay_s = 300e-6};
    struct fake_run_setup setup = planted_setup(5, 11, &net);
    setup.stalls[0] = (struct fake_stall){.node = 3, .from_s = 2, .to_s = 2.2};
    setup.stall_count = 1;
    struct fake_run *run = fake_run(&setup);
    for (uint32_t node = 0; node < 5; node++) {
        size_t heartbeats = 0;
        for (uint64_t place = 0; place < spool_count(run->node[node].spool); place++) {
            struct badge badge = spool_read(run->node[node].spool, place);
            if (badge.context == CONTEXT_HEARTBEAT_MISSED) {
                heartbeats++;
                CU_ASSERT_EQUAL((badge.flags & BADGE_SELF_STALLED) != 0, node == 3);
                CU_ASSERT_EQUAL(badge.peer == 3, node != 3);
            }
            if (badge.flags & BADGE_SELF_STALLED) {
                CU_ASSERT_EQUAL(node, 3);
                CU_ASSERT(badge.own_stall_s > 0.19 && badge.own_stall_s < 0.21);
            }
        }
        CU_ASSERT_EQUAL(heartbeats, node == 3 ? 4 : 1);
        struct observer_totals totals = observer_totals(run->node[node].observer);
        CU_ASSERT_EQUAL(totals.stalls, node == 3 ? 1 : 0);
    }
    uint64_t found[CONTEXT_COUNT] = {0};
    CU_ASSERT_EQUAL(planted_differences(run, found), 0);
    fake_run_free(run);
}

/* ---- causal order ---- */

static void test_causal_order_holds_at_two(void)
{
    static const uint32_t keys[] = {1, 8};
    size_t lags = 0;
    for (uint32_t seed = 1; seed <= 10; seed++)
        for (size_t i = 0; i < 2; i++) {
            struct planted_net net = {
                .delay_s = 1e-3, .jitter_s = 10e-3, .late_share = 0.05, .late_s = 50e-3};
            struct fake_run_setup setup = planted_setup(2, seed, &net);
            setup.keys = keys[i];
            struct fake_run *run = fake_run(&setup);
            CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_CAUSAL_ORDER_VIOLATED), 0);
            lags += planted_badges_in_run(run, CONTEXT_VERSION_LAG_EXCEEDED);
            fake_run_free(run);
        }
    CU_ASSERT(lags > 100); /* the net was wild enough to break it if it could break */
}

/* node_A reaches node_B at once and node_C late: what B builds on A's write overtakes it. */
static double triangle_delay(void *plan, uint32_t from, uint32_t to, const struct message *message,
                             double now_s)
{
    (void)plan, (void)message, (void)now_s;
    return from == 0 && to == 2 ? 20e-3 : 50e-6;
}

static void test_causal_order_breaks_at_three_and_is_never_false(void)
{
    struct planted_net unused = {.seed = 0};
    struct fake_run_setup setup = planted_setup(3, 5, &unused);
    setup.delay = triangle_delay;
    struct fake_run *run = fake_run(&setup);
    CU_ASSERT(planted_badges_of(run, 2, CONTEXT_CAUSAL_ORDER_VIOLATED) > 10);
    CU_ASSERT_EQUAL(planted_badges_of(run, 0, CONTEXT_CAUSAL_ORDER_VIOLATED), 0);
    CU_ASSERT_EQUAL(planted_badges_of(run, 1, CONTEXT_CAUSAL_ORDER_VIOLATED), 0);
    fake_run_free(run);
    for (uint32_t seed = 1; seed <= 3; seed++) {
        struct planted_net net = {.delay_s = 1e-3, .jitter_s = 5e-3};
        setup = planted_setup(5, seed, &net);
        setup.duration_s = 2;
        setup.keys = seed;
        run = fake_run(&setup);
        CU_ASSERT(planted_badges_in_run(run, CONTEXT_CAUSAL_ORDER_VIOLATED) > 10);
        for (uint32_t node = 0; node < 5; node++)
            CU_ASSERT_EQUAL(planted_false_causal_badges(run, node), 0);
        fake_run_free(run);
    }
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"10,000 planted exits, each found once and nothing else", test_ten_thousand_exits},
        {"a quiet net gives no badge", test_quiet_net_gives_no_badge},
        {"a late link is the only one", test_late_link_is_the_only_one},
        {"a cut link is silent and lacks messages", test_cut_link_is_silent_and_lacks_messages},
        {"a stalled node and its peers are told apart", test_stalled_node_and_its_peers},
        {"causal order holds at two nodes", test_causal_order_holds_at_two},
        {"it breaks at three, and no such badge is false",
         test_causal_order_breaks_at_three_and_is_never_false},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("planted truth", tests);
}
