/* Which run stands in which column, and what each column says about its conditions. */

#include "agrees.h"
#include "analysis/comparison/print.h"
#include "config_options.h"
#include "cunit_main.h"
#include "made_comparison.h"

#include <stdlib.h>
#include <string.h>

/* A run without episodes; only its kind matters. */
static void add(struct made_comparison *made, uint32_t nodes, uint32_t repetition, uint32_t groups,
                enum load_mode load, double rate_per_s)
{
    struct made_run run = made_run_default(nodes, repetition);
    run.config.groups = groups;
    run.config.load = load;
    run.config.rate_per_s = rate_per_s;
    made_add(made, &run);
}

/* The labels in their order, with the number of runs in each column. */
static void expect_columns(const struct made_comparison *made, const char *expected)
{
    char found[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < made->comparison.column_count; i++) {
        const struct column *column = &made->comparison.columns[i];
        used += (size_t)snprintf(found + used, sizeof found - used, "%s%s: %zu", i > 0 ? "; " : "",
                                 column->label, column->run_count);
    }
    CU_ASSERT_STRING_EQUAL(found, expected);
    if (strcmp(found, expected) != 0)
        (void)fprintf(stderr, "found    %s\nexpected %s\n", found, expected);
}

/* ---- which column ---- */

static void test_order_of_columns(void)
{
    struct made_comparison made = {.count = 0};
    add(&made, 16, 1, 2, LOAD_NODE, 100);
    add(&made, 16, 1, 0, LOAD_NODE, 100);
    add(&made, 2, 2, 0, LOAD_NODE, 100);
    add(&made, 16, 1, 0, LOAD_TOTAL, 100);
    add(&made, 5, 1, 0, LOAD_NODE, 100);
    add(&made, 2, 1, 0, LOAD_NODE, 100);
    add(&made, 16, 2, 0, LOAD_NODE, 100);
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_columns(&made, "Two nodes: 2; 5 nodes: 1; 16 nodes: 2; 8 × 2 nodes (control): 1; "
                          "16 nodes, load total (control): 1");
    const struct comparison *c = &made.comparison;
    CU_ASSERT(!c->columns[2].control && c->columns[3].control && c->columns[4].control);
    CU_ASSERT_EQUAL(c->scenes[0].two, 0);
    CU_ASSERT_EQUAL(c->scenes[0].largest, 2);
    CU_ASSERT_EQUAL(c->columns[3].group_nodes, 2);
    CU_ASSERT(c->columns[4].load_total && !c->columns[2].load_total);
    made_reset(&made);
}

/* One group that holds every node is the same system as no groups. */
static void test_a_group_of_all(void)
{
    struct made_comparison made = {.count = 0};
    add(&made, 5, 1, 0, LOAD_NODE, 100);
    add(&made, 5, 2, 5, LOAD_NODE, 100);
    add(&made, 2, 1, 0, LOAD_NODE, 100);
    add(&made, 2, 2, 2, LOAD_NODE, 100);
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_columns(&made, "Two nodes: 2; 5 nodes: 2");
    made_reset(&made);

    add(&made, 2, 1, 0, LOAD_NODE, 100);
    add(&made, 5, 1, 5, LOAD_NODE, 100);
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_columns(&made, "Two nodes: 1; 5 nodes: 1");
    made_reset(&made);
}

