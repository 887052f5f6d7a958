#include "pass.h"

#include "clock/sync.h"
#include "mpi_check.h"
#include "net/net_mpi.h"
#include "net/perturb.h"
#include "observe/observer.h"
#include "patience.h"
#include "splitmix.h"
#include "world.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdlib.h>

/* T0 must reach every node before its activity begins. */
static const double LEAD_S = 0.02, LEAD_PER_RANK_S = 0.0005;
/* What has not arrived so long after all have told how much they sent will not. */
static const double DRAIN_MAX_S = 10;

static bool prepare_nothing(void *self, const double *pair_uncertainty_s, bool clock_suspect,
                            struct failure *failure)
{
    (void)self, (void)pair_uncertainty_s, (void)clock_suspect, (void)failure;
    return true;
}
static void window_of_nothing(void *self, const struct pass *pass)
{
    (void)self, (void)pass;
}
static struct boundary boundary_of_nothing(void *self)
{
    return (struct boundary){boundary_ignore, self};
}
static void finish_nothing(void *self)
{
    (void)self;
}
const struct watcher watcher_none = {prepare_nothing, window_of_nothing, boundary_of_nothing,
                                     finish_nothing, NULL};

/* All that one node needs during the activity. */
struct node {
    const struct pass_setup *setup;
    struct clock_source clock;
    struct clock_source loop_clock; /* the engine's: it stands still where declared */
    struct net_mpi *net;
    struct perturb *perturb; /* NULL: nothing is declared */
    struct mailbox mailbox;
    struct boundary boundary;
    gsl_rng *schedule;
    gsl_rng *choice;
    gsl_rng *phase;
    struct engine engine;
};

/* ---- random numbers ---- */

enum purpose { PURPOSE_SCHEDULE = 1, PURPOSE_CHOICE = 2, PURPOSE_PHASE = 3, PURPOSE_PERTURB = 4 };

static uint64_t seed_of(const struct config *config, uint32_t rank, enum purpose purpose)
{
    uint64_t run = splitmix(splitmix(config->seed) ^ config->repetition);
    return splitmix(splitmix(run ^ rank) ^ (uint64_t)purpose);
}

static gsl_rng *random_stream(const struct node *node, enum purpose purpose)
{
    gsl_rng *stream = gsl_rng_alloc(gsl_rng_mt19937);
    if (stream == NULL)
        return NULL;
    uint64_t seed = seed_of(node->setup->config, node->setup->world->rank, purpose);
    gsl_rng_set(stream, seed & 0xffffffff);
    return stream;
}

/* ---- before ---- */

/* MPI, what is declared to be between, and the mailbox. */
static bool open_network(struct node *node, struct failure *failure)
{
    const struct world *world = node->setup->world;
    const struct config *config = node->setup->config;
    struct net_mpi_setup net = {world->group, config->inflight, config->send == SEND_SYNCHRONOUS};
    node->net = net_mpi_open(&net, failure);
    if (node->net == NULL ||
        !mailbox_open(&node->mailbox, &net_mpi_ops, node->net, world->self, world->nodes, failure))
        return false;
    if (config->perturbation.count == 0)
        return true;
    struct perturb_setup perturb = {
        .perturbation = &config->perturbation,
        .mailbox = &node->mailbox,
        .clock = node->clock,
        .sleeper = clock_mpi(IDLE_SLEEP),
        .seed = seed_of(config, world->first_rank, PURPOSE_PERTURB),
        .held_per_link_max = config->inflight,
        .stop = node->setup->stop,
    };
    node->perturb = perturb_open(&perturb, failure);
    return node->perturb != NULL;
}

static bool node_open(struct node *node, struct failure *failure)
{
    node->schedule = random_stream(node, PURPOSE_SCHEDULE);
    node->choice = random_stream(node, PURPOSE_CHOICE);
    node->phase = random_stream(node, PURPOSE_PHASE);
    if (!node->schedule || !node->choice || !node->phase)
        return failure_set(failure, EXIT_INTERNAL, "no memory for random numbers");
    return open_network(node, failure);
}

static void node_close(struct node *node)
{
    mailbox_close(&node->mailbox);
    perturb_close(node->perturb);
    if (node->net != NULL)
        net_mpi_close(node->net);
    gsl_rng *streams[] = {node->schedule, node->choice, node->phase};
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++)
        if (streams[i] != NULL)
            gsl_rng_free(streams[i]);
}

