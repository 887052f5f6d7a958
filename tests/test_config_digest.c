/* What of a configuration must be equal between runs that are compared. */

#include "cunit_main.h"
#include "given_config.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* Design, section 8: system, options, corridor, program version, ranks per host; no node count,
 * repetition, seed, host, file name or date, and nothing that only calibration uses. */
static const char *const digest_keys[] = {
    "arrivals",
    "bind",
    "corridor.assumption",
    "corridor.heartbeat_gap_max_ms",
    "corridor.message_delay_max_us",
    "corridor.outside_fraction_max",
    "corridor.version_lag_max",
    "corridor.watch",
    "deadline_us",
    "duration_s",
    "groups",
    "heartbeat_ms",
    "idle",
    "idle_us",
    "inflight",
    "keys",
    "leader_timeout_ms",
    "load",
    "observe",
    "program_version",
    "ranks_per_host",
    "rate_per_s",
    "round_ms",
    "scene",
    "send",
    "system",
    "trace",
    "trace_max_mib",
    "warmup_s",
    "yield",
};

static void test_canonical_text_is_sorted_and_complete(void)
{
    struct outcome outcome = read_given(&(struct given){.arguments = {"--duration=.1"}});
    char text[CANONICAL_TEXT_BYTES];
    config_canonical_text(&outcome.config, "all", text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nduration_s=0.10000000000000001\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nprogram_version=" MPIDRIFT_VERSION "\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nranks_per_host=all\n"));
    CU_ASSERT_EQUAL(text[strlen(text) - 1], '\n');
    size_t lines = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        CU_ASSERT_FATAL(lines < LENGTH(digest_keys));
        size_t length = strlen(digest_keys[lines]);
        CU_ASSERT_NSTRING_EQUAL(line, digest_keys[lines], length);
        CU_ASSERT_EQUAL(line[length], '=');
        lines++;
    }
    CU_ASSERT_EQUAL(lines, LENGTH(digest_keys));
}

static bool changes_canonical_text(const struct given *given)
{
    char base[CANONICAL_TEXT_BYTES], text[CANONICAL_TEXT_BYTES];
    struct outcome outcome = read_given(&(struct given){0});
    config_canonical_text(&outcome.config, "all", base);
    outcome = read_given(given);
    CU_ASSERT(outcome.done);
    config_canonical_text(&outcome.config, "all", text);
    return strcmp(base, text) != 0;
}

static void test_what_changes_the_digest(void)
{
    static const struct given changing[] = {
        {.arguments = {"--duration=6"}},
        {.arguments = {"--load=total"}},
        {.arguments = {"--groups=2"}},
        {.arguments = {"--idle-us=201"}},
        {.arguments = {"--observe=off"}},
        {.corridor = "[corridor]\nassumption = Another.\n"},
        {.corridor = "[corridor]\nwatch = heartbeat_missed\n"},
        {.corridor = "[corridor]\nmessage_delay_max_us = off\n"},
        {.corridor = "[corridor]\noutside_fraction_max = 0.02\n"},
        {.corridor = "[load]\nkeys = 2\n"},
    };
    static const struct given same[] = {
        {.arguments = {"--seed=2"}},
        {.arguments = {"--repetition=2"}},
        {.arguments = {"--output=x.h5", "--force", "--json", "--quiet"}},
        {.arguments = {"--calibrate=x", "--calibrate-factor=4", "--calibrate-quantile=.9"}},
        {.corridor = "[corridor]\nversion_lag_max = 1.0\nwatch = all\n"}, /* the default */
        {.corridor = "[calibration]\nnodes = 2\nfactor = 3\n"},
    };
    for (size_t i = 0; i < LENGTH(changing); i++)
        CU_ASSERT(changes_canonical_text(&changing[i]));
    for (size_t i = 0; i < LENGTH(same); i++)
        CU_ASSERT(!changes_canonical_text(&same[i]));
}

/* What a simulator tells stands beside no measurement; a measured run needs no word for it. */
static void test_simulated_runs_stand_apart(void)
{
    char text[CANONICAL_TEXT_BYTES];
    struct outcome outcome = read_given(&(struct given){0});
    config_canonical_text(&outcome.config, "all", text);
    CU_ASSERT_PTR_NULL(strstr(text, "simulated"));
    outcome.config.simulated = true;
    config_canonical_text(&outcome.config, "all", text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nsimulated=yes\n"));
}

/* 31 µs times 1e-6 and back is 31.000000000000004. */
static void test_limits_stand_as_they_were_written(void)
{
    int wrong = 0;
    for (unsigned limit = 0; limit < 3000; limit++) {
        char corridor[160], expected[16];
        (void)snprintf(corridor, sizeof corridor,
                       "[corridor]\nmessage_delay_max_us = %u\nheartbeat_gap_max_ms = %u\n", limit,
                       limit);
        (void)snprintf(expected, sizeof expected, "%u", limit);
        struct outcome outcome = read_given(&(struct given){.corridor = corridor});
        wrong += strcmp(value_text(&outcome.config, "message_delay_max_us"), expected) != 0;
        wrong += strcmp(value_text(&outcome.config, "heartbeat_gap_max_ms"), expected) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"canonical text is sorted and complete", test_canonical_text_is_sorted_and_complete},
        {"what changes the digest", test_what_changes_the_digest},
        {"simulated runs stand apart", test_simulated_runs_stand_apart},
        {"limits stand as they were written", test_limits_stand_as_they_were_written},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("digest of the configuration", tests);
}
