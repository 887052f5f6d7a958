#include "record/rows.h"

#include <math.h>
#include <string.h>

/* ---- what a node knows about itself ---- */

static struct run_sync row_of_sync(const struct pass *pass, const struct clock_sync *sync)
{
    return (struct run_sync){.time_s = local_elapsed_s(pass->begin, sync->at),
                             .offset_s = sync->offset_s,
                             .uncertainty_s = sync->uncertainty_s,
                             .round_trip_s = sync->round_trip_min_s};
}

struct node_facts node_facts_planned(const struct node_identity *identity, const struct pass *pass)
{
    const struct clock_sync *sync = &pass->model.sync[0];
    const double unknown = (double)NAN;
    struct node_facts facts = {.begin_s = pass->begin.s,
                               .t0_s = pass->plan.begin.s,
                               .begin_utc_s = pass->begin_utc_s,
                               .links_wrong = RUN_UNKNOWN,
                               .syncs = 1};
    facts.row = (struct run_node){
        .sync = {row_of_sync(pass, sync), {unknown, unknown, unknown, unknown}},
        .window_begin_global_s = clock_to_global(&pass->model, pass->begin).s,
        .cpu_s = unknown,
        .late_start_s = unknown,
        .attempted = RUN_UNKNOWN,
        .sent = RUN_UNKNOWN,
        .suppressed = RUN_UNKNOWN,
        .received = RUN_UNKNOWN,
        .lost = RUN_UNKNOWN,
        .overflowed = RUN_UNKNOWN,
        .in_flight = RUN_UNKNOWN,
        .involuntary_switches = RUN_UNKNOWN,
        .state_digest = RUN_UNKNOWN,
        .node = identity->rank,
        .group = identity->group,
        .clock_domain = sync->same_clock ? 0 : identity->rank,
        .clock_suspect = sync->contradicted,
    };
    node_name(identity->rank, facts.row.name);
    (void)snprintf(facts.row.host, sizeof facts.row.host, "%s", identity->machine->host);
    (void)snprintf(facts.row.binding, sizeof facts.row.binding, "%s", identity->machine->binding);
    return facts;
}

struct node_facts node_facts_finished(const struct node_facts *planned, const struct pass *pass)
{
    const struct clock_sync *sync = pass->model.sync;
    struct node_facts facts = *planned;
    struct run_node *row = &facts.row;
    facts.syncs = 2;
    facts.links_wrong = pass->links_wrong;
    row->sync[1] = row_of_sync(pass, &sync[1]);
    row->window_begin_global_s = clock_to_global(&pass->model, pass->begin).s;
    row->cpu_s = pass->usage.cpu_s;
    row->late_start_s = pass->late_start_s;
    row->attempted = pass->links.attempted;
    row->sent = pass->links.sent;
    row->suppressed = pass->links.suppressed;
    row->received = pass->links.received;
    row->lost = pass->links.lost;
    row->overflowed = pass->links.overflowed;
    row->in_flight = pass->in_flight;
    row->involuntary_switches = pass->usage.involuntary_switches;
    row->state_digest = pass->state_digest;
    row->clock_domain = sync[0].same_clock && sync[1].same_clock ? 0 : row->node;
    row->clock_suspect = sync[0].contradicted || sync[1].contradicted;
    return facts;
}

static size_t observer_part(const struct observer_setup *observer)
{
    return (observer_bytes(observer) + 7) / 8 * 8;
}

size_t state_bytes(const struct run_facts *run, const struct observer_setup *observer)
{
    return observer_part(observer) + (run->has_trace ? trace_block_bytes(run->trace_capacity) : 0);
}

void *state_of_trace(void *state, const struct observer_setup *observer)
{
    return (unsigned char *)state + observer_part(observer);
}

/* ---- rows ---- */

struct run_node row_of_node(const struct node_view *view)
{
    struct observer_totals totals = observer_totals(view->observer);
    struct run_node row = view->facts->row;
    row.watched_s = view->run->is_observed ? observer_watched_s(view->observer) : 0;
    row.first_drift_s = totals.first_drift_s;
    row.outside_node_s = totals.outside_node_s;
    row.longest_stall_s = totals.longest_stall_s;
    row.messages_observed = totals.messages_observed;
    row.episodes = totals.episodes;
    row.badges = spool_count(view->spool);
    row.badges_lost = spool_lost(view->spool);
    row.already_outside = totals.already_outside;
    row.stalls = totals.stalls;
    return row;
}

/* Without observer no event came in: nothing is covered. */
struct run_trace row_of_trace(const struct node_view *view)
{
    if (view->trace == NULL || !view->run->is_observed)
        return (struct run_trace){.events = 0};
    return (struct run_trace){.events = trace_count(view->trace),
                              .dropped = trace_dropped(view->trace),
                              .covered_until_s = trace_covered_until_s(view->trace)};
}

uint64_t row_pairs(const struct run_facts *run)
{
    uint32_t contexts[CONTEXT_COUNT];
    return (uint64_t)(run->group_nodes - 1) * run_facts_contexts(run, contexts);
}

