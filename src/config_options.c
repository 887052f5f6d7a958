#include "config_options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const load_words[] = {"node", "total", NULL};
static const char *const arrivals_words[] = {"poisson", "periodic", NULL};
static const char *const idle_words[] = {"sleep", "yield", "spin", NULL};
static const char *const bind_words[] = {"none", "keep", NULL};
static const char *const send_words[] = {"standard", "synchronous", NULL};
static const char *const switch_words[] = {"off", "on", NULL};

#define AT(member) offsetof(struct config, member)
#define TEXT(member) AT(member), sizeof(((struct config *)0)->member), 0, 0, NULL

/* One row per option reads better than one member per line. */
/* clang-format off */
const struct option_row option_rows[] = {
    {"system", "system", OPTION_TEXT, TEXT(system), "NAME",
     "the system under observation; --list-systems says what each assumes", true, true},
    {"corridor", "corridor", OPTION_TEXT, TEXT(corridor_file), "FILE",
     "the declared assumption and limits (INI); built-in if none is given", false, false},
    {"calibrate", "calibrate", OPTION_TEXT, TEXT(calibrate_file), "FILE",
     "measure, write limits and a matching load to FILE", false, false},
    {"calibrate-quantile", "calibrate_quantile", OPTION_NUMBER, AT(calibrate_quantile), 0, 0.5,
     0.9999, NULL, "Q", "quantile that a limit is taken from", false, false},
    {"calibrate-factor", "calibrate_factor", OPTION_NUMBER, AT(calibrate_factor), 0, 1, 1000, NULL,
     "F", "limit = factor x quantile", false, false},
    {"calibrate-samples", "calibrate_samples", OPTION_COUNT, AT(calibrate_samples), 0, 100, 1e6,
     NULL, "K", "delays and heartbeat gaps to sample at least", false, false},
    {"load-factor", "load_factor", OPTION_NUMBER, AT(load_factor), 0, 1e-6, 10, NULL, "X",
     "the load that calibration aims at: rate x mean delay per link", false, true},
    {"config", NULL, OPTION_TEXT, TEXT(config_file), "FILE", "options as KEY = VALUE lines", false,
     false},
    {"duration", "duration_s", OPTION_NUMBER, AT(duration_s), 0, 0.01, 86400, NULL, "S",
     "length of the observation window", true, false},
    {"warmup", "warmup_s", OPTION_NUMBER, AT(warmup_s), 0, 0, 3600, NULL, "S",
     "activity before the window", true, false},
    {"rate", "rate_per_s", OPTION_NUMBER, AT(rate_per_s), 0, 0, 1e6, NULL, "R",
     "writes or letters per second", true, true},
    {"load", "load", OPTION_CHOICE, AT(load), 0, 0, 0, load_words, "node|total",
     "the rate is each node's, or shared by all", true, true},
    {"keys", "keys", OPTION_COUNT, AT(keys), 0, 1, KEYS_MAX, NULL, "K", "shared values", true,
     true},
    {"arrivals", "arrivals", OPTION_CHOICE, AT(arrivals), 0, 0, 0, arrivals_words,
     "poisson|periodic", "of what --rate counts", true, true},
    {"seed", "seed", OPTION_COUNT, AT(seed), 0, 0, 4294967295.0, NULL, "S", "of all random numbers",
     false, false},
    {"repetition", "repetition", OPTION_COUNT, AT(repetition), 0, 1, 1e6, NULL, "R",
     "number of this repetition; changes the random numbers", false, false},
    {"heartbeat-ms", "heartbeat_ms", OPTION_NUMBER, AT(heartbeat_ms), 0, 0.1, 60000, NULL, "T",
     "period of each node's heartbeat", true, true},
    {"leader-timeout-ms", "leader_timeout_ms", OPTION_NUMBER, AT(leader_timeout_ms), 0, 0.1, 60000,
     NULL, "T", "leader: who has not been heard for so long cannot lead", true, true},
    {"round-ms", "round_ms", OPTION_NUMBER, AT(round_ms), 0, 0.1, 60000, NULL, "T",
     "consensus: length of a round", true, true},
    {"deadline-us", "deadline_us", OPTION_NUMBER, AT(deadline_us), 0, 1, 6e7, NULL, "U",
     "consensus: when a node decides, from the beginning of the round", true, true},
    {"idle", "idle", OPTION_CHOICE, AT(idle), 0, 0, 0, idle_words, "sleep|yield|spin",
     "what a node does between polls", true, false},
    {"idle-us", "idle_us", OPTION_NUMBER, AT(idle_us), 0, 1, 1e6, NULL, "U", "sleep between polls",
     true, false},
    {"expect-nodes", "expect_nodes", OPTION_COUNT, AT(expect_nodes), 0, 0, 1e6, NULL, "N",
     "refuse to run on another number of nodes; 0 = any", false, false},
    {"per-host", "per_host", OPTION_COUNT, AT(per_host), 0, 0, 1e6, NULL, "K",
     "declare K nodes on each host, the last may hold fewer; 0 = as found", false, false},
    {"groups", "groups", OPTION_COUNT, AT(groups), 0, 0, 65536, NULL, "G",
     "control: isolated systems of G nodes each; 0 = one system", true, false},
    {"scene", "scene", OPTION_TEXT, TEXT(scene), "NAME|FILE",
     "declared network: one that came along, or an INI file of your own", true, false},
    {"perturb", NULL, OPTION_CONDITIONS, TEXT(perturbation), "CONDITION",
     "a declared condition, may be given again; --list-perturbations shows them", false, false},
    {"bind", "bind", OPTION_CHOICE, AT(bind), 0, 0, 0, bind_words, "none|keep",
     "none: every rank may use all CPUs of its host", true, false},
    {"yield", "yield", OPTION_SWITCH, AT(yield), 0, 0, 0, switch_words, "on|off",
     "mpi_yield_when_idle of Open MPI, set before MPI_Init", true, false},
    {"observe", "observe", OPTION_SWITCH, AT(observe), 0, 0, 0, switch_words, "on|off",
     "off: the same sends without an observer and without a trace", true, false},
    {"trace", "trace", OPTION_SWITCH, AT(trace), 0, 0, 0, switch_words, "on|off",
     "write down who wrote and took which version when, for hindsight", true, false},
    {"trace-max-mib", "trace_max_mib", OPTION_NUMBER, AT(trace_max_mib), 0, 0, 1e6, NULL, "M",
     "memory of the trace, all nodes together; a full one covers the first part", true, false},
    {"inflight", "inflight", OPTION_COUNT, AT(inflight), 0, 1, INFLIGHT_MAX, NULL, "W",
     "sends under way per peer; what exceeds it is not sent, and counted", true, false},
    {"send", "send", OPTION_CHOICE, AT(send), 0, 0, 0, send_words, "standard|synchronous",
     "synchronous: a stopped peer costs no rank more than 4 KiB x W x peers", true, false},
    {"same-clock", "same_clock", OPTION_SWITCH, AT(same_clock), 0, 0, 0, switch_words, "on|off",
     "off: measure every clock, also where ranks are proven to share one", false, false},
    {"sync-gap-s", "sync_gap_s", OPTION_NUMBER, AT(sync_gap_s), 0, 0.05, 3600, NULL, "S",
     "between two clock synchronisations before the window, if there are several clocks", false,
     false},
    {"patience", "patience_s", OPTION_NUMBER, AT(patience_s), 0, 1, 86400, NULL, "S",
     "how long a step outside the window may wait for a node", false, false},
    {"output", "output", OPTION_TEXT, TEXT(output), "FILE",
     "the run file; mpidrift-SYSTEM-npN.h5 if none is given", false, false},
    {"force", "force", OPTION_FLAG, AT(force), 0, 0, 0, switch_words, NULL,
     "replace the file named by --output, --calibrate or --json, and old spools", false, false},
    {"spool", "spool", OPTION_TEXT, TEXT(spool), "DIR",
     "where badges wait for the run file; NAME.spool beside it if none is given", false, false},
    {"keep-spool", "keep_spool", OPTION_FLAG, AT(keep_spool), 0, 0, 0, switch_words, NULL,
     "keep the spools although the run file was verified", false, false},
    {"json", "json", OPTION_TEXT, TEXT(json), "[=FILE]",
     "the summary as JSON, to FILE or instead of the lines on stdout", false, false},
    {"quiet", "quiet", OPTION_FLAG, AT(quiet), 0, 0, 0, switch_words, NULL,
     "no text on stdout and no warnings", false, false},
    {"clock-check", "clock_check", OPTION_FLAG, AT(clock_check), 0, 0, 0, switch_words, NULL,
     "measure the clocks, print them as a table, observe nothing", false, false},
    {"dry-run", "dry_run", OPTION_FLAG, AT(dry_run), 0, 0, 0, switch_words, NULL,
     "check and print every option, observe nothing", false, false},
};
/* clang-format on */
const size_t option_count = sizeof option_rows / sizeof option_rows[0];

