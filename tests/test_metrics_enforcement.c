/* What enforcement would have cost and hidden. Traces by hand, and drawn ones judged again the slow
 * way. Delays are constant for each link, so that its median is known. */

#include "analysis/metrics/enforcement.h"
#include "cunit_main.h"
#include "drawn_trace.h"

#include <math.h>
#include <stdlib.h>

static struct enforcement judge(const struct enforcement_setup *setup,
                                const struct merged_list *list)
{
    struct enforcement_pass *pass = enforcement_begin(setup);
    CU_ASSERT_FATAL(pass != NULL);
    for (size_t i = 0; i < list->count; i++)
        enforcement_take(pass, &list->items[i]);
    struct enforcement found = enforcement_end(pass);
    enforcement_free(pass);
    return found;
}

/* From row to column; there and back differs for each pair of a node. */
static double link_delay_s(gsl_rng *rng, uint32_t from, uint32_t to)
{
    static const double ms[5][5] = {{0, 1, 4, 2.5, 9},
                                    {2, 0, 3, 6, 1.5},
                                    {1.25, 5, 0, 7, 3.5},
                                    {2.25, 4.5, 1.75, 0, 8},
                                    {5.5, 0.5, 6.5, 1.25, 0}};
    (void)rng;
    return 1e-3 * ms[from][to];
}

/* Every link carries a message that is no write, so that its delay is known. */
static void begin(struct merged_list *list, uint32_t nodes)
{
    *list = (struct merged_list){NULL, 0, 0};
    for (uint32_t from = 0; from < nodes; from++)
        for (uint32_t to = 0; to < nodes; to++)
            if (from != to)
                merged_add(list, took(link_delay_s(NULL, from, to), to, from, -1, 0, 0));
}

static void add_write(struct merged_list *list, uint32_t nodes, double at_s, uint32_t from,
                      int32_t key, uint64_t version, uint32_t lost_at)
{
    merged_add(list, wrote(at_s, from, key, version));
    for (uint32_t to = 0; to < nodes; to++)
        if (to != from && to != lost_at)
            merged_add(list,
                       took(at_s + link_delay_s(NULL, from, to), to, from, key, version, at_s));
}

enum { NOWHERE = 99 };

static void check_wait(const struct enforced_wait *wait, uint64_t writes, double mean_s,
                       double longest_s)
{
    CU_ASSERT_EQUAL(wait->writes, writes);
    CU_ASSERT_DOUBLE_EQUAL(wait->mean_s, mean_s, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(wait->longest_s, longest_s, 1e-9);
}

/* ---- by hand ---- */

static void test_waits(void)
{
    const struct enforcement_setup setup = {3, 2, 10};
    struct merged_list list;
    begin(&list, 3);
    add_write(&list, 3, 1, 0, 0, 1, NOWHERE); /* node 1 at 1 + 2 ms, node 2 at 4 + 1.25 */
    add_write(&list, 3, 2, 1, 0, 2, NOWHERE); /* node 0 at 2 + 1, node 2 at 3 + 5 */
    add_write(&list, 3, 3, 2, 1, 1, NOWHERE); /* node 0 at 1.25 + 4, node 1 at 5 + 3 */
    merged_sort(&list);
    struct enforcement found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.writes, 3);
    CU_ASSERT_EQUAL(found.open + found.forgotten, 0);
    check_wait(&found.all, 3, (5.25e-3 + 8e-3 + 8e-3) / 3, 8e-3);
    check_wait(&found.majority, 3, (3e-3 + 3e-3 + 5.25e-3) / 3, 5.25e-3);
    CU_ASSERT_DOUBLE_EQUAL(found.all.median_s, 8e-3, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.majority.median_s, 3e-3, 1e-9);
    CU_ASSERT_EQUAL(found.all.slowest_key, 1); /* 8 ms, against 6.625 */
    CU_ASSERT_DOUBLE_EQUAL(found.all.cap_per_s, 125, 1e-6);
    double watched_s = 10 - 1e-3; /* from the first event */
    CU_ASSERT_DOUBLE_EQUAL(found.watched_s, watched_s, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found.all.asked_per_s, 1 / watched_s, 1e-9);
    CU_ASSERT_EQUAL(found.majority.slowest_key, 1);
    merged_free(&list);
}

