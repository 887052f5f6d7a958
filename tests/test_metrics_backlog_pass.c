/* The backlog, event by event: by hand, and beside what backlog.h says of the same events. */

#include "agrees.h"
#include "analysis/metrics/backlog.h"
#include "analysis/metrics/backlog_pass.h"
#include "cunit_main.h"
#include "drawn_trace.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

static struct backlog_found judge(const struct backlog_setup *setup, struct merged_list *list)
{
    struct backlog_pass *pass = backlog_begin(setup);
    CU_ASSERT_FATAL(pass != NULL);
    merged_sort(list);
    for (size_t i = 0; i < list->count; i++)
        backlog_take(pass, &list->items[i]);
    struct backlog_found found = backlog_end(pass);
    backlog_pass_free(pass);
    return found;
}

/* ---- by hand ---- */

static const struct backlog_setup three = {
    .nodes = 3, .limit = 1, .delay_max_s = 0.5, .horizon_s = 10};

static void test_by_hand(void)
{
    struct merged_list list = {NULL, 0, 0};
    merged_add(&list, took(0.5, 1, 0, 0, 7, -0.1)); /* from before the window */
    merged_add(&list, wrote(1, 0, 0, 8));           /* 1 lacks it until 1.4, 2 until 3 */
    merged_add(&list, took(1.4, 1, 0, 0, 8, 1));
    merged_add(&list, wrote(2, 0, 1, 1)); /* another key; 2 now lacks two */
    merged_add(&list, took(2.1, 1, 0, 1, 1, 2));
    merged_add(&list, wrote(2.5, 2, 0, 9)); /* on stale; seen at 2.6 and 2.8 */
    merged_add(&list, took(2.6, 0, 2, 0, 9, 2.5));
    merged_add(&list, took(2.8, 1, 2, 0, 9, 2.5));
    merged_add(&list, took(3, 2, 0, 0, 8, 1));
    merged_add(&list, took(3.5, 2, 0, 1, 1, 2));
    merged_add(&list, took(4, 1, 0, -1, 0, 3.9)); /* carries no version */
    merged_add(&list, wrote(11, 1, 0, 10));       /* after the horizon */
    struct backlog_found found = judge(&three, &list);
    CU_ASSERT(agrees(found.watched_s, 30));
    CU_ASSERT(agrees(found.unseen_s, 0.4 + 2 + 0.1 + 1.5 + 0.1 + 0.3));
    CU_ASSERT(agrees(found.beyond_s, 1)); /* node 2 in [2, 3) */
    CU_ASSERT_EQUAL(found.rises, 1);
    CU_ASSERT_EQUAL(found.writes, 3);
    CU_ASSERT_EQUAL(found.writes_on_stale, 1);
    CU_ASSERT_EQUAL(found.everywhere, 3);
    CU_ASSERT_EQUAL(found.late_somewhere, 2); /* after 2 s and 1.5 s, and the other after .3 s */
    CU_ASSERT(agrees(found.visible_median_s, 1.5));
    CU_ASSERT_EQUAL(found.forgotten, 0);
    merged_free(&list);
}

/* A lost write is made up for by the next of its link, and is seen nowhere. One that seems to come
 * before it was written was never unseen. */
static void test_lost_and_early(void)
{
    struct merged_list list = {NULL, 0, 0};
    struct backlog_setup two = {.nodes = 2, .limit = 0, .delay_max_s = INFINITY, .horizon_s = 10};
    merged_add(&list, wrote(1, 0, 0, 1));
    merged_add(&list, wrote(2, 0, 0, 2));
    merged_add(&list, took(3, 1, 0, 0, 2, 2)); /* 1 was lost */
    merged_add(&list, took(4.9, 1, 0, 0, 3, 5));
    merged_add(&list, wrote(5, 0, 0, 3));
    merged_add(&list, wrote(6, 0, 0, 4)); /* never seen */
    struct backlog_found found = judge(&two, &list);
    CU_ASSERT(agrees(found.unseen_s, 2 + 1 + 4));
    CU_ASSERT(agrees(found.beyond_s, 2 + 4));
    CU_ASSERT_EQUAL(found.rises, 2);
    CU_ASSERT_EQUAL(found.writes, 4);
    CU_ASSERT_EQUAL(found.everywhere, 2);
    merged_free(&list);
}

static void test_empty(void)
{
    struct merged_list list = {NULL, 0, 0};
    struct backlog_found found = judge(&three, &list);
    CU_ASSERT(agrees(found.watched_s, 30));
    CU_ASSERT_EQUAL(found.writes, 0);
    CU_ASSERT(isnan(found.visible_median_s) && isnan(found.visible_p99_s));
}

