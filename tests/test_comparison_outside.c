/* Time outside of runs whose truth is known by hand. */

#include "agrees.h"
#include "cunit_main.h"
#include "made_comparison.h"

#include <stdlib.h>
#include <string.h>

#define STALLED BADGE_SELF_STALLED

static void test_shares_of_one_run(void)
{
    struct made_comparison made = {.count = 0};
    made_add_list(&made, made_run_default(2, 1), made_mixed, LENGTH(made_mixed));
    CU_ASSERT_FATAL(made_compare(&made, false));
    /* Node A is outside in [1, 1.75), [2, 2.25), [4.5, 5), node B in [0, 0.25), [1.4, 1.6). */
    const struct {
        size_t context;
        double node_s, node_without_s, system_s, system_without_s;
    } rows[] = {{DELAY, 0.75 + 0.2, 0.5 + 0.2, 0.6 + 0.25, 0.6},
                {HEARTBEAT, 0.5 + 0.25, 0.5 + 0.25, 0.75, 0.75},
                {LAG, 0.5, 0.5, 0.5, 0.5},
                {CAUSAL, 0, 0, 0, 0},
                {ALL_CONTEXTS, 1.5 + 0.45, 1.25 + 0.45, 1.75, 1.5}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct context_figures *row = made_row(&made, 0, rows[i].context);
        CU_ASSERT(made_is_single(&row->outside_node[WITH_STALLED], rows[i].node_s / 10));
        CU_ASSERT(made_is_single(&row->outside_node[WITHOUT_STALLED], rows[i].node_without_s / 10));
        CU_ASSERT(made_is_single(&row->outside_system[WITH_STALLED], rows[i].system_s / 5));
        CU_ASSERT(
            made_is_single(&row->outside_system[WITHOUT_STALLED], rows[i].system_without_s / 5));
    }
    CU_ASSERT_EQUAL(made.comparison.columns[0].conditions.already_outside, 1);
    CU_ASSERT_EQUAL(made.comparison.columns[0].conditions.already_outside_streams, 1);
    made_reset(&made);
}

/* Nodes are set side by side on the global clock: two episodes at the same local moment do not
 * overlap if one clock opened its window a second later. */
static void test_system_is_outside_on_the_global_clock(void)
{
    static const struct made_episode episodes[] = {{1, 1.5, 0, 1, DELAY, 0, false},
                                                   {1, 1.5, 1, 0, DELAY, 0, false}};
    static const double shift_s[] = {0, 1};
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(2, 1);
    made_add_list(&made, run, episodes, LENGTH(episodes));
    run.config.seed = 2;
    run.shift_s = shift_s;
    made_add_list(&made, run, episodes, LENGTH(episodes));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct figure *system = &made_row(&made, 0, DELAY)->outside_system[WITH_STALLED];
    CU_ASSERT_EQUAL_FATAL(system->value_count, 2);
    CU_ASSERT(agrees(system->values[0], 0.5 / 5));
    CU_ASSERT(agrees(system->values[1], 1.0 / 5));
    CU_ASSERT(agrees(system->value, 0.75 / 5));
    made_reset(&made);
}

/* A silence is noticed late: its badge stands behind those of later moments. */
static void test_badges_out_of_order(void)
{
    static const struct made_episode episodes[] = {{1.2, 1.4, 0, 1, DELAY, 0, false},
                                                   {1.8, 2.0, 0, 1, DELAY, 0, false},
                                                   {1.1, 1.9, 0, 1, HEARTBEAT, 0, false}};
    struct made_comparison made = {.count = 0};
    made_add_list(&made, made_run_default(2, 1), episodes, LENGTH(episodes));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct context_figures *all = made_row(&made, 0, ALL_CONTEXTS);
    CU_ASSERT(made_is_single(&all->outside_node[WITH_STALLED], 0.9 / 10));
    CU_ASSERT(made_is_single(&all->outside_node[WITHOUT_STALLED], 0.9 / 10));
    CU_ASSERT(made_is_single(&all->outside_system[WITH_STALLED], 0.9 / 5));
    CU_ASSERT_EQUAL(made.comparison.columns[0].conditions.late_badges, 0);
    CU_ASSERT(agrees(all->first[WITH_STALLED].median_s, 1.1));
    made_reset(&made);
}

/* `count` episodes of 0.1 ms, each 0.2 ms after the one before, and a longer one whose badge has
 * that place. */