static bool same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        int x = *a == '-' ? '_' : *a, y = *b == '-' ? '_' : *b;
        if (x != y)
            return false;
    }
    return *a == *b;
}

const struct option_row *option_find(const char *name)
{
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (same_name(row->name, name) || (row->key != NULL && same_name(row->key, name)))
            return row;
    }
    return NULL;
}

bool number_read(const char *text, double *number)
{
    char *end = NULL;
    errno = 0;
    *number = strtod(text, &end);
    if (end == text || errno != 0 || !isfinite(*number))
        return false;
    while (isspace((unsigned char)*end))
        end++;
    return *end == '\0';
}

static bool store_number(void *place, const struct option_row *row, const char *text, char why[256])
{
    double number;
    bool whole = row->kind == OPTION_COUNT;
    if (!number_read(text, &number) || (whole && number != floor(number))) {
        (void)snprintf(why, 256, "'%.60s' is not a %snumber", text, whole ? "whole " : "");
        return false;
    }
    if (number < row->least || number > row->most) {
        (void)snprintf(why, 256, "'%.60s' is out of range: %.10g to %.10g", text, row->least,
                       row->most);
        return false;
    }
    if (whole)
        *(uint32_t *)place = (uint32_t)number;
    else
        *(double *)place = number;
    return true;
}

