#include "analysis/closed_pipe.h"
#include "analysis/comparison/curve.h"
#include "analysis/comparison/print.h"
#include "half_written.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

/* mpidrift-compare: sets runs at two nodes beside runs at N nodes. */

struct options {
    print_comparison *printer;
    const char *json_file;  /* NULL: stdout */
    struct what_if what_if; /* key NULL: nothing is asked */
    bool force;
    bool done; /* --help or --version was answered */
};

static const char help[] =
    "usage: mpidrift-compare [options] RUN.h5...\n"
    "\n"
    "Compares runs at two nodes with runs at N nodes. Nothing but the node count, the\n"
    "seed and the repetition may differ between them; runs that differ only in --groups\n"
    "or --load are controls and get columns of their own.\n"
    "\n"
    "  --lab           exactly the lab's table: two nodes and the largest N\n"
    "  --markdown      everything as Markdown\n"
    "  --json[=FILE]   everything as JSON, to FILE beside the text or instead of it\n"
    "  --csv           one figure a line\n"
    "  --what-if KEY=VALUE\n"
    "                  which share of the observations another limit would have caught,\n"
    "                  from the histograms: message_delay_max_us, heartbeat_gap_max_ms or\n"
    "                  version_lag_max\n"
    "  --force         compare runs that differ in what must be equal; the differences\n"
    "                  are printed above the table\n"
    "  --help, --version\n"
    "\n"
    "Exit code: 0 done, 64 usage, 65 a file that cannot be used or runs that do not\n"
    "belong together, 73 or 74 a result that cannot be written.\n";

static bool choose(struct options *options, int option, struct failure *failure)
{
    print_comparison *printer = option == 'l'   ? print_lab
                                : option == 'm' ? print_markdown
                                : option == 'c' ? print_csv
                                                : print_json;
    if (options->printer != NULL && options->printer != printer)
        return failure_set(failure, EXIT_BAD_USAGE,
                           "--lab, --markdown, --json and --csv exclude each other");
    options->printer = printer;
    return true;
}

/* `written`: the option as it stands on the command line. */
static bool take_option(struct options *options, int option, const char *written,
                        struct failure *failure)
{
    switch (option) {
    case 'f':
        options->force = true;
        return true;
    case 'w':
        return what_if_read(optarg, &options->what_if, failure);
    case 'j':
        if (optarg == NULL)
            return choose(options, option, failure);
        options->json_file = optarg;
        return true;
    case 'l':
    case 'm':
    case 'c':
        return choose(options, option, failure);
    case 'h':
        (void)fputs(help, stdout);
        options->done = true;
        return true;
    case 'v':
        (void)puts("mpidrift-compare " MPIDRIFT_VERSION);
        options->done = true;
        return true;
    default:
        return failure_set(failure, EXIT_BAD_USAGE,
                           "option '%s' is unknown or has a wrong argument; see "
                           "mpidrift-compare --help",
                           written);
    }
}

static bool read_options(int argc, char **argv, struct options *options, struct failure *failure)
{
    static const struct option table[] = {
        {"force", no_argument, NULL, 'f'},
        {"json", optional_argument, NULL, 'j'},
        {"lab", no_argument, NULL, 'l'},
        {"markdown", no_argument, NULL, 'm'},
        {"what-if", required_argument, NULL, 'w'},
        {"csv", no_argument, NULL, 'c'},
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
    if (optind >= argc)
        return failure_set(failure, EXIT_BAD_USAGE,
                           "no run file was given; usage: mpidrift-compare [options] RUN.h5...");
    return true;
}

static bool write_json_file(const char *path, const struct comparison *comparison,
                            struct failure *failure)
{
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return failure_set(failure, EXIT_CANNOT_CREATE, "cannot create %s: %s", path,
                           strerror(errno));
    bool done = print_json(out, comparison);
    done = fclose(out) == 0 && done;
    if (!done)
        half_written_remove(path);
    return done || failure_set(failure, EXIT_WRITE_FAILED, "writing %s failed", path);
}

static bool print_all(const struct options *options, const struct comparison *comparison,
                      struct failure *failure)
{
    print_comparison *printer = options->printer != NULL ? options->printer : print_text;
    bool shows_differences = printer == print_text || printer == print_markdown;
    for (size_t i = 0; i < comparison->warnings.count; i++)
        (void)fprintf(stderr, "mpidrift-compare: %s\n", comparison->warnings.items[i]);
    for (size_t i = 0; !shows_differences && i < comparison->differences.count; i++)
        (void)fprintf(stderr, "mpidrift-compare: differs: %s\n",
                      comparison->differences.rows[i].text);
    if (options->json_file != NULL && !write_json_file(options->json_file, comparison, failure))
        return false;
    if (!printer(stdout, comparison))
        return failure_set(failure, EXIT_WRITE_FAILED, "writing to standard output failed");
    return true;
}

static bool answer_what_if(const struct options *options, struct comparison *comparison,
                           struct failure *failure)
{
    return options->what_if.key == NULL || what_if_answer(comparison, &options->what_if) ||
           failure_set(failure, EXIT_INTERNAL, "no memory for --what-if");
}

int main(int argc, char **argv)
{
    struct options options = {.printer = NULL};
    struct failure failure = {EXIT_DONE, ""};
    struct comparison comparison = {.runs = NULL};
    end_quietly_on_closed_pipe();
    if (read_options(argc, argv, &options, &failure) && !options.done &&
        comparison_make(&comparison, argv + optind, (size_t)(argc - optind), options.force,
                        &failure) &&
        answer_what_if(&options, &comparison, &failure))
        (void)print_all(&options, &comparison, &failure);
    if (failure.code != EXIT_DONE) {
        (void)fprintf(stderr, "mpidrift-compare: %s\n", failure.text);
        for (size_t i = 0; failure.code == EXIT_BAD_INPUT && i < comparison.differences.count; i++)
            (void)fprintf(stderr, "  %s\n", comparison.differences.rows[i].text);
    }
    comparison_free(&comparison);
    return failure.code;
}
