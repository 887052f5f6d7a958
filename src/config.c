#include "config_options.h"

#include <ctype.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* SimGrid's compiler puts a version of its own in its place, which keeps another optind. */
#undef getopt_long

/* What getopt_long returns for options that stand in no row. */
enum {
    OPT_ROW = 1000,
    OPT_SET = 900,
    OPT_HELP,
    OPT_VERSION,
    OPT_LIST_SYSTEMS,
    OPT_LIST_PERTURBATIONS
};

static struct config config_default(void)
{
    return (struct config){
        .system = "replication",
        .calibrate_quantile = 0.99,
        .calibrate_factor = 3,
        .calibrate_samples = 2000,
        .load_factor = 0.02,
        .duration_s = 5,
        .warmup_s = 1,
        .rate_per_s = 100,
        .load = LOAD_NODE,
        .keys = 1,
        .arrivals = ARRIVALS_POISSON,
        .seed = 1,
        .repetition = 1,
        .heartbeat_ms = 20,
        .leader_timeout_ms = 100, /* four heartbeats in a row may be lost or late */
        .round_ms = 20,           /* as often as heartbeats */
        .deadline_us = 1000,      /* what the built-in corridor allows a message */
        .idle = IDLE_SLEEP,
        .idle_us = 200,
        .scene = "bare",
        .bind = BIND_NONE,
        .yield = true,
        .observe = true,
        .trace = true,
        .trace_max_mib = 64,
        .same_clock = true,
        .sync_gap_s = 1,
        .patience_s = 60,
        .inflight = 1024,
        .send = SEND_STANDARD,
        .corridor = corridor_default(),
    };
}

static bool store(struct config *config, const struct option_row *row, const char *shown,
                  const char *text, struct failure *failure)
{
    char why[256];
    if (option_store(config, row, text, why))
        return true;
    return failure_set(failure, EXIT_BAD_USAGE, "%s: %s", shown, why);
}

/* ---- the command line ---- */

static size_t long_options(struct option *options)
{
    size_t count = 0;
    for (; count < option_count; count++) {
        const struct option_row *row = &option_rows[count];
        int argument = row->kind == OPTION_FLAG         ? no_argument
                       : strcmp(row->name, "json") == 0 ? optional_argument
                                                        : required_argument;
        options[count] = (struct option){row->name, argument, NULL, OPT_ROW + (int)count};
    }
    options[count++] = (struct option){"set", required_argument, NULL, OPT_SET};
    options[count++] = (struct option){"help", no_argument, NULL, OPT_HELP};
    options[count++] = (struct option){"version", no_argument, NULL, OPT_VERSION};
    options[count++] = (struct option){"list-systems", no_argument, NULL, OPT_LIST_SYSTEMS};
    options[count++] =
        (struct option){"list-perturbations", no_argument, NULL, OPT_LIST_PERTURBATIONS};
    options[count] = (struct option){NULL, 0, NULL, 0};
    return count;
}

static bool take_set(struct config *config, const char *argument, struct failure *failure)
{
    char key[CONFIG_NAME_BYTES];
    const char *equals = strchr(argument, '=');
    if (equals == NULL || (size_t)(equals - argument) >= sizeof key)
        return failure_set(failure, EXIT_BAD_USAGE, "--set takes KEY=VALUE, not '%.80s'", argument);
    (void)snprintf(key, sizeof key, "%.*s", (int)(equals - argument), argument);
    const struct option_row *row = option_find(key);
    if (row == NULL || row->key == NULL)
        return failure_set(failure, EXIT_BAD_USAGE,
                           "--set: unknown key '%s'; mpidrift --help lists the keys", key);
    return store(config, row, key, equals + 1, failure);
}

static bool take_row(struct config *config, const struct option_row *row, const char *argument,
                     struct failure *failure)
{
    char shown[CONFIG_NAME_BYTES];
    (void)snprintf(shown, sizeof shown, "--%s", row->name);
    if (argument == NULL)
        argument = row->kind == OPTION_FLAG ? "on" : "-"; /* --json alone: stdout */
    return store(config, row, shown, argument, failure);
}

