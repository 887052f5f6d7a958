/* Which writes a node lacks, told from traces: examples by hand, and counted again the slow way. */

#include "analysis/metrics/backlog.h"
#include "cunit_main.h"
#include "sample_run.h"

#include <math.h>

static struct replica_event written(double at_s, uint32_t node, uint32_t key, uint64_t version)
{
    return (struct replica_event){at_s, at_s, version, node, node, key};
}

static struct replica_event taken(double at_s, uint32_t node, uint32_t writer, uint32_t key,
                                  uint64_t version, double written_s)
{
    return (struct replica_event){at_s, written_s, version, node, writer, key};
}

static struct write_history history_of(const struct replica_event *events, size_t count,
                                       uint32_t group_nodes)
{
    struct replica_event sorted[32];
    struct write_history history;
    CU_ASSERT_FATAL(count <= 32);
    for (size_t i = 0; i < count; i++)
        sorted[i] = events[i];
    CU_ASSERT_FATAL(write_history_make(&history, sorted, count, group_nodes));
    return history;
}

static struct backlog backlog_of(const struct write_history *history, uint32_t node, double from_s,
                                 double to_s)
{
    struct backlog backlog = {.watched_s = 0};
    CU_ASSERT_FATAL(backlog_add(&backlog, history, node, from_s, to_s));
    return backlog;
}

static bool near(double a, double b)
{
    return a == b || fabs(a - b) < 1e-9;
}

/* ---- by hand ---- */

/* Node 0 writes at 1 and 2, node 2 at 3; node 1 takes them at 4, 5 and 3.5 and writes at 4.5, which
 * nobody takes. In no order. */
static struct write_history three_nodes(void)
{
    const struct replica_event events[] = {
        taken(5, 1, 0, 0, 2, 2),   written(1, 0, 0, 1),        written(2, 0, 0, 2),
        taken(4, 1, 0, 0, 1, 1),   written(3, 2, 0, 3),        taken(3.5, 1, 2, 0, 3, 3),
        taken(2.5, 2, 0, 0, 1, 1), taken(2.75, 2, 0, 0, 2, 2), taken(6, 0, 2, 0, 3, 3),
        written(4.5, 1, 0, 4),
    };
    return history_of(events, sizeof events / sizeof events[0], 3);
}

static void test_levels_of_one_node(void)
{
    struct write_history history = three_nodes();
    CU_ASSERT_EQUAL(history.count, 4);
    struct backlog b = backlog_of(&history, 1, 0, 10);
    /* 0 until 1; 1 until 2; 2 until 3; 3 until 3.5; 2 until 4; 1 until 5; then 0. */
    CU_ASSERT(near(b.level_s[0], 1 + 5) && near(b.level_s[1], 1 + 1) && near(b.level_s[2], 1.5) &&
              near(b.level_s[3], 0.5) && near(b.watched_s, 10));
    CU_ASSERT(near(b.unseen_s, 2 + 3 + 1.5));
    CU_ASSERT(b.rises[0] == 1 && b.rises[1] == 1 && b.rises[2] == 1 && b.rises[3] == 0);
    CU_ASSERT(b.writes == 1 && b.writes_on_stale == 1); /* at 4.5 the write of 2 was unseen */
    CU_ASSERT(near(backlog_share_above(&b, 0), 0.4) && near(backlog_share_above(&b, 1), 0.2));
    CU_ASSERT(near(backlog_share_above(&b, 2), 0.05) && backlog_share_above(&b, 3) == 0);
    write_history_free(&history);
}

static void test_part_of_the_time(void)
{
    struct write_history history = three_nodes();
    struct backlog b = backlog_of(&history, 1, 2.5, 3.25);
    CU_ASSERT(near(b.level_s[2], 0.5) && near(b.level_s[3], 0.25) && near(b.watched_s, 0.75));
    CU_ASSERT(b.rises[0] == 0 && b.rises[1] == 0 && b.rises[2] == 1 && b.writes == 0);
    CU_ASSERT_FATAL(backlog_add(&b, &history, 0, 2.5, 3.25)); /* added to another node's */
    CU_ASSERT(near(b.watched_s, 1.5) && near(b.level_s[0], 0.5) && near(b.level_s[1], 0.25));
    CU_ASSERT_EQUAL(b.rises[0], 1);
    write_history_free(&history);
    struct backlog nothing = {.watched_s = 0};
    CU_ASSERT(isnan(backlog_share_above(&nothing, 0)));
}

