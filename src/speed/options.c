#include "speed/options.h"

#include "speed/figures.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BADGES_MOST = 10000000 };

static const char help[] =
    "usage: mpirun -np N mpidrift-speed [options]      (N even)\n"
    "\n"
    "What mpidrift costs, measured with its own engine: messages of 64 bytes in windows\n"
    "of 64 from each rank of the first half to one of the second. In turn, several\n"
    "rounds each: a raw loop of persistent sends and receives; the engine, unobserved;\n"
    "observed; observed with trace; observed with a badge on every message. Each figure\n"
    "is a median with its quartiles.\n"
    "\n"
    "  --rounds R       rounds of each loop (9)\n"
    "  --seconds S      length of each loop in each round (0.2)\n"
    "  --parts LIST     of messages, steps, file, phases, quiet (all): messages per\n"
    "                   second; single steps; the run file; start to end of a run of\n"
    "                   1 s; such runs with and without observer\n"
    "  --badges B       in the run file that is timed, of all ranks (1000000)\n"
    "  --yield on|off   mpi_yield_when_idle, as mpidrift sets it (on)\n"
    "  --peer PATH      run osu_mbw_mr, too, once in each of three rounds\n"
    "  --directory DIR  where spools and run files are written, and removed again (.)\n"
    "  --json[=FILE]    as JSON, to FILE beside the text or instead of it\n"
    "  --help, --version\n"
    "\n"
    "ratio_engine_to_raw, ratio_observed_to_raw and ratio_trace_to_observed compare\n"
    "messages per second within a round. badge_commit_ns is one badge into the spool.\n"
    "file_to_bytes_ratio is the time of a gathered and verified run file over that of\n"
    "writing and syncing its bytes.\n"
    "\n"
    "Exit code: 0 done; 64 usage; 70 internal; 73 or 74 a file that cannot be created\n"
    "or written; 75 a number of ranks that is odd or less than two.\n";

void speed_options_help(FILE *out)
{
    (void)fputs(help, out);
}

static bool take_number(double *number, const char *name, double least, double most,
                        struct failure *failure)
{
    char *end = NULL;
    errno = 0;
    *number = strtod(optarg, &end);
    if (errno == 0 && end != optarg && *end == '\0' && *number >= least && *number <= most)
        return true;
    return failure_set(failure, EXIT_BAD_USAGE, "--%s takes a number from %g to %g, not '%s'", name,
                       least, most, optarg);
}

static bool take_count(uint32_t *count, const char *name, double most, struct failure *failure)
{
    double number;
    if (!take_number(&number, name, 1, most, failure))
        return false;
    *count = (uint32_t)number;
    return number == floor(number) ||
           failure_set(failure, EXIT_BAD_USAGE, "--%s takes a whole number, not '%s'", name,
                       optarg);
}

static bool take_text(char text[SPEED_PATH_BYTES], const char *name, struct failure *failure)
{
    if (optarg[0] != '\0' && strlen(optarg) < SPEED_PATH_BYTES) {
        (void)snprintf(text, SPEED_PATH_BYTES, "%s", optarg);
        return true;
    }
    return failure_set(failure, EXIT_BAD_USAGE, "--%s is empty or too long", name);
}

static bool take_yield(bool *yield, struct failure *failure)
{
    *yield = strcmp(optarg, "on") == 0;
    return *yield || strcmp(optarg, "off") == 0 ||
           failure_set(failure, EXIT_BAD_USAGE, "--yield takes on or off, not '%s'", optarg);
}

static bool take_parts(uint32_t *parts, struct failure *failure)
{
    static const struct {
        const char *name;
        uint32_t part;
    } table[] = {{"messages", PART_MESSAGES},
                 {"steps", PART_STEPS},
                 {"file", PART_FILE},
                 {"phases", PART_PHASES},
                 {"quiet", PART_QUIET},
                 {"all", PART_ALL},
                 {NULL, 0}};
    const char *word = optarg;
    for (*parts = 0;;) {
        size_t length = strcspn(word, ","), i = 0;
        while (table[i].name != NULL &&
               (strlen(table[i].name) != length || strncmp(table[i].name, word, length) != 0))
            i++;
        if (table[i].name == NULL)
            return failure_set(
                failure, EXIT_BAD_USAGE,
                "--parts takes a list of messages, steps, file, phases, quiet, not '%s'", optarg);
        *parts |= table[i].part;
        if (word[length] == '\0')
            return true;
        word += length + 1;
    }
}

static bool take_json(char text[SPEED_PATH_BYTES], struct failure *failure)
{
    if (optarg != NULL)
        return take_text(text, "json", failure);
    (void)snprintf(text, SPEED_PATH_BYTES, "-");
    return true;
}

static bool take_option(struct speed_options *options, int option, const char *written,
                        struct failure *failure)
{
    switch (option) {
    case 'r':
        return take_count(&options->rounds, "rounds", FIGURE_SAMPLES_MAX, failure);
    case 's':
        return take_number(&options->seconds, "seconds", 1e-3, 60, failure);
    case 'p':
        return take_parts(&options->parts, failure);
    case 'b':
        return take_count(&options->badges, "badges", BADGES_MOST, failure);
    case 'y':
        return take_yield(&options->yield, failure);
    case 'o':
        return take_text(options->peer, "peer", failure);
    case 'd':
        return take_text(options->directory, "directory", failure);
    case 'j':
        return take_json(options->json, failure);
    case 'h':
        options->request = SPEED_HELP;
        return true;
    case 'v':
        options->request = SPEED_VERSION;
        return true;
    default:
        return failure_set(failure, EXIT_BAD_USAGE,
                           "option '%s' is unknown or has a wrong argument; see "
                           "mpidrift-speed --help",
                           written);
    }
}

bool speed_options_read(struct speed_options *options, int argc, char **argv,
                        struct failure *failure)
{
    static const struct option table[] = {
        {"rounds", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 's'},
        {"parts", required_argument, NULL, 'p'},
        {"badges", required_argument, NULL, 'b'},
        {"yield", required_argument, NULL, 'y'},
        {"peer", required_argument, NULL, 'o'},
        {"directory", required_argument, NULL, 'd'},
        {"json", optional_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    *options = (struct speed_options){.parts = PART_ALL,
                                      .rounds = 9,
                                      .seconds = 0.2,
                                      .badges = 1000000,
                                      .yield = true,
                                      .directory = "."};
    opterr = 0;
    while (options->request == SPEED_RUN) {
        int at = optind;
        int option = getopt_long(argc, argv, "", table, NULL);
        if (option == -1)
            break;
        if (!take_option(options, option, argv[at], failure))
            return false;
    }
    if (options->request == SPEED_RUN && optind < argc)
        return failure_set(failure, EXIT_BAD_USAGE, "'%s' is no option; see mpidrift-speed --help",
                           argv[optind]);
    return true;
}