/* A total load that is what two nodes of the main series write has its rate doubled. */
static void test_the_load_of_two(void)
{
    struct made_comparison made = {.count = 0};
    add(&made, 2, 1, 0, LOAD_NODE, 100);
    add(&made, 16, 1, 0, LOAD_NODE, 100);
    add(&made, 16, 1, 0, LOAD_TOTAL, 200);
    add(&made, 16, 1, 0, LOAD_TOTAL, 100);
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_columns(&made, "Two nodes: 1; 16 nodes: 1; 16 nodes, load total (control): 1; "
                          "16 nodes, load of two (control): 1");
    CU_ASSERT(agrees(made.comparison.columns[1].conditions.writes_per_s, 1600));
    CU_ASSERT(agrees(made.comparison.columns[2].conditions.writes_per_s, 100));
    CU_ASSERT(agrees(made.comparison.columns[3].conditions.writes_per_s, 200));
    made_reset(&made);

    /* Without a plain run there are no two nodes of the main series to be equal to. */
    add(&made, 2, 1, 0, LOAD_TOTAL, 100);
    add(&made, 16, 1, 0, LOAD_TOTAL, 200);
    CU_ASSERT(!made_compare(&made, false));
    made_reset(&made);

    add(&made, 2, 1, 0, LOAD_NODE, 100);
    add(&made, 16, 1, 0, LOAD_TOTAL, 300);
    CU_ASSERT(!made_compare(&made, false));
    CU_ASSERT_EQUAL(made.failure.code, EXIT_BAD_INPUT);
    CU_ASSERT_EQUAL_FATAL(made.comparison.differences.count, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(made.comparison.differences.rows[0].text, "rate_per_s: 100 in"));
    made_reset(&made);
}

/* Without a plain run the most frequent kind is the main series. */
static void test_the_main_series(void)
{
    struct made_comparison made = {.count = 0};
    add(&made, 16, 1, 0, LOAD_TOTAL, 100);
    add(&made, 2, 1, 0, LOAD_TOTAL, 100);
    add(&made, 16, 1, 2, LOAD_NODE, 100);
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_columns(&made, "Two nodes, load total: 1; 16 nodes, load total: 1; "
                          "8 × 2 nodes (control): 1");
    CU_ASSERT_EQUAL(made.comparison.scenes[0].largest, 1);
    made_reset(&made);

    add(&made, 16, 1, 2, LOAD_NODE, 100);
    add(&made, 16, 2, 2, LOAD_NODE, 100);
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_columns(&made, "Two nodes: 0; 8 × 2 nodes: 2");
    made_reset(&made);
}

static void test_scales_without_two_nodes(void)
{
    struct made_comparison made = {.count = 0};
    add(&made, 5, 1, 0, LOAD_NODE, 100);
    add(&made, 16, 1, 0, LOAD_NODE, 100);
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_columns(&made, "Two nodes: 0; 5 nodes: 1; 16 nodes: 1");
    CU_ASSERT(made_is_unknown(&made_row(&made, 0, DELAY)->per_node_s[WITH_STALLED],
                              "no run at this node count"));
    CU_ASSERT_STRING_EQUAL(made_row(&made, 1, DELAY)->growth.unknown, "no run at two nodes");
    CU_ASSERT_STRING_EQUAL(made_row(&made, 1, DELAY)->rank[0].unknown, "no run at two nodes");
    made_reset(&made);

    add(&made, 2, 1, 0, LOAD_NODE, 100);
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_columns(&made, "Two nodes: 1");
    CU_ASSERT_EQUAL(made.comparison.scenes[0].largest, made.comparison.scenes[0].two);
    made_reset(&made);
}

/* Scenes stand side by side; each is compared with its own two nodes. */
static void test_scenes(void)
{
    static const char *const scenes[] = {"bare", "lan2ms"};
    struct made_comparison made = {.count = 0};
    for (size_t s = 0; s < LENGTH(scenes); s++)
        for (uint32_t nodes = 2; nodes <= 5; nodes += 3) {
            struct made_run run = made_run_default(nodes, 1);
            (void)snprintf(run.config.scene, sizeof run.config.scene, "%s", scenes[s]);
            made_add_even(&made, run, DELAY, (s + 1) * (nodes == 2 ? 2U : 20U));
        }
    CU_ASSERT_FATAL(made_compare(&made, false));
    expect_columns(&made, "Two nodes, lan2ms: 1; 5 nodes, lan2ms: 1; Two nodes, bare: 1; "
                          "5 nodes, bare: 1");
    CU_ASSERT_EQUAL(made.comparison.scenes[1].two, 2);
    CU_ASSERT_EQUAL(made.comparison.scenes[1].largest, 3);
    CU_ASSERT_STRING_EQUAL(made_row(&made, 2, DELAY)->growth.unknown, "this is two nodes");
    for (size_t column = 1; column <= 3; column += 2)
        CU_ASSERT(agrees(made_row(&made, column, DELAY)->growth.ratio, 4));
    made_reset(&made);
}

