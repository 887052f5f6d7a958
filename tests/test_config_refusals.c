/* Every kind of bad option, bad value and bad file: one sentence that names it, and its code. */

#include "cunit_main.h"
#include "given_config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* One assertion per row, which names the row. */
static void check_refusal(bool sound, const char *row, const struct outcome *outcome)
{
    char told[1024];
    (void)snprintf(told, sizeof told, "%.200s: %s", row, outcome->failure.text);
    (void)CU_assertImplementation(sound, __LINE__, told, __FILE__, "", CU_FALSE);
}

/* ---- bad options ---- */

/* Code 64, and a sentence that holds both parts. */
static void test_bad_options(void)
{
    static const struct {
        struct given given;
        const char *parts[2];
    } rows[] = {
        {{.arguments = {"--bogus"}}, {"unknown", "--bogus"}},
        {{.arguments = {"--l", "node"}}, {"ambiguous", "--l"}},
        {{.arguments = {"-x"}}, {"unknown", "-x"}},
        {{.arguments = {"--quiet=1"}}, {"--quiet=1", ""}},
        {{.arguments = {"--duration"}}, {"--duration", "needs a value"}},
        {{.arguments = {"--seed", "1", "--duration"}}, {"--duration", "needs a value"}},
        {{.arguments = {"5"}}, {"'5' is no option", ""}},
        {{.arguments = {"--no\nsuch\x1b[2J\x7f"}}, {"--no?such?[2J?;", ""}}, /* one line */
        {{.arguments = {"--output", "a\nb"}}, {"--output: has a line break", ""}},
        {{.arguments = {"--scene=./a\tb.ini"}}, {"--scene: has a line break or another", ""}},
        {{.arguments = {"5", "--bogus"}}, {"'5' is no option", ""}},
        {{.arguments = {"--seed", "1", "5", "--duration", "2"}}, {"'5' is no option", ""}},
        {{.arguments = {"--", "--quiet"}}, {"'--quiet' is no option", ""}},
        {{.arguments = {"--duration", "soon"}}, {"--duration", "'soon' is not a number"}},
        {{.arguments = {"--duration", "5s"}}, {"--duration", "'5s' is not a number"}},
        {{.arguments = {"--duration", ""}}, {"--duration", "'' is not a number"}},
        {{.arguments = {"--duration", "nan"}}, {"--duration", "'nan' is not a number"}},
        {{.arguments = {"--duration", "inf"}}, {"--duration", "'inf' is not a number"}},
        {{.arguments = {"--duration", "1e999"}}, {"--duration", "'1e999' is not a number"}},
        {{.arguments = {"--warmup", "1e-999"}}, {"--warmup", "'1e-999' is not a number"}},
        {{.arguments = {"--duration", "-1"}}, {"--duration", "'-1' is out of range: 0.01 to"}},
        {{.arguments = {"--duration", "86400.0001"}}, {"'86400.0001' is out of range", "to 86400"}},
        {{.arguments = {"--keys", "0"}}, {"--keys", "'0' is out of range: 1 to 64"}},
        {{.arguments = {"--keys", "65"}}, {"--keys", "'65' is out of range: 1 to 64"}},
        {{.arguments = {"--keys", "1.5"}}, {"--keys", "'1.5' is not a whole number"}},
        {{.arguments = {"--seed", "4294967296"}}, {"--seed", "is out of range"}},
        {{.arguments = {"--load", "all"}}, {"--load", "'all' is none of: node total"}},
        {{.arguments = {"--yield", "1"}}, {"--yield", "'1' is none of: off on"}},
        {{.arguments = {"--output", ""}}, {"--output", "is empty"}},
        {{.arguments = {"--system", "gossip"}}, {"--system", "no 'gossip'"}},
        {{.arguments = {"--scene", "moon"}}, {"--scene", "no 'moon'"}},
        {{.arguments = {"--groups", "1"}}, {"--groups", "at least two nodes"}},
        {{.arguments = {"--round-ms=2", "--deadline-us=2000"}}, {"--deadline-us", "round of 2 ms"}},
        {{.arguments = {"--leader-timeout-ms=0"}}, {"--leader-timeout-ms", "out of range"}},
        {{.arguments = {"--set", "duration_s"}}, {"--set takes KEY=VALUE", "'duration_s'"}},
        {{.arguments = {"--set", "tempo=5"}}, {"--set", "unknown key 'tempo'"}},
        {{.arguments = {"--set", "=5"}}, {"--set", "unknown key ''"}},
        {{.arguments = {"--set", "config=x.ini"}}, {"--set", "unknown key 'config'"}},
        {{.arguments = {"--set", "duration_s=soon"}}, {"duration_s", "'soon' is not a number"}},
        {{.arguments = {"--set", "quiet=loud"}}, {"quiet", "'loud' is none of: off on"}},
        {{.environment = {"MPIDRIFT_TEMPO=5"}}, {"MPIDRIFT_TEMPO", "names no option"}},
        {{.environment = {"MPIDRIFT_=5"}}, {"MPIDRIFT_ ", "names no option"}},
        {{.environment = {"MPIDRIFT_RATE=fast"}}, {"MPIDRIFT_RATE", "'fast' is not a number"}},
        {{.environment = {"MPIDRIFT_QUIET=1"}}, {"MPIDRIFT_QUIET", "'1' is none of: off on"}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct outcome outcome = read_given(&rows[i].given);
        bool sound = !outcome.done && outcome.failure.code == EXIT_BAD_USAGE;
        for (int part = 0; part < 2; part++)
            sound = sound && strstr(outcome.failure.text, rows[i].parts[part]) != NULL;
        check_refusal(sound, rows[i].parts[0], &outcome);
    }
}

static void test_texts_up_to_their_bound(void)
{
    static char option[CONFIG_PATH_BYTES + 16] = "--output=";
    memset(option + 9, 'x', CONFIG_PATH_BYTES);
    struct given given = {.arguments = {option}};
    struct outcome outcome = read_given(&given);
    CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome.failure.text, "longer than 1023 characters"));
    option[9 + CONFIG_PATH_BYTES - 1] = '\0';
    outcome = read_given(&given);
    CU_ASSERT(outcome.done);
    CU_ASSERT_EQUAL(strlen(outcome.config.output), CONFIG_PATH_BYTES - 1);
}

