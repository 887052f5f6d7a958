/* Runs that leave little to say: each printer still says something sensible, and never a number
 * that the data cannot support. */

#include "analysis/comparison/measures.h"
#include "cunit_main.h"
#include "sound_output.h"

#include <math.h>
#include <string.h>

/* ---- the cases ---- */

static void nothing(struct made_comparison *made)
{
    for (uint32_t r = 1; r <= 6; r++) {
        made_add_even(made, made_run_default(2, r), DELAY, 0);
        made_add_even(made, made_run_default(5, r), DELAY, 0);
    }
}

static void one_node_emits(struct made_comparison *made)
{
    struct made_episode episodes[12];
    for (size_t i = 0; i < LENGTH(episodes); i++)
        episodes[i] = (struct made_episode){
            0.4 * (double)i + 0.1, 0.4 * (double)i + 0.2, 2, 0, DELAY, 0, false};
    for (uint32_t r = 1; r <= 3; r++) {
        made_add_even(made, made_run_default(2, r), DELAY, 0);
        made_add_list(made, made_run_default(5, r), episodes, LENGTH(episodes));
    }
}

static void one_repetition(struct made_comparison *made)
{
    made_add_even(made, made_run_default(2, 1), DELAY, 2);
    made_add_even(made, made_run_default(16, 1), DELAY, 40);
}

static void only_two(struct made_comparison *made)
{
    made_add_even(made, made_run_default(2, 1), LAG, 2);
    made_add_even(made, made_run_default(2, 2), LAG, 3);
}

static void only_five(struct made_comparison *made)
{
    made_add_even(made, made_run_default(5, 1), LAG, 20);
    made_add_even(made, made_run_default(5, 2), LAG, 30);
}

static void only_groups(struct made_comparison *made)
{
    struct made_run run = made_run_default(16, 1);
    run.config.groups = 2;
    made_add_even(made, run, DELAY, 20);
}

static void only_a_total_load(struct made_comparison *made)
{
    struct made_run run = made_run_default(16, 1);
    run.config.load = LOAD_TOTAL;
    made_add_even(made, run, DELAY, 20);
}

/* Each stream is outside before the window opens and never comes back: there is no badge. */
static void outside_all_the_time(struct made_comparison *made)
{
    for (uint32_t nodes = 2; nodes <= 5; nodes += 3) {
        struct made_episode episodes[5 * 4 * 3];
        struct made_run run = made_run_default(nodes, 1);
        size_t count = 0;
        run.observations = run.beyond = 500;
        for (uint32_t node = 0; node < nodes; node++)
            for (uint32_t peer = 0; peer < nodes; peer++)
                for (enum context c = 0; peer != node && c < 3; c++)
                    episodes[count++] =
                        (struct made_episode){-0.5, (double)NAN, node, peer, c, 0, false};
        made_add_list(made, run, episodes, count);
    }
}

/* Nobody hears anything at all: no observation, and every peer is silent all the time. */
static void silent_network(struct made_comparison *made)
{
    for (uint32_t nodes = 2; nodes <= 5; nodes += 3) {
        struct made_episode episodes[5 * 4];
        struct made_run run = made_run_default(nodes, 1);
        size_t count = 0;
        run.observations = run.beyond = 0;
        for (uint32_t node = 0; node < nodes; node++)
            for (uint32_t peer = 0; peer < nodes; peer++)
                if (peer != node)
                    episodes[count++] =
                        (struct made_episode){0.1, (double)NAN, node, peer, HEARTBEAT, 0, false};
        made_add_list(made, run, episodes, count);
    }
}

static void all_with(struct made_comparison *made, uint32_t flags, bool lost)
{
    for (uint32_t nodes = 2; nodes <= 5; nodes += 3) {
        struct made_episode episodes[20];
        for (size_t i = 0; i < LENGTH(episodes); i++) {
            uint32_t node = (uint32_t)i % nodes;
            episodes[i] = (struct made_episode){0.2 * (double)i + 0.1,
                                                0.2 * (double)i + 0.2,
                                                node,
                                                (node + 1) % nodes,
                                                DELAY,
                                                flags,
                                                lost};
        }
        made_add_list(made, made_run_default(nodes, 1), episodes, LENGTH(episodes));
    }
}

