/* Where an option's value comes from, which layer weighs more, and what of it is kept. */

#include "config_options.h"
#include "cunit_main.h"
#include "given_config.h"

#include <ctype.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* ---- defaults ---- */

static void test_defaults(void)
{
    static const char *const rows[][2] = {
        {"system", "replication"},
        {"calibrate_quantile", "0.98999999999999999"},
        {"calibrate_factor", "3"},
        {"load_factor", "0.02"},
        {"duration_s", "5"},
        {"warmup_s", "1"},
        {"rate_per_s", "100"},
        {"load", "node"},
        {"keys", "1"},
        {"arrivals", "poisson"},
        {"seed", "1"},
        {"repetition", "1"},
        {"heartbeat_ms", "20"},
        {"leader_timeout_ms", "100"},
        {"round_ms", "20"},
        {"deadline_us", "1000"},
        {"idle", "sleep"},
        {"idle_us", "200"},
        {"groups", "0"},
        {"scene", "bare"},
        {"bind", "none"},
        {"yield", "on"},
        {"observe", "on"},
        {"trace", "on"},
        {"trace_max_mib", "64"},
        {"inflight", "1024"},
        {"send", "standard"},
        {"output", ""},
        {"force", "off"},
        {"json", ""},
        {"quiet", "off"},
        {"dry_run", "off"},
        {"watch", "all"},
        {"message_delay_max_us", "1000"},
        {"version_lag_max", "1"},
        {"heartbeat_gap_max_ms", "100"},
        {"outside_fraction_max", "0.01"},
    };
    struct outcome outcome = read_given(&(struct given){0});
    CU_ASSERT(outcome.done);
    CU_ASSERT_EQUAL(outcome.request, REQUEST_RUN);
    for (size_t i = 0; i < LENGTH(rows); i++)
        CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, rows[i][0]), rows[i][1]);
}

/* An assumption that nobody declared is the one of the chosen system. */
static void test_the_assumption_is_the_systems_own(void)
{
    for (const struct system_ops *const *system = system_list; *system != NULL; system++) {
        struct given given = {.arguments = {"--system", (*system)->name}};
        struct outcome outcome = read_given(&given);
        CU_ASSERT_STRING_EQUAL(outcome.config.corridor.assumption, (*system)->assumes);
        given.corridor = "[corridor]\nheartbeat_gap_max_ms = 5\n";
        outcome = read_given(&given);
        CU_ASSERT_STRING_EQUAL(outcome.config.corridor.assumption, (*system)->assumes);
        given.corridor = "[corridor]\nassumption = Mine.\n";
        outcome = read_given(&given);
        CU_ASSERT_STRING_EQUAL(outcome.config.corridor.assumption, "Mine.");
    }
}

/* ---- layers ---- */

enum layer { LAYER_LOAD, LAYER_CONFIG, LAYER_ENVIRONMENT, LAYER_COMMAND, LAYERS };

/* One option given in several layers: the heaviest says `top`, all lighter ones `under`. */
struct layered {
    const struct option_row *row;
    unsigned layers; /* bits (1 << enum layer) */
    const char *top;
    const char *under;
};

static const char *value_in(const struct layered *layered, enum layer layer)
{
    return layered->layers >> (layer + 1) == 0 ? layered->top : layered->under;
}

static const char *in_environment(const char *name, const char *value, char text[256])
{
    (void)snprintf(text, 256, "MPIDRIFT_%s=%s", name, value);
    for (char *c = text; *c != '='; c++)
        *c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
    return text;
}

static struct outcome read_layered(const struct layered *layered)
{
    const struct option_row *row = layered->row;
    char load[256], options[256], environment[256], command[256];
    struct given given = {0};
    (void)snprintf(load, sizeof load, "[load]\n%s = %s\n", row->key, value_in(layered, LAYER_LOAD));
    (void)snprintf(options, sizeof options, "%s = %s\n", row->key, value_in(layered, LAYER_CONFIG));
    if (row->kind == OPTION_FLAG)
        (void)snprintf(command, sizeof command, "--%s", row->name);
    else
        (void)snprintf(command, sizeof command, "--%s=%s", row->name,
                       value_in(layered, LAYER_COMMAND));
    if (layered->layers & 1U << LAYER_LOAD)
        given.corridor = load;
    if (layered->layers & 1U << LAYER_CONFIG)
        given.options = options;
    if (layered->layers & 1U << LAYER_ENVIRONMENT)
        given.environment[0] =
            in_environment(row->name, value_in(layered, LAYER_ENVIRONMENT), environment);
    if (layered->layers & 1U << LAYER_COMMAND)
        given.arguments[0] = command;
    return read_given(&given);
}

