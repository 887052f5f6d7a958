/* The story of one run: configure, synchronise clocks, observe, drain, record. */

#include "calibrate.h"
#include "clock/clock.h"
#include "clock/sync.h"
#include "clock_check.h"
#include "mpi_check.h"
#include "mpi_library.h"
#include "net/net_mpi.h"
#include "patience.h"
#include "placement.h"
#include "record/recorder.h"
#include "record/spool_directory.h"
#include "report.h"
#include "signals.h"
#include "watch.h"
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const double PATIENCE_S = 60;
enum { COMMAND_BYTES = 4096, NAMES_MAX = 100000 };

/* ---- configure ---- */

/* What node 0 understood; the others go by it. */
struct outcome {
    enum config_request request;
    struct failure failure;
    struct config config;
};

/* Options are read before MPI_Init, because one of them must stand in the environment by then. */
static void read_options(struct outcome *outcome, int argc, char **argv)
{
    bool read =
        config_read(&outcome->config, argc, argv, environ, &outcome->request, &outcome->failure);
    if (!read || outcome->request != REQUEST_RUN)
        outcome->config.patience_s = PATIENCE_S; /* nobody told */
    if (!read)
        return;
    mpi_library_ask_yield(outcome->config.yield);
}

static bool is_answered(const struct world *world, enum config_request request)
{
    if (request == REQUEST_RUN)
        return false;
    if (world->rank != 0)
        return true;
    if (request == REQUEST_HELP)
        config_print_help(stdout);
    else if (request == REQUEST_LIST_SYSTEMS)
        config_print_systems(stdout);
    else if (request == REQUEST_LIST_PERTURBATIONS)
        config_print_perturbations(stdout);
    else
        printf("mpidrift %s (%s)\n", MPIDRIFT_VERSION, MPIDRIFT_COMMIT);
    return true;
}

static void check_world(const struct world *world, const struct config *config, const char *library,
                        struct failure *failure)
{
    uint32_t launched = mpi_library_launched_ranks(), rank = mpi_library_launched_rank();
    if (world->ranks == 1 && launched > 1 && rank != UINT32_MAX && rank > 0)
        (void)failure_set(failure, EXIT_TOO_FEW_NODES, "%s", ""); /* rank 0 speaks for all */
    else if (world->ranks == 1 && launched > 1)
        (void)failure_set(failure, EXIT_TOO_FEW_NODES,
                          "the launcher started %u processes, but each is alone: it belongs to "
                          "another MPI library than this program, or Slurm speaks another "
                          "language; use the mpirun of %s, or srun --mpi=pmix",
                          launched, library);
    else if (world->ranks < 2)
        (void)failure_set(failure, EXIT_TOO_FEW_NODES,
                          "at least two nodes are needed, this is one: mpirun -np 2 mpidrift");
    else if (config->expect_nodes > 0 && world->ranks != config->expect_nodes)
        (void)failure_set(failure, EXIT_BAD_USAGE,
                          "%u nodes were expected (--expect-nodes), but the launcher started %u",
                          config->expect_nodes, world->ranks);
    else if (config->groups > 0 && world->ranks % config->groups != 0)
        (void)failure_set(failure, EXIT_BAD_USAGE,
                          "--groups %u does not divide %u nodes into groups of equal size",
                          config->groups, world->ranks);
}

/* ---- where the result goes ---- */

/* Neither a run file nor the spools of a run that did not come to its file. */
static bool is_free(const char *path)
{
    char directory[SPOOL_PATH_BYTES];
    spool_directory_beside(path, directory);
    return access(path, F_OK) != 0 && !spool_directory_is_used(directory);
}

static void find_free_name(const struct config *config, uint32_t nodes, char *path, size_t size)
{
    (void)snprintf(path, size, "mpidrift-%s-np%u.h5", config->system, nodes);
    for (int i = 2; i < NAMES_MAX && !is_free(path); i++)
        (void)snprintf(path, size, "mpidrift-%s-np%u-%d.h5", config->system, nodes, i);
}