/* At two nodes all is a majority; of four, two peers and the writer are one. */
static void test_majority(void)
{
    struct merged_list list;
    begin(&list, 2);
    add_write(&list, 2, 1, 0, 0, 1, NOWHERE);
    merged_sort(&list);
    struct enforcement found = judge(&(struct enforcement_setup){2, 1, 10}, &list);
    check_wait(&found.all, 1, 3e-3, 3e-3);
    check_wait(&found.majority, 1, 3e-3, 3e-3);
    merged_free(&list);
    begin(&list, 4);
    add_write(&list, 4, 1, 0, 0, 1, NOWHERE); /* 3, 5.25, 4.75 ms */
    merged_sort(&list);
    found = judge(&(struct enforcement_setup){4, 1, 10}, &list);
    check_wait(&found.all, 1, 5.25e-3, 5.25e-3);
    check_wait(&found.majority, 1, 4.75e-3, 4.75e-3);
    merged_free(&list);
}

static void add_badge(struct merged_list *list, double at_s, uint32_t node, uint32_t peer,
                      enum context context, uint64_t sequence)
{
    struct merged_event badge = opened(at_s, node, peer, context);
    badge.sequence = sequence;
    merged_add(list, badge);
}

/* The delivery at node 2 decides for all, the one at node 1 for the majority. */
static void test_badges(void)
{
    const struct enforcement_setup setup = {3, 1, 10};
    struct merged_list list;
    begin(&list, 3);
    for (uint64_t version = 1; version <= 3; version++)
        add_write(&list, 3, (double)version, 0, 0, version, NOWHERE);
    for (size_t i = 0; i < list.count; i++)
        list.items[i].sequence = list.items[i].version; /* 0: a heartbeat */
    add_badge(&list, 1.004, 2, 0, CONTEXT_MESSAGE_DELAY_EXCEEDED, 1);
    add_badge(&list, 2.004, 2, 0, CONTEXT_MESSAGE_DELAY_EXCEEDED, 2);
    add_badge(&list, 3.001, 1, 0, CONTEXT_MESSAGE_DELAY_EXCEEDED, 3);
    add_badge(&list, 0.004, 2, 0, CONTEXT_MESSAGE_DELAY_EXCEEDED, 0); /* of a heartbeat */
    add_badge(&list, 3.004, 2, 0, CONTEXT_MESSAGE_DELAY_EXCEEDED, 7); /* of no known message */
    add_badge(&list, 3.004, 2, 0, CONTEXT_VERSION_LAG_EXCEEDED, 3);
    add_badge(&list, 3.004, 2, 0, CONTEXT_CAUSAL_ORDER_VIOLATED, 3);
    add_badge(&list, 4, 2, 0, CONTEXT_HEARTBEAT_MISSED, 0);
    merged_sort(&list);
    struct enforcement found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.state_episodes, 2);
    CU_ASSERT_EQUAL(found.delay_episodes, 5);
    CU_ASSERT_EQUAL(found.all.delay_episodes, 2);
    CU_ASSERT_EQUAL(found.majority.delay_episodes, 1);
    merged_free(&list);
}

static void test_lost(void)
{
    const struct enforcement_setup setup = {3, 1, 4};
    struct merged_list list;
    begin(&list, 3);
    add_write(&list, 3, 1, 0, 0, 1, 2); /* node 2 never gets it: a majority has it */
    add_write(&list, 3, 2, 0, 0, 2, NOWHERE);
    add_write(&list, 3, 3.999, 0, 0, 3, NOWHERE); /* at 4 only node 1 has it */
    merged_add(&list, took(3, 2, 1, 0, 9, 0.9));  /* of a write before the trace */
    merged_sort(&list);
    struct enforcement found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.writes, 3);
    CU_ASSERT_EQUAL(found.open, 2);
    check_wait(&found.all, 1, 5.25e-3, 5.25e-3);
    check_wait(&found.majority, 3, 3e-3, 3e-3);
    merged_free(&list);
}

/* The first write is pushed out before node 2 gets it; the others are judged on their way out. */
static void test_bounds(void)
{
    enum { WRITES = 2 * ENFORCEMENT_WRITES_MAX + 1 };
    const struct enforcement_setup setup = {3, 1, 1e6};
    struct merged_list list;
    begin(&list, 3);
    for (uint64_t i = 1; i <= WRITES; i++)
        add_write(&list, 3, (double)i, 0, 0, i, i == 1 ? 2 : NOWHERE);
    merged_add(&list, took(1e5, 2, 0, 0, 1, 1));
    merged_sort(&list);
    struct enforcement found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.writes, WRITES);
    CU_ASSERT_EQUAL(found.forgotten, 1);
    CU_ASSERT_EQUAL(found.open, 0);
    CU_ASSERT_EQUAL(found.all.writes, WRITES - 1);
    CU_ASSERT_EQUAL(found.majority.writes, WRITES);
    CU_ASSERT_DOUBLE_EQUAL(found.all.longest_s, 5.25e-3, 1e-9);
    merged_free(&list);
}