/* ---- conditions ---- */

static void disturb(struct run_node *row)
{
    if (row->node != 3)
        return;
    row->longest_stall_s = 0.25;
    row->stalls = 7;
    row->suppressed = 11;
    row->in_flight = 2;
    row->late_start_s = 0.125;
    row->clock_suspect = 1;
    row->state_digest = 99;
    row->sync[1].uncertainty_s = 5e-5;
}

static void test_conditions(void)
{
    static const struct made_episode about_one[] = {{1, 1.1, 0, 3, DELAY, 0, false},
                                                    {2, 2.1, 1, 3, LAG, 0, false},
                                                    {3, 3.1, 2, 3, DELAY, 0, false},
                                                    {4, 4.1, 3, 0, DELAY, 0, false}};
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(4, 1);
    run.cores = 2;
    made_add_list(&made, run, about_one, LENGTH(about_one));
    run.config.repetition = 2;
    run.adjust = disturb;
    made_add(&made, &run);
    CU_ASSERT_FATAL(made_compare(&made, false));
    const struct column *column = made_column(&made, "4 nodes");
    const struct column_conditions *k = &column->conditions;
    CU_ASSERT(agrees(k->cores, 2) && agrees(k->nodes_per_core, 2));
    CU_ASSERT(agrees(k->longest_stall_s, 0.25));
    CU_ASSERT_EQUAL(k->longest_stall_node, 3);
    CU_ASSERT(agrees(k->clock_uncertainty_s, 5e-5));
    CU_ASSERT(agrees(k->same_host_share, 1));
    CU_ASSERT(agrees(k->writes_per_s, 400));
    CU_ASSERT(agrees(k->late_start_s, 0.125));
    CU_ASSERT(agrees(k->cpus_used, 0.4));
    CU_ASSERT_EQUAL(k->suppressed, 11);
    CU_ASSERT_EQUAL(k->in_flight, 2);
    CU_ASSERT_EQUAL(k->clock_suspect, 1);
    CU_ASSERT_EQUAL(k->incomplete, 0);
    CU_ASSERT_EQUAL(k->converged, 1);
    CU_ASSERT(agrees(k->most_seen_share, 0.75));
    CU_ASSERT_EQUAL(k->most_seen_peer, 3);
    made_reset(&made);
}

static void test_several_hosts(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(4, 1);
    run.hosts = 2;
    made_add(&made, &run);
    CU_ASSERT_FATAL(made_compare(&made, false));
    /* Each node shares its host with one of its three peers. */
    CU_ASSERT(agrees(made.comparison.columns[1].conditions.same_host_share, 1.0 / 3));
    made_reset(&made);
}

static bool first_line_says(const struct made_comparison *made, const char *words)
{
    const struct text_list *lines = &made->comparison.first_lines;
    return lines->count > 0 && strstr(lines->items[0], words) != NULL;
}

/* The first line under the table says when only some of the scales are crowded. */
static void test_the_line_about_the_scheduler(void)
{
    static const char words[] = "The scheduler is part of what was measured";
    struct made_comparison made = {.count = 0};
    static const uint32_t cores_tried[] = {1, 2, 16};
    for (size_t i = 0; i < LENGTH(cores_tried); i++) {
        uint32_t cores = cores_tried[i];
        struct made_run two = made_run_default(2, 1), sixteen = made_run_default(16, 1);
        two.cores = sixteen.cores = cores;
        made_add(&made, &two);
        made_add(&made, &sixteen);
        CU_ASSERT_FATAL(made_compare(&made, false));
        CU_ASSERT_EQUAL(first_line_says(&made, words), cores == 2);
        made_reset(&made);
    }
}