static void all_lost(struct made_comparison *made)
{
    all_with(made, 0, true);
}

static void all_self_stalled(struct made_comparison *made)
{
    all_with(made, BADGE_SELF_STALLED, false);
}

static void all_below_the_clocks(struct made_comparison *made)
{
    all_with(made, BADGE_BELOW_CLOCK_RESOLUTION, false);
}

/* One context is watched, and its limit is off at five nodes. */
static void hardly_anything_watched(struct made_comparison *made)
{
    for (uint32_t nodes = 2; nodes <= 5; nodes += 3) {
        struct made_run run = made_run_default(nodes, 1);
        for (enum context c = 0; c < CONTEXT_COUNT; c++)
            run.config.corridor.watched[c] = c == DELAY;
        if (nodes == 5)
            run.config.corridor.limit[DELAY] = (double)INFINITY;
        made_add_even(made, run, DELAY, 0);
    }
}

/* Compared by force, though limits, durations and what is watched differ. */
static void by_force(struct made_comparison *made)
{
    made_add_even(made, made_run_default(2, 1), DELAY, 20);
    struct made_run run = made_run_default(2, 2);
    run.config.corridor.limit[DELAY] *= 3;
    run.config.duration_s = 2.5;
    made_add_even(made, run, DELAY, 20);
    run = made_run_default(5, 1);
    run.config.corridor.limit[DELAY] *= 2;
    run.config.corridor.watched[LAG] = false;
    made_add_even(made, run, DELAY, 40);
}

static void without_sense(struct run_node *row)
{
    row->sync[0].uncertainty_s = (double)INFINITY;
    row->cpu_s = (double)NAN;
    row->clock_suspect = 1;
}

/* A machine that could not tell much about itself. */
static void machine_unknown(struct made_comparison *made)
{
    for (uint32_t nodes = 2; nodes <= 5; nodes += 3) {
        struct made_run run = made_run_default(nodes, 1);
        run.cores = 0;
        run.adjust = without_sense;
        made_add_even(made, run, DELAY, 4);
    }
}

static void very_many_runs(struct made_comparison *made)
{
    for (uint32_t r = 1; r <= 40; r++)
        made_add_even(made, made_run_default(2, r), DELAY, 2);
    for (uint32_t r = 1; r <= 30; r++)
        made_add_even(made, made_run_default(5, r), DELAY, 20);
}

static void long_words(struct made_comparison *made)
{
    static const char words[] = "Jeder Knoten weiß|immer \"alles\", sofort; "
                                "Zeitüberschreitungsbenachrichtigungsverzögerung ist nie. ";
    for (uint32_t nodes = 2; nodes <= 5; nodes += 3) {
        struct made_run run = made_run_default(nodes, 1);
        char *assumption = run.config.corridor.assumption;
        for (size_t used = 0; used + sizeof words < ASSUMPTION_BYTES; used += sizeof words - 1)
            (void)snprintf(assumption + used, ASSUMPTION_BYTES - used, "%s", words);
        assumption[strlen(assumption) - 1] = '\0'; /* the last blank */
        if (nodes == 5)
            (void)snprintf(assumption, ASSUMPTION_BYTES, "%0200d", 7);
        made_add_even(made, run, DELAY, 2);
    }
}

struct degenerate {
    const char *name;
    void (*make)(struct made_comparison *made);
    bool force;
    const char *words[SOUND_WORDS_MAX]; /* in the Markdown */
};

