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

static const struct run_sync no_sync = {(double)NAN, (double)NAN, (double)NAN, (double)NAN};

/* What is known of the clock before the window. */
static void add_clock(struct run_node *row, const struct pass *pass)
{
    const struct pass_clocks *clocks = &pass->clocks;
    const struct clock_sync *last =
        &clocks->sync[clocks->has_second ? CLOCK_SYNC_SECOND : CLOCK_SYNC_FIRST];
    row->sync[CLOCK_SYNC_FIRST] = row_of_sync(pass, &clocks->sync[CLOCK_SYNC_FIRST]);
    row->sync[CLOCK_SYNC_SECOND] = clocks->has_second ? row_of_sync(pass, last) : no_sync;
    row->sync[CLOCK_SYNC_AFTER] = no_sync;
    row->clock_rate = clocks->model.rate;
    row->clock_rate_uncertainty = clocks->model.rate_uncertainty;
    row->clock_uncertainty_s = clocks->own_uncertainty_s;
    row->clock_domain_uncertainty_s = last->domain_uncertainty_s;
    row->clock_domain = last->domain;
    row->host_first_rank = clocks->host;
    row->clock_flags = RUN_CLOCK_UNCHECKED |
                       (clocks->has_second ? (uint32_t)RUN_CLOCK_HAS_SECOND : 0) |
                       (clocks->model.contradicted ? (uint32_t)RUN_CLOCK_CONTRADICTED : 0);
    row->clock_suspect = clocks->model.contradicted;
}

/* What the last synchronisation says of it. */
static void check_clock(struct run_node *row, const struct pass *pass)
{
    const struct clock_sync *after = &pass->clocks.sync[CLOCK_SYNC_AFTER];
    row->sync[CLOCK_SYNC_AFTER] = row_of_sync(pass, after);
    row->clock_flags &= ~(uint32_t)RUN_CLOCK_UNCHECKED;
    row->clock_flags |= (pass->clocks.has_jumped ? (uint32_t)RUN_CLOCK_JUMPED : 0) |
                        (after->contradicted ? (uint32_t)RUN_CLOCK_CONTRADICTED : 0);
    row->clock_suspect = (row->clock_flags & RUN_CLOCK_SUSPECT) != 0;
    if (after->domain != row->clock_domain) /* not proven to the end */
        row->clock_domain = row->node;
}

struct run_node node_row_unknown(uint32_t node)
{
    const double unknown = (double)NAN;
    struct run_node row = {.clock_rate = unknown,
                           .clock_rate_uncertainty = unknown,
                           .clock_uncertainty_s = unknown,
                           .clock_domain_uncertainty_s = unknown,
                           .window_begin_local_s = unknown,
                           .window_begin_global_s = unknown,
                           .first_drift_s = unknown,
                           .cpu_s = unknown,
                           .longest_stall_s = unknown,
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
                           .messages_early = RUN_UNKNOWN,
                           .messages_impossible = RUN_UNKNOWN,
                           .node = node,
                           .clock_domain = node,
                           .host_first_rank = node,
                           .clock_flags = RUN_CLOCK_UNCHECKED};
    for (size_t i = 0; i < RUN_SYNCS; i++)
        row.sync[i] = no_sync;
    node_name(node, row.name);
    (void)snprintf(row.host, sizeof row.host, "unknown");
    (void)snprintf(row.binding, sizeof row.binding, "unknown");
    return row;
}

struct node_facts node_facts_planned(const struct node_identity *identity, const struct pass *pass)
{
    struct node_facts facts = {.row = node_row_unknown(identity->rank),
                               .begin_s = pass->begin.s,
                               .t0_s = pass->plan.begin.s,
                               .begin_utc_s = pass->begin_utc_s,
                               .links_wrong = RUN_UNKNOWN,
                               .model = pass->clocks.model};
    facts.row.group = identity->group;
    facts.row.window_begin_local_s = pass->begin.s;
    facts.row.window_begin_global_s = clock_to_global(&pass->clocks.model, pass->begin).s;
    add_clock(&facts.row, pass);
    (void)snprintf(facts.row.host, sizeof facts.row.host, "%s", identity->machine->host);
    (void)snprintf(facts.row.binding, sizeof facts.row.binding, "%s", identity->machine->binding);
    return facts;
}

struct node_facts node_facts_finished(const struct node_facts *planned, const struct pass *pass)
{
    struct node_facts facts = *planned;
    struct run_node *row = &facts.row;
    facts.links_wrong = pass->links_wrong;
    facts.model = pass->clocks.record;
    row->window_begin_global_s = clock_to_global(&facts.model, pass->begin).s;
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
    check_clock(row, pass);
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

/* Messages that cannot be true make the clock of their receiver suspect; its sender's may be the
 * one that is off, which only the pairs tell. */
static void count_early(const struct node_view *view, struct run_node *row)
{
    row->messages_early = row->messages_impossible = 0;
    for (uint32_t peer = 0; peer < view->run->group_nodes; peer++) {
        struct clock_count count = observer_clock(view->observer, peer);
        row->messages_early += count.early;
        row->messages_impossible += count.impossible;
    }
    if (row->messages_impossible > 0) {
        row->clock_flags |= RUN_CLOCK_IMPOSSIBLE;
        row->clock_suspect = 1;
    }
}

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
    count_early(view, &row);
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
    struct run_pair row = {.observations = stream.observations,
                           .beyond = stream.beyond,
                           .episodes = stream.episodes,
                           .already_outside_until_s = stream.already_outside_until_s,
                           .node = rank,
                           .peer = rank - self + peer,
                           .context = context};
    if (context == CONTEXT_MESSAGE_DELAY_EXCEEDED) {
        struct clock_count clock = observer_clock(view->observer, peer);
        row.early = clock.early;
        row.impossible = clock.impossible;
        row.clock_uncertainty_s = clock.uncertainty_s;
    }
    return row;
}

struct badge row_of_badge(const struct node_view *view, uint64_t place)
{
    struct badge badge = spool_read(view->spool, place);
    struct local_time left = {view->facts->begin_s + badge.time_s};
    struct global_time t0 = {view->facts->t0_s};
    badge.global_s = global_elapsed_s(t0, clock_to_global(&view->facts->model, left));
    if (view->facts->row.clock_suspect)
        badge.flags |= BADGE_CLOCK_SUSPECT;
    return badge;
}

uint64_t row_trace_events(const struct node_view *view)
{
    return row_of_trace(view).events;
}

struct trace_event row_of_trace_event(const struct node_view *view, uint64_t place)
{
    return trace_read(view->trace, place, &view->facts->model,
                      (struct global_time){view->facts->t0_s});
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