static void test_calibrated_at_two(void)
{
    static const char *const notes[] = {"2", "5", ""};
    struct made_comparison made = {.count = 0};
    for (size_t i = 0; i < LENGTH(notes); i++) {
        struct made_run run = made_run_default(2, 1);
        (void)snprintf(run.config.calibration.nodes, sizeof run.config.calibration.nodes, "%s",
                       notes[i]);
        made_add(&made, &run);
        CU_ASSERT_FATAL(made_compare(&made, false));
        CU_ASSERT_EQUAL(first_line_says(&made, "calibrated at two"), i == 0);
        made_reset(&made);
    }
}

static bool any_note_says(const struct made_comparison *made, const char *words)
{
    for (size_t i = 0; i < made->comparison.notes.count; i++)
        if (strstr(made->comparison.notes.items[i], words) != NULL)
            return true;
    return false;
}

/* Declared wrong, not found wrong: the reading is told of it, also where two nodes have none. */
static void test_perturbed_clocks(void)
{
    static const char *const conditions[] = {"delay link=*>* constant_us=100",
                                             "clock node=B offset_us=5000"};
    struct made_comparison made = {.count = 0};
    for (size_t wrong = 0; wrong < LENGTH(conditions); wrong++) {
        struct made_run run = made_run_default(5, 1);
        char why[256] = "";
        CU_ASSERT_FATAL(perturbation_add(&run.config.perturbation, conditions[wrong], why));
        made_add(&made, &run);
        run.config.repetition = 2;
        made_add(&made, &run);
        CU_ASSERT_FATAL(made_compare(&made, false));
        CU_ASSERT_EQUAL(made_column(&made, "5 nodes")->conditions.clock_perturbed, 2 * wrong);
        CU_ASSERT_EQUAL(any_note_says(&made, "clock_perturbed: "), wrong == 1);
        CU_ASSERT_EQUAL(any_note_says(&made, "they measure. 5 nodes: 2/2 runs."), wrong == 1);
        char *json = made_print(&made, print_json);
        CU_ASSERT_EQUAL(strstr(json, "\"runs_clock_perturbed\": 2") != NULL, wrong == 1);
        free(json);
        made_reset(&made);
    }
}

static void test_order_in_time(void)
{
    static const char *const times[] = {"2025-01-01T00:00:00Z", "2025-01-01T00:00:10Z",
                                        "2025-01-01T00:00:20Z"};
    static const uint32_t orders[2][LENGTH(times)] = {{2, 2, 5}, {2, 5, 2}};
    struct made_comparison made = {.count = 0};
    for (size_t interleaved = 0; interleaved < 2; interleaved++) {
        for (uint32_t i = 0; i < LENGTH(times); i++) {
            struct made_run run = made_run_default(orders[interleaved][i], i + 1);
            run.start_time_utc = times[i];
            made_add(&made, &run);
        }
        CU_ASSERT_FATAL(made_compare(&made, false));
        CU_ASSERT_EQUAL(any_note_says(&made, "The scales are interleaved"), interleaved == 1);
        CU_ASSERT_EQUAL(any_note_says(&made, "The scales are not interleaved"), interleaved == 0);
        made_reset(&made);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"two nodes, N, controls", test_order_of_columns},
                           {"one group of all nodes is no group", test_a_group_of_all},
                           {"the load of two", test_the_load_of_two},
                           {"which series is the main one", test_the_main_series},
                           {"scales without two nodes, only two", test_scales_without_two_nodes},
                           {"scenes side by side", test_scenes},
                           {"conditions of a column", test_conditions},
                           {"several hosts", test_several_hosts},
                           {"crowded scales are told", test_the_line_about_the_scheduler},
                           {"calibrated at two is told", test_calibrated_at_two},
                           {"clocks perturbed by declaration", test_perturbed_clocks},
                           {"interleaved or not", test_order_in_time},
                           CU_TEST_INFO_NULL};
    return cunit_main("comparison: columns", tests);
}
