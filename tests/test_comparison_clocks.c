/* What a comparison says about clocks and hosts. */

#include "analysis/comparison/print.h"
#include "cunit_main.h"
#include "made_comparison.h"

#include "agrees.h"
#include "config_options.h"

#include <math.h>
#include <string.h>

/* Does one of these sentences hold all of the words? */
static bool says(const struct text_list *list, const char *words)
{
    for (size_t i = 0; i < list->count; i++)
        if (strstr(list->items[i], words) != NULL)
            return true;
    return false;
}

/* Nodes 0, 2 on one host, 1, 3 on the other: two pairs of six are on one host, as directed ones. */
static struct made_run two_hosts(void)
{
    struct made_run run = made_run_default(4, 1);
    run.hosts = 2;
    run.pair_uncertainty_s[0] = 2e-7;
    run.pair_uncertainty_s[1] = 4e-5;
    return run;
}

static void test_pairs_are_told_apart(void)
{
    /* One late message within a host, three between hosts. */
    static const struct made_episode late[] = {{1, 1.1, 0, 2, DELAY, 0, false},
                                               {2, 2.1, 0, 1, DELAY, 0, false},
                                               {3, 3.1, 1, 2, DELAY, 0, false},
                                               {4, 4.1, 3, 0, DELAY, 0, false}};
    struct made_comparison made = {.count = 0};
    made_add_list(&made, two_hosts(), late, LENGTH(late));
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct column_conditions *k = &made_column(&made, "4 nodes")->conditions;
    CU_ASSERT(agrees(k->same_host_share, 1.0 / 3));
    CU_ASSERT(agrees(k->clock_uncertainty_s, 4e-5));
    CU_ASSERT(agrees(k->class_uncertainty_s[PAIRS_SAME_HOST], 2e-7));
    CU_ASSERT(agrees(k->class_uncertainty_s[PAIRS_CROSS_HOST], 4e-5));
    CU_ASSERT(agrees(k->class_late_share[PAIRS_SAME_HOST], 1 / 4e3));
    CU_ASSERT(agrees(k->class_late_share[PAIRS_CROSS_HOST], 3 / 8e3));
    CU_ASSERT(says(&made.comparison.notes, "4 nodes: 40 us between hosts, 0.2 us on one host."));
    CU_ASSERT(says(&made.comparison.notes, "4 nodes: 0.333 (late there 0.00025, between hosts "
                                           "0.000375)."));
    CU_ASSERT(says(&made.comparison.notes, "(none should). 4 nodes: 0, 0."));
    CU_ASSERT(!says(&made.comparison.first_lines, "suspect"));
    made_reset(&made);
}

/* A corridor of one host is warned of where links cross, and nowhere else. */
static void test_a_corridor_of_another_link_class(void)
{
    static const struct {
        const char *class;
        uint32_t hosts;
        bool warns;
    } cases[] = {
        {"same host", 2, true},   {"same host, scene lan2ms", 2, true},  {"same host", 1, false},
        {"cross host", 2, false}, {"mixed: 0.3 of the pairs", 2, false}, {"", 2, false}};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct made_comparison made = {.count = 0};
        struct made_run run = two_hosts();
        run.hosts = cases[i].hosts;
        (void)snprintf(run.config.calibration.link_class, CALIBRATION_TEXT_BYTES, "%s",
                       cases[i].class);
        made_add(&made, &run);
        CU_ASSERT_FATAL(made_compare(&made, false));
        const struct text_list *first = &made.comparison.first_lines;
        CU_ASSERT_EQUAL(says(first, "calibrated on one host"), cases[i].warns);
        if (cases[i].warns) {
            CU_ASSERT(strncmp(first->items[0], "The corridor was calibrated on one host", 39) == 0);
            CU_ASSERT(says(first, "4 nodes: 0.667."));
        }
        made_reset(&made);
    }
}

/* ---- clocks that are suspect ---- */

static void with_impossible(struct run_node *row)
{
    row->messages_early = row->node;
    if (row->node != 2)
        return;
    row->messages_impossible = 5;
    row->clock_suspect = 1;
    row->clock_flags = RUN_CLOCK_IMPOSSIBLE | RUN_CLOCK_HAS_SECOND;
}

static void with_jump(struct run_node *row)
{
    row->clock_suspect = row->node == 1;
    row->clock_flags = row->node == 1 ? RUN_CLOCK_JUMPED : 0;
}

static void with_contradiction(struct run_node *row)
{
    row->clock_suspect = row->node == 1;
    row->clock_flags = row->node == 1 ? RUN_CLOCK_CONTRADICTED : 0;
}

static void without_last(struct run_node *row)
{
    row->clock_flags = RUN_CLOCK_UNCHECKED;
    row->sync[CLOCK_SYNC_AFTER].uncertainty_s = (double)NAN;
}

static const struct {
    void (*adjust)(struct run_node *row);
    const char *first; /* NULL: nothing is said in the first lines */
    const char *note;
} suspicions[] = {
    {with_impossible,
     "4 nodes: 1 of 1 runs, 5 messages seen to arrive before they were sent by more than the "
     "clocks "
     "can be apart.",
     "(none should). 4 nodes: 6, 5."},
    {with_jump, "4 nodes: 1 of 1 runs, a clock jumped or changed its rate in the window.",
     "suspect in 1/1 runs"},
    {with_contradiction, "4 nodes: 1 of 1 runs, a synchronisation contradicts itself.",
     "suspect in 1/1 runs"},
    {without_last, NULL, "not checked at the end of 1/1 runs"},
};

static void test_suspect_clocks_are_told_first(void)
{
    for (size_t i = 0; i < LENGTH(suspicions); i++) {
        struct made_comparison made = {.count = 0};
        struct made_run run = two_hosts();
        run.adjust = suspicions[i].adjust;
        made_add(&made, &run);
        CU_ASSERT_FATAL(made_compare(&made, false));
        const struct text_list *first = &made.comparison.first_lines;
        CU_ASSERT_EQUAL(says(first, "The clocks are suspect: do not trust"),
                        suspicions[i].first != NULL);
        if (suspicions[i].first != NULL)
            CU_ASSERT(says(first, suspicions[i].first));
        CU_ASSERT(says(&made.comparison.notes, suspicions[i].note));
        made_reset(&made);
    }
}

/* Planted on purpose: said, but not as a fault of the clocks. */
static void test_a_declared_clock_error_is_told_as_such(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run run = two_hosts();
    char why[256];
    CU_ASSERT_FATAL(perturbation_add(&run.config.perturbation, "clock node=C offset_us=9000", why));
    run.adjust = with_impossible;
    made_add(&made, &run);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT(says(&made.comparison.first_lines, "as a declared clock that is off makes them"));
    CU_ASSERT(!says(&made.comparison.first_lines, "do not trust"));
    made_reset(&made);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"pairs are told apart", test_pairs_are_told_apart},
        {"a corridor of another link class", test_a_corridor_of_another_link_class},
        {"suspect clocks are told first", test_suspect_clocks_are_told_first},
        {"a declared clock error is told as such", test_a_declared_clock_error_is_told_as_such},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("comparison: clocks", tests);
}
