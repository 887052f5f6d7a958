/* The story of one run: configure, synchronise clocks, observe, drain, record. */

#include "calibrate.h"
#include "clock/clock.h"
#include "mpi_check.h"
#include "net/net_mpi.h"
#include "observe/trace.h"
#include "record/recorder.h"
#include "report.h"
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMAND_BYTES = 4096, NAMES_MAX = 100000 };
/* The spool never takes more than this; what exceeds it is counted as lost. */
static const uint64_t BADGES_MAX = 262144;

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
    if (!config_read(&outcome->config, argc, argv, environ, &outcome->request, &outcome->failure))
        return;
    (void)setenv("OMPI_MCA_mpi_yield_when_idle", outcome->config.yield ? "1" : "0", 1);
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
    else
        printf("mpidrift %s (%s)\n", MPIDRIFT_VERSION, MPIDRIFT_COMMIT);
    return true;
}

static void check_world(const struct world *world, const struct config *config,
                        struct failure *failure)
{
    if (world->ranks < 2)
        (void)failure_set(failure, EXIT_TOO_FEW_NODES,
                          "at least two nodes are needed, this is one: mpirun -np 2 mpidrift");
    else if (config->groups > 0 && world->ranks % config->groups != 0)
        (void)failure_set(failure, EXIT_BAD_USAGE,
                          "--groups %u does not divide %u nodes into groups of equal size",
                          config->groups, world->ranks);
}

/* ---- where the result goes ---- */

static void find_free_name(const struct config *config, uint32_t nodes, char *path, size_t size)
{
    (void)snprintf(path, size, "mpidrift-%s-np%u.h5", config->system, nodes);
    for (int i = 2; i < NAMES_MAX && access(path, F_OK) == 0; i++)
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

/* This node's observer, spool and, unless --trace off, trace. With --observe off they exist and see
 * nothing, so that both ways take the same memory. */
struct watch {
    const struct world *world;
    const struct config *config;
    const struct system_ops *ops;
    struct observer *observer;
    struct spool *spool;
    struct trace *trace; /* NULL: off */
};

/* At most one badge per two observations of a context, so this holds all badges of a run whose
 * messages come at the declared rates, up to BADGES_MAX. */
static uint64_t badges_max(const struct world *world, const struct config *config)
{
    double per_peer_s = config->rate_per_s + 1e3 / config->heartbeat_ms + 1e3 / config->round_ms;
    double messages = per_peer_s * config->duration_s * (world->nodes - 1);
    return (uint64_t)fmin((double)BADGES_MAX, 1024 + messages * CONTEXT_COUNT / 2);
}

/* Events that each rank's trace makes room for; all ranks have the same load. Calibration traces
 * nothing. */
static uint64_t trace_capacity_of(const struct config *config, uint32_t ranks)
{
    uint32_t nodes = config->groups > 0 ? config->groups : ranks;
    struct trace_load load = {.writes_per_s = config_node_rate_per_s(config, nodes),
                              .duration_s = config->duration_s,
                              .nodes = nodes,
                              .ranks = ranks,
                              .max_mib = config->trace_max_mib};
    bool traced = config->trace && config->calibrate_file[0] == '\0';
    return traced ? trace_capacity(&load) : 0;
}

static bool open_trace(struct watch *watch, struct failure *failure)
{
    const struct world *world = watch->world;
    struct trace_setup setup = {world->rank, world->first_rank,
                                trace_capacity_of(watch->config, world->ranks)};
    if (watch->config->trace)
        watch->trace = trace_create(&setup, failure);
    return watch->trace != NULL || !watch->config->trace;
}

static bool watch_prepare(void *self, const double *pair_uncertainty_s, bool clock_suspect,
                          struct failure *failure)
{
    struct watch *watch = self;
    const struct world *world = watch->world;
    struct spool_setup spool = {world->rank, badges_max(world, watch->config)};
    watch->spool = spool_open(&spool, failure);
    if (watch->spool == NULL)
        return false;
    struct observer_setup setup = {
        .node = world->rank,
        .first_rank = world->first_rank,
        .self = world->self,
        .nodes = world->nodes,
        .corridor = &watch->config->corridor,
        .pair_uncertainty_s = pair_uncertainty_s,
        .clock_suspect = clock_suspect,
        .windows = record_windows(watch->config->duration_s),
        .sink = spool_sink(watch->spool),
    };
    for (uint32_t c = 0; c < CONTEXT_COUNT; c++)
        setup.contexts[c] = watch->ops->contexts >> c & 1;
    watch->observer = observer_create(&setup, failure);
    return watch->observer != NULL && open_trace(watch, failure);
}

static void watch_window(void *self, struct local_time start, struct local_time begin,
                         struct local_time end)
{
    struct watch *watch = self;
    observer_set_window(watch->observer, start, begin, end);
    if (watch->trace != NULL)
        trace_set_window(watch->trace, begin, end);
}

static struct boundary watch_boundary(void *self)
{
    struct watch *watch = self;
    if (!watch->config->observe)
        return (struct boundary){boundary_ignore, NULL};
    struct boundary observed = observer_boundary(watch->observer);
    return watch->trace != NULL ? trace_boundary(watch->trace, observed) : observed;
}

static void watch_finish(void *self)
{
    struct watch *watch = self;
    if (watch->config->observe)
        observer_finish(watch->observer);
}

/* ---- one run ---- */

struct run {
    const struct world *world;
    const struct config *config;
    struct machine machine;
    char path[CONFIG_PATH_BYTES + 32];
    char command_line[COMMAND_BYTES];
    char mpi_library[128];
    char start_time_utc[32];
    int yield_when_idle;
};

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
        if (fflush(stdout) != 0)
            (void)failure_set(&failure, EXIT_WRITE_FAILED, "cannot write to stdout: %s",
                              strerror(errno));
    }
    return world_agree(run->world, &failure);
}

