#ifndef MPIDRIFT_CONFIG_H
#define MPIDRIFT_CONFIG_H

#include "clock/clock.h"
#include "failure.h"
#include "net/perturb.h"
#include "observe/corridor.h"
#include "system/system.h"

/* Options of one run. Each is known by its long option (`--duration`), by its key with the unit at
 * the end (`duration_s`: --set, INI files) and as MPIDRIFT_DURATION or MPIDRIFT_DURATION_S in the
 * environment. Command line over environment over --config over the corridor's [load] over the
 * scene's [load] over default: a corridor was calibrated at its load. Conditions of scene,
 * corridor,
 * --config, environment and command line add up, in this order. */

enum { CONFIG_PATH_BYTES = 1024, CONFIG_NAME_BYTES = 64, KEYS_MAX = 64, INFLIGHT_MAX = 65536 };
enum { CALIBRATION_TEXT_BYTES = 96 };

enum load_mode { LOAD_NODE, LOAD_TOTAL };
enum send_mode { SEND_STANDARD, SEND_SYNCHRONOUS };
enum bind_mode { BIND_NONE, BIND_KEEP };

/* What --calibrate wrote beside the limits; shown and stored, never used. Empty: not calibrated. */
struct calibration_note {
    char nodes[CALIBRATION_TEXT_BYTES];
    char samples[CALIBRATION_TEXT_BYTES];
    char quantile[CALIBRATION_TEXT_BYTES];
    char spread[CALIBRATION_TEXT_BYTES];
    char factor[CALIBRATION_TEXT_BYTES];
    char idle[CALIBRATION_TEXT_BYTES];
    char link_class[CALIBRATION_TEXT_BYTES];
    char load[CALIBRATION_TEXT_BYTES];
};

/* Where the corridor file says what depends on the system, which may be chosen elsewhere; 0:
 * nowhere. */
struct corridor_lines {
    int watch;
    int limit[CONTEXT_COUNT];
};

/* Holds no pointers: node 0 broadcasts it whole. */
struct config {
    char system[CONFIG_NAME_BYTES];
    char corridor_file[CONFIG_PATH_BYTES]; /* "": built-in */
    char config_file[CONFIG_PATH_BYTES];
    char calibrate_file[CONFIG_PATH_BYTES]; /* "": an ordinary run */
    double calibrate_quantile;
    double calibrate_factor;
    uint32_t calibrate_samples; /* of delay and of gap, at least */
    double load_factor;
    double duration_s;
    double warmup_s;
    double rate_per_s;
    int load; /* enum load_mode */
    uint32_t keys;
    int arrivals; /* enum arrivals */
    uint32_t seed;
    uint32_t repetition;
    double heartbeat_ms;
    double leader_timeout_ms;
    double round_ms;
    double deadline_us; /* into the round */
    int idle;           /* enum idle_mode */
    double idle_us;
    uint32_t expect_nodes;              /* how many ranks must have come; 0: as many as come */
    uint32_t per_host;                  /* ranks on each host, as declared; 0: as they are placed */
    uint32_t groups;                    /* nodes per isolated group; 0: all nodes are one system */
    char scene[CONFIG_PATH_BYTES];      /* its name, without directory and .ini */
    char scene_file[CONFIG_PATH_BYTES]; /* "": bare, which needs none */
    char scene_description[ASSUMPTION_BYTES];
    struct perturbation perturbation;
    int bind; /* enum bind_mode */
    bool yield;
    bool observe;
    bool trace;
    double trace_max_mib;
    bool same_clock;   /* take clocks that are proven to be one as one */
    double sync_gap_s; /* between the two synchronisations before the window */
    double patience_s; /* outside the window, for other nodes */
    uint32_t inflight;
    int send;                       /* enum send_mode */
    char output[CONFIG_PATH_BYTES]; /* "": named after system and node count */
    char spool[CONFIG_PATH_BYTES];  /* "": beside the output */
    bool keep_spool;
    char json[CONFIG_PATH_BYTES]; /* "-": stdout */
    bool force;
    bool quiet;
    bool dry_run;
    bool clock_check; /* the clocks alone, instead of a run */
    bool simulated;   /* no option: time and network are a simulator's */
    struct corridor corridor;
    struct corridor_lines corridor_lines;
    struct calibration_note calibration;
};

/* What the command line asks for instead of a run. */
enum config_request {
    REQUEST_RUN,
    REQUEST_HELP,
    REQUEST_VERSION,
    REQUEST_LIST_SYSTEMS,
    REQUEST_LIST_PERTURBATIONS,
};

/* Read defaults, scene, corridor file, --config, environment and command line, in this order of
 * growing weight, and check all of it. Prints nothing. False after filling in `failure`: 64 for an
 * option, 65 for a file or a value in one, with file and line. */
bool config_read(struct config *config, int argc, char **argv, char **environment,
                 enum config_request *request, struct failure *failure);

/* Writes per second of each of the `nodes` nodes that form one system. */
double config_node_rate_per_s(const struct config *config, uint32_t nodes);

void config_print_help(FILE *out);
void config_print_systems(FILE *out);
void config_print_perturbations(FILE *out);

/* One resolved option or limit, for run file and printing. */
struct config_value {
    const char *group; /* "/config", "/config/corridor" or "/config/perturb" */
    const char *key;
    bool is_number;
    bool must_be_equal; /* stands in the canonical text */
    double number;
    char text[ASSUMPTION_BYTES];
};
enum { CONFIG_VALUES_MAX = 128 };
/* Fill `values` (at least CONFIG_VALUES_MAX) and return how many. */
size_t config_values(const struct config *config, struct config_value *values);

/* Whether the option of that key may stand in the [load] section of a corridor. */
bool config_is_load(const char *key);

enum { CONDITION_TEXT_BYTES = 320 };
/* A condition in the words of perturb.h: the same words for the same condition. */
void condition_text(const struct condition *condition, char text[CONDITION_TEXT_BYTES]);

enum { CANONICAL_TEXT_BYTES = 24576 };
/* Sorted key=value lines, doubles as %.17g, of all that must be equal between runs that are
 * compared; corridor keys as corridor.KEY, conditions as perturb.KEY, with program version and
 * ranks per host (placement.h), and the line simulated=yes for a run under a simulator. */
void config_canonical_text(const struct config *config, const char *ranks_per_host,
                           char text[CANONICAL_TEXT_BYTES]);

#endif
