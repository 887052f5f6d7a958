#include "analysis/chrome_trace.h"
#include "analysis/closed_pipe.h"
#include "record/run_file.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* mpidrift-badges: prints the badges of one run, those of each node in the order of emission. */

enum { BADGES_AT_A_TIME = 4096 };

enum badge_format { FORMAT_LAB, FORMAT_FULL, FORMAT_CSV, FORMAT_CHROME_TRACE, FORMAT_COUNT };
static const char *const format_names[FORMAT_COUNT] = {"lab", "full", "csv", "chrome-trace"};

struct options {
    const char *path;
    const char *node;
    const char *context;
    double from_s;
    double to_s;
    uint64_t limit;
    enum badge_format format;
    bool done; /* --help or --version was answered */
};

struct filter {
    bool one_node;
    uint32_t node;
    enum context context; /* CONTEXT_COUNT: all */
};

static const char help[] =
    "usage: mpidrift-badges [options] RUN.h5\n"
    "\n"
    "  --node NAME      only badges of that node: node_A, or its rank\n"
    "  --context NAME   only badges of that context\n"
    "  --from S         only badges from that time on, in seconds of the window\n"
    "  --to S           only badges before that time\n"
    "  --limit K        at most K badges\n"
    "  --format FORM    lab (default): the lab's five lines; full: all that was\n"
    "                   measured; csv; chrome-trace: JSON for https://ui.perfetto.dev,\n"
    "                   nodes as tracks, episodes as slices, messages as arrows (left out\n"
    "                   with --node or --context)\n"
    "  --help, --version\n"
    "\n"
    "Exit code: 0 done, with badges or without; 64 usage; 65 a file that cannot be used;\n"
    "74 a result that cannot be written.\n";

/* ---- options ---- */

static bool read_seconds(const char *text, const char *name, double *seconds,
                         struct failure *failure)
{
    char *end = NULL;
    *seconds = strtod(text, &end);
    if (end == text || *end != '\0' || isnan(*seconds))
        return failure_set(failure, EXIT_BAD_USAGE, "%s wants seconds, not '%s'", name, text);
    return true;
}

static bool read_limit(const char *text, uint64_t *limit, struct failure *failure)
{
    char *end = NULL;
    errno = 0;
    *limit = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return failure_set(failure, EXIT_BAD_USAGE, "--limit wants a number, not '%s'", text);
    return true;
}

static bool read_format(const char *text, enum badge_format *format, struct failure *failure)
{
    for (enum badge_format f = 0; f < FORMAT_COUNT; f++)
        if (strcmp(format_names[f], text) == 0) {
            *format = f;
            return true;
        }
    return failure_set(failure, EXIT_BAD_USAGE,
                       "--format '%s' is none of: lab, full, csv, chrome-trace", text);
}

/* `written`: the option as it stands on the command line. */
static bool take_option(struct options *options, int option, const char *written,
                        struct failure *failure)
{
    switch (option) {
    case 'n':
        options->node = optarg;
        return true;
    case 'c':
        options->context = optarg;
        return true;
    case 'f':
        return read_seconds(optarg, "--from", &options->from_s, failure);
    case 't':
        return read_seconds(optarg, "--to", &options->to_s, failure);
    case 'l':
        return read_limit(optarg, &options->limit, failure);
    case 'o':
        return read_format(optarg, &options->format, failure);
    case 'h':
        (void)fputs(help, stdout);
        options->done = true;
        return true;
    case 'v':
        (void)puts("mpidrift-badges " MPIDRIFT_VERSION);
        options->done = true;
        return true;
    default:
        return failure_set(failure, EXIT_BAD_USAGE,
                           "option '%s' is unknown or has a wrong argument; see "
                           "mpidrift-badges --help",
                           written);
    }
}