/* ---- bad files ---- */

/* Code 65, the file and the line in front, and the part behind them. */
struct bad_line {
    const char *text; /* of the file */
    int line;
    const char *part;
};

static void check_bad_line(enum given_file file, const struct bad_line *row)
{
    struct given given = {.corridor = file == GIVEN_CORRIDOR ? row->text : NULL,
                          .options = file == GIVEN_OPTIONS ? row->text : NULL};
    struct outcome outcome = read_given(&given);
    char front[128];
    (void)snprintf(front, sizeof front, "%s:%d: ", given_path(file), row->line);
    check_refusal(!outcome.done && outcome.failure.code == EXIT_BAD_INPUT &&
                      strncmp(outcome.failure.text, front, strlen(front)) == 0 &&
                      strstr(outcome.failure.text, row->part) != NULL,
                  row->text, &outcome);
}

static void test_bad_corridors(void)
{
    static const struct bad_line rows[] = {
        {"[corridor]\nversion_lag_max 1\n", 2, "not KEY = VALUE"},
        {"[corridor\n", 1, "not KEY = VALUE"},
        {"version_lag_max = 1\n", 1, "unknown section []"},
        {"[limits]\nversion_lag_max = 1\n", 2, "unknown section [limits]"},
        {"[corridor]\n\nlag_max = 1\n", 3, "unknown key 'lag_max' in [corridor]"},
        {"[corridor]\nrate_per_s = 1\n", 2, "unknown key 'rate_per_s' in [corridor]"},
        {"[load]\nduration_s = 1\n", 2, "unknown key 'duration_s' in [load]"},
        {"[load]\ntempo = 1\n", 2, "unknown key 'tempo' in [load]"},
        {"[load]\nrate_per_s = fast\n", 2, "rate_per_s: 'fast' is not a number"},
        {"[load]\nkeys = 65\n", 2, "keys: '65' is out of range: 1 to 64"},
        {"[load]\nload = all\n", 2, "load: 'all' is none of: node total"},
        {"[calibration]\nmood = 1\n", 2, "unknown key 'mood' in [calibration]"},
        {"[corridor]\nversion_lag_max = many\n", 2, "'many' is neither a number"},
        {"[corridor]\nversion_lag_max = -1\n", 2, "'-1' is neither a number"},
        {"[corridor]\nversion_lag_max = 2e12\n", 2, "'2e12' is neither a number"},
        {"[corridor]\nversion_lag_max = inf\n", 2, "'inf' is neither a number"},
        {"[corridor]\nversion_lag_max = OFF\n", 2, "'OFF' is neither a number"},
        {"[corridor]\nversion_lag_max =\n", 2, "'' is neither a number"},
        {"[corridor]\noutside_fraction_max = 1.5\n", 2, "'1.5' is no number from 0 to 1"},
        {"[corridor]\noutside_fraction_max = off\n", 2, "'off' is no number from 0 to 1"},
        {"[corridor]\nwatch = gossip\n", 2, "'gossip' is no context"},
        {"[corridor]\nwatch = all, gossip\n", 2, "'all' is no context"},
        {"[corridor]\nwatch = ,\nversion_lag_max = 1\n", 2, "watch names no context"},
        {"[corridor]\n\nwatch =\n", 3, "watch names no context"},
        {"[corridor]\nwatch = heartbeat_missed,\n  gossip\n", 3, "'gossip' is no context"},
        /* replication has no leaders */
        {"[corridor]\nwatch = heartbeat_missed, dual_leader_observed\n", 2,
         "replication has no boundary for dual_leader_observed"},
        {"[corridor]\nwatch = heartbeat_missed,\n  all\n", 3, "'all' is no context"},
        {"[corridor]\n\nwatch = decision\n", 3, "no boundary for decision_split; consensus has"},
        {"[load]\nsystem = leader\n[corridor]\nversion_lag_max = 1\n", 4,
         "version_lag_max: the system leader has no boundary for version_lag_exceeded"},
        {"[load]\nsystem = gossip\n", 2, "no 'gossip'"},
        {"[corridor]\nassumption =\nversion_lag_max = 1\n", 2, "the assumption is empty"},
        {"[corridor]\nversion_lag_max = 1\n\nversion_lag_max = 1\n", 4, "given twice"},
        {"[corridor]\nassumption = a\nassumption = b\n", 3, "given twice"},
        {"[corridor]\nassumption = a\n[corridor]\nassumption = b\n", 4, "given twice"},
        {"[corridor]\nwatch = all\nwatch = heartbeat_missed\n", 3, "given twice"},
        {"[load]\nrate_per_s = 1\nrate = 2\n", 3, "given twice"},
        {"[calibration]\nnodes = 1\nnodes = 2\n", 3, "given twice"},
        {"[corridor]\nversion_lag_max = 1\n  2\n", 3, "has one line only"},
        {"[corridor]\nassumption = caf\xe9\n", 2, "no UTF-8 text"},
        {"[corridor]\nassumption = \xed\xa0\x80\n", 2, "no UTF-8 text"},
        {"[corridor]\nassumption = \xc0\xaf\n", 2, "no UTF-8 text"},
        {"[corridor]\nassumption = \xf4\x90\x80\x80\n", 2, "no UTF-8 text"},
        {"[corridor]\nassumption = cut \xe2\x82\n", 2, "no UTF-8 text"},
        {"[corridor]\nassumption = \x1b[31mred\n", 2, "no UTF-8 text"},
        {"\x89HDF\r\n", 1, "no UTF-8 text"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        check_bad_line(GIVEN_CORRIDOR, &rows[i]);
}

static void test_bad_options_files(void)
{
    static const struct bad_line rows[] = {
        {"duration_s\n", 1, "not KEY = VALUE"},
        {"[corridor]\nversion_lag_max = 1\n", 2, "unknown section [corridor]"},
        {"\n; text\ntempo = 5\n", 3, "unknown key 'tempo'"},
        {"version_lag_max = 5\n", 1, "unknown key 'version_lag_max'"},
        {"config = other.ini\n", 1, "unknown key 'config'"},
        {"duration_s = soon\n", 1, "duration_s: 'soon' is not a number"},
        {"duration_s = 0\n", 1, "duration_s: '0' is out of range"},
        {"keys = 1.5\n", 1, "keys: '1.5' is not a whole number"},
        {"idle = nap\n", 1, "idle: 'nap' is none of: sleep yield spin"},
        {"yield = yes\n", 1, "yield: 'yes' is none of: off on"},
        {"quiet = yes\n", 1, "quiet: 'yes' is none of: off on"},
        {"output =\n", 1, "output: is empty"},
        {"seed = 1\nsystem = gossip\n", 2, "no 'gossip'"},
        {"groups = 1\n", 1, "at least two nodes"},
        {"duration_s = 1\nduration_s = 1\n", 2, "given twice"},
        {"duration_s = 1\nduration = 1\n", 2, "given twice"},
        {"duration_s = 1\n[mpidrift]\nduration-s = 1\n", 3, "given twice"},
        {"duration_s = 1\n  warmup_s = 2\n", 2, "has one line only"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        check_bad_line(GIVEN_OPTIONS, &rows[i]);
}

/* A bad value is refused where it stands, also under a heavier one that is good. */
static void test_a_bad_value_is_bad_in_any_layer(void)
{
    struct given given = {.options = "system = gossip\n", .arguments = {"--system=replication"}};
    struct outcome outcome = read_given(&given);
    CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_INPUT);
    given = (struct given){.corridor = "[load]\nkeys = 0\n", .arguments = {"--keys=2"}};
    outcome = read_given(&given);
    CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_INPUT);
}

/* Which system it is may be said with more weight than the corridor has; what it asks for must be
 * there in that one. `off` and `all` ask for nothing. */
static void test_what_is_asked_for_must_be_there_in_the_chosen_system(void)
{
    static const char *const asks[] = {"[corridor]\nversion_lag_max = 1\n",
                                       "[corridor]\nwatch = update\n",
                                       "[load]\nsystem = replication\n[corridor]\n"
                                       "watch = causal_order_violated\n"};
    static const char *const asks_nothing[] = {
        "[corridor]\nversion_lag_max = off\n", "[corridor]\nwatch = all\n",
        "[corridor]\nwatch = timeout\n[load]\ndeadline_us = 500\nkeys = 8\n"};
    for (size_t i = 0; i < LENGTH(asks); i++) {
        struct given given = {.corridor = asks[i]};
        struct outcome outcome = read_given(&given);
        check_refusal(outcome.done, asks[i], &outcome);
        given.arguments[0] = "--system=leader";
        outcome = read_given(&given);
        check_refusal(outcome.failure.code == EXIT_BAD_INPUT, asks[i], &outcome);
    }
    for (size_t i = 0; i < LENGTH(asks_nothing); i++) {
        struct given given = {.corridor = asks_nothing[i], .arguments = {"--system=leader"}};
        struct outcome outcome = read_given(&given);
        check_refusal(outcome.done, asks_nothing[i], &outcome);
    }
}

/* ---- files that cannot be read at all ---- */

static void test_files_that_are_not_there(void)
{
    static const struct given givens[] = {
        {.arguments = {"--corridor", "/nowhere/x.ini"}},
        {.arguments = {"--config", "/nowhere/x.ini"}},
        {.environment = {"MPIDRIFT_CORRIDOR=/nowhere/x.ini"}},
        {.options = "corridor = /nowhere/x.ini\n"},
    };
    for (size_t i = 0; i < LENGTH(givens); i++) {
        struct outcome outcome = read_given(&givens[i]);
        CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(outcome.failure.text, "/nowhere/x.ini: No such file"));
    }
}

static void test_a_folder_is_no_file(void)
{
    struct outcome outcome = read_given(&(struct given){.arguments = {"--corridor", "/tmp"}});
    CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome.failure.text, "corridor /tmp: "));
}

static void test_a_file_that_may_not_be_read(void)
{
    if (geteuid() == 0)
        return; /* root reads everything */
    given_write(GIVEN_CORRIDOR, "", 0);
    CU_ASSERT_EQUAL_FATAL(chmod(given_path(GIVEN_CORRIDOR), 0), 0);
    struct given given = {.arguments = {"--corridor", given_path(GIVEN_CORRIDOR)}};
    struct outcome outcome = read_given(&given);
    CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome.failure.text, given_path(GIVEN_CORRIDOR)));
    CU_ASSERT_EQUAL(chmod(given_path(GIVEN_CORRIDOR), 0600), 0);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"bad options", test_bad_options},
        {"texts up to their bound", test_texts_up_to_their_bound},
        {"bad corridors", test_bad_corridors},
        {"bad options files", test_bad_options_files},
        {"a bad value is bad in any layer", test_a_bad_value_is_bad_in_any_layer},
        {"what is asked for must be there in the chosen system",
         test_what_is_asked_for_must_be_there_in_the_chosen_system},
        {"files that are not there", test_files_that_are_not_there},
        {"a folder is no file", test_a_folder_is_no_file},
        {"a file that may not be read", test_a_file_that_may_not_be_read},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("refused configurations", tests);
}
