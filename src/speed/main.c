/* mpidrift-speed: what mpidrift costs, measured with its own engine. */

#include "speed/speed.h"

#include "clock/sync.h"
#include "half_written.h"
#include "mpi_check.h"
#include "mpi_library.h"
#include "patience.h"
#include "placement.h"
#include "speed/flood.h"
#include "speed/peer.h"
#include "world.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const double PATIENCE_S = 60, PEER_PATIENCE = 5;
enum { PEER_ROUNDS = 3 };

/* What node 0 understood; the others go by it. */
struct outcome {
    struct speed_options options;
    struct failure failure;
};

/* ---- before ---- */

static bool is_answered(const struct world *world, enum speed_request request)
{
    if (request == SPEED_RUN)
        return false;
    if (world->rank == 0 && request == SPEED_HELP)
        speed_options_help(stdout);
    else if (world->rank == 0)
        printf("mpidrift-speed %s (%s)\n", MPIDRIFT_VERSION, MPIDRIFT_COMMIT);
    return true;
}

static void check_place(const char *directory, struct failure *failure)
{
    struct stat status;
    if (stat(directory, &status) != 0)
        (void)failure_set(failure, EXIT_CANNOT_CREATE, "no directory %s: %s", directory,
                          strerror(errno));
    else if (!S_ISDIR(status.st_mode) || access(directory, W_OK) != 0)
        (void)failure_set(failure, EXIT_CANNOT_CREATE, "%s is no directory to write in", directory);
}

static enum exit_code prepare(struct speed *speed)
{
    char *arguments[] = {"mpidrift-speed", NULL}, *variables[] = {NULL};
    enum config_request request;
    struct failure failure = {0};
    const struct speed_options *options = speed->options;
    if (speed->world->ranks < 2 || speed->world->ranks % 2 != 0)
        (void)failure_set(&failure, EXIT_TOO_FEW_NODES,
                          "ranks work in pairs, this is %u: mpirun -np 2 mpidrift-speed",
                          speed->world->ranks);
    else if (speed->world->rank == 0)
        check_place(options->directory, &failure);
    (void)config_read(&speed->config, 1, arguments, variables, &request, &failure);
    enum exit_code code = world_agree(speed->world, &failure);
    if (code != EXIT_DONE)
        return code;
    speed->config.idle = IDLE_SPIN;
    speed->config.trace = false;
    speed->config.yield = options->yield;
    speed->clock = clock_mpi(IDLE_SPIN);
    speed->machine = machine_look(true);
    int process = (int)getpid();
    world_share(speed->world, &process, sizeof process);
    (void)snprintf(speed->run_path, sizeof speed->run_path, "%s/mpidrift-speed-%d.h5",
                   options->directory, process);
    spool_directory_beside(speed->run_path, speed->spool_directory);
    struct placement placement;
    code = placement_find(speed->world, &speed->machine, &placement);
    if (code != EXIT_DONE)
        return code;
    struct run_setup setup = {
        .world = speed->world,
        .config = &speed->config,
        .machine = &speed->machine,
        .placement = &placement,
        .ops = &flood_system,
        .command_line = "mpidrift-speed",
        .mpi_library = "",
        .yield_when_idle = mpi_library_yield_when_idle(),
    };
    record_prepare(&setup, &speed->facts);
    return EXIT_DONE;
}

/* ---- after ---- */

static json_t *as_json(const struct speed *speed)
{
    char library[128];
    const struct speed_options *options = speed->options;
    mpi_library_name(library, sizeof library);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:i, s:b}", "program", "mpidrift-speed",
                  "program_version", MPIDRIFT_VERSION, "git_commit", MPIDRIFT_COMMIT, "mpi_library",
                  library, "topology", speed->machine.topology, "ranks", (int)speed->world->ranks,
                  "rounds", (int)options->rounds, "seconds", options->seconds, "badges",
                  (int)options->badges, "yield", (int)options->yield);
    if (object != NULL && figures_json(object, &speed->figures))
        return object;
    json_decref(object);
    return NULL;
}

