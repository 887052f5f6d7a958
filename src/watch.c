#include "watch.h"

#include "record/spool_directory.h"
#include "signals.h"
#include "world.h"

#include <math.h>

/* The spool never takes more than this; what exceeds it is counted as lost. */
static const uint64_t BADGES_MAX = 262144;

/* At most one badge per two observations of a context, so this holds all badges of a run whose
 * messages come at the declared rates, up to BADGES_MAX. */
static uint64_t badges_max(const struct watch_setup *setup)
{
    const struct world *world = setup->world;
    const struct config *config = setup->config;
    if (setup->badges_max > 0)
        return setup->badges_max;
    double per_peer_s = config->rate_per_s + 1e3 / config->heartbeat_ms + 1e3 / config->round_ms;
    double messages = per_peer_s * config->duration_s * (world->nodes - 1);
    return (uint64_t)fmin((double)BADGES_MAX, 1024 + messages * CONTEXT_COUNT / 2);
}

uint64_t watch_trace_capacity(const struct config *config, uint32_t ranks)
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

/* ---- before ---- */

static bool open_spool(struct watch *watch, const struct observer_setup *observer,
                       struct failure *failure)
{
    const struct watch_setup *setup = &watch->setup;
    char path[SPOOL_PATH_BYTES];
    spool_path(setup->spool_directory, setup->world->rank, path);
    struct spool_setup spool = {
        .node = setup->world->rank,
        .badges_max = badges_max(setup),
        .path = path,
        .nodes = setup->world->ranks,
        .text = setup->run,
        .text_bytes = run_facts_bytes(setup->run),
        .facts_bytes = sizeof watch->facts,
        .state_bytes = state_bytes(setup->run, observer),
    };
    if (!spool_directory_enter(setup->spool_directory, failure))
        return false;
    watch->spool = spool_open(&spool, failure);
    if (watch->spool != NULL)
        signals_set_rescue(watch->spool, setup->spool_directory, setup->run_path);
    return watch->spool != NULL;
}

static bool open_trace(struct watch *watch, const struct observer_setup *observer,
                       struct failure *failure)
{
    const struct watch_setup *setup = &watch->setup;
    struct trace_setup trace = {
        .node = setup->world->rank,
        .first_rank = setup->world->first_rank,
        .capacity = setup->run->trace_capacity,
        .block = state_of_trace(spool_state(watch->spool), observer),
    };
    if (setup->run->has_trace)
        watch->trace = trace_create(&trace, failure);
    return watch->trace != NULL || !setup->run->has_trace;
}

static bool prepare(void *self, const double *pair_uncertainty_s, bool clock_suspect,
                    struct failure *failure)
{
    struct watch *watch = self;
    const struct world *world = watch->setup.world;
    struct observer_setup observer = {
        .node = world->rank,
        .first_rank = world->first_rank,
        .self = world->self,
        .nodes = world->nodes,
        .corridor = &watch->setup.config->corridor,
        .pair_uncertainty_s = pair_uncertainty_s,
        .clock_suspect = clock_suspect,
        .windows = watch->setup.run->windows,
    };
    for (uint32_t c = 0; c < CONTEXT_COUNT; c++)
        observer.contexts[c] = watch->setup.run->contexts >> c & 1;
    if (!open_spool(watch, &observer, failure))
        return false;
    observer.sink = spool_sink(watch->spool);
    observer.block = spool_state(watch->spool);
    watch->observer = observer_create(&observer, failure);
    return watch->observer != NULL && open_trace(watch, &observer, failure);
}

/* ---- during ---- */

static void window(void *self, const struct pass *pass)
{
    struct watch *watch = self;
    const struct world *world = watch->setup.world;
    struct node_identity identity = {world->rank, world->group_number, watch->setup.machine};
    observer_set_uncertainty(watch->observer, pass->clocks.pair_uncertainty_s);
    observer_set_window(watch->observer, clock_to_local(&pass->clocks.model, pass->plan.start),
                        pass->begin, pass->end);
    if (watch->trace != NULL)
        trace_set_window(watch->trace, pass->begin, pass->end);
    watch->facts = node_facts_planned(&identity, pass);
    spool_put_facts(watch->spool, SPOOL_PLANNED, &watch->facts);
}

static struct boundary boundary(void *self)
{
    struct watch *watch = self;
    if (!watch->setup.config->observe)
        return (struct boundary){boundary_ignore, NULL};
    struct boundary observed = observer_boundary(watch->observer);
    return watch->trace != NULL ? trace_boundary(watch->trace, observed) : observed;
}

static void finish(void *self)
{
    struct watch *watch = self;
    if (watch->setup.config->observe)
        observer_finish(watch->observer);
}

struct watcher watch_watcher(struct watch *watch)
{
    return (struct watcher){prepare, window, boundary, finish, watch};
}

/* ---- after ---- */

struct node_view watch_conclude(struct watch *watch, const struct pass *pass)
{
    watch->facts = node_facts_finished(&watch->facts, pass);
    spool_put_facts(watch->spool, SPOOL_FINISHED, &watch->facts);
    spool_seal(watch->spool);
    return (struct node_view){watch->setup.run, &watch->facts, watch->observer, watch->spool,
                              watch->trace};
}

void watch_close(struct watch *watch)
{
    observer_free(watch->observer);
    trace_free(watch->trace);
    spool_close(watch->spool);
}