static const struct degenerate cases[] = {
    {"no badge anywhere",
     nothing,
     false,
     {"> 5 s (0/6 runs)", "exposure alone: at least", "ratio to two nodes: unknown (no episode at",
      "| Drift symmetry | silent", "share of time contexts: unknown (no episode)", "| 0 [0, 0] |"}},
    {"one node emits", one_node_emits, false, {"always node_C", "1 of 5 nodes emit", "silent"}},
    {"one repetition", one_repetition, false, {"(1/1 runs)", "| 0.2 |"}},
    {"only two nodes", only_two, false, {"| Aspect | Two nodes |", "too few"}},
    {"only five nodes",
     only_five,
     false,
     {"| Aspect | Two nodes | 5 nodes |", "unknown (no run at this node count)",
      "exposure alone: unknown (no run at two nodes)",
      "ratio to two nodes: unknown (no run at two nodes)"}},
    {"only groups", only_groups, false, {"| Two nodes | 8 × 2 nodes |"}},
    {"only a total load",
     only_a_total_load,
     false,
     {"| Two nodes, load total | 16 nodes, load total |"}},
    {"outside all the time",
     outside_all_the_time,
     false,
     {"already outside at start (1/1 runs)", "| outside_node | 1 | 1 |", "> 5 s (0/1 runs)"}},
    {"a silent network",
     silent_network,
     false,
     {"### heartbeat_missed", "| outside_node | 0.98 | 0.98 |",
      "| outside_messages | unknown (no observation)"}},
    {"all badges lost", all_lost, false, {"badges lost: 20;", "| episodes per node-second | 2 "}},
    {"all self-stalled",
     all_self_stalled,
     false,
     {"20 of 20 badges self-stalled", "without self-stalled: > 5 s (0/1 runs)",
      "without self-stalled: silent"}},
    {"all finer than the clocks",
     all_below_the_clocks,
     false,
     {"badges left out as finer than the clocks: 20", "> 5 s (0/1 runs)",
      "| outside_node | 0 | 0 |"}},
    {"hardly anything watched", hardly_anything_watched, true, {"unknown (not watched)"}},
    {"by force", by_force, true, {"Compared by `--force`", "corridor.watch: all in"}},
    {"the machine is unknown",
     machine_unknown,
     false,
     {"Nodes per core. Two nodes: unknown (not recorded)", "writes/s, unknown (not recorded)"}},
    {"very many runs", very_many_runs, false, {"unknown (too many runs for the exact test)"}},
    {"long words", long_words, true, {"Jeder Knoten weiß"}},
};

static void test_case(const struct degenerate *row)
{
    struct made_comparison made = {.count = 0};
    row->make(&made);
    CU_ASSERT(made_compare(&made, row->force));
    if (made.failure.code == EXIT_DONE) {
        CU_ASSERT(output_is_sound(row->name, &made, row->words));
    } else {
        (void)fprintf(stderr, "%s: %s\n", row->name, made.failure.text);
    }
    made_reset(&made);
}

static void test_all(void)
{
    for (size_t i = 0; i < LENGTH(cases); i++)
        test_case(&cases[i]);
}

/* ---- what the checks above would let pass ---- */

static void test_the_checks_themselves(void)
{
    CU_ASSERT(has_no_number_word("a (nan, 2)") && has_no_number_word("-inf"));
    CU_ASSERT(has_no_number_word("{\"value\": Infinity}"));
    CU_ASSERT(!has_no_number_word("information, nanoseconds, financial"));
    CU_ASSERT_EQUAL(widest_line("äöü\nab\n"), 3);
}

static void test_numbers_as_text(void)
{
    const struct {
        double number;
        const char *text;
    } rows[] = {{0.5312, "0.531"},        {12.44, "12.4"},
                {4711, "4711"},           {0, "0"},
                {0.000012, "1.2e-05"},    {1234567, "1.23e+06"},
                {(double)NAN, "unknown"}, {(double)INFINITY, "unknown"}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[32];
        number_text(rows[i].number, text);
        CU_ASSERT_STRING_EQUAL(text, rows[i].text);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"every printer, every case", test_all},
                           {"numbers as text", test_numbers_as_text},
                           {"the checks find what they look for", test_the_checks_themselves},
                           CU_TEST_INFO_NULL};
    return cunit_main("comparison: degenerate", tests);
}