static void test_who_had_which_write_when(void)
{
    struct write_history history = three_nodes();
    const struct {
        uint32_t writer;
        uint64_t version;
        double seen_s[2];
        double visible_after_s;
    } expected[] = {{0, 1, {4, 2.5}, 3},
                    {0, 2, {5, 2.75}, 3},
                    {1, 4, {HUGE_VAL, HUGE_VAL}, HUGE_VAL},
                    {2, 3, {6, 3.5}, 3}};
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT(history.writes[i].writer == expected[i].writer);
        CU_ASSERT(history.writes[i].version == expected[i].version);
        CU_ASSERT(near(history.seen_s[2 * i], expected[i].seen_s[0]));
        CU_ASSERT(near(history.seen_s[2 * i + 1], expected[i].seen_s[1]));
        CU_ASSERT(near(write_visible_after_s(&history, i), expected[i].visible_after_s));
    }
    CU_ASSERT(write_history_peer(&history, 0, 0) == 1 && write_history_peer(&history, 0, 1) == 2);
    CU_ASSERT(write_history_peer(&history, 1, 0) == 0 && write_history_peer(&history, 1, 1) == 2);
    CU_ASSERT(write_history_peer(&history, 2, 0) == 0 && write_history_peer(&history, 2, 1) == 1);
    write_history_free(&history);
}

/* The second of three writes is lost; another key's does not make up for it. */
static void test_a_later_write_makes_up_for_a_lost_one(void)
{
    const struct replica_event events[] = {written(1, 0, 0, 1),       written(2, 0, 0, 2),
                                           written(3, 0, 1, 1),       written(5, 0, 0, 3),
                                           taken(1.5, 1, 0, 0, 1, 1), taken(4, 1, 0, 1, 1, 3),
                                           taken(6, 1, 0, 0, 3, 5)};
    struct write_history history = history_of(events, 7, 2);
    const double seen_s[] = {1.5, 6, 6, 4}; /* versions 1 to 3 of key 0, then key 1 */
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT(near(history.seen_s[i], seen_s[i]));
    write_history_free(&history);
    history = history_of(events, 6, 2); /* and without the last arrival it stays unseen */
    CU_ASSERT(isinf(history.seen_s[1]));
    CU_ASSERT(near(backlog_of(&history, 1, 0, 10).level_s[2], 1 + 5));
    write_history_free(&history);
}

/* Of a write from before the window only arrivals inside it are in the traces. */
static void test_writes_from_before_the_window(void)
{
    const struct replica_event events[] = {taken(2, 1, 0, 0, 7, -1), written(3, 0, 0, 8),
                                           taken(4, 1, 0, 0, 8, 3), taken(3.5, 2, 0, 0, 8, 3)};
    struct write_history history = history_of(events, 4, 3);
    CU_ASSERT_EQUAL_FATAL(history.count, 2);
    CU_ASSERT(near(history.seen_s[0], 2) && history.seen_s[1] == -HUGE_VAL);
    struct backlog b = backlog_of(&history, 1, 0, 10);
    CU_ASSERT(near(b.level_s[1], 2 + 1) && near(b.level_s[0], 7));
    CU_ASSERT_EQUAL(b.rises[0], 1); /* it was up when the window opened */
    CU_ASSERT(near(backlog_of(&history, 2, 0, 10).level_s[1], 0.5));
    write_history_free(&history);
    /* That the next one is not among them does not mean that the one before was there. */
    const struct replica_event lost[] = {taken(2, 1, 0, 0, 7, -2), taken(1, 2, 0, 0, 8, -1)};
    history = history_of(lost, 2, 3);
    CU_ASSERT(near(history.seen_s[0], 2));
    write_history_free(&history);
}

