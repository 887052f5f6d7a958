#include "fake_run.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const double T0_LEAD_S = 0.25; /* nothing happens before, and clocks are not at zero */
static const double DRAIN_S = 2;      /* longer than every delay that a test plants */
static const double DRAIN_STEP_S = 0.5e-3;
enum { BADGES_PLENTY = 1 << 18 }; /* of all nodes */

static gsl_rng *stream(uint32_t seed, uint32_t node, uint32_t purpose)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    assert(rng != NULL);
    gsl_rng_set(rng, seed * 1000003UL + node * 1009UL + purpose);
    return rng;
}

static void open_observer(struct fake_run *run, uint32_t i)
{
    struct fake_node *node = &run->node[i];
    struct failure failure = {0};
    double pair_uncertainty_s[FAKE_NODES_MAX] = {0};
    uint64_t badges_max = run->setup.badges_max > 0 ? run->setup.badges_max : BADGES_PLENTY;
    struct spool_setup spool = {
        .node = i, .badges_max = run->setup.observe ? badges_max / run->setup.nodes : 1};
    node->spool = spool_open(&spool, &failure);
    struct observer_setup setup = {.node = i,
                                   .self = i,
                                   .nodes = run->setup.nodes,
                                   .corridor = &run->setup.corridor,
                                   .pair_uncertainty_s = pair_uncertainty_s,
                                   .windows = 60,
                                   .sink = spool_sink(node->spool)};
    for (uint32_t c = 0; c < CONTEXT_COUNT; c++)
        setup.contexts[c] = node->ops->contexts >> c & 1;
    node->observer = observer_create(&setup, &failure);
    assert(node->observer != NULL);
    node->boundary = run->setup.observe ? observer_boundary(node->observer)
                                        : (struct boundary){boundary_ignore, NULL};
}

static void open_trace(struct fake_run *run, uint32_t i, struct local_time begin,
                       struct local_time end)
{
    struct fake_node *node = &run->node[i];
    struct failure failure = {0};
    struct trace_setup setup = {.node = i, .capacity = run->setup.trace_capacity};
    if (setup.capacity == 0)
        return;
    node->trace = trace_create(&setup, &failure);
    assert(node->trace != NULL);
    trace_set_window(node->trace, begin, end);
    node->boundary = trace_boundary(node->trace, node->boundary);
}

static void open_network(struct fake_run *run, uint32_t i, const struct run_plan *plan)
{
    const struct fake_run_setup *setup = &run->setup;
    struct fake_node *node = &run->node[i];
    struct failure failure = {0};
    (void)mailbox_open(&node->mailbox, &fake_net_ops, fake_net_port(run->net, i), i, setup->nodes,
                       &failure);
    assert(node->mailbox.links != NULL);
    if (setup->perturbation.count > 0) {
        struct perturb_setup perturb = {
            .perturbation = &setup->perturbation,
            .mailbox = &node->mailbox,
            .clock = node->source,
            .sleeper = node->source,
            .seed = setup->seed,
            .held_per_link_max = setup->held_per_link_max > 0 ? setup->held_per_link_max : 4096};
        node->perturb = perturb_open(&perturb, &failure);
        assert(node->perturb != NULL);
        perturb_begin(node->perturb, &node->model, plan->begin, plan->end);
    }
    fake_net_watch(run->net, i, &node->mailbox);
}

/* A turn that falls into a stall of the node happens when the stall is over. */
static double awake_s(const struct fake_run *run, uint32_t i, double at_s)
{
    const struct fake_node *node = &run->node[i];
    for (size_t k = 0; k < run->setup.stall_count; k++) {
        const struct fake_stall *stall = &run->setup.stalls[k];
        double since_t0_s = at_s - run->t0_s;
        if (stall->node == i && since_t0_s >= stall->from_s && since_t0_s < stall->to_s)
            at_s = run->t0_s + stall->to_s;
    }
    if (node->perturb == NULL)
        return at_s;
    struct local_time due = clock_to_local(&node->model, (struct global_time){at_s});
    struct local_time awake = perturb_awake(node->perturb, due);
    return awake.s > due.s ? clock_to_global(&node->model, awake).s : at_s;
}