static void add_one_late(struct made_comparison *made, size_t count, size_t place, double begin_s,
                         double end_s)
{
    struct made_episode *episodes = calloc(count + 1, sizeof *episodes);
    if (episodes == NULL)
        abort();
    for (size_t i = 0; i <= count; i++) {
        double at_s = 1 + 0.0002 * (double)(i > place ? i - 1 : i);
        episodes[i] = (struct made_episode){at_s, at_s + 0.0001, 0, 1, DELAY, 0, false};
    }
    episodes[place] = (struct made_episode){begin_s, end_s, 0, 1, HEARTBEAT, 0, false};
    made_add_list(made, made_run_default(2, 1), episodes, count + 1);
    free(episodes);
}

/* Badges are read in slabs of EPISODE_LOOKAHEAD_MAX at most: this one stands behind the first. */
static void test_badges_out_of_order_between_readings(void)
{
    struct made_comparison made = {.count = 0};
    add_one_late(&made, 10000, EPISODE_LOOKAHEAD_MAX + 10, 2.6, 2.7);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct context_figures *all = made_row(&made, 0, ALL_CONTEXTS);
    CU_ASSERT_EQUAL(made.comparison.columns[0].conditions.late_badges, 0);
    /* 500 of the short ones lie within the long one. */
    CU_ASSERT(agrees(all->outside_system[WITH_STALLED].value, (9500 * 0.0001 + 0.1) / 5));
    made_reset(&made);
}

/* One that comes later than the merge looks ahead counts where it can, and is told. */
static void test_badges_far_out_of_order(void)
{
    struct made_comparison made = {.count = 0};
    add_one_late(&made, 20000, 20000, 0.5, 0.6);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct context_figures *all = made_row(&made, 0, ALL_CONTEXTS);
    CU_ASSERT_EQUAL(made.comparison.columns[0].conditions.late_badges, 1);
    CU_ASSERT(agrees(all->outside_node[WITH_STALLED].value, 2.1 / 10));  /* as the node kept it */
    CU_ASSERT(agrees(all->outside_system[WITH_STALLED].value, 2.0 / 5)); /* a lower bound */
    CU_ASSERT(agrees(all->first[WITH_STALLED].median_s, 0.5));
    CU_ASSERT_EQUAL_FATAL(made.comparison.warnings.count, 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(made.comparison.warnings.items[0], "badges out of order beyond the look-ahead: 1;"));
    made_reset(&made);

    /* One that lasts to the end fills what lies behind the last gap. It is met with the third slab,
     * when as many as a slab have been delivered, all but one of them closed. */
    const double closed = EPISODE_LOOKAHEAD_MAX - 1;
    add_one_late(&made, 20000, 20000, 0.5, 5);
    CU_ASSERT_FATAL(made_compare(&made, false));
    all = made_row(&made, 0, ALL_CONTEXTS);
    CU_ASSERT(agrees(all->outside_node[WITH_STALLED].value, 4.5 / 10));
    double gap_s = 1 + 0.0002 * (closed - 1) + 0.0001;
    CU_ASSERT(agrees(all->outside_system[WITH_STALLED].value, (closed * 0.0001 + 5 - gap_s) / 5));
    made_reset(&made);
}

/* A message stamped in the window may arrive after it: an episode without any time outside. */
static void test_badges_after_the_window(void)
{
    static const struct made_episode episodes[] = {{1.0, 1.5, 0, 1, DELAY, 0, false},
                                                   {5.02, (double)NAN, 0, 1, DELAY, 0, false},
                                                   {5.01, 5.02, 1, 0, DELAY, 0, false}};
    struct made_comparison made = {.count = 0};
    made_add_list(&made, made_run_default(2, 1), episodes, LENGTH(episodes));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct context_figures *delay = made_row(&made, 0, DELAY);
    CU_ASSERT_EQUAL(delay->episodes, 3);
    CU_ASSERT(made_is_single(&delay->outside_node[WITH_STALLED], 0.05));
    CU_ASSERT(made_is_single(&delay->outside_node[WITHOUT_STALLED], 0.05));
    CU_ASSERT(made_is_single(&delay->outside_system[WITH_STALLED], 0.1));
    made_reset(&made);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"time outside: nodes, system, overlaps, both ends", test_shares_of_one_run},
        {"the system is outside on the global clock", test_system_is_outside_on_the_global_clock},
        {"badges out of order", test_badges_out_of_order},
        {"badges out of order between two readings", test_badges_out_of_order_between_readings},
        {"badges far out of order", test_badges_far_out_of_order},
        {"badges after the window", test_badges_after_the_window},
        CU_TEST_INFO_NULL};
    return cunit_main("comparison: time outside", tests);
}