/* What getopt_long found behind `word`. */
static bool take_code(struct config *config, int code, const char *word,
                      enum config_request *request, struct failure *failure)
{
    switch (code) {
    case ':':
        return failure_set(failure, EXIT_BAD_USAGE, "%.80s needs a value", word);
    case '?':
        return failure_set(failure, EXIT_BAD_USAGE,
                           "unknown or ambiguous option %.80s; mpidrift --help lists them", word);
    case OPT_SET:
        return take_set(config, optarg, failure);
    case 'h':
    case OPT_HELP:
        *request = REQUEST_HELP;
        return true;
    case OPT_VERSION:
        *request = REQUEST_VERSION;
        return true;
    case OPT_LIST_SYSTEMS:
        *request = REQUEST_LIST_SYSTEMS;
        return true;
    case OPT_LIST_PERTURBATIONS:
        *request = REQUEST_LIST_PERTURBATIONS;
        return true;
    default:
        return take_row(config, &option_rows[code - OPT_ROW], optarg, failure);
    }
}

static bool take_command_line(struct config *config, int argc, char **argv,
                              enum config_request *request, struct failure *failure)
{
    struct option options[64];
    assert(option_count + 6 < sizeof options / sizeof options[0]);
    (void)long_options(options);
    *request = REQUEST_RUN;
    optind = 0; /* glibc: start anew, this function runs more than once */
    opterr = 0;
    for (;;) {
        int at = optind == 0 ? 1 : optind;
        /* '+': in the order given, or the word refused would not be the one at fault. */
        int code = getopt_long(argc, argv, "+:h", options, NULL);
        if (code == -1)
            break;
        if (!take_code(config, code, argv[at], request, failure))
            return false;
    }
    if (optind < argc)
        return failure_set(failure, EXIT_BAD_USAGE,
                           "'%.80s' is no option; values follow their option, as in --duration 5",
                           argv[optind]);
    return true;
}

/* ---- the environment ---- */

static bool take_environment(struct config *config, char **environment, struct failure *failure)
{
    static const char prefix[] = "MPIDRIFT_";
    for (char **entry = environment; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (strncmp(*entry, prefix, sizeof prefix - 1) != 0 || equals == NULL)
            continue;
        char shown[CONFIG_NAME_BYTES + sizeof prefix], name[CONFIG_NAME_BYTES];
        (void)snprintf(shown, sizeof shown, "%.*s", (int)(equals - *entry), *entry);
        (void)snprintf(name, sizeof name, "%.*s", (int)(equals - *entry) - (int)sizeof prefix + 1,
                       *entry + sizeof prefix - 1);
        for (char *c = name; *c != '\0'; c++)
            *c = (char)tolower((unsigned char)*c);
        const struct option_row *row = option_find(name);
        if (row == NULL)
            return failure_set(failure, EXIT_BAD_USAGE,
                               "%s in the environment names no option; unset it", shown);
        if (!store(config, row, shown, equals + 1, failure))
            return false;
    }
    return true;
}

/* ---- all together ---- */

/* What a run is started with. */
struct given {
    int argc;
    char **argv;
    char **environment;
};

/* The first system that has that context. */
static const char *system_with(enum context context)
{
    const struct system_ops *const *system = system_list;
    while (!((*system)->contexts & 1U << context))
        system++;
    return (*system)->name;
}

static bool refuse_context(const struct config *config, enum context context, int line,
                           const char *key, struct failure *failure)
{
    return failure_set(failure, EXIT_BAD_INPUT,
                       "%s:%d: %s: the system %s has no boundary for %s; %s has",
                       config->corridor_file, line, key, config->system,
                       context_table[context].name, system_with(context));
}

/* What the corridor file limits or watches must be there to be seen. `watch = all` means all that
 * the system has. */
static bool check_boundaries(const struct config *config, const struct system_ops *system,
                             struct failure *failure)
{
    const struct corridor *corridor = &config->corridor;
    bool all = true;
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        all = all && corridor->watched[c];
    for (enum context c = 0; c < CONTEXT_COUNT; c++) {
        if (system->contexts & 1U << c)
            continue;
        if (config->corridor_lines.limit[c] > 0 && isfinite(corridor->limit[c]))
            return refuse_context(config, c, config->corridor_lines.limit[c],
                                  context_table[c].limit_key, failure);
        if (!all && corridor->watched[c])
            return refuse_context(config, c, config->corridor_lines.watch, "watch", failure);
    }
    return true;
}

