#include "record/rows.h"

#include "world.h"

#include <string.h>

static struct run_sync row_of_sync(const struct pass *pass, const struct clock_sync *sync)
{
    return (struct run_sync){.time_s = local_elapsed_s(pass->begin, sync->at),
                             .offset_s = sync->offset_s,
                             .uncertainty_s = sync->uncertainty_s,
                             .round_trip_s = sync->round_trip_min_s};
}

static void fill_observed(const struct record_setup *setup, struct run_node *row)
{
    struct observer_totals totals = observer_totals(setup->observer);
    bool watched = setup->config->observe;
    row->watched_s = watched ? local_elapsed_s(setup->pass->begin, setup->pass->end) : 0;
    row->first_drift_s = totals.first_drift_s;
    row->outside_node_s = totals.outside_node_s;
    row->longest_stall_s = totals.longest_stall_s;
    row->messages_observed = totals.messages_observed;
    row->episodes = totals.episodes;
    row->badges = spool_count(setup->spool);
    row->badges_lost = spool_lost(setup->spool);
    row->already_outside = totals.already_outside;
    row->stalls = totals.stalls;
}

/* Without observer no event came in: nothing is covered. */
static void fill_trace(const struct record_setup *setup, struct node_record *record)
{
    if (setup->trace == NULL)
        return;
    record->trace_reserved_bytes = trace_reserved_bytes(setup->trace);
    if (setup->config->observe)
        record->trace = (struct run_trace){.events = trace_count(setup->trace),
                                           .dropped = trace_dropped(setup->trace),
                                           .covered_until_s = trace_covered_until_s(setup->trace)};
}

struct node_record row_of_node(const struct record_setup *setup)
{
    const struct pass *pass = setup->pass;
    const struct clock_sync *sync = pass->model.sync;
    struct node_record record = {.cores = setup->machine->cores};
    record.row = (struct run_node){
        .sync = {row_of_sync(pass, &sync[0]), row_of_sync(pass, &sync[1])},
        .window_begin_global_s = clock_to_global(&pass->model, pass->begin).s,
        .cpu_s = pass->usage.cpu_s,
        .late_start_s = pass->late_start_s,
        .attempted = pass->links.attempted,
        .sent = pass->links.attempted - pass->links.suppressed,
        .suppressed = pass->links.suppressed,
        .received = pass->links.received,
        .in_flight = pass->in_flight,
        .involuntary_switches = pass->usage.involuntary_switches,
        .state_digest = pass->state_digest,
        .node = setup->world->rank,
        .group = setup->world->group_number,
        .clock_domain = sync[0].same_clock && sync[1].same_clock ? 0 : setup->world->rank,
        .clock_suspect = sync[0].contradicted || sync[1].contradicted,
    };
    fill_observed(setup, &record.row);
    fill_trace(setup, &record);
    node_name(setup->world->rank, record.row.name);
    (void)snprintf(record.row.host, sizeof record.row.host, "%s", setup->machine->host);
    (void)snprintf(record.row.binding, sizeof record.row.binding, "%s", setup->machine->binding);
    return record;
}

uint32_t system_contexts(const struct system_ops *ops, uint32_t contexts[CONTEXT_COUNT])
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < CONTEXT_COUNT; c++)
        if (ops->contexts & 1U << c)
            contexts[count++] = c;
    return count;
}

uint64_t row_pairs(const struct record_setup *setup)
{
    uint32_t contexts[CONTEXT_COUNT];
    return (uint64_t)(setup->world->nodes - 1) * system_contexts(setup->ops, contexts);
}

struct run_pair row_of_pair(const struct record_setup *setup, uint64_t place)
{
    uint32_t contexts[CONTEXT_COUNT];
    uint32_t count = system_contexts(setup->ops, contexts);
    uint32_t peer = (uint32_t)(place / count);
    enum context context = (enum context)contexts[place % count];
    peer += peer >= setup->world->self; /* a node does not watch itself */
    struct stream_count stream = observer_stream(setup->observer, peer, context);
    return (struct run_pair){.observations = stream.observations,
                             .beyond = stream.beyond,
                             .episodes = stream.episodes,
                             .already_outside_until_s = stream.already_outside_until_s,
                             .node = setup->world->rank,
                             .peer = setup->world->first_rank + peer,
                             .context = context};
}

struct badge row_of_badge(const struct record_setup *setup, uint64_t place)
{
    const struct pass *pass = setup->pass;
    struct badge badge = spool_read(setup->spool, place);
    struct local_time left = local_after(pass->begin, badge.time_s);
    badge.global_s = global_elapsed_s(pass->plan.begin, clock_to_global(&pass->model, left));
    return badge;
}

struct trace_event row_of_trace_event(const struct record_setup *setup, uint64_t place)
{
    const struct pass *pass = setup->pass;
    return trace_read(setup->trace, place, &pass->model, pass->plan.begin);
}

size_t histogram_record_bytes(const struct histogram *histogram)
{
    return (histogram->bins + 2) * sizeof histogram->counts[0];
}

void histogram_record_fill(const struct histogram *histogram, uint64_t *record)
{
    memcpy(record, histogram->counts, histogram->bins * sizeof record[0]);
    record[histogram->bins] = histogram->underflow;
    record[histogram->bins + 1] = histogram->overflow;
}

size_t windows_record_bytes(struct windows_shape shape)
{
    size_t cells = (size_t)shape.context_count * shape.windows;
    return (cells + shape.windows) * sizeof(double) + cells * 3 * sizeof(uint32_t);
}

struct run_windows windows_record_view(struct windows_shape shape, void *record)
{
    size_t cells = (size_t)shape.context_count * shape.windows;
    double *outside_s = record;
    double *node_outside_s = outside_s + cells;
    /* Counts follow the doubles, so they are aligned. */
    uint32_t *observations = (uint32_t *)(void *)(node_outside_s + shape.windows);
    return (struct run_windows){.observations = observations,
                                .beyond = observations + cells,
                                .episodes = observations + 2 * cells,
                                .outside_s = outside_s,
                                .node_outside_s = node_outside_s};
}

void windows_record_fill(const struct record_setup *setup, struct windows_shape shape, void *record)
{
    uint32_t contexts[CONTEXT_COUNT];
    (void)system_contexts(setup->ops, contexts);
    struct run_windows view = windows_record_view(shape, record);
    size_t row = shape.windows;
    for (uint32_t i = 0; i < shape.context_count; i++) {
        struct window_counts counts = observer_windows(setup->observer, (enum context)contexts[i]);
        memcpy(view.observations + i * row, counts.observations, row * sizeof(uint32_t));
        memcpy(view.beyond + i * row, counts.beyond, row * sizeof(uint32_t));
        memcpy(view.episodes + i * row, counts.episodes, row * sizeof(uint32_t));
        memcpy(view.outside_s + i * row, counts.outside_s, row * sizeof(double));
    }
    memcpy(view.node_outside_s, observer_node_outside_s(setup->observer), row * sizeof(double));
}