/* The ring holds BACKLOG_WRITES_MAX writes that nobody sees. */
static void test_forgotten(void)
{
    enum { TOO_MANY = BACKLOG_WRITES_MAX + 100 };
    struct merged_list list = {NULL, 0, 0};
    struct backlog_setup two = {
        .nodes = 2, .limit = BACKLOG_WRITES_MAX - 1, .delay_max_s = 1, .horizon_s = TOO_MANY + 10};
    for (uint64_t i = 1; i <= TOO_MANY; i++)
        merged_add(&list, wrote((double)i, 0, 0, i));
    merged_add(&list, took(TOO_MANY + 1, 1, 0, 0, 50, 50)); /* long forgotten */
    struct backlog_found found = judge(&two, &list);
    CU_ASSERT_EQUAL(found.forgotten, 100);
    CU_ASSERT_EQUAL(found.rises, 101);
    CU_ASSERT(agrees(found.beyond_s, TOO_MANY + 10 - BACKLOG_WRITES_MAX));
    CU_ASSERT_EQUAL(found.everywhere, 0);
    merged_free(&list);
}

/* ---- drawn, and judged by backlog.h ---- */

enum { NODES = 4, LIMIT = 1 };
static const double UNTIL_S = 20, HORIZON_S = 19;

static double delay_s(gsl_rng *rng, uint32_t from, uint32_t to)
{
    return 0.001 * (from + 1) + gsl_ran_exponential(rng, 0.004 * (to + 1));
}

static struct backlog judge_history(const struct merged_list *list)
{
    struct replica_event *events = calloc(list->count + 1, sizeof *events);
    struct write_history history;
    struct backlog backlog = {.watched_s = 0};
    if (events == NULL)
        abort();
    for (size_t i = 0; i < list->count; i++) {
        const struct merged_event *e = &list->items[i];
        bool is_write = e->kind == MERGED_WRITE;
        events[i] = (struct replica_event){.at_s = e->time_s,
                                           .written_s = is_write ? e->time_s : e->sent_s,
                                           .version = e->version,
                                           .node = e->node,
                                           .writer = is_write ? e->node : e->origin,
                                           .key = (uint32_t)e->key};
    }
    CU_ASSERT_FATAL(write_history_make(&history, events, list->count, NODES));
    for (uint32_t node = 0; node < NODES; node++)
        CU_ASSERT_FATAL(backlog_add(&backlog, &history, node, 0, HORIZON_S));
    write_history_free(&history);
    free(events);
    return backlog;
}

static void check_drawn(uint32_t keys, double lost_share)
{
    struct drawn_system system = {.nodes = NODES,
                                  .keys = keys,
                                  .writes_per_s = 40,
                                  .until_s = UNTIL_S,
                                  .delay_s = delay_s,
                                  .lost_share = lost_share};
    struct backlog_setup setup = {
        .nodes = NODES, .limit = LIMIT, .delay_max_s = 0.02, .horizon_s = HORIZON_S};
    struct merged_list list = {NULL, 0, 0};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    drawn_trace(&system, rng, &list);
    struct backlog_found found = judge(&setup, &list);
    struct backlog wanted = judge_history(&list);
    CU_ASSERT(found.writes > 2500 && found.rises > 100);
    CU_ASSERT(agrees(found.unseen_s, wanted.unseen_s));
    CU_ASSERT(agrees(found.beyond_s / found.watched_s, backlog_share_above(&wanted, LIMIT)));
    CU_ASSERT_EQUAL(found.rises, wanted.rises[LIMIT]);
    CU_ASSERT_EQUAL(found.writes, wanted.writes);
    CU_ASSERT_EQUAL(found.writes_on_stale, wanted.writes_on_stale);
    merged_free(&list);
    gsl_rng_free(rng);
}

static void test_drawn(void)
{
    check_drawn(1, 0);
    check_drawn(3, 0);
    check_drawn(1, 0.1);
}

int main(void)
{
    CU_TestInfo tests[] = {{"by hand", test_by_hand},
                           {"lost, and early by the clocks", test_lost_and_early},
                           {"no event", test_empty},
                           {"more writes than the ring holds", test_forgotten},
                           {"drawn events beside backlog.h", test_drawn},
                           CU_TEST_INFO_NULL};
    return cunit_main("metrics: backlog, event by event", tests);
}