/* As many writes under way as there is room for, of either node and four keys: each delivery finds
 * its own. The stamps say 1 and 2 ms, whatever the time is. */
static void test_full(void)
{
    const struct enforcement_setup setup = {2, 4, 1e6};
    struct merged_list list;
    double sum_s = 0;
    begin(&list, 2);
    for (uint32_t i = 0; i < ENFORCEMENT_WRITES_MAX; i++)
        merged_add(&list, wrote(1 + i, i % 2, (int32_t)(i / 2 % 4), i / 8 + 1));
    for (uint32_t i = 0; i < ENFORCEMENT_WRITES_MAX; i++) {
        double at_s = 5000 + 1.5 * i, there_s = link_delay_s(NULL, i % 2, 1 - i % 2);
        merged_add(&list,
                   took(at_s, 1 - i % 2, i % 2, (int32_t)(i / 2 % 4), i / 8 + 1, at_s - there_s));
        sum_s += at_s + 3e-3 - there_s - (1 + i);
    }
    struct enforcement found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.forgotten + found.open, 0);
    CU_ASSERT_EQUAL(found.all.writes, ENFORCEMENT_WRITES_MAX);
    CU_ASSERT_DOUBLE_EQUAL(found.all.mean_s, sum_s / ENFORCEMENT_WRITES_MAX, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(
        found.all.longest_s,
        5000 + 1.5 * (ENFORCEMENT_WRITES_MAX - 1) + 1e-3 - ENFORCEMENT_WRITES_MAX, 1e-6);
    merged_free(&list);
}

/* A message without a version is no write: nothing waits for it. */
static void test_without_key(void)
{
    struct merged_list list;
    begin(&list, 2);
    merged_add(&list, wrote(1, 0, -1, 0));
    merged_add(&list, took(1.001, 1, 0, -1, 0, 1));
    struct enforcement found = judge(&(struct enforcement_setup){2, 1, 10}, &list);
    CU_ASSERT_EQUAL(found.writes + found.open, 0);
    merged_free(&list);
}

/* Before a link has carried anything, the median of all links stands in. */
static void test_unknown_links(void)
{
    const struct enforcement_setup setup = {2, 1, 10};
    struct merged_list list = {NULL, 0, 0};
    add_write(&list, 2, 1, 0, 0, 1, NOWHERE); /* there in 1 ms, the only delay so far: 2 ms */
    add_write(&list, 2, 2, 1, 0, 2, NOWHERE); /* there in 2 ms, back in 1: 3 ms */
    add_write(&list, 2, 3, 0, 0, 3, NOWHERE); /* there in 1 ms, back in 2: 3 ms */
    struct enforcement found = judge(&setup, &list);
    check_wait(&found.all, 3, 8e-3 / 3, 3e-3);
    merged_free(&list);
    list = (struct merged_list){NULL, 0, 0};
    add_write(&list, 3, 1, 0, 0, 1, NOWHERE); /* at node 2 in 4 ms, the median so far 2.5 */
    found = judge(&(struct enforcement_setup){3, 1, 10}, &list);
    check_wait(&found.all, 1, 6.5e-3, 6.5e-3);
    check_wait(&found.majority, 1, 2e-3, 2e-3);
    merged_free(&list);
}

static void test_empty(void)
{
    struct merged_list list = {NULL, 0, 0};
    struct enforcement found = judge(&(struct enforcement_setup){2, 1, 10}, &list);
    CU_ASSERT_EQUAL(found.writes + found.state_episodes + found.delay_episodes, 0);
    CU_ASSERT(isnan(found.all.mean_s) && isnan(found.majority.cap_per_s));
    CU_ASSERT_EQUAL(found.all.slowest_key, -1);
}

/* ---- drawn traces, judged again from all events at once ---- */

struct expected {
    uint64_t writes;
    double sum_s;
    double longest_s;
    uint64_t late;
};

struct acknowledgement {
    double at_s;
    bool late;
};

