/* How the two kinds of INI files are read. */

#include "cunit_main.h"
#include "given_config.h"
#include "sample_run.h"

#include <math.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static struct outcome read_corridor(const char *text)
{
    return read_given(&(struct given){.corridor = text});
}

/* ---- what a corridor says ---- */

static void test_a_whole_corridor(void)
{
    struct outcome outcome = read_corridor("; a card\n"
                                           "[corridor]\n"
                                           "assumption = No node is late; never.\n"
                                           "watch = heartbeat_missed version_lag_exceeded\n"
                                           "message_delay_max_us = off   ; not looked at\n"
                                           "version_lag_max = 2\n"
                                           "heartbeat_gap_max_ms = 50\n"
                                           "outside_fraction_max = 0.05\n"
                                           "[load]\n"
                                           "rate_per_s = 20\n"
                                           "load = total\n"
                                           "keys = 8\n"
                                           "arrivals = periodic\n"
                                           "heartbeat_ms = 10\n"
                                           "[calibration]\n"
                                           "nodes = 2\n"
                                           "link_class = one host\n");
    CU_ASSERT_FATAL(outcome.done);
    const struct corridor *corridor = &outcome.config.corridor;
    CU_ASSERT_STRING_EQUAL(corridor->assumption, "No node is late; never.");
    CU_ASSERT(isinf(corridor->limit[CONTEXT_MESSAGE_DELAY_EXCEEDED]));
    CU_ASSERT_EQUAL(corridor->limit[CONTEXT_VERSION_LAG_EXCEEDED], 2);
    CU_ASSERT_EQUAL(corridor->limit[CONTEXT_HEARTBEAT_MISSED], 50e-3);
    CU_ASSERT_EQUAL(corridor->limit[CONTEXT_CAUSAL_ORDER_VIOLATED], 0);
    CU_ASSERT_EQUAL(corridor->outside_fraction_max, 0.05);
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        CU_ASSERT_EQUAL(corridor->watched[c],
                        c == CONTEXT_HEARTBEAT_MISSED || c == CONTEXT_VERSION_LAG_EXCEEDED);
    static const char *const values[][2] = {{"rate_per_s", "20"},
                                            {"load", "total"},
                                            {"keys", "8"},
                                            {"arrivals", "periodic"},
                                            {"heartbeat_ms", "10"},
                                            {"message_delay_max_us", "inf"},
                                            {"calibration_nodes", "2"},
                                            {"calibration_link_class", "one host"},
                                            {"calibration_load", "(none)"},
                                            {"watch", "heartbeat_missed, version_lag_exceeded"}};
    for (size_t i = 0; i < LENGTH(values); i++)
        CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, values[i][0]), values[i][1]);
}

static void test_watch_lists(void)
{
    static const struct {
        const char *list;
        const char *expected;
    } rows[] = {
        {"all", "all"},
        {"message_missing", "message_missing"},
        {"message_missing,heartbeat_missed", "heartbeat_missed, message_missing"},
        {"heartbeat_missed, heartbeat_missed,", "heartbeat_missed"},
        /* boundaries stand for their contexts */
        {"update", "version_lag_exceeded, causal_order_violated"},
        {"timeout, message_missing", "heartbeat_missed, message_missing"},
        {"\n  message_missing,\n  heartbeat_missed", "heartbeat_missed, message_missing"},
        /* all that replication has, wrapped as --calibrate writes it */
        {"message_delay_exceeded, heartbeat_missed, message_missing,\n"
         "    version_lag_exceeded, causal_order_violated",
         "message_delay_exceeded, heartbeat_missed, message_missing, version_lag_exceeded, "
         "causal_order_violated"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "[corridor]\nwatch = %s\n", rows[i].list);
        struct outcome outcome = read_corridor(text);
        CU_ASSERT_STRING_EQUAL(outcome.failure.text, "");
        CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "watch"), rows[i].expected);
    }
}

static void test_every_limit_can_be_off(void)
{
    for (enum context c = 0; c < CONTEXT_COUNT; c++) {
        char text[128];
        if (context_table[c].limit_key == NULL)
            continue;
        (void)snprintf(text, sizeof text, "[corridor]\n%s = off\n", context_table[c].limit_key);
        struct outcome outcome = read_corridor(text);
        CU_ASSERT(outcome.done);
        for (enum context other = 0; other < CONTEXT_COUNT; other++)
            CU_ASSERT_EQUAL(isinf(outcome.config.corridor.limit[other]) != 0, other == c);
    }
}