static void open_node(struct fake_run *run, uint32_t i, const struct run_plan *plan)
{
    const struct fake_run_setup *setup = &run->setup;
    struct fake_node *node = &run->node[i];
    node->ops = system_find(setup->system != NULL ? setup->system : "replication");
    node->schedule = stream(setup->seed, i, 1);
    node->choice = stream(setup->seed, i, 2);
    gsl_rng *phase = stream(setup->seed, i, 3);
    node->clock =
        (struct fake_clock){&run->time, setup->clock_offset_max_s * gsl_rng_uniform(phase)};
    node->source = fake_clock_source(&node->clock);
    node->model = fake_clock_model(&node->clock);
    open_network(run, i, plan);
    open_observer(run, i);
    struct system_setup system = {.mailbox = &node->mailbox,
                                  .boundary = &node->boundary,
                                  .schedule = node->schedule,
                                  .choice = node->choice,
                                  .rate_per_s = setup->rate_per_s,
                                  .arrivals = ARRIVALS_POISSON,
                                  .keys = setup->keys,
                                  .leader_timeout_s = setup->leader_timeout_s,
                                  .round_s = setup->round_s,
                                  .deadline_s = setup->deadline_s,
                                  .start = clock_to_local(&node->model, plan->start),
                                  .begin = clock_to_local(&node->model, plan->begin),
                                  .end = clock_to_local(&node->model, plan->end)};
    observer_set_window(node->observer, system.start, system.begin, system.end);
    if (setup->watch != NULL)
        node->boundary = setup->watch(setup->watcher, i, system.begin);
    open_trace(run, i, system.begin, system.end);
    node->system = node->ops->create(&system);
    struct engine_setup engine = {.clock = &node->source,
                                  .model = &node->model,
                                  .mailbox = &node->mailbox,
                                  .boundary = &node->boundary,
                                  .ops = node->ops,
                                  .system = node->system,
                                  .plan = *plan,
                                  .heartbeat_s = setup->heartbeat_s,
                                  .heartbeat_phase_s = gsl_rng_uniform(phase) * setup->heartbeat_s,
                                  .idle_s = setup->idle_s,
                                  .stop = &node->stop};
    if (node->perturb != NULL)
        engine.view = perturb_view(node->perturb);
    engine_init(&node->engine, &engine);
    node->wake_s = awake_s(run, i, plan->start.s);
    gsl_rng_free(phase);
}

/* The next action of a node that polls without pause: its engine asks for a turn at once. */
static struct local_time next_action(const struct fake_node *node)
{
    const struct engine *engine = &node->engine;
    struct local_time next = local_earlier(engine->end, engine->heartbeat_due);
    return node->ops->due != NULL ? local_earlier(next, node->ops->due(node->system)) : next;
}

static void turn(struct fake_run *run, uint32_t i)
{
    struct fake_node *node = &run->node[i];
    if (run->setup.stop_s > 0 && i == run->setup.stop_node &&
        run->time.s >= run->t0_s + run->setup.stop_s)
        node->stop = 1;
    struct local_time next = engine_step(&node->engine);
    if (run->setup.idle_s == 0)
        next = next_action(node);
    double next_s = clock_to_global(&node->model, next).s;
    /* A rounding error must not stop time. */
    node->wake_s = awake_s(run, i, fmax(next_s, run->time.s + 1e-9));
    if (engine_finished(&node->engine))
        node->wake_s = HUGE_VAL;
}

static double wake_s(const struct fake_run *run, uint32_t i)
{
    double wake_s = run->node[i].wake_s;
    if (run->setup.idle_s > 0 || isinf(wake_s))
        return wake_s;
    return fmin(wake_s, awake_s(run, i, fake_net_due_s(run->net, i)));
}

static void run_turns(struct fake_run *run)
{
    for (;;) {
        uint32_t next = 0;
        double next_s = wake_s(run, 0);
        for (uint32_t i = 1; i < run->setup.nodes; i++) {
            double other_s = wake_s(run, i);
            if (other_s >= next_s)
                continue;
            next = i;
            next_s = other_s;
        }
        if (isinf(next_s))
            return;
        run->time.s = fmax(run->time.s, next_s);
        turn(run, next);
    }
}

/* Polls again and again; without pause: whenever something is released. */
static void drain(struct fake_run *run)
{
    double end_s = run->time.s + DRAIN_S;
    while (run->time.s < end_s) {
        double next_s = run->setup.idle_s > 0 ? run->time.s + DRAIN_STEP_S : end_s;
        for (uint32_t i = 0; i < run->setup.nodes && run->setup.idle_s == 0; i++)
            next_s = fmin(next_s, fake_net_due_s(run->net, i));
        run->time.s = fmax(run->time.s, next_s);
        for (uint32_t i = 0; i < run->setup.nodes; i++)
            engine_drain(&run->node[i].engine);
    }
}

struct fake_run *fake_run(const struct fake_run_setup *setup)
{
    struct fake_run *run = calloc(1, sizeof *run);
    assert(run != NULL && setup->nodes <= FAKE_NODES_MAX);
    /* The layer's releases wake nobody. */
    assert(setup->idle_s > 0 || setup->perturbation.count == 0);
    run->setup = *setup;
    run->t0_s = T0_LEAD_S + setup->warmup_s;
    struct run_plan plan = {{T0_LEAD_S}, {run->t0_s}, {run->t0_s + setup->duration_s}};
    run->net = fake_net_create(setup->nodes, &run->time, setup->delay, setup->plan, setup->log);
    for (uint32_t i = 0; i < setup->nodes; i++)
        open_node(run, i, &plan);
    run_turns(run);
    drain(run);
    for (uint32_t i = 0; i < setup->nodes && setup->observe; i++)
        observer_finish(run->node[i].observer);
    return run;
}

struct trace_event fake_run_trace(const struct fake_run *run, uint32_t node, uint64_t place)
{
    return trace_read(run->node[node].trace, place, &run->node[node].model,
                      (struct global_time){run->t0_s});
}

void fake_run_free(struct fake_run *run)
{
    for (uint32_t i = 0; i < run->setup.nodes; i++) {
        struct fake_node *node = &run->node[i];
        node->ops->destroy(node->system);
        observer_free(node->observer);
        spool_close(node->spool);
        trace_free(node->trace);
        mailbox_close(&node->mailbox);
        perturb_close(node->perturb);
        gsl_rng_free(node->schedule);
        gsl_rng_free(node->choice);
    }
    fake_net_free(run->net);
    free(run);
}