/* Every set of layers that the option may stand in. */
static void check_layers(const struct option_row *row, const char *top, const char *under)
{
    for (unsigned layers = 1; layers < 1U << LAYERS; layers++) {
        struct layered layered = {row, layers, top, under};
        bool commanded = layers & 1U << LAYER_COMMAND;
        if ((layers & 1U << LAYER_LOAD && !row->is_load) ||
            (row->kind == OPTION_FLAG && commanded && strcmp(top, "off") == 0))
            continue; /* no command line turns a flag off */
        struct outcome outcome = read_layered(&layered);
        CU_ASSERT(outcome.done);
        CU_ASSERT_STRING_EQUAL(outcome.failure.text, "");
        CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, row->key), top);
    }
}

/* Two values within the range that stand for themselves as text. */
static void check_layers_of_number(const struct option_row *row)
{
    char values[2][32];
    double low = row->least < 2 ? 2 : row->least;
    for (int i = 0; i < 2; i++) {
        double value =
            row->most < 2 ? row->least + (row->most - row->least) * .25 * (i + 1) : low + i;
        (void)snprintf(values[i], sizeof values[i], "%.17g", value);
    }
    check_layers(row, values[0], values[1]);
}

static void check_layers_of(const struct option_row *row)
{
    static const char *const switched[] = {"off", "on"};
    switch (row->kind) {
    case OPTION_NUMBER:
    case OPTION_COUNT:
        check_layers_of_number(row);
        return;
    case OPTION_CHOICE:
        for (int i = 0; row->words[i] != NULL; i++)
            check_layers(row, row->words[i], row->words[i > 0 ? 0 : 1]);
        return;
    case OPTION_SWITCH:
    case OPTION_FLAG:
        check_layers(row, switched[0], switched[1]);
        check_layers(row, switched[1], switched[0]);
        return;
    case OPTION_TEXT:
        check_layers(row, "some.file", "other.file");
        return;
    case OPTION_CONDITIONS:
        return;
    }
}

/* Options whose words are checked beyond their form, files that are opened, conditions that add up:
 * elsewhere. */
static bool is_special(const struct option_row *row)
{
    static const char *const names[] = {"system", "scene", "perturb", "corridor", "config"};
    for (size_t i = 0; i < LENGTH(names); i++)
        if (strcmp(row->name, names[i]) == 0)
            return true;
    return false;
}

static void test_heavier_layers_win(void)
{
    size_t kinds[OPTION_FLAG + 1] = {0};
    for (size_t i = 0; i < option_count; i++)
        if (!is_special(&option_rows[i])) {
            CU_ASSERT_PTR_NOT_NULL_FATAL(option_rows[i].key);
            kinds[option_rows[i].kind]++;
            check_layers_of(&option_rows[i]);
        }
    for (size_t kind = 0; kind < LENGTH(kinds); kind++)
        CU_ASSERT(kinds[kind] > 0);
}

/* A file named in a file: the corridor's [load] still weighs less than the file that names it. */
static void test_a_config_file_may_name_the_corridor(void)
{
    char options[256];
    const char *corridor = "[corridor]\nversion_lag_max = 7\n[load]\nrate_per_s = 3\nkeys = 4\n";
    given_write(GIVEN_CORRIDOR, corridor, strlen(corridor));
    (void)snprintf(options, sizeof options, "corridor = %s\nkeys = 5\n",
                   given_path(GIVEN_CORRIDOR));
    struct outcome outcome = read_given(&(struct given){.options = options});
    CU_ASSERT(outcome.done);
    CU_ASSERT_STRING_EQUAL(outcome.config.corridor_file, given_path(GIVEN_CORRIDOR));
    CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "version_lag_max"), "7");
    CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "rate_per_s"), "3");
    CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "keys"), "5");
    outcome = read_given(
        &(struct given){.options = options, .environment = {"MPIDRIFT_CORRIDOR=/nowhere/x.ini"}});
    CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome.failure.text, "/nowhere/x.ini"));
}