/* Whether a file of that name can be written; it is not kept if it was not there before. */
static bool can_write(const char *path, struct failure *failure)
{
    bool exists = access(path, F_OK) == 0;
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    if (file < 0)
        return failure_set(failure, EXIT_CANNOT_CREATE, "cannot create %s: %s", path,
                           strerror(errno));
    (void)close(file);
    if (!exists)
        (void)unlink(path);
    return true;
}

/* Before anything is observed: may the file be there, can it be created? It will be put in place by
 * renaming, which would take the place of a device, too. */
static bool check_place(const char *path, bool force, const char *option, struct failure *failure)
{
    char part[CONFIG_PATH_BYTES + 64];
    struct stat status;
    bool exists = stat(path, &status) == 0;
    if (exists && !S_ISREG(status.st_mode))
        return failure_set(failure, EXIT_CANNOT_CREATE, "%s exists and is no regular file", path);
    if (exists && !force)
        return failure_set(failure, EXIT_CANNOT_CREATE,
                           "%s exists; name another file with --%s or add --force", path, option);
    (void)snprintf(part, sizeof part, "%s.part", path);
    return can_write(part, failure);
}

/* It is written as it comes, so it may go to a device, too. */
static bool check_json_place(const char *path, bool force, struct failure *failure)
{
    struct stat status;
    if (!force && stat(path, &status) == 0 && S_ISREG(status.st_mode))
        return failure_set(failure, EXIT_CANNOT_CREATE,
                           "%s exists; name another file with --json=FILE or add --force", path);
    return can_write(path, failure);
}

static void join_command_line(int argc, char **argv, char text[COMMAND_BYTES])
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < argc && used < COMMAND_BYTES - 1; i++) {
        int added = snprintf(text + used, COMMAND_BYTES - used, "%s%s", i > 0 ? " " : "", argv[i]);
        used += added > 0 ? (size_t)added : 0;
    }
}

/* ---- observe ---- */

/* One run, as every node knows it. */
struct run {
    const struct world *world;
    const struct config *config;
    const struct run_facts *facts;
    struct machine machine;
    struct placement placement;        /* on node 0 */
    char path[CONFIG_PATH_BYTES + 32]; /* of the run file */
    char spool_directory[SPOOL_PATH_BYTES];
    char command_line[COMMAND_BYTES];
    char mpi_library[128];
    int yield_when_idle;
};

static void flush_stdout(struct failure *failure)
{
    if (fflush(stdout) != 0)
        (void)failure_set(failure, EXIT_WRITE_FAILED, "cannot write to stdout: %s",
                          strerror(errno));
}

/* Collective: is what node 0 printed written? */
static enum exit_code finish_stdout(const struct world *world)
{
    struct failure failure = {0};
    if (world->rank == 0)
        flush_stdout(&failure);
    patience_begin("come to the end", 1, 0);
    return world_agree(world, &failure);
}

static enum exit_code print_and_agree(const struct run *run, const struct run_summary *summary)
{
    struct failure failure = {0};
    struct report report = {run->config, run->path, run->mpi_library, &run->machine,
                            run->yield_when_idle};
    if (run->world->rank == 0) {
        bool json = run->config->json[0] != '\0';
        if (!run->config->quiet)
            report_warnings(&report, summary);
        if (!run->config->quiet && strcmp(run->config->json, "-") != 0)
            report_summary(&report, summary);
        if (json)
            (void)report_json(&report, summary, &failure);
        flush_stdout(&failure);
    }
    return world_agree(run->world, &failure);
}

/* The folder is made by node 0, so that one speaks for all when it is in use. */
static enum exit_code prepare_spools(struct run *run)
{
    struct failure failure = {0};
    const struct config *config = run->config;
    world_share(run->world, run->path, sizeof run->path);
    spool_directory_beside(run->path, run->spool_directory);
    if (config->spool[0] != '\0')
        (void)snprintf(run->spool_directory, sizeof run->spool_directory, "%s", config->spool);
    if (run->world->rank == 0)
        (void)spool_directory_make(run->spool_directory, config->force, &failure);
    return world_agree(run->world, &failure);
}