static void write_json(const struct speed *speed, struct failure *failure)
{
    const char *path = speed->options->json;
    bool is_file = strcmp(path, "-") != 0;
    FILE *out = is_file ? fopen(path, "w") : stdout;
    if (out == NULL) {
        (void)failure_set(failure, EXIT_CANNOT_CREATE, "cannot create %s: %s", path,
                          strerror(errno));
        return;
    }
    json_t *object = as_json(speed);
    bool done = object != NULL && json_dumpf(object, out, JSON_INDENT(2)) == 0 &&
                fputc('\n', out) != EOF && fflush(out) == 0;
    if (is_file)
        done = fclose(out) == 0 && done;
    json_decref(object);
    if (done)
        return;
    if (is_file)
        half_written_remove(path);
    (void)failure_set(failure, EXIT_WRITE_FAILED, "cannot write %s", is_file ? path : "to stdout");
}

static enum exit_code print(const struct speed *speed)
{
    struct failure failure = {0};
    const char *json = speed->options->json;
    if (speed->world->rank == 0) {
        if (strcmp(json, "-") != 0)
            figures_print(stdout, &speed->figures);
        if (json[0] != '\0')
            write_json(speed, &failure);
        if (fflush(stdout) != 0)
            (void)failure_set(&failure, EXIT_WRITE_FAILED, "cannot write to stdout");
    }
    return world_agree(speed->world, &failure);
}

/* ---- parts ---- */

static enum exit_code run_peer(struct speed *speed)
{
    struct failure failure = {0};
    double per_s[PEER_ROUNDS] = {0}, ratio[PEER_ROUNDS];
    patience_begin("wait for the peer program", PEER_PATIENCE, 0);
    for (int round = 0; speed->world->rank == 0 && round < PEER_ROUNDS; round++) {
        if (failure.code == EXIT_DONE)
            per_s[round] = peer_run(speed->options->peer, speed->world->ranks, &failure);
        ratio[round] = figures_median(&speed->figures, "raw_messages_per_s") / per_s[round];
    }
    if (speed->world->rank == 0 && failure.code == EXIT_DONE) {
        figures_add(&speed->figures, "peer_messages_per_s", per_s, PEER_ROUNDS);
        if (speed->options->parts & PART_MESSAGES)
            figures_add(&speed->figures, "ratio_raw_to_peer", ratio, PEER_ROUNDS);
    }
    return world_agree(speed->world, &failure);
}

static enum exit_code carry_out(const struct world *world, const struct speed_options *options)
{
    static const struct {
        enum speed_part part;
        enum exit_code (*run)(struct speed *speed);
    } parts[] = {{PART_MESSAGES, speed_messages},
                 {PART_STEPS, speed_steps},
                 {PART_FILE, speed_file},
                 {PART_PHASES, speed_phases},
                 {PART_QUIET, speed_quiet}};
    static struct speed speed;
    speed = (struct speed){.world = world, .options = options};
    enum exit_code code = prepare(&speed);
    for (size_t i = 0; code == EXIT_DONE && i < sizeof parts / sizeof parts[0]; i++)
        if (options->parts & parts[i].part)
            code = parts[i].run(&speed);
    if (code == EXIT_DONE && options->peer[0] != '\0')
        code = run_peer(&speed);
    return code == EXIT_DONE ? print(&speed) : code;
}

int main(int argc, char **argv)
{
    static struct outcome outcome;
    (void)speed_options_read(&outcome.options, argc, argv, &outcome.failure);
    mpi_library_ask_yield(outcome.options.yield);
    patience_begin_init(PATIENCE_S);
    MPI_CHECK(MPI_Init(&argc, &argv));
    patience_open(PATIENCE_S);
    patience_begin("agree on the options", 1, 0);
    struct world world = world_open();
    struct failure failure = {0};
    world_share(&world, &outcome, sizeof outcome);
    if (world.rank == 0)
        failure = outcome.failure;
    enum exit_code code = world_agree(&world, &failure);
    if (code == EXIT_DONE && !is_answered(&world, outcome.options.request))
        code = carry_out(&world, &outcome.options);
    patience_begin("come to the end", 1, 0);
    sleeping_barrier(world.comm);
    patience_end();
    world_close(&world);
    MPI_CHECK(MPI_Finalize());
    return (int)code;
}
