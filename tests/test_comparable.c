/* What must be equal between runs that are compared, and what only confounds. */

#include "analysis/comparison/print.h"
#include "config_options.h"
#include "cunit_main.h"
#include "made_comparison.h"

#include <string.h>

static bool says(const char *text, const char *words)
{
    if (strstr(text, words) != NULL)
        return true;
    (void)fprintf(stderr, "'%s' is not in '%s'\n", words, text);
    return false;
}

/* ---- what must be equal ---- */

/* Another value for the row, in the terms of its kind. */
static void change(struct config *config, const struct option_row *row)
{
    char *at = (char *)config + row->offset;
    switch (row->kind) {
    case OPTION_NUMBER:
        *(double *)(void *)at *= 1.5;
        break;
    case OPTION_COUNT:
        *(uint32_t *)(void *)at += 1;
        break;
    case OPTION_CHOICE:
        *(int *)(void *)at = *(int *)(void *)at == 0;
        break;
    case OPTION_SWITCH:
        *(bool *)at = !*(bool *)at;
        break;
    case OPTION_TEXT:
        (void)snprintf(at, row->size, "other");
        break;
    case OPTION_FLAG:
    case OPTION_CONDITIONS: /* no number of its own */
        break;
    }
}

static void expect_difference(struct made_comparison *made, const char *key)
{
    char words[128];
    CU_ASSERT(!made_compare(made, false));
    CU_ASSERT_EQUAL(made->failure.code, EXIT_BAD_INPUT);
    CU_ASSERT(says(made->failure.text, "1 setting that must be equal differs"));
    CU_ASSERT_EQUAL(made->comparison.differences.count, 1);
    if (made->comparison.differences.count == 0) {
        (void)fprintf(stderr, "%s is not named\n", key);
        return;
    }
    (void)snprintf(words, sizeof words, "%s: ", key);
    const char *text = made->comparison.differences.rows[0].text;
    CU_ASSERT(strncmp(text, words, strlen(words)) == 0);
    CU_ASSERT(says(text, made->paths[0]) && says(text, made->paths[1]));
}

/* The system decides which contexts there are, so a file of another system cannot be made here; the
 * rate has its own rule, see test_comparison_columns. */
static bool is_tried(const struct option_row *row)
{
    static const char *const free_ones[] = {"groups", "load", "scene", "system"};
    for (size_t i = 0; i < LENGTH(free_ones); i++)
        if (strcmp(row->key, free_ones[i]) == 0)
            return false;
    return true;
}

static void test_every_option_that_must_be_equal(void)
{
    size_t tried = 0;
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        struct made_comparison made = {.count = 0};
        struct made_run two = made_run_default(2, 1), five = made_run_default(5, 1);
        if (row->key == NULL || row->kind == OPTION_FLAG || !is_tried(row))
            continue;
        change(&five.config, row);
        made_add(&made, &two);
        made_add(&made, &five);
        if (row->must_be_equal)
            expect_difference(&made, row->key);
        else
            CU_ASSERT(made_compare(&made, false));
        tried += row->must_be_equal;
        made_reset(&made);
    }
    CU_ASSERT(tried >= 12);
}

static void test_every_limit(void)
{
    for (enum context c = 0; c < CONTEXT_COUNT; c++) {
        struct made_comparison made = {.count = 0};
        struct made_run two = made_run_default(2, 1), five = made_run_default(5, 1);
        char key[96];
        if (context_table[c].limit_key == NULL)
            continue;
        (void)snprintf(key, sizeof key, "corridor.%s", context_table[c].limit_key);
        five.config.corridor.limit[c] *= 2;
        made_add(&made, &two);
        made_add(&made, &five);
        expect_difference(&made, key);
        made_reset(&made);
    }
}

static void test_the_rest_of_the_corridor(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run two = made_run_default(2, 1), five = made_run_default(5, 1);
    made_add(&made, &two);
    five.config.corridor.watched[CAUSAL] = false;
    made_add(&made, &five);
    expect_difference(&made, "corridor.watch");
    made_reset(&made);

    made_add(&made, &two);
    five = made_run_default(5, 1);
    five.config.corridor.outside_fraction_max = 0.5;
    made_add(&made, &five);
    expect_difference(&made, "corridor.outside_fraction_max");
    made_reset(&made);

    made_add(&made, &two);
    five = made_run_default(5, 1);
    (void)snprintf(five.config.corridor.assumption, ASSUMPTION_BYTES, "Another sentence.");
    made_add(&made, &five);
    expect_difference(&made, "corridor.assumption");
    made_reset(&made);

    made_add(&made, &two);
    five = made_run_default(5, 1);
    five.hosts = 2;
    made_add(&made, &five);
    CU_ASSERT(!made_compare(&made, false));
    CU_ASSERT(says(made.comparison.differences.rows[0].text, "ranks_per_host: all in "));
    CU_ASSERT(says(made.comparison.differences.rows[0].text, "; 3 in "));
    made_reset(&made);
}