static void test_the_corridor_itself_has_no_layers(void)
{
    struct outcome outcome =
        read_given(&(struct given){.corridor = "[corridor]\nmessage_delay_max_us = 500\n"});
    CU_ASSERT(outcome.done);
    CU_ASSERT_STRING_EQUAL(value_text(&outcome.config, "message_delay_max_us"), "500");
    CU_ASSERT_DOUBLE_EQUAL(outcome.config.corridor.limit[CONTEXT_MESSAGE_DELAY_EXCEEDED], 500e-6,
                           1e-18);
    outcome = read_given(&(struct given){.arguments = {"--set", "message_delay_max_us=5"}});
    CU_ASSERT_EQUAL(outcome.failure.code, EXIT_BAD_USAGE);
}

/* ---- ways to say it ---- */

static void test_spellings(void)
{
    static const struct given givens[] = {
        {.arguments = {"--duration", "2.5"}},
        {.arguments = {"--duration=2.5"}},
        {.arguments = {"--dur", "2.5"}},
        {.arguments = {"--set", "duration_s=2.5"}},
        {.arguments = {"--set", "duration-s=2.5"}},
        {.arguments = {"--set", "duration=2.5"}},
        {.arguments = {"--duration=9", "--set", "duration=2.5"}}, /* the later one */
        {.arguments = {"--set=duration=9", "--duration=2.5"}},
        {.environment = {"MPIDRIFT_DURATION=2.5"}},
        {.environment = {"MPIDRIFT_DURATION_S=2.5"}},
        {.environment = {"MPIDRIFTDURATION=1", "DURATION=1", "MPIDRIFT_", "MPIDRIFT_DURATION=2.5"}},
        {.options = "duration_s = 2.5\n"},
        {.options = "duration: 2.5 ; seconds\n"},
        {.options = "# c\n\n[mpidrift]\r\nduration-s=2.5\r\n"},
        {.options = "\xef\xbb\xbf"
                    "duration_s=2.5"},
    };
    for (size_t i = 0; i < LENGTH(givens); i++) {
        struct outcome outcome = read_given(&givens[i]);
        CU_ASSERT(outcome.done);
        CU_ASSERT_EQUAL(outcome.config.duration_s, 2.5);
    }
}

static void test_json_with_and_without_a_file(void)
{
    struct outcome outcome = read_given(&(struct given){.arguments = {"--json"}});
    CU_ASSERT_STRING_EQUAL(outcome.config.json, "-");
    outcome = read_given(&(struct given){.arguments = {"--json=x.json"}});
    CU_ASSERT_STRING_EQUAL(outcome.config.json, "x.json");
}

static void test_requests(void)
{
    static const struct {
        const char *argument;
        enum config_request request;
    } rows[] = {{"--help", REQUEST_HELP},
                {"-h", REQUEST_HELP},
                {"--version", REQUEST_VERSION},
                {"--list-systems", REQUEST_LIST_SYSTEMS},
                {"--list-perturbations", REQUEST_LIST_PERTURBATIONS}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct given given = {.arguments = {rows[i].argument, "--corridor=/nowhere"}};
        struct outcome outcome = read_given(&given);
        CU_ASSERT(outcome.done); /* no file is opened */
        CU_ASSERT_EQUAL(outcome.request, rows[i].request);
    }
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"defaults", test_defaults},
        {"the assumption is the system's own", test_the_assumption_is_the_systems_own},
        {"heavier layers win", test_heavier_layers_win},
        {"a config file may name the corridor", test_a_config_file_may_name_the_corridor},
        {"the corridor itself has no layers", test_the_corridor_itself_has_no_layers},
        {"spellings", test_spellings},
        {"--json with and without a file", test_json_with_and_without_a_file},
        {"requests", test_requests},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("configuration", tests);
}