/* The index of `text` among the words, or -1 with all of them named in `why`. */
static int choice_of(const struct option_row *row, const char *text, char why[256])
{
    int used = snprintf(why, 256, "'%.60s' is none of:", text);
    for (int i = 0; row->words[i] != NULL; i++) {
        if (strcmp(row->words[i], text) == 0)
            return i;
        used += snprintf(why + used, 256 - (size_t)used, " %s", row->words[i]);
    }
    return -1;
}

static bool store_text(char *place, const struct option_row *row, const char *text, char why[256])
{
    size_t length = strlen(text);
    bool is_line = true; /* the canonical text has one for each */
    for (const char *c = text; *c != '\0'; c++)
        is_line = is_line && (unsigned char)*c >= ' ' && *c != '\x7f';
    if (is_line && length > 0 && length < row->size) {
        memcpy(place, text, length + 1);
        return true;
    }
    (void)snprintf(why, 256,
                   length == 0 ? "is empty"
                   : is_line   ? "is longer than %d characters"
                               : "has a line break or another control character",
                   row->size - 1);
    return false;
}

static bool store_form(struct config *config, const struct option_row *row, const char *text,
                       char why[256])
{
    void *place = (char *)config + row->offset;
    int choice;
    switch (row->kind) {
    case OPTION_NUMBER:
    case OPTION_COUNT:
        return store_number(place, row, text, why);
    case OPTION_CHOICE:
        choice = choice_of(row, text, why);
        if (choice >= 0)
            *(int *)place = choice;
        return choice >= 0;
    case OPTION_SWITCH:
    case OPTION_FLAG:
        choice = choice_of(row, text, why);
        if (choice >= 0)
            *(bool *)place = choice == 1;
        return choice >= 0;
    case OPTION_TEXT:
        return store_text(place, row, text, why);
    case OPTION_CONDITIONS:
        return perturbation_add(place, text, why);
    }
    return false;
}

/* What the form of a value does not show. */
static bool check_meaning(const struct config *config, const struct option_row *row, char why[256])
{
    if (row->offset == AT(system) && system_find(config->system) == NULL) {
        (void)snprintf(why, 256, "there is no '%s'; mpidrift --list-systems shows what there is",
                       config->system);
        return false;
    }
    if (row->offset == AT(groups) && config->groups == 1) {
        (void)snprintf(why, 256, "a group has at least two nodes");
        return false;
    }
    return true;
}

bool option_store(struct config *config, const struct option_row *row, const char *text,
                  char why[256])
{
    return store_form(config, row, text, why) && check_meaning(config, row, why);
}

void option_text(const struct config *config, const struct option_row *row, char *text, size_t size)
{
    const void *place = (const char *)config + row->offset;
    switch (row->kind) {
    case OPTION_NUMBER:
        (void)snprintf(text, size, "%.17g", *(const double *)place);
        return;
    case OPTION_COUNT:
        (void)snprintf(text, size, "%u", *(const uint32_t *)place);
        return;
    case OPTION_CHOICE:
        (void)snprintf(text, size, "%s", row->words[*(const int *)place]);
        return;
    case OPTION_SWITCH:
    case OPTION_FLAG:
        (void)snprintf(text, size, "%s", switch_words[*(const bool *)place]);
        return;
    case OPTION_TEXT:
        (void)snprintf(text, size, "%s", (const char *)place);
        return;
    case OPTION_CONDITIONS: /* config_values gives each of them */
        text[0] = '\0';
        return;
    }
}
