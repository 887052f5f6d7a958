#include "analysis/comparison/trace_pass.h"

#include "analysis/comparison/trace_sum.h"

#include <math.h>
#include <stdlib.h>

/* Who listens to one system. */
struct listeners {
    struct awareness_pass *awareness; /* NULL: not judged */
    struct enforcement_pass *enforcement;
    struct backlog_pass *backlog;
};

/* One node's events, read in slabs. */
struct source {
    struct trace_event *slab;
    size_t at;
    size_t count;
    uint64_t next; /* event in the file */
    uint64_t end;
};

struct trace_pass {
    struct trace_pass_setup setup;
    struct failure *failure;
    bool has_failed;
    struct trace_event *rows; /* the slabs of all nodes */
    size_t slab;
    struct source *sources; /* [nodes] */
    uint32_t *heap;         /* nodes with events left, the one with the earliest on top */
    uint32_t heap_count;
    double now_s;
    struct listeners *listeners; /* [systems] */
    struct trace_found found;
};

/* ---- what can be told ---- */

static bool has_versions(const struct trace_pass_setup *setup)
{
    const uint32_t *contexts = run_reader_contexts(setup->reader);
    for (uint32_t c = 0; c < run_reader_context_count(setup->reader); c++)
        if (contexts[c] == CONTEXT_VERSION_LAG_EXCEEDED)
            return true;
    return false;
}

static const char *why_nothing(const struct trace_pass_setup *setup, struct trace_found *found)
{
    const struct run_trace *index = run_reader_trace_index(setup->reader);
    uint64_t events = 0;
    found->horizon_s = setup->window_s;
    for (uint32_t i = 0; i < setup->nodes; i++) {
        events += index[i].events;
        found->horizon_s = fmin(found->horizon_s, index[i].covered_until_s);
    }
    if (!has_versions(setup))
        return "this system keeps no replicas";
    if (events == 0)
        return "no trace";
    return found->horizon_s > 0 ? NULL : "the trace of some node covers nothing";
}

static const char *why_no_awareness(const struct trace_pass_setup *setup)
{
    if (!isfinite(setup->lag_max))
        return "version_lag_max is off";
    return isnan(setup->reaction_s) ? "no message delay was seen" : NULL;
}

/* ---- memory ---- */

static bool listen(struct trace_pass *pass, struct listeners *system)
{
    const struct trace_pass_setup *setup = &pass->setup;
    double horizon_s = pass->found.horizon_s;
    uint32_t nodes = setup->group_nodes;
    bool is_limited = setup->lag_max < UINT32_MAX - 1.0;
    if (pass->found.no_awareness == NULL) {
        system->awareness = awareness_begin(
            &(struct awareness_setup){nodes, setup->keys, setup->lag_max, setup->uncertainty_s,
                                      setup->reaction_s, horizon_s});
        if (system->awareness == NULL)
            return false;
    }
    system->enforcement =
        enforcement_begin(&(struct enforcement_setup){nodes, setup->keys, horizon_s});
    system->backlog = backlog_begin(
        &(struct backlog_setup){nodes, is_limited ? (uint32_t)setup->lag_max : UINT32_MAX - 1,
                                setup->delay_max_s, horizon_s});
    return system->enforcement != NULL && system->backlog != NULL;
}

static bool take_memory(struct trace_pass *pass)
{
    uint32_t nodes = pass->setup.nodes;
    const struct run_trace *index = run_reader_trace_index(pass->setup.reader);
    size_t slab = TRACE_EVENTS_BUFFERED / nodes;
    slab = slab < TRACE_SLAB_MIN ? TRACE_SLAB_MIN : slab > TRACE_SLAB_MAX ? TRACE_SLAB_MAX : slab;
    pass->slab = slab;
    pass->rows = calloc(nodes * slab, sizeof *pass->rows);
    pass->sources = calloc(nodes, sizeof *pass->sources);
    pass->heap = calloc(nodes, sizeof *pass->heap);
    pass->listeners = calloc(pass->found.systems, sizeof *pass->listeners);
    bool done = pass->rows != NULL && pass->sources != NULL && pass->heap != NULL &&
                pass->listeners != NULL;
    for (uint32_t i = 0; done && i < nodes; i++)
        pass->sources[i] = (struct source){.slab = pass->rows + i * slab, .end = index[i].events};
    for (size_t i = 0; done && i < pass->found.systems; i++)
        done = listen(pass, &pass->listeners[i]);
    return done || failure_set(pass->failure, EXIT_INTERNAL, "no memory for the trace of %s",
                               run_reader_path(pass->setup.reader));
}