static enum exit_code observe_and_record(struct run *run)
{
    const struct config *config = run->config;
    struct watch watch = {run->world, config, system_find(config->system), NULL, NULL, NULL};
    struct pass_setup setup = {
        .world = run->world,
        .config = config,
        .duration_s = config->duration_s,
        .rate_per_s = config_node_rate_per_s(config, run->world->nodes),
        .watcher = {watch_prepare, watch_window, watch_boundary, watch_finish, &watch},
    };
    struct pass pass;
    struct run_summary summary;
    machine_time_utc(run->start_time_utc);
    enum exit_code code = pass_run(&pass, &setup);
    if (code == EXIT_DONE) {
        struct record_setup record = {.world = run->world,
                                      .config = config,
                                      .pass = &pass,
                                      .machine = &run->machine,
                                      .observer = watch.observer,
                                      .spool = watch.spool,
                                      .trace = watch.trace,
                                      .ops = watch.ops,
                                      .path = run->path,
                                      .command_line = run->command_line,
                                      .start_time_utc = run->start_time_utc,
                                      .mpi_library = run->mpi_library,
                                      .yield_when_idle = run->yield_when_idle};
        code = record_run(&record, &summary);
    }
    if (code == EXIT_DONE)
        code = print_and_agree(run, &summary);
    pass_close(&pass);
    observer_free(watch.observer);
    spool_close(watch.spool);
    trace_free(watch.trace);
    return code;
}

/* Collective, whatever else may have failed. */
static void check_memory(const struct world *world, const struct config *config,
                         struct failure *failure)
{
    uint64_t bytes = trace_bytes(trace_capacity_of(config, world->ranks));
    double on_host = (double)bytes * world_ranks_on_host(world);
    (void)trace_memory_suffices(on_host, machine_free_bytes(), failure);
}

/* What can be said before the clock runs: names, places, options, memory. */
static enum exit_code prepare(struct run *run)
{
    const struct config *config = run->config;
    struct failure failure = {0};
    check_world(run->world, config, &failure);
    check_memory(run->world, config, &failure);
    if (run->world->rank == 0) {
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
               (!json_file || can_write(config->json, &failure)));
    }
    return world_agree(run->world, &failure);
}

static enum exit_code carry_out(struct world *world, const struct config *config, int argc,
                                char **argv)
{
    struct run run = {.world = world, .config = config};
    enum exit_code code = prepare(&run);
    if (code != EXIT_DONE)
        return code;
    if (config->dry_run) {
        if (world->rank == 0)
            report_options(config, world->ranks,
                           trace_bytes(trace_capacity_of(config, world->ranks)));
        return EXIT_DONE;
    }
    world_split(world, config->groups);
    run.machine = machine_look(config->bind == BIND_NONE);
    run.yield_when_idle = net_mpi_yield_when_idle();
    if (config->calibrate_file[0] != '\0')
        return calibrate(world, config);
    net_mpi_library(run.mpi_library, sizeof run.mpi_library);
    join_command_line(argc, argv, run.command_line);
    struct report report = {config, run.path, run.mpi_library, &run.machine, run.yield_when_idle};
    if (world->rank == 0 && !config->quiet && strcmp(config->json, "-") != 0)
        report_start(&report, world->ranks);
    return observe_and_record(&run);
}

int main(int argc, char **argv)
{
    static struct outcome outcome;
    read_options(&outcome, argc, argv);
    MPI_CHECK(MPI_Init(&argc, &argv));
    struct world world = world_open();
    struct build_mark own = build_mark_own();
    struct failure odd = {0}, failure = {0};
    (void)world_is_uniform(&world, &own, &odd);
    enum exit_code code = world_agree(&world, &odd);
    if (code == EXIT_DONE) {
        world_share(&world, &outcome, sizeof outcome);
        if (world.rank == 0)
            failure = outcome.failure;
        code = world_agree(&world, &failure);
    }
    if (code == EXIT_DONE && !is_answered(&world, outcome.request))
        code = carry_out(&world, &outcome.config, argc, argv);
    world_close(&world);
    MPI_CHECK(MPI_Finalize());
    return (int)code;
}