static bool read_options(int argc, char **argv, struct options *options, struct failure *failure)
{
    static const struct option table[] = {
        {"node", required_argument, NULL, 'n'},
        {"context", required_argument, NULL, 'c'},
        {"from", required_argument, NULL, 'f'},
        {"to", required_argument, NULL, 't'},
        {"limit", required_argument, NULL, 'l'},
        {"format", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    for (;;) {
        int at = optind;
        int option = getopt_long(argc, argv, "", table, NULL);
        if (option == -1)
            break;
        if (!take_option(options, option, argv[at], failure))
            return false;
        if (options->done)
            return true;
    }
    if (optind + 1 != argc)
        return failure_set(failure, EXIT_BAD_USAGE,
                           "one run file is wanted; usage: mpidrift-badges [options] RUN.h5");
    if (options->from_s > options->to_s)
        return failure_set(failure, EXIT_BAD_USAGE, "--from %g lies after --to %g", options->from_s,
                           options->to_s);
    options->path = argv[optind];
    return true;
}

/* ---- filters ---- */

static bool find_node(const struct options *options, struct run_reader *reader,
                      struct filter *filter, struct failure *failure)
{
    if (options->node == NULL)
        return true;
    long node = node_from_name(options->node);
    if (node >= 0 && node < (long)run_reader_nodes(reader)) {
        filter->one_node = true;
        filter->node = (uint32_t)node;
        return true;
    }
    char last[NODE_NAME_BYTES];
    node_name(run_reader_nodes(reader) - 1, last);
    return failure_set(failure, EXIT_BAD_USAGE,
                       "there is no node '%s' in %s: its %u nodes are node_A to %s", options->node,
                       options->path, run_reader_nodes(reader), last);
}

/* Only the contexts of this run's system are valid. */
static bool find_context(const struct options *options, struct run_reader *reader,
                         struct filter *filter, struct failure *failure)
{
    char names[320] = "";
    size_t used = 0;
    if (options->context == NULL)
        return true;
    const uint32_t *contexts = run_reader_contexts(reader);
    for (uint32_t i = 0; i < run_reader_context_count(reader); i++) {
        if (contexts[i] >= CONTEXT_COUNT)
            continue;
        const char *name = context_table[contexts[i]].name;
        if (strcmp(name, options->context) == 0) {
            filter->context = (enum context)contexts[i];
            return true;
        }
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, " %s", name);
    }
    return failure_set(failure, EXIT_BAD_USAGE, "there is no context '%s' in %s; it has:%s",
                       options->context, options->path, names);
}

static bool passes(const struct options *options, const struct filter *filter,
                   const struct badge *badge)
{
    return (filter->context == CONTEXT_COUNT || badge->context == (uint16_t)filter->context) &&
           badge->time_s >= options->from_s && badge->time_s < options->to_s;
}

/* ---- printing ---- */

static const char csv_header[] =
    "node,peer,context,boundary,type,timestamp_us,time_s,global_s,uncertainty_s,end_s,observed,"
    "limit,peak,own_stall_s,key,version_known,version_received,sequence,flags,run\r\n";

/* Empty where there is no number. */
static void print_csv_number(double number)
{
    if (isfinite(number))
        (void)printf(",%.17g", number);
    else
        (void)printf(",");
}

static void print_csv_badge(const struct badge *badge, const char *run)
{
    char node[NODE_NAME_BYTES], peer[NODE_NAME_BYTES], flags[96];
    node_name(badge->node, node);
    node_name(badge->peer, peer);
    badge_flags_text(badge->flags, ' ', flags);
    (void)printf("%s,%s,%s,%s,COHERENCE_DRIFT,%lld", node, peer,
                 badge->context < CONTEXT_COUNT ? context_table[badge->context].name : "unknown",
                 boundary_name((enum boundary_kind)badge->boundary), badge_timestamp_us(badge));
    const double numbers[] = {badge->time_s, badge->global_s,   badge->uncertainty_s,
                              badge->end_s,  badge->observed,   badge->limit,
                              badge->peak,   badge->own_stall_s};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        print_csv_number(numbers[i]);
    (void)printf(",%d,%llu,%llu,%llu,%s,%s\r\n", badge->key,
                 (unsigned long long)badge->version_known,
                 (unsigned long long)badge->version_received, (unsigned long long)badge->sequence,
                 flags, run);
}

static void print_badge(const struct options *options, struct run_reader *reader,
                        const struct badge *badge, bool first)
{
    const char *run = run_reader_text(reader, "/", "run_id");
    if (options->format == FORMAT_CSV) {
        print_csv_badge(badge, run);
        return;
    }
    if (!first)
        (void)putchar('\n');
    if (options->format == FORMAT_LAB)
        badge_print_lab(stdout, badge);
    else
        badge_print_full(stdout, badge, run_reader_text(reader, "/config", "system"), run);
}

/* Print what passes among [first, end); counts up `printed`, stops at the limit. */
static bool print_range(const struct options *options, struct run_reader *reader,
                        const struct filter *filter, uint64_t first, uint64_t end,
                        uint64_t *printed, struct failure *failure)
{
    struct badge *rows = calloc(BADGES_AT_A_TIME, sizeof *rows);
    if (rows == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory for badges");
    bool done = true;
    while (done && first < end && *printed < options->limit && !ferror(stdout)) {
        size_t count = end - first < BADGES_AT_A_TIME ? (size_t)(end - first) : BADGES_AT_A_TIME;
        done = run_reader_badges(reader, first, count, rows, failure);
        for (size_t i = 0; done && i < count && *printed < options->limit; i++)
            if (passes(options, filter, &rows[i]))
                print_badge(options, reader, &rows[i], (*printed)++ == 0);
        first += count;
    }
    free(rows);
    return done;
}

/* Node-seconds that were watched where the filter looks. */
static double watched_s(const struct options *options, const struct filter *filter,
                        struct run_reader *reader)
{
    const struct run_node *rows = run_reader_node_rows(reader);
    double sum_s = 0;
    for (uint32_t i = 0; i < run_reader_nodes(reader); i++)
        if (!filter->one_node || filter->node == i)
            sum_s += fmax(0, fmin(options->to_s, rows[i].watched_s) - fmax(options->from_s, 0));
    return sum_s;
}

/* ---- for Perfetto ---- */

struct choice {
    const struct options *options;
    const struct filter *filter;
};

static bool is_chosen(const void *self, const struct badge *badge)
{
    const struct choice *choice = self;
    return passes(choice->options, choice->filter, badge);
}

static bool print_chrome_trace(const struct options *options, struct run_reader *reader,
                               const struct filter *filter, struct failure *failure)
{
    struct choice choice = {options, filter};
    struct chrome_setup setup = {is_chosen,
                                 &choice,
                                 options->from_s,
                                 options->to_s,
                                 options->limit,
                                 filter->one_node ? filter->node : 0,
                                 filter->one_node ? filter->node + 1 : run_reader_nodes(reader),
                                 !filter->one_node && filter->context == CONTEXT_COUNT};
    struct chrome_left_out left_out;
    if (!chrome_trace_print(stdout, reader, &setup, &left_out, failure))
        return false;
    if (left_out.episodes > 0 && options->limit == UINT64_MAX)
        (void)fprintf(stderr,
                      "mpidrift-badges: %llu episodes are left out; --limit, --from and "
                      "--to choose others\n",
                      (unsigned long long)left_out.episodes);
    if (left_out.messages_from_s < options->to_s)
        (void)fprintf(stderr,
                      "mpidrift-badges: messages from %.6f s on are left out: more than %d "
                      "would slow the viewer down\n",
                      left_out.messages_from_s, CHROME_MESSAGES_MAX);
    return true;
}

static bool print_run(const struct options *options, struct run_reader *reader,
                      struct failure *failure)
{
    struct filter filter = {false, 0, CONTEXT_COUNT};
    if (!find_node(options, reader, &filter, failure) ||
        !find_context(options, reader, &filter, failure))
        return false;
    if (options->format == FORMAT_CHROME_TRACE)
        return print_chrome_trace(options, reader, &filter, failure);
    uint64_t first = 0, end = run_reader_badge_count(reader), printed = 0;
    if (filter.one_node) {
        first = run_reader_node_rows(reader)[filter.node].badges_first;
        end = first + run_reader_node_rows(reader)[filter.node].badges;
    }
    if (options->format == FORMAT_CSV)
        (void)fputs(csv_header, stdout);
    if (!print_range(options, reader, &filter, first, end, &printed, failure))
        return false;
    if (printed == 0 && options->limit > 0 && options->format != FORMAT_CSV)
        (void)printf("# no badge in %g node-seconds\n", watched_s(options, &filter, reader));
    return true;
}

static bool end_output(struct failure *failure)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return failure_set(failure, EXIT_WRITE_FAILED, "writing to standard output failed");
}

int main(int argc, char **argv)
{
    struct options options = {.from_s = -(double)INFINITY,
                              .to_s = (double)INFINITY,
                              .limit = UINT64_MAX,
                              .format = FORMAT_LAB};
    struct failure failure = {EXIT_DONE, ""};
    end_quietly_on_closed_pipe();
    if (read_options(argc, argv, &options, &failure) && !options.done) {
        struct run_reader *reader = run_reader_open(options.path, &failure);
        if (reader != NULL) {
            (void)(print_run(&options, reader, &failure) && end_output(&failure));
            run_reader_close(reader);
        }
    }
    if (failure.code != EXIT_DONE)
        (void)fprintf(stderr, "mpidrift-badges: %s\n", failure.text);
    return failure.code;
}