/* ---- lines ---- */

static void test_continuation_lines(void)
{
    static const char *const texts[] = {
        "[corridor]\nassumption = One sentence\n over three\n\tlines.\nversion_lag_max = 3\n",
        "[corridor]\nassumption =\n  One sentence\n  over three\n  lines.\nversion_lag_max = 3\n",
        "[corridor]\nassumption = One sentence\n\n; a word between\n  over three\n  lines.\n"
        "version_lag_max = 3",
        "[corridor]\r\nassumption = One sentence\r\n over three lines.\r\nversion_lag_max = 3\r\n",
        /* Keys that are indented alike are keys. */
        "[corridor]\n  assumption = One sentence\n    over three lines.\n  version_lag_max = 3\n",
        "  [corridor]\n  version_lag_max = 3\n  assumption = One sentence over three lines.\n"
        "  [load]\n  keys = 2\n",
    };
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct outcome outcome = read_corridor(texts[i]);
        CU_ASSERT_STRING_EQUAL(outcome.failure.text, "");
        CU_ASSERT_STRING_EQUAL(outcome.config.corridor.assumption,
                               "One sentence over three lines.");
        CU_ASSERT_EQUAL(outcome.config.corridor.limit[CONTEXT_VERSION_LAG_EXCEEDED], 3);
    }
}

/* A line of that many characters: a sentence, a comment, or blanks behind a number. */
static struct outcome read_line_of(size_t length, const char *begin, char fill, const char *end)
{
    char text[1024];
    size_t used = (size_t)snprintf(text, sizeof text, "[corridor]\n%s", begin);
    size_t line_begin = strlen("[corridor]\n");
    memset(text + used, fill, line_begin + length - used);
    (void)snprintf(text + line_begin + length, sizeof text - line_begin - length, "%s", end);
    return read_corridor(text);
}

static void test_long_lines(void)
{
    enum { LINE_MAX_CHARACTERS = 198 };
    static const char *const begins[] = {"assumption = ", "; ", "version_lag_max = 1"};
    static const char *const ends[] = {"\n", "", "\nmessage_delay_max_us = 5\n"};
    for (size_t i = 0; i < 9; i++) {
        char fill = i / 3 == 2 ? ' ' : 'x';
        struct outcome outcome =
            read_line_of(LINE_MAX_CHARACTERS, begins[i / 3], fill, ends[i % 3]);
        CU_ASSERT(outcome.done);
        static const size_t lengths[] = {LINE_MAX_CHARACTERS + 1, LINE_MAX_CHARACTERS + 2, 700};
        for (size_t l = 0; l < LENGTH(lengths); l++) {
            outcome = read_line_of(lengths[l], begins[i / 3], fill, ends[i % 3]);
            CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_INPUT);
            CU_ASSERT_PTR_NOT_NULL(
                strstr(outcome.failure.text, ":2: line is longer than 198 characters"));
        }
    }
}

static void test_the_assumption_has_a_bound(void)
{
    char text[2048] = "[corridor]\nassumption = ";
    for (int line = 0; line < 5; line++) { /* 5 × 100 + 4 blanks = 504; the bound is 511 */
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%0100d\n", line > 0 ? "  " : "", line);
    }
    struct outcome outcome = read_corridor(text);
    CU_ASSERT(outcome.done);
    CU_ASSERT_EQUAL(strlen(outcome.config.corridor.assumption), 504);
    size_t used = strlen(text);
    (void)snprintf(text + used, sizeof text - used, "  1234567\n"); /* 512 */
    outcome = read_corridor(text);
    CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome.failure.text, ":7: the assumption is longer than 511"));
    text[strlen(text) - 2] = '\0';
    outcome = read_corridor(text);
    CU_ASSERT_EQUAL(strlen(outcome.config.corridor.assumption), 511);
}

static void test_a_nul_byte_ends_no_line(void)
{
    static const char bytes[] = "[load]\nrate_per_s = 1\0"
                                "00\n";
    given_write(GIVEN_CORRIDOR, bytes, sizeof bytes - 1);
    struct given given = {.arguments = {"--corridor", given_path(GIVEN_CORRIDOR)}};
    struct outcome outcome = read_given(&given);
    CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome.failure.text, ":2: "));
}