struct run_pair row_of_pair(const struct node_view *view, uint64_t place)
{
    uint32_t contexts[CONTEXT_COUNT];
    uint32_t count = run_facts_contexts(view->run, contexts);
    uint32_t rank = view->facts->row.node, self = rank % view->run->group_nodes;
    uint32_t peer = (uint32_t)(place / count);
    enum context context = (enum context)contexts[place % count];
    peer += peer >= self; /* a node does not watch itself */
    struct stream_count stream = observer_stream(view->observer, peer, context);
    return (struct run_pair){.observations = stream.observations,
                             .beyond = stream.beyond,
                             .episodes = stream.episodes,
                             .already_outside_until_s = stream.already_outside_until_s,
                             .node = rank,
                             .peer = rank - self + peer,
                             .context = context};
}

static struct clock_model model_of(const struct node_facts *facts)
{
    struct clock_model model = {.syncs = (int)facts->syncs};
    for (uint32_t i = 0; i < facts->syncs; i++)
        model.sync[i] = (struct clock_sync){.at = {facts->begin_s + facts->row.sync[i].time_s},
                                            .offset_s = facts->row.sync[i].offset_s};
    return model;
}

struct badge row_of_badge(const struct node_view *view, uint64_t place)
{
    struct clock_model model = model_of(view->facts);
    struct badge badge = spool_read(view->spool, place);
    struct local_time left = {view->facts->begin_s + badge.time_s};
    struct global_time t0 = {view->facts->t0_s};
    badge.global_s = global_elapsed_s(t0, clock_to_global(&model, left));
    return badge;
}

uint64_t row_trace_events(const struct node_view *view)
{
    return row_of_trace(view).events;
}

struct trace_event row_of_trace_event(const struct node_view *view, uint64_t place)
{
    struct clock_model model = model_of(view->facts);
    return trace_read(view->trace, place, &model, (struct global_time){view->facts->t0_s});
}

/* ---- what the system keeps besides ---- */

/* Nodes of a group have ranks in a row. */
static void rank_column(const struct system_table *table, const struct system_column *column,
                        uint32_t first_rank, unsigned char *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char *place = records + i * table->row_bytes + column->offset;
        uint32_t node;
        memcpy(&node, place, sizeof node);
        node += first_rank;
        memcpy(place, &node, sizeof node);
    }
}

void system_rows_fill(const struct system_table *table, const struct row_store *store,
                      uint32_t first_rank, struct row_range range, void *records)
{
    memcpy(records, store->rows + range.first * store->row_bytes, range.count * store->row_bytes);
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].kind == COLUMN_NODE)
            rank_column(table, &table->columns[i], first_rank, records, range.count);
}

/* ---- histograms and windows as records ---- */

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

static size_t window_cells(const struct run_facts *run)
{
    uint32_t contexts[CONTEXT_COUNT];
    return (size_t)run_facts_contexts(run, contexts) * run->windows;
}

size_t windows_record_bytes(const struct run_facts *run)
{
    size_t cells = window_cells(run);
    return (cells + run->windows) * sizeof(double) + cells * 3 * sizeof(uint32_t);
}

struct run_windows windows_record_view(const struct run_facts *run, void *record)
{
    size_t cells = window_cells(run);
    double *outside_s = record;
    double *node_outside_s = outside_s + cells;
    /* Counts follow the doubles, so they are aligned. */
    uint32_t *observations = (uint32_t *)(void *)(node_outside_s + run->windows);
    return (struct run_windows){.observations = observations,
                                .beyond = observations + cells,
                                .episodes = observations + 2 * cells,
                                .outside_s = outside_s,
                                .node_outside_s = node_outside_s};
}

void windows_record_fill(const struct node_view *view, void *record)
{
    uint32_t contexts[CONTEXT_COUNT];
    uint32_t count = run_facts_contexts(view->run, contexts);
    struct run_windows into = windows_record_view(view->run, record);
    size_t row = view->run->windows;
    for (uint32_t i = 0; i < count; i++) {
        struct window_counts counts = observer_windows(view->observer, (enum context)contexts[i]);
        memcpy(into.observations + i * row, counts.observations, row * sizeof(uint32_t));
        memcpy(into.beyond + i * row, counts.beyond, row * sizeof(uint32_t));
        memcpy(into.episodes + i * row, counts.episodes, row * sizeof(uint32_t));
        memcpy(into.outside_s + i * row, counts.outside_s, row * sizeof(double));
    }
    memcpy(into.node_outside_s, observer_node_outside_s(view->observer), row * sizeof(double));
}

/* ---- what all nodes together give ---- */

void rows_place(struct run_node *rows, struct run_trace *traces, uint32_t nodes)
{
    uint64_t badge = 0, event = 0;
    for (uint32_t rank = 0; rank < nodes; rank++) {
        rows[rank].badges_first = badge;
        badge += rows[rank].badges;
        traces[rank].first = event;
        event += traces[rank].events;
    }
}

struct run_header header_of_run(const struct run_facts *run, const char *end_time_utc,
                                struct run_setting settings[RUN_SETTINGS_MAX],
                                struct histogram histograms[HISTOGRAM_KINDS])
{
    for (enum histogram_kind kind = 0; kind < HISTOGRAM_KINDS; kind++)
        histograms[kind] = observer_histogram_shape(run->limit, kind);
    struct run_header header = {
        .run_id = run->run_id,
        .start_time_utc = run->start_time_utc,
        .end_time_utc = end_time_utc,
        .canonical_text = run->canonical_text,
        .settings = settings,
        .setting_count = run_facts_settings(run, settings),
        .nodes = run->nodes,
        .windows = run->windows,
        .window_s = run->duration_s / run->windows,
        .histograms = histograms,
    };
    header.context_count = run_facts_contexts(run, header.contexts);
    return header;
}