static void test_clocks_may_disagree(void)
{
    const struct replica_event events[] = {written(1, 0, 0, 1), taken(0.9999, 1, 0, 0, 1, 1)};
    struct write_history history = history_of(events, 2, 2);
    struct backlog b = backlog_of(&history, 1, 0, 2);
    CU_ASSERT(near(b.level_s[0], 2) && b.unseen_s == 0 && b.rises[0] == 0);
    CU_ASSERT_EQUAL(write_visible_after_s(&history, 0), 0);
    write_history_free(&history);
}

/* What arrives at the moment of an own write has not been seen by it. */
static void test_a_write_is_made_on_the_state_as_it_was(void)
{
    const struct replica_event events[] = {written(1, 0, 0, 1), taken(2, 1, 0, 0, 1, 1),
                                           written(2, 1, 0, 2), written(2, 0, 0, 3)};
    struct write_history history = history_of(events, 4, 2);
    struct backlog b = backlog_of(&history, 1, 0, 2.5);
    CU_ASSERT(b.writes == 1 && b.writes_on_stale == 1);
    CU_ASSERT(b.rises[0] == 2 && b.rises[1] == 0);
    write_history_free(&history);
}

static void test_groups_do_not_see_each_other(void)
{
    const struct replica_event events[] = {written(1, 2, 0, 1), taken(3, 3, 2, 0, 1, 1),
                                           written(1, 0, 0, 1), taken(2, 1, 0, 0, 1, 1),
                                           taken(2, 1, 2, 0, 1, 1)}; /* cannot be */
    struct write_history history = history_of(events, 5, 2);
    CU_ASSERT(history.count == 2 && history.peers == 1);
    CU_ASSERT(near(backlog_of(&history, 1, 0, 10).unseen_s, 1));
    CU_ASSERT(near(backlog_of(&history, 3, 0, 10).unseen_s, 2));
    CU_ASSERT_EQUAL(backlog_of(&history, 2, 0, 10).unseen_s, 0);
    CU_ASSERT_EQUAL(write_history_peer(&history, 2, 0), 3);
    write_history_free(&history);
}

static void test_more_than_there_are_levels(void)
{
    struct replica_event events[BACKLOG_LEVELS + 10];
    struct write_history history;
    size_t count = BACKLOG_LEVELS + 10;
    for (size_t i = 0; i < count; i++)
        events[i] = written((double)i, 0, 0, i + 1);
    CU_ASSERT_FATAL(write_history_make(&history, events, count, 2));
    struct backlog b = backlog_of(&history, 1, 0, 100);
    CU_ASSERT(near(b.level_s[BACKLOG_LEVELS - 1], 100 - BACKLOG_LEVELS + 2));
    CU_ASSERT_EQUAL(b.rises[BACKLOG_LEVELS - 1], 11);
    CU_ASSERT(near(b.watched_s, 100));
    write_history_free(&history);
}

static void test_nothing(void)
{
    struct write_history history = history_of(NULL, 0, 5);
    struct backlog b = backlog_of(&history, 3, 0, 4);
    CU_ASSERT(near(b.level_s[0], 4) && b.unseen_s == 0 && history.count == 0);
    write_history_free(&history);
}

/* ---- the slow way ---- */

enum { EVENTS_MAX = 400, NODES = 4 };

struct play {
    struct replica_event events[EVENTS_MAX];
    size_t count;
};

static double uniform(uint64_t *state)
{
    return (double)(sample_random(state) >> 11) / 9007199254740992.0;
}

/* Writes at random of two keys, one copy in ten lost, each link in order. */
static struct play play_of(uint64_t *state)
{
    struct play play = {.count = 0};
    double last_s[NODES][NODES] = {{0}};
    uint64_t version = 0;
    double written_s = -1;
    while (written_s < 10 && play.count + NODES < EVENTS_MAX) {
        written_s -= 0.15 * log(uniform(state) + 1e-12);
        uint32_t writer = (uint32_t)(sample_random(state) % NODES);
        uint32_t key = (uint32_t)(sample_random(state) % 2);
        version++;
        if (written_s >= 0)
            play.events[play.count++] = written(written_s, writer, key, version);
        for (uint32_t node = 0; node < NODES; node++) {
            double taken_s = fmax(last_s[writer][node], written_s + uniform(state));
            if (node == writer || (written_s >= 0 && uniform(state) < 0.1))
                continue;
            last_s[writer][node] = taken_s;
            if (taken_s >= 0)
                play.events[play.count++] = taken(taken_s, node, writer, key, version, written_s);
        }
    }
    return play;
}