static bool check_together(const struct config *config, struct failure *failure)
{
    if (config->deadline_us * 1e-6 >= config->round_ms * 1e-3)
        return failure_set(failure, EXIT_BAD_USAGE,
                           "--deadline-us: %g us is not within a round of %g ms",
                           config->deadline_us, config->round_ms);
    return check_boundaries(config, system_find(config->system), failure);
}

/* An assumption that nobody declared is the system's own. */
static void complete(struct config *config)
{
    char *assumption = config->corridor.assumption;
    if (*assumption == '\0')
        (void)snprintf(assumption, ASSUMPTION_BYTES, "%s", system_find(config->system)->assumes);
}

/* Files that are already known; "": none. */
struct layer_files {
    const char *scene;
    const char *corridor;
    const char *options;
};

/* The layers in order of growing weight. */
static bool apply(struct config *config, const struct layer_files *files, const struct given *given,
                  enum config_request *request, struct failure *failure)
{
    *config = config_default();
    return (*files->scene == '\0' || config_read_scene(config, files->scene, failure)) &&
           (*files->corridor == '\0' || config_read_corridor(config, files->corridor, failure)) &&
           (*files->options == '\0' || config_read_options(config, files->options, failure)) &&
           take_environment(config, given->environment, failure) &&
           take_command_line(config, given->argc, given->argv, request, failure);
}

/* From the scene as it was given, name or path, to its file and its name. */
static bool find_scene(struct config *config, struct failure *failure)
{
    if (strcmp(config->scene, "bare") == 0)
        return true;
    if (!config_find_scene(config->scene, config->scene_file, failure))
        return false;
    config_scene_name(config->scene_file, config->scene);
    return true;
}

bool config_read(struct config *config, int argc, char **argv, char **environment,
                 enum config_request *request, struct failure *failure)
{
    const struct given given = {argc, argv, environment};
    struct config named, naming;
    /* Which options file, which corridor and scene (the file may name them), and then all in order.
     */
    if (!apply(&named, &(struct layer_files){"", "", ""}, &given, request, failure))
        return false;
    if (*request != REQUEST_RUN)
        return true;
    struct layer_files files = {"", "", named.config_file};
    if (!apply(&naming, &files, &given, request, failure) || !find_scene(&naming, failure))
        return false;
    files.scene = naming.scene_file;
    files.corridor = naming.corridor_file;
    if (!apply(config, &files, &given, request, failure) || !check_together(config, failure))
        return false;
    memcpy(config->scene, naming.scene, sizeof config->scene);
    memcpy(config->scene_file, naming.scene_file, sizeof config->scene_file);
    complete(config);
    return true;
}

double config_node_rate_per_s(const struct config *config, uint32_t nodes)
{
    return config->load == LOAD_TOTAL ? config->rate_per_s / nodes : config->rate_per_s;
}

/* ---- what is shown and stored ---- */