/* Each key with all its values, sorted by key; of many files two are named. */
static void test_several_differences(void)
{
    static const double durations_s[] = {5, 5, 5, 5, 2.5, 4};
    struct made_comparison made = {.count = 0};
    char words[256];
    for (uint32_t i = 0; i < LENGTH(durations_s); i++) {
        struct made_run run = made_run_default(2, i + 1);
        run.config.duration_s = durations_s[i];
        run.config.keys = i == 5 ? 8 : 1;
        made_add(&made, &run);
    }
    CU_ASSERT(!made_compare(&made, false));
    CU_ASSERT(says(made.failure.text, "2 settings that must be equal differ"));
    CU_ASSERT_EQUAL_FATAL(made.comparison.differences.count, 2);
    (void)snprintf(words, sizeof words, "duration_s: 5 in %s, %s and 2 more; 2.5 in %s; 4 in %s",
                   made.paths[0], made.paths[1], made.paths[4], made.paths[5]);
    CU_ASSERT_STRING_EQUAL(made.comparison.differences.rows[0].text, words);
    (void)snprintf(words, sizeof words, "keys: 1 in %s, %s and 3 more; 8 in %s", made.paths[0],
                   made.paths[1], made.paths[5]);
    CU_ASSERT_STRING_EQUAL(made.comparison.differences.rows[1].text, words);
    made_reset(&made);
}

static void test_force(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run two = made_run_default(2, 1), five = made_run_default(5, 1);
    five.config.keys = 8;
    made_add(&made, &two);
    made_add(&made, &five);
    CU_ASSERT_FATAL(made_compare(&made, true));
    CU_ASSERT_EQUAL(made.failure.code, EXIT_DONE);
    CU_ASSERT_EQUAL_FATAL(made.comparison.differences.count, 1);
    CU_ASSERT_EQUAL(made.comparison.column_count, 2);
    static made_printer *const printers[] = {print_text, print_markdown};
    static const char *const tables[] = {"| Aspect ", "| Aspect |"};
    for (size_t i = 0; i < LENGTH(printers); i++) {
        char *text = made_print(&made, printers[i]);
        const char *named = strstr(text, "keys: 1 in"), *table = strstr(text, tables[i]);
        CU_ASSERT(named != NULL && table != NULL && named < table);
        free(text);
    }
    made_reset(&made);
}

/* ---- what only confounds ---- */

static void bind_apart(struct run_node *row)
{
    (void)snprintf(row->binding, sizeof row->binding, "%u", row->node);
}

static void test_differences_of_the_machine(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run two = made_run_default(2, 1), five = made_run_default(5, 1);
    five.git_commit = "fedcba987654";
    five.adjust = bind_apart;
    made_add(&made, &two);
    made_add(&made, &five);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_EQUAL(made.comparison.differences.count, 0);
    CU_ASSERT_EQUAL_FATAL(made.comparison.machine.count, 2);
    CU_ASSERT(says(made.comparison.machine.rows[0].text, "git_commit: 0123456789ab in "));
    CU_ASSERT(says(made.comparison.machine.rows[0].text, "; fedcba987654 in "));
    CU_ASSERT(says(made.comparison.machine.rows[1].text, "another set of CPUs for each node in "));
    char *text = made_print(&made, print_markdown);
    CU_ASSERT(says(text, "Differs as found on the machine: git_commit"));
    free(text);
    made_reset(&made);
}

/* ---- repetitions ---- */

static void test_the_same_run_twice(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(2, 1);
    made_add(&made, &run);
    made_add(&made, &run);
    CU_ASSERT(!made_compare(&made, true));
    CU_ASSERT_EQUAL(made.failure.code, EXIT_BAD_INPUT);
    CU_ASSERT(says(made.failure.text, "the same run was given twice"));
    CU_ASSERT(says(made.failure.text, made.paths[0]) && says(made.failure.text, made.paths[1]));
    made_reset(&made);
}

/* Two runs with the same random numbers are no independent repetitions, at one node count. */
static void test_the_same_draws(void)
{
    struct made_comparison made = {.count = 0};
    struct made_run run = made_run_default(2, 1), five = made_run_default(5, 1);
    made_add(&made, &run);
    made_add(&made, &five);
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_EQUAL(made.comparison.warnings.count, 0);
    made_reset(&made);

    for (int i = 0; i < 3; i++) {
        static const char *const ids[] = {"one", "two", "three"};
        run.run_id = ids[i];
        made_add(&made, &run);
    }
    CU_ASSERT_FATAL(made_compare(&made, false));
    CU_ASSERT_EQUAL_FATAL(made.comparison.warnings.count, 1);
    CU_ASSERT(says(made.comparison.warnings.items[0],
                   "3 runs share seed and repetition with another of their node count"));
    made_reset(&made);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"every option that must be equal is named", test_every_option_that_must_be_equal},
        {"every limit is named", test_every_limit},
        {"assumption, watch, fraction, ranks per host", test_the_rest_of_the_corridor},
        {"several differences", test_several_differences},
        {"--force prints them above the table", test_force},
        {"differences of the machine only confound", test_differences_of_the_machine},
        {"the same run twice", test_the_same_run_twice},
        {"the same draws", test_the_same_draws},
        CU_TEST_INFO_NULL};
    return cunit_main("comparable", tests);
}