/* Until the plan is agreed on, nobody knows when exactly the window will end. */
static struct global_time expected_end(const struct pass *pass, const struct node *node)
{
    struct global_time now =
        clock_to_global(&pass->clocks.model, node->clock.now(node->clock.self));
    double lead_s = LEAD_S + LEAD_PER_RANK_S * node->setup->world->ranks;
    return global_after(now, lead_s + node->setup->config->warmup_s + node->setup->duration_s);
}

static bool prepare_watcher(struct pass *pass, const struct node *node, struct failure *failure)
{
    const struct pass_setup *setup = node->setup;
    struct pass_clocks *clocks = &pass->clocks;
    pass_clocks_weigh(clocks, expected_end(pass, node));
    pass_clocks_sum_up(clocks);
    if (setup->world->rank == 0 && setup->tell_clocks != NULL)
        setup->tell_clocks(setup->teller, clocks);
    return setup->watcher.prepare(setup->watcher.self, clocks->pair_uncertainty_s,
                                  clocks->model.contradicted, failure);
}

/* Node 0 names the moment; everybody meets it on the own clock. No barrier: ranks leave one up to
 * milliseconds apart. */
static void agree_on_plan(struct pass *pass, const struct node *node)
{
    const struct world *world = node->setup->world;
    struct global_time now =
        clock_to_global(&pass->clocks.model, node->clock.now(node->clock.self));
    double lead_s = LEAD_S + LEAD_PER_RANK_S * world->ranks;
    pass->plan.start = global_after(now, lead_s);
    world_share(world, &pass->plan.start, sizeof pass->plan.start);
    pass->plan.begin = global_after(pass->plan.start, node->setup->config->warmup_s);
    pass->plan.end = global_after(pass->plan.begin, node->setup->duration_s);
    pass->begin = clock_to_local(&pass->clocks.model, pass->plan.begin);
    pass->end = clock_to_local(&pass->clocks.model, pass->plan.end);
    pass->begin_utc_s =
        machine_utc_s() + local_elapsed_s(node->clock.now(node->clock.self), pass->begin);
    pass_clocks_weigh(&pass->clocks, pass->plan.end);
}

static void begin_perturbation(const struct pass *pass, struct node *node)
{
    node->loop_clock = node->clock;
    if (node->perturb == NULL)
        return;
    perturb_begin(node->perturb, &pass->clocks.model, pass->plan.begin, pass->plan.end);
    node->loop_clock = perturb_clock(node->perturb);
}

static bool create_system(struct pass *pass, struct node *node, struct failure *failure)
{
    const struct config *config = node->setup->config;
    struct system_setup setup = {
        .mailbox = &node->mailbox,
        .boundary = &node->boundary,
        .schedule = node->schedule,
        .choice = node->choice,
        .rate_per_s = node->setup->rate_per_s,
        .arrivals = (enum arrivals)config->arrivals,
        .keys = config->keys,
        .leader_timeout_s = config->leader_timeout_ms * 1e-3,
        .round_s = config->round_ms * 1e-3,
        .deadline_s = config->deadline_us * 1e-6,
        .start = clock_to_local(&pass->clocks.model, pass->plan.start),
        .begin = pass->begin,
        .end = pass->end,
    };
    pass->system = pass->ops->create(&setup);
    return pass->system != NULL || failure_set(failure, EXIT_INTERNAL, "no memory for the system");
}

static void prepare_engine(const struct pass *pass, struct node *node)
{
    const struct config *config = node->setup->config;
    double heartbeat_s = config->heartbeat_ms * 1e-3;
    struct engine_setup setup = {
        .clock = &node->loop_clock,
        .model = &pass->clocks.model,
        .mailbox = &node->mailbox,
        .boundary = &node->boundary,
        .ops = pass->ops,
        .system = pass->system,
        .plan = pass->plan,
        .heartbeat_s = heartbeat_s,
        .heartbeat_phase_s = gsl_rng_uniform(node->phase) * heartbeat_s,
        .idle_s = config->idle == IDLE_SLEEP ? config->idle_us * 1e-6 : 0,
        .stop = node->setup->stop,
    };
    if (node->perturb != NULL)
        setup.view = perturb_view(node->perturb);
    engine_init(&node->engine, &setup);
}

/* ---- the activity ---- */

