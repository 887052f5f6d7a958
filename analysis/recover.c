#include "analysis/closed_pipe.h"
#include "analysis/recovery/recovery.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

/* mpidrift-recover: makes a run file of the spools of a run that did not come to its end. */

struct options {
    const char *directory;
    const char *output;
    bool force;
    bool done; /* --help or --version was answered */
};

static const char help[] =
    "usage: mpidrift-recover SPOOL_DIR -o RUN.h5\n"
    "\n"
    "Makes a run file of what the nodes of a run left in their spools, when the run was\n"
    "killed or could not write its file. Spools may be missing or cut: it says which, each\n"
    "node's watched time ends where its spool ends, and the file is marked as incomplete.\n"
    "The spools stay as they are.\n"
    "\n"
    "  -o, --output FILE   the run file\n"
    "  --force             replace a file of that name\n"
    "  --help, --version\n"
    "\n"
    "Exit code: 0 done, 64 usage, 65 spools that cannot be used, 73 or 74 a file that\n"
    "cannot be written.\n";

/* `written`: the option as it stands on the command line. */
static bool take_option(struct options *options, int option, const char *written,
                        struct failure *failure)
{
    switch (option) {
    case 'o':
        options->output = optarg;
        return true;
    case 'f':
        options->force = true;
        return true;
    case 'h':
        (void)fputs(help, stdout);
        options->done = true;
        return true;
    case 'v':
        (void)puts("mpidrift-recover " MPIDRIFT_VERSION);
        options->done = true;
        return true;
    default:
        return failure_set(failure, EXIT_BAD_USAGE,
                           "option '%s' is unknown or has a wrong argument; see "
                           "mpidrift-recover --help",
                           written);
    }
}

static bool read_options(int argc, char **argv, struct options *options, struct failure *failure)
{
    static const struct option table[] = {
        {"output", required_argument, NULL, 'o'},
        {"force", no_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    for (;;) {
        int at = optind;
        int option = getopt_long(argc, argv, "o:", table, NULL);
        if (option == -1)
            break;
        if (!take_option(options, option, argv[at], failure))
            return false;
        if (options->done)
            return true;
    }
    if (optind + 1 != argc || options->output == NULL)
        return failure_set(failure, EXIT_BAD_USAGE,
                           "one folder and one file are wanted; usage: mpidrift-recover SPOOL_DIR "
                           "-o RUN.h5");
    options->directory = argv[optind];
    if (!options->force && access(options->output, F_OK) == 0)
        return failure_set(failure, EXIT_CANNOT_CREATE,
                           "%s exists; name another file or add --force", options->output);
    return true;
}

/* ---- what was found ---- */

static void warn_of_node(const struct recovery *recovery, uint32_t node)
{
    const struct node_remains *remains = &recovery->nodes[node];
    char name[NODE_NAME_BYTES];
    node_name(node, name);
    if (remains->path == NULL)
        (void)fprintf(stderr, "mpidrift-recover: %s: no spool; what it observed is missing\n",
                      name);
    else if (!remains->is_finished)
        (void)fprintf(stderr, "mpidrift-recover: %s: ended after %.3f of %g s%s\n", name,
                      remains->row.watched_s, recovery->run.duration_s,
                      remains->is_sealed
                          ? ""
                          : "; it was killed, so its counts and its trace have no checksum");
    if (remains->missing > 0)
        (void)fprintf(stderr,
                      "mpidrift-recover: %s: its spool is cut, %" PRIu64 " places are missing\n",
                      name, remains->missing);
    if (remains->torn > 0)
        (void)fprintf(stderr,
                      "mpidrift-recover: %s: %" PRIu64 " records are not whole and left out\n",
                      name, remains->torn);
}

static void warn(const struct recovery *recovery)
{
    for (size_t i = 0; i < recovery->left_out_count; i++)
        (void)fprintf(stderr, "mpidrift-recover: %s\n", recovery->left_out[i]);
    for (uint32_t node = 0; node < recovery->run.nodes; node++)
        warn_of_node(recovery, node);
    if (recovery->run.has_tables)
        (void)fprintf(stderr, "mpidrift-recover: what the system keeps besides its badges is in no "
                              "spool: /system stays empty\n");
}

static void print_result(const struct recovery *recovery, const char *path)
{
    uint64_t badges = 0, lost = 0;
    double watched_s = 0;
    for (uint32_t node = 0; node < recovery->run.nodes; node++) {
        badges += recovery->nodes[node].row.badges;
        lost += recovery->nodes[node].row.badges_lost;
        watched_s += recovery->nodes[node].row.watched_s;
    }
    (void)printf("run: %s\nnodes: %u\nnodes_recovered: %u\nbadges: %" PRIu64
                 "\nbadges_lost: %" PRIu64 "\nwatched_node_s: %.6g\ncomplete: %s\nfile: %s\n",
                 recovery->run.run_id, recovery->run.nodes, recovery->spools, badges, lost,
                 watched_s, recovery_is_complete(recovery) ? "yes" : "no", path);
}

int main(int argc, char **argv)
{
    static struct recovery recovery;
    struct options options = {NULL, NULL, false, false};
    struct failure failure = {EXIT_DONE, ""};
    end_quietly_on_closed_pipe();
    (void)signal(SIGXFSZ, SIG_IGN); /* the write that grows too large says so itself */
    if (read_options(argc, argv, &options, &failure) && !options.done) {
        if (recovery_read(&recovery, options.directory, &failure)) {
            warn(&recovery);
            if (recovery_write(&recovery, options.output, &failure))
                print_result(&recovery, options.output);
        }
        recovery_free(&recovery);
    }
    if (failure.code == EXIT_DONE && fflush(stdout) != 0)
        (void)failure_set(&failure, EXIT_WRITE_FAILED, "writing to standard output failed");
    if (failure.code != EXIT_DONE)
        (void)fprintf(stderr, "mpidrift-recover: %s\n", failure.text);
    return failure.code;
}