static int by_time(const void *a, const void *b)
{
    const struct acknowledgement *x = a, *y = b;
    return (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

static bool has_badge(const struct merged_list *list, const struct merged_event *delivery)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind == MERGED_BADGE && list->items[i].sequence == delivery->sequence)
            return true;
    return false;
}

static void add_expected(struct expected *expected, const struct merged_event *write,
                         const struct acknowledgement *deciding)
{
    double wait_s = deciding->at_s - write->time_s;
    expected->writes++;
    expected->sum_s += wait_s;
    expected->longest_s = fmax(expected->longest_s, wait_s);
    expected->late += deciding->late;
}

static void expect_write(const struct merged_list *list, const struct enforcement_setup *setup,
                         const struct merged_event *write, struct expected *all,
                         struct expected *majority)
{
    struct acknowledgement seen[5];
    uint32_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct merged_event *e = &list->items[i];
        if (e->kind == MERGED_DELIVERY && e->time_s <= setup->horizon_s &&
            e->origin == write->node && e->key == write->key && e->version == write->version)
            seen[count++] = (struct acknowledgement){
                e->time_s + link_delay_s(NULL, e->node, write->node), has_badge(list, e)};
    }
    qsort(seen, count, sizeof seen[0], by_time);
    if (count >= setup->nodes / 2)
        add_expected(majority, write, &seen[setup->nodes / 2 - 1]);
    if (count == setup->nodes - 1)
        add_expected(all, write, &seen[count - 1]);
}

static void check_expected(const struct enforced_wait *found, const struct expected *expected)
{
    CU_ASSERT_EQUAL(found->writes, expected->writes);
    CU_ASSERT_EQUAL(found->delay_episodes, expected->late);
    CU_ASSERT_DOUBLE_EQUAL(found->mean_s, expected->sum_s / (double)expected->writes, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(found->longest_s, expected->longest_s, 1e-9);
}

static void check_drawn(uint32_t nodes, gsl_rng *rng)
{
    const struct enforcement_setup setup = {nodes, 3, 2};
    struct drawn_system system = {nodes, 3, 40, 2.05, link_delay_s, 0.05};
    struct expected all = {0}, majority = {0};
    struct merged_list list;
    uint64_t writes = 0;
    begin(&list, nodes);
    for (size_t i = 0; i < list.count; i++)
        list.items[i].time_s -= 1; /* before all that is drawn */
    for (size_t i = 0; i < list.count; i++)
        list.items[i].sent_s -= 1;
    drawn_trace(&system, rng, &list);
    size_t events = list.count;
    for (size_t i = 0; i < events; i++) {
        struct merged_event *e = &list.items[i];
        e->sequence = i + 1;
        if (e->kind == MERGED_DELIVERY && gsl_rng_uniform(rng) < 0.2)
            add_badge(&list, e->time_s, e->node, e->peer, CONTEXT_MESSAGE_DELAY_EXCEEDED, i + 1);
    }
    merged_sort(&list);
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].kind == MERGED_WRITE && list.items[i].time_s <= setup.horizon_s) {
            expect_write(&list, &setup, &list.items[i], &all, &majority);
            writes++;
        }
    struct enforcement found = judge(&setup, &list);
    CU_ASSERT_EQUAL(found.writes, writes);
    CU_ASSERT_EQUAL(found.open, writes - all.writes);
    CU_ASSERT(all.late > 0 && majority.late > 0 && found.open > 0);
    check_expected(&found.all, &all);
    check_expected(&found.majority, &majority);
    merged_free(&list);
}

static void test_drawn(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    for (uint32_t nodes = 2; nodes <= 5; nodes++)
        for (int i = 0; i < 5; i++)
            check_drawn(nodes, rng);
    gsl_rng_free(rng);
}

int main(void)
{
    CU_TestInfo tests[] = {{"waits for all and for a majority", test_waits},
                           {"what a majority is", test_majority},
                           {"what would be hidden, and what waiting", test_badges},
                           {"lost, and under way at the horizon", test_lost},
                           {"bounded writes are counted", test_bounds},
                           {"each delivery finds its write", test_full},
                           {"messages without a version", test_without_key},
                           {"links that have carried nothing", test_unknown_links},
                           {"no event", test_empty},
                           {"drawn traces, judged again the slow way", test_drawn},
                           CU_TEST_INFO_NULL};
    return cunit_main("enforcement", tests);
}