void config_print_help(FILE *out)
{
    (void)fprintf(out,
                  "Usage: mpirun -np N mpidrift [OPTION]...\n"
                  "Watch a small distributed system of N nodes and record where its coherence\n"
                  "drifts out of a declared corridor. Observation only; nothing is repaired.\n\n");
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        char shown[64], value[CONFIG_PATH_BYTES] = "";
        struct config defaults = config_default();
        bool joined = row->argument != NULL && row->argument[0] == '[';
        (void)snprintf(shown, sizeof shown, "--%s%s%s", row->name,
                       row->argument == NULL || joined ? "" : " ",
                       row->argument == NULL ? "" : row->argument);
        if (row->kind == OPTION_NUMBER)
            (void)snprintf(value, sizeof value, "%g", *(double *)((char *)&defaults + row->offset));
        else if (row->kind != OPTION_FLAG)
            option_text(&defaults, row, value, sizeof value);
        (void)fprintf(out, "  %-30s %s%s%s%s\n", shown, row->help, *value ? " (" : "", value,
                      *value ? ")" : "");
    }
    (void)fprintf(out,
                  "  %-30s any option by its key, as in --set rate_per_s=50\n"
                  "  %-30s what each system assumes, observes and calls drift\n"
                  "  %-30s an example of each kind of declared condition\n"
                  "  %-30s\n  %-30s\n\n",
                  "--set KEY=VALUE", "--list-systems", "--list-perturbations", "-h, --help",
                  "--version");
    (void)fprintf(out, "Keys for --set and --config:");
    for (size_t i = 0; i < option_count; i++)
        if (option_rows[i].key != NULL)
            (void)fprintf(out, "%s%s", i % 5 == 0 ? "\n  " : " ", option_rows[i].key);
    (void)fprintf(
        out,
        "\nEach is also MPIDRIFT_KEY in the environment. The command line weighs more than the\n"
        "environment, that more than --config, that more than the corridor's [load], that more\n"
        "than the scene's. Conditions of all of them add up.\n\n"
        "Exit codes: 0 done, drift or not; 64 usage; 65 bad input file; 70 internal;\n"
        "73 cannot create; 74 write failed; 75 fewer than two nodes; 130, 143 ended by a "
        "signal.\n");
}

void config_print_systems(FILE *out)
{
    for (const struct system_ops *const *system = system_list; *system != NULL; system++) {
        (void)fprintf(out, "%s\n  assumes:  %s\n  observes: %s\n  drift is: %s\n  contexts:",
                      (*system)->name, (*system)->assumes, (*system)->observes, (*system)->drifts);
        for (enum context c = 0; c < CONTEXT_COUNT; c++)
            if ((*system)->contexts & 1U << c)
                (void)fprintf(out, " %s", context_table[c].name);
        (void)fprintf(out, "\n");
    }
}

static void watch_text(const struct corridor *corridor, char *text, size_t size)
{
    size_t used = 0, watched = 0;
    for (enum context c = 0; c < CONTEXT_COUNT; c++) {
        if (!corridor->watched[c])
            continue;
        watched++;
        int added =
            snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", context_table[c].name);
        used += (size_t)added;
    }
    if (watched == CONTEXT_COUNT)
        (void)snprintf(text, size, "all");
}

static struct config_value *add(struct config_value *values, size_t *count, const char *group,
                                const char *key)
{
    assert(*count < CONFIG_VALUES_MAX);
    struct config_value *value = &values[(*count)++];
    *value = (struct config_value){.group = group, .key = key};
    return value;
}

static void add_number(struct config_value *values, size_t *count, const char *group,
                       const char *key, double number)
{
    struct config_value *value = add(values, count, group, key);
    value->is_number = true;
    value->must_be_equal = true;
    value->number = number;
    (void)snprintf(value->text, sizeof value->text, "%.17g", number);
}

static void add_option(const struct config *config, const struct option_row *row,
                       struct config_value *values, size_t *count)
{
    struct config_value *value = add(values, count, "/config", row->key);
    option_text(config, row, value->text, sizeof value->text);
    value->is_number = row->kind == OPTION_NUMBER || row->kind == OPTION_COUNT;
    value->must_be_equal = row->must_be_equal;
    if (value->is_number)
        (void)number_read(value->text, &value->number);
}

static void add_calibration(const struct calibration_note *note, struct config_value *values,
                            size_t *count)
{
    const struct {
        const char *key;
        const char *text;
    } notes[] = {
        {"calibration_nodes", note->nodes},           {"calibration_samples", note->samples},
        {"calibration_quantile", note->quantile},     {"calibration_spread", note->spread},
        {"calibration_factor", note->factor},         {"calibration_idle", note->idle},
        {"calibration_link_class", note->link_class}, {"calibration_load", note->load}};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        if (notes[i].text[0] != '\0') {
            struct config_value *value = add(values, count, "/config/corridor", notes[i].key);
            (void)snprintf(value->text, sizeof value->text, "%s", notes[i].text);
        }
}