/* Spools go when nothing needs them: the run file is there, or nothing was observed. Otherwise node
 * 0 says what they are good for. */
static void leave_spools(const struct run *run, bool observed, bool are_needed)
{
    char path[SPOOL_PATH_BYTES];
    bool keeps = are_needed || (observed && run->config->keep_spool);
    if (are_needed && run->world->rank == 0)
        (void)fprintf(stderr, "mpidrift: %s\n", signals_rescue_sentence());
    signals_clear_rescue();
    patience_begin("end the run", 1, 0);
    spool_path(run->spool_directory, run->world->rank, path);
    if (!keeps)
        (void)unlink(path);
    sleeping_barrier(run->world->comm);
    spool_directory_leave(run->spool_directory);
}

static enum exit_code record(struct watch *watch, const struct pass *pass,
                             struct run_summary *summary)
{
    struct node_view view = watch_conclude(watch, pass);
    struct record_setup setup = {.world = watch->setup.world,
                                 .view = &view,
                                 .pass = pass,
                                 .ops = system_find(watch->setup.config->system),
                                 .path = watch->setup.run_path};
    return record_run(&setup, summary);
}

static void tell_clocks(const void *teller, const struct pass_clocks *clocks)
{
    const struct run *run = teller;
    struct report report = {run->config, run->path, run->mpi_library, &run->machine,
                            run->yield_when_idle};
    if (!run->config->quiet)
        report_clocks(&report, &clocks->pairs);
}

static enum exit_code observe_and_record(struct run *run)
{
    const struct config *config = run->config;
    struct watch watch = {
        .setup = {run->world, config, run->facts, &run->machine, run->spool_directory, run->path}};
    struct pass_setup setup = {
        .world = run->world,
        .config = config,
        .duration_s = config->duration_s,
        .rate_per_s = config_node_rate_per_s(config, run->world->nodes),
        .watcher = watch_watcher(&watch),
        .stop = signals_stop(),
        .tell_clocks = tell_clocks,
        .teller = run,
    };
    struct pass pass;
    struct run_summary summary;
    enum exit_code code = pass_run(&pass, &setup);
    bool observed = code == EXIT_DONE;
    if (observed)
        code = record(&watch, &pass, &summary);
    leave_spools(run, observed, observed && code != EXIT_DONE);
    if (code == EXIT_DONE)
        code = print_and_agree(run, &summary);
    pass_close(&pass);
    watch_close(&watch);
    return code;
}

static enum exit_code head_and_run(struct run *run)
{
    static struct run_facts facts;
    struct run_setup setup = {
        .world = run->world,
        .config = run->config,
        .machine = &run->machine,
        .placement = &run->placement,
        .ops = system_find(run->config->system),
        .trace_capacity = watch_trace_capacity(run->config, run->world->ranks),
        .command_line = run->command_line,
        .mpi_library = run->mpi_library,
        .yield_when_idle = run->yield_when_idle,
    };
    record_prepare(&setup, &facts);
    run->facts = &facts;
    enum exit_code code = prepare_spools(run);
    return code == EXIT_DONE ? observe_and_record(run) : code;
}

/* Collective, whatever else may have failed. */
static void check_memory(const struct world *world, const struct config *config,
                         struct failure *failure)
{
    uint64_t bytes = trace_bytes(watch_trace_capacity(config, world->ranks));
    double on_host = (double)bytes * world_ranks_on_host(world);
    (void)trace_memory_suffices(on_host, machine_free_bytes(), failure);
}