static void test_empty_files_change_nothing(void)
{
    static const char *const texts[] = {"", "\n", "; nothing\n  # at all", "[corridor]\n[load]"};
    char plain[CANONICAL_TEXT_BYTES], text[CANONICAL_TEXT_BYTES];
    struct outcome outcome = read_given(&(struct given){0});
    config_canonical_text(&outcome.config, "all", plain);
    for (size_t i = 0; i < LENGTH(texts); i++) {
        outcome = read_given(&(struct given){.corridor = texts[i], .options = texts[i % 3]});
        CU_ASSERT(outcome.done);
        config_canonical_text(&outcome.config, "all", text);
        CU_ASSERT_STRING_EQUAL(text, plain);
    }
}

/* ---- bytes from a seed ---- */

/* Words that the files are made of, so that some of it gets past the first line. */
static const char *const words[] = {"[corridor]\n",
                                    "[load]\n",
                                    "[mpidrift]\n",
                                    "assumption",
                                    "watch",
                                    "version_lag_max",
                                    "message_delay_max_us",
                                    "outside_fraction_max",
                                    "rate_per_s",
                                    "keys",
                                    "load",
                                    "duration_s",
                                    "seed",
                                    "yield",
                                    " = ",
                                    "=",
                                    ":",
                                    "\n",
                                    "\n",
                                    "\n  ",
                                    ";",
                                    " ; ",
                                    "#",
                                    "all",
                                    "off",
                                    "on",
                                    "1",
                                    "0.5",
                                    "-3",
                                    "node",
                                    "heartbeat_missed",
                                    ", ",
                                    "caf\xc3\xa9",
                                    "\r\n",
                                    "\t",
                                    "[",
                                    "]",
                                    "\xff",
                                    "1e9",
                                    "0x10",
                                    "output",
                                    "x.h5"};

static size_t random_file(char *bytes, size_t size, uint64_t *seed)
{
    size_t used = 0, pieces = sample_random(seed) % 60;
    bool raw = sample_random(seed) % 4 == 0;
    for (size_t i = 0; i < pieces; i++) {
        uint64_t bits = sample_random(seed);
        const char *word = words[bits % LENGTH(words)];
        size_t length = raw ? 8 : strlen(word);
        if (used + length > size)
            break;
        memcpy(bytes + used, raw ? (const char *)&bits : word, length);
        used += length;
    }
    return used;
}

static bool is_sound(const struct outcome *outcome)
{
    if (!outcome->done)
        return outcome->failure.code == EXIT_BAD_INPUT && outcome->failure.text[0] != '\0';
    char text[CANONICAL_TEXT_BYTES];
    config_canonical_text(&outcome->config, "all", text);
    return outcome->failure.code == EXIT_DONE && outcome->config.keys >= 1 &&
           outcome->config.keys <= KEYS_MAX && outcome->config.duration_s >= 0.01 &&
           strchr(outcome->config.corridor.assumption, '\n') == NULL;
}

static void test_random_bytes_are_read_or_refused(void)
{
    static const char *const options[] = {"--corridor", "--config"};
    size_t unsound = 0, taken = 0;
    uint64_t seed = 4;
    for (int i = 0; i < 4000; i++) {
        char bytes[1024];
        enum given_file file = i % 2 == 0 ? GIVEN_CORRIDOR : GIVEN_OPTIONS;
        given_write(file, bytes, random_file(bytes, sizeof bytes, &seed));
        struct given given = {.arguments = {options[i % 2], given_path(file)}};
        struct outcome outcome = read_given(&given);
        unsound += !is_sound(&outcome);
        taken += outcome.done;
    }
    CU_ASSERT_EQUAL(unsound, 0);
    CU_ASSERT(taken > 100); /* or it would test only the first lines */
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"a whole corridor", test_a_whole_corridor},
        {"watch lists", test_watch_lists},
        {"every limit can be off", test_every_limit_can_be_off},
        {"continuation lines", test_continuation_lines},
        {"long lines", test_long_lines},
        {"the assumption has a bound", test_the_assumption_has_a_bound},
        {"a NUL byte ends no line", test_a_nul_byte_ends_no_line},
        {"empty files change nothing", test_empty_files_change_nothing},
        {"random bytes are read or refused", test_random_bytes_are_read_or_refused},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("configuration files", tests);
}