/* Is the write that this event tells of unseen at the node at that moment? */
static bool is_unseen(const struct play *play, const struct replica_event *write, uint32_t node,
                      double at_s)
{
    if (write->written_s > at_s)
        return false;
    for (size_t i = 0; i < play->count; i++) {
        const struct replica_event *e = &play->events[i];
        if (e->node == node && e->writer == write->writer && e->key == write->key &&
            e->version >= write->version && e->at_s <= at_s)
            return false;
    }
    return true;
}

static size_t unseen_at(const struct play *play, uint32_t node, double at_s)
{
    size_t unseen = 0;
    for (size_t i = 0; i < play->count; i++) {
        const struct replica_event *e = &play->events[i];
        bool told_by_writer = e->node == e->writer && e->writer != node;
        bool from_before = e->node == node && e->writer != node && e->written_s < 0;
        unseen += (told_by_writer || from_before) && is_unseen(play, e, node, at_s);
    }
    return unseen;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static uint64_t stale_in_all;

/* Between two moments at which anything happens nothing changes. */
static void expect_backlog(const struct play *play, uint32_t node, const struct backlog *found,
                           double from_s, double to_s)
{
    double moments[EVENTS_MAX + 2] = {from_s, to_s}, level_s[BACKLOG_LEVELS] = {0};
    size_t count = 2;
    uint64_t writes = 0, stale = 0;
    for (size_t i = 0; i < play->count; i++) {
        const struct replica_event *e = &play->events[i];
        bool inside = e->at_s > from_s && e->at_s < to_s;
        if (inside)
            moments[count++] = e->at_s;
        writes += inside && e->node == node && e->writer == node;
        stale +=
            inside && e->node == node && e->writer == node && unseen_at(play, node, e->at_s) > 0;
    }
    qsort(moments, count, sizeof moments[0], by_value);
    for (size_t i = 1; i < count; i++)
        level_s[unseen_at(play, node, (moments[i - 1] + moments[i]) / 2)] +=
            moments[i] - moments[i - 1];
    for (size_t level = 0; level < BACKLOG_LEVELS; level++)
        CU_ASSERT(near(found->level_s[level], level_s[level]));
    CU_ASSERT(found->writes == writes && found->writes_on_stale == stale);
    stale_in_all += stale;
}

static void test_the_slow_way(void)
{
    uint64_t state = 5;
    for (int round = 0; round < 20; round++) {
        struct play play = play_of(&state), sorted = play;
        struct write_history history;
        CU_ASSERT_FATAL(write_history_make(&history, sorted.events, sorted.count, NODES));
        for (uint32_t node = 0; node < NODES; node++) {
            struct backlog found = backlog_of(&history, node, 0.5, 9);
            expect_backlog(&play, node, &found, 0.5, 9);
        }
        write_history_free(&history);
    }
    CU_ASSERT(stale_in_all > 500); /* there was something to count */
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"levels of one node", test_levels_of_one_node},
        {"part of the time, and the sum of nodes", test_part_of_the_time},
        {"who had which write when", test_who_had_which_write_when},
        {"a later write makes up for a lost one", test_a_later_write_makes_up_for_a_lost_one},
        {"writes from before the window", test_writes_from_before_the_window},
        {"clocks may disagree", test_clocks_may_disagree},
        {"a write is made on the state as it was", test_a_write_is_made_on_the_state_as_it_was},
        {"groups do not see each other", test_groups_do_not_see_each_other},
        {"more than there are levels", test_more_than_there_are_levels},
        {"nothing", test_nothing},
        {"counted again the slow way", test_the_slow_way},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("backlog", tests);
}