/* What can be said before the clock runs: names, places, options, memory. */
static enum exit_code prepare(struct run *run)
{
    const struct config *config = run->config;
    struct failure failure = {0};
    check_world(run->world, config, run->mpi_library, &failure);
    check_memory(run->world, config, &failure);
    if (run->world->rank == 0 && !config->clock_check) {
        bool calibrates = config->calibrate_file[0] != '\0';
        bool named = calibrates || config->output[0] != '\0';
        const char *given = calibrates ? config->calibrate_file : config->output;
        if (named)
            (void)snprintf(run->path, sizeof run->path, "%s", given);
        else
            find_free_name(config, run->world->ranks, run->path, sizeof run->path);
        bool json_file = config->json[0] != '\0' && strcmp(config->json, "-") != 0;
        (void)(failure.code == EXIT_DONE &&
               check_place(run->path, config->force, calibrates ? "calibrate" : "output",
                           &failure) &&
               (!json_file || check_json_place(config->json, config->force, &failure)));
    }
    return world_agree(run->world, &failure);
}

/* What was looked at is the machine that simulates; each simulated host has one core. */
static void simulate_machine(struct machine *machine)
{
    mpi_library_host(machine->host, sizeof machine->host);
    (void)snprintf(machine->binding, sizeof machine->binding, "simulated");
    (void)snprintf(machine->topology, sizeof machine->topology, "simulated host");
    machine->cores = 1;
}

/* Are the ranks where --per-host says? */
static enum exit_code place(struct run *run)
{
    struct failure failure = {0};
    enum exit_code code = placement_find(run->world, &run->machine, &run->placement);
    if (code == EXIT_DONE && run->world->rank == 0)
        (void)placement_check(&run->placement, run->config->per_host, run->world->ranks, &failure);
    return code == EXIT_DONE ? world_agree(run->world, &failure) : code;
}

static enum exit_code carry_out(struct world *world, const struct config *config, int argc,
                                char **argv)
{
    struct run run = {.world = world, .config = config};
    mpi_library_name(run.mpi_library, sizeof run.mpi_library);
    enum exit_code code = prepare(&run);
    if (code != EXIT_DONE)
        return code;
    if (config->dry_run) {
        if (world->rank == 0)
            report_options(config, world->ranks,
                           trace_bytes(watch_trace_capacity(config, world->ranks)));
        return EXIT_DONE;
    }
    world_split(world, config->groups);
    run.machine = machine_look(config->bind == BIND_NONE);
    if (config->simulated)
        simulate_machine(&run.machine);
    run.yield_when_idle = mpi_library_yield_when_idle();
    if (config->clock_check) {
        clock_check(world, config, &run.machine);
        return finish_stdout(world);
    }
    code = place(&run);
    if (code != EXIT_DONE || config->calibrate_file[0] != '\0')
        return code == EXIT_DONE ? calibrate(world, config) : code;
    join_command_line(argc, argv, run.command_line);
    struct report report = {config, run.path, run.mpi_library, &run.machine, run.yield_when_idle};
    if (world->rank == 0 && !config->quiet && strcmp(config->json, "-") != 0)
        report_start(&report, world->ranks);
    return head_and_run(&run);
}

int main(int argc, char **argv)
{
    static struct outcome outcome;
    read_options(&outcome, argc, argv);
    signals_block();
    patience_begin_init(outcome.config.patience_s);
    MPI_CHECK(MPI_Init(&argc, &argv));
    signals_take();
    patience_open(outcome.config.patience_s);
    patience_begin("agree on the options", 1, 0);
    struct world world = world_open();
    struct build_mark own = build_mark_own();
    struct failure odd = {0}, failure = {0};
    (void)world_is_uniform(&world, &own, &odd);
    enum exit_code code = world_agree(&world, &odd);
    if (code == EXIT_DONE) {
        world_share(&world, &outcome, sizeof outcome);
        if (world.rank == 0)
            failure = outcome.failure;
        outcome.config.simulated = mpi_library_is_simulated();
        code = world_agree(&world, &failure);
        patience_open(outcome.config.patience_s);
    }
    patience_begin("prepare the run", 1, 0);
    if (code == EXIT_DONE && !is_answered(&world, outcome.request))
        code = carry_out(&world, &outcome.config, argc, argv);
    patience_begin("come to the end", 1, 0);
    sleeping_barrier(world.comm);
    patience_end();
    world_close(&world);
    MPI_CHECK(MPI_Finalize());
    return (int)code;
}