static void run_activity(struct pass *pass, struct node *node)
{
    struct local_time start = clock_to_local(&pass->clocks.model, pass->plan.start);
    pass->late_start_s = fmax(0, local_elapsed_s(start, node->clock.now(node->clock.self)));
    struct machine_usage before = machine_usage();
    engine_run(&node->engine);
    struct machine_usage after = machine_usage();
    pass->plan.end = node->engine.setup.plan.end;
    pass->end = node->engine.end;
    pass->usage.cpu_s = after.cpu_s - before.cpu_s;
    pass->usage.involuntary_switches = after.involuntary_switches - before.involuntary_switches;
}

/* A node that was told to end early may have to wait for the others to come to the planned end. */
static double still_planned_s(const struct pass *pass, const struct node *node)
{
    struct local_time planned = local_after(pass->begin, node->setup->duration_s);
    double rest_s = local_elapsed_s(node->clock.now(node->clock.self), planned);
    return fmax(0, rest_s);
}

static void drain(struct pass *pass, struct node *node)
{
    const struct clock_source *clock = &node->clock;
    const struct local_time begin = clock->now(clock->self);
    struct local_time deadline = {HUGE_VAL};
    net_mpi_announce(node->net, &node->mailbox);
    patience_begin("say how much it sent", 1, still_planned_s(pass, node));
    while (!net_mpi_is_drained(node->net, &node->mailbox)) {
        struct local_time now = clock->now(clock->self);
        if (now.s >= deadline.s)
            break;
        patience_look();
        if (net_mpi_is_announced(node->net) && isinf(deadline.s)) {
            deadline = local_after(now, DRAIN_MAX_S);
            patience_end(); /* from here on it waits for no node, and has that limit */
        }
        engine_drain(&node->engine);
        clock->wait(clock->self, local_after(now, node->setup->config->idle_us * 1e-6));
    }
    pass->drain_wall_s = local_elapsed_s(begin, clock->now(clock->self));
    pass->in_flight = net_mpi_in_flight(node->net, &node->mailbox);
    pass->links = mailbox_totals(&node->mailbox);
    pass->links_wrong = net_mpi_links_wrong(node->net, &node->mailbox);
    if (pass->ops->digest != NULL)
        pass->state_digest = pass->ops->digest(pass->system);
}

static enum exit_code run_prepared(struct pass *pass, struct node *node)
{
    const struct world *world = node->setup->world;
    const struct watcher *watcher = &node->setup->watcher;
    struct failure failure = {0};
    pass_clocks_before(&pass->clocks);
    patience_begin("prepare the window", 1, 0);
    (void)prepare_watcher(pass, node, &failure);
    enum exit_code code = world_agree(world, &failure);
    if (code != EXIT_DONE)
        return code;
    node->boundary = watcher->boundary(watcher->self);
    agree_on_plan(pass, node);
    begin_perturbation(pass, node);
    watcher->window(watcher->self, pass);
    if (!create_system(pass, node, &failure))
        MPI_CHECK(MPI_ERR_NO_MEM); /* too late to agree: the others are already waiting for T0 */
    prepare_engine(pass, node);
    patience_end();
    run_activity(pass, node);
    drain(pass, node);
    watcher->finish(watcher->self);
    patience_begin("end the drain", 1, 0);
    sleeping_barrier(world->comm);
    pass_clocks_after(&pass->clocks);
    return EXIT_DONE;
}

enum exit_code pass_run(struct pass *pass, const struct pass_setup *setup)
{
    struct node node = {.setup = setup};
    struct failure failure = {0};
    *pass =
        (struct pass){.ops = setup->ops != NULL ? setup->ops : system_find(setup->config->system)};
    node.clock = clock_mpi((enum idle_mode)setup->config->idle);
    struct local_time begin = node.clock.now(node.clock.self);
    pass_clocks_open(&pass->clocks, setup->world, setup->config);
    (void)gsl_set_error_handler_off(); /* we check what GSL returns */
    patience_begin("open the network", 1, 0);
    (void)node_open(&node, &failure);
    enum exit_code code = world_agree(setup->world, &failure);
    pass->open_wall_s = local_elapsed_s(begin, node.clock.now(node.clock.self));
    if (code == EXIT_DONE)
        code = run_prepared(pass, &node);
    patience_begin("close the network", 1, 0);
    node_close(&node);
    return code;
}

size_t pass_peer_bytes(void)
{
    return sizeof(struct link) + net_mpi_peer_bytes() + pass_clocks_peer_bytes() +
           observer_peer_bytes();
}

void pass_close(struct pass *pass)
{
    if (pass->system != NULL)
        pass->ops->destroy(pass->system);
    pass->system = NULL;
    pass_clocks_close(&pass->clocks);
}