void trace_pass_free(struct trace_pass *pass)
{
    if (pass == NULL)
        return;
    for (size_t i = 0; pass->listeners != NULL && i < pass->found.systems; i++) {
        awareness_free(pass->listeners[i].awareness);
        enforcement_free(pass->listeners[i].enforcement);
        backlog_pass_free(pass->listeners[i].backlog);
    }
    free(pass->rows);
    free(pass->sources);
    free(pass->heap);
    free(pass->listeners);
    free(pass);
}

/* ---- the merge ---- */

static const struct trace_event *earliest_of(const struct trace_pass *pass, uint32_t node)
{
    return &pass->sources[node].slab[pass->sources[node].at];
}

static bool is_earlier(const struct trace_pass *pass, uint32_t a, uint32_t b)
{
    double a_s = earliest_of(pass, a)->global_s, b_s = earliest_of(pass, b)->global_s;
    return a_s < b_s || (!(a_s > b_s) && a < b);
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(struct trace_pass *pass, uint32_t at)
{
    for (; at > 0 && is_earlier(pass, pass->heap[at], pass->heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&pass->heap[at], &pass->heap[(at - 1) / 2]);
}

static void sift_down(struct trace_pass *pass)
{
    for (uint32_t at = 0;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < pass->heap_count; child++)
            if (is_earlier(pass, pass->heap[child], pass->heap[least]))
                least = child;
        if (least == at)
            return;
        swap(&pass->heap[at], &pass->heap[least]);
        at = least;
    }
}

/* Whether the node has a next event; false also after a failure. */
static bool refill(struct trace_pass *pass, uint32_t node)
{
    struct source *source = &pass->sources[node];
    if (source->at < source->count)
        return true;
    uint64_t left = source->end - source->next;
    source->at = 0;
    source->count = left < pass->slab ? (size_t)left : pass->slab;
    if (source->count == 0)
        return false;
    if (!run_reader_trace(pass->setup.reader, node, source->next, source->count, source->slab,
                          pass->failure)) {
        pass->has_failed = true;
        source->count = 0;
        return false;
    }
    source->next += source->count;
    return true;
}

/* Step over the earliest event. */
static void pop(struct trace_pass *pass)
{
    uint32_t node = pass->heap[0];
    pass->sources[node].at++;
    if (!refill(pass, node))
        pass->heap[0] = pass->heap[--pass->heap_count];
    if (pass->heap_count > 1)
        sift_down(pass);
}

/* ---- what is told ---- */

static void tell(struct trace_pass *pass, uint32_t system, struct merged_event *event)
{
    struct listeners *listeners = &pass->listeners[system];
    pass->found.out_of_order += event->time_s < pass->now_s;
    pass->now_s = event->time_s = fmax(event->time_s, pass->now_s);
    if (listeners->awareness != NULL)
        awareness_take(listeners->awareness, event);
    enforcement_take(listeners->enforcement, event);
    backlog_take(listeners->backlog, event);
}

/* A file may say anything; the listeners trust what they are told. */
static bool is_of_this_run(struct trace_pass *pass, const struct trace_event *event)
{
    uint32_t group = pass->setup.group_nodes;
    if (event->key >= -1 && event->key < (int64_t)pass->setup.keys &&
        event->node / group == event->peer / group &&
        (event->kind != (uint16_t)BOUNDARY_UPDATE || event->node != event->peer))
        return true;
    pass->has_failed = true;
    return failure_set(pass->failure, EXIT_BAD_INPUT,
                       "%s: an event of rank %u in /trace names peer %u and key %d at %g s",
                       run_reader_path(pass->setup.reader), event->node, event->peer, event->key,
                       event->time_s);
}

static void take_event(struct trace_pass *pass, const struct trace_event *event)
{
    uint32_t group = pass->setup.group_nodes, first = event->node - event->node % group;
    bool is_write = event->kind == (uint16_t)BOUNDARY_SEND;
    if ((!is_write && event->kind != (uint16_t)BOUNDARY_UPDATE) || !is_of_this_run(pass, event))
        return;
    struct merged_event merged = {.time_s = event->global_s,
                                  .sent_s = event->sent_s,
                                  .version = event->version,
                                  .sequence = event->sequence,
                                  .node = event->node - first,
                                  .peer = event->peer - first,
                                  .origin = event->peer - first,
                                  .key = event->key,
                                  .kind = is_write ? MERGED_WRITE : MERGED_DELIVERY,
                                  .context = CONTEXT_COUNT};
    pass->found.events++;
    tell(pass, event->node / group, &merged);
}

/* All events up to this time. */
static void take_until(struct trace_pass *pass, double until_s)
{
    while (!pass->has_failed && pass->heap_count > 0) {
        const struct trace_event *event = earliest_of(pass, pass->heap[0]);
        if (event->global_s > until_s)
            return;
        take_event(pass, event);
        pop(pass);
    }
}

struct trace_pass *trace_pass_begin(const struct trace_pass_setup *setup, struct trace_found *found,
                                    struct failure *failure)
{
    *found = (struct trace_found){.systems = setup->nodes / setup->group_nodes,
                                  .uncertainty_s = setup->uncertainty_s,
                                  .reaction_s = setup->reaction_s};
    found->unknown = why_nothing(setup, found);
    found->no_awareness = why_no_awareness(setup);
    if (found->unknown != NULL)
        return NULL;
    struct trace_pass *pass = calloc(1, sizeof *pass);
    if (pass == NULL) {
        (void)failure_set(failure, EXIT_INTERNAL, "no memory for a trace");
        return NULL;
    }
    *pass = (struct trace_pass){
        .setup = *setup, .failure = failure, .now_s = -HUGE_VAL, .found = *found};
    bool done = take_memory(pass);
    for (uint32_t i = 0; done && i < setup->nodes; i++)
        if (refill(pass, i)) {
            pass->heap[pass->heap_count] = i;
            sift_up(pass, pass->heap_count++);
        }
    if (done && !pass->has_failed)
        return pass;
    trace_pass_free(pass);
    return NULL;
}

void trace_pass_badge(struct trace_pass *pass, const struct episode *episode)
{
    uint32_t group = pass->setup.group_nodes;
    take_until(pass, episode->begin_s);
    if (pass->has_failed || episode->node / group != episode->peer / group)
        return;
    struct merged_event merged = {.time_s = episode->begin_s,
                                  .sequence = episode->sequence,
                                  .node = episode->node % group,
                                  .peer = episode->peer % group,
                                  .key = -1,
                                  .kind = MERGED_BADGE,
                                  .context = (enum context)episode->context};
    tell(pass, episode->node / group, &merged);
}

bool trace_pass_end(struct trace_pass *pass, struct trace_found *found)
{
    take_until(pass, HUGE_VAL);
    if (pass->has_failed)
        return false;
    struct system_found *systems = calloc(pass->found.systems, sizeof *systems);
    if (systems == NULL)
        return failure_set(pass->failure, EXIT_INTERNAL, "no memory for %zu groups",
                           pass->found.systems);
    for (size_t i = 0; i < pass->found.systems; i++) {
        const struct listeners *listeners = &pass->listeners[i];
        if (listeners->awareness != NULL)
            systems[i].awareness = awareness_end(listeners->awareness);
        systems[i].enforcement = enforcement_end(listeners->enforcement);
        systems[i].backlog = backlog_end(listeners->backlog);
    }
    trace_sum(systems, &pass->found);
    *found = pass->found;
    free(systems);
    return true;
}