/* The limit as it was written: 500 µs in seconds and back is 500.00000000000006. */
static double limit_as_written(const struct corridor *corridor, enum context context)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.15g",
                   corridor->limit[context] / context_table[context].limit_unit);
    return strtod(text, NULL);
}

static void add_conditions(const struct config *config, struct config_value *values, size_t *count)
{
    static const char group[] = "/config/perturb";
    static char keys[CONDITIONS_MAX][24];
    const struct perturbation *perturbation = &config->perturbation;
    bool clock_perturbed = false;
    for (uint32_t i = 0; i < perturbation->count; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "condition_%02u", i + 1);
        struct config_value *value = add(values, count, group, keys[i]);
        condition_text(&perturbation->conditions[i], value->text);
        value->must_be_equal = true;
        clock_perturbed |= perturbation->conditions[i].kind == CONDITION_CLOCK;
    }
    add_number(values, count, group, "conditions", perturbation->count);
    values[*count - 1].must_be_equal = false; /* they are, one by one */
    add_number(values, count, group, "clock_perturbed", clock_perturbed);
    values[*count - 1].must_be_equal = false;
    if (config->scene_description[0] != '\0')
        (void)snprintf(add(values, count, group, "scene_description")->text, ASSUMPTION_BYTES, "%s",
                       config->scene_description);
}

size_t config_values(const struct config *config, struct config_value *values)
{
    static const char corridor_group[] = "/config/corridor";
    const struct corridor *corridor = &config->corridor;
    size_t count = 0;
    for (size_t i = 0; i < option_count; i++)
        if (option_rows[i].key != NULL)
            add_option(config, &option_rows[i], values, &count);
    struct config_value *assumption = add(values, &count, corridor_group, "assumption");
    (void)snprintf(assumption->text, sizeof assumption->text, "%s", corridor->assumption);
    assumption->must_be_equal = true;
    struct config_value *watch = add(values, &count, corridor_group, "watch");
    watch_text(corridor, watch->text, sizeof watch->text);
    watch->must_be_equal = true;
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        if (context_table[c].limit_key != NULL)
            add_number(values, &count, corridor_group, context_table[c].limit_key,
                       limit_as_written(corridor, c));
    add_number(values, &count, corridor_group, "outside_fraction_max",
               corridor->outside_fraction_max);
    add_calibration(&config->calibration, values, &count);
    add_conditions(config, values, &count);
    return count;
}

bool config_is_load(const char *key)
{
    const struct option_row *row = option_find(key);
    return row != NULL && row->key != NULL && row->is_load;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *prefix_of(const char *group)
{
    if (strcmp(group, "/config/corridor") == 0)
        return "corridor.";
    return strcmp(group, "/config/perturb") == 0 ? "perturb." : "";
}

void config_canonical_text(const struct config *config, const char *ranks_per_host,
                           char text[CANONICAL_TEXT_BYTES])
{
    static struct config_value values[CONFIG_VALUES_MAX];
    static char lines[CONFIG_VALUES_MAX + 3][ASSUMPTION_BYTES + 80];
    char *sorted[CONFIG_VALUES_MAX + 3];
    size_t count = config_values(config, values), used = 0, kept = 0;
    for (size_t i = 0; i < count; i++)
        if (values[i].must_be_equal)
            (void)snprintf(lines[kept++], sizeof lines[0], "%s%s=%s\n", prefix_of(values[i].group),
                           values[i].key, values[i].text);
    (void)snprintf(lines[kept++], sizeof lines[0], "program_version=%s\n", MPIDRIFT_VERSION);
    (void)snprintf(lines[kept++], sizeof lines[0], "ranks_per_host=%s\n", ranks_per_host);
    if (config->simulated) /* measured runs need no word for it, and older ones have none */
        (void)snprintf(lines[kept++], sizeof lines[0], "simulated=yes\n");
    for (size_t i = 0; i < kept; i++)
        sorted[i] = lines[i];
    qsort(sorted, kept, sizeof sorted[0], by_text);
    text[0] = '\0';
    for (size_t i = 0; i < kept; i++)
        used += (size_t)snprintf(text + used, CANONICAL_TEXT_BYTES - used, "%s", sorted[i]);
    assert(used < CANONICAL_TEXT_BYTES);
}
