#include "record/recorder.h"

#include "patience.h"
#include "record/books.h"
#include "record/gather.h"
#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double FILE_PATIENCE = 10; /* times the usual */

/* ---- nodes ---- */

/* State of one recording; most of it lives on node 0 only. */
struct recording {
    const struct record_setup *setup;
    struct run_summary *summary;
    struct run_node *nodes;   /* [ranks] on node 0 */
    struct run_trace *traces; /* the same */
    uint64_t links_wrong;
    struct run_writer *writer; /* NULL after a failure */
    struct failure failure;
    enum histogram_kind kind;
    size_t table; /* of the system */
};

/* A node's row and what is summed up besides. */
struct node_record {
    struct run_node row;
    struct run_trace trace;
    uint64_t trace_reserved_bytes;
    uint64_t links_wrong;
};

const char *converged_text(enum converged converged)
{
    static const char *const texts[] = {"not_applicable", "yes", "no"};
    return texts[converged];
}

static void give_node(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    const struct node_view *view = recording->setup->view;
    struct node_record record = {.row = row_of_node(view),
                                 .trace = row_of_trace(view),
                                 .links_wrong = view->facts->links_wrong};
    if (view->trace != NULL)
        record.trace_reserved_bytes = trace_reserved_bytes(view->trace);
    (void)first, (void)count;
    memcpy(records, &record, sizeof record);
}

static void take_node(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    struct node_record record;
    (void)count;
    memcpy(&record, records, sizeof record);
    recording->nodes[rank] = record.row;
    recording->traces[rank] = record.trace;
    recording->summary->trace_reserved_bytes += (double)record.trace_reserved_bytes;
    recording->links_wrong += record.links_wrong;
}

/* ---- the summary ---- */

static enum converged converged(const struct recording *recording)
{
    const struct run_facts *run = recording->setup->view->run;
    if (!run->has_final_state)
        return CONVERGED_NOT_APPLICABLE;
    for (uint32_t i = 0; i < run->nodes; i++) {
        const struct run_node *first =
            &recording->nodes[i - i % run->group_nodes]; /* of the same group */
        if (recording->nodes[i].state_digest != first->state_digest)
            return CONVERGED_NO;
    }
    return CONVERGED_YES;
}

static void add_to_summary(struct run_summary *summary, const struct run_node *row, double *outside)
{
    summary->node_seconds += row->watched_s;
    *outside += row->outside_node_s;
    summary->messages_received += row->received;
    summary->episodes += row->episodes;
    summary->already_outside += row->already_outside;
    summary->badges_lost += row->badges_lost;
    summary->suppressed += row->suppressed;
    summary->lost += row->lost;
    summary->overflowed += row->overflowed;
    summary->in_flight += row->in_flight;
    summary->clock_suspects += row->clock_suspect;
    summary->clock_flags |= row->clock_flags;
    summary->messages_early += row->messages_early;
    summary->messages_impossible += row->messages_impossible;
    summary->late_start_max_s = fmax(summary->late_start_max_s, row->late_start_s);
    if (!isnan(row->first_drift_s) && !(row->first_drift_s >= summary->first_drift_s)) {
        summary->first_drift_s = row->first_drift_s;
        summary->first_drift_node = row->node;
    }
}

static void add_trace_to_summary(struct run_summary *summary, const struct run_trace *trace)
{
    summary->trace_events += trace->events;
    summary->trace_dropped += trace->dropped;
    summary->trace_covered_until_s = fmin(summary->trace_covered_until_s, trace->covered_until_s);
}

static void summarise(struct recording *recording)
{
    struct run_summary *summary = recording->summary;
    const struct run_facts *run = recording->setup->view->run;
    double outside_s = 0;
    summary->nodes = run->nodes;
    summary->hosts = run->hosts;
    summary->cores = run->cores;
    summary->first_drift_s = (double)NAN;
    summary->trace_covered_until_s = recording->traces[0].covered_until_s;
    for (uint32_t i = 0; i < summary->nodes; i++) {
        add_to_summary(summary, &recording->nodes[i], &outside_s);
        add_trace_to_summary(summary, &recording->traces[i]);
    }
    summary->outside_node_fraction =
        summary->node_seconds > 0 ? outside_s / summary->node_seconds : (double)NAN;
    summary->converged = converged(recording);
    struct books books = books_of_run(recording->nodes, run->nodes, recording->links_wrong);
    summary->books_balance = books_balance(&books);
    books_text(&books, summary->books);
    (void)snprintf(summary->run_id, sizeof summary->run_id, "%s", run->run_id);
}

/* ---- the file ---- */

static void open_writer(struct recording *recording)
{
    static struct run_facts facts;
    struct run_setting settings[RUN_SETTINGS_MAX];
    struct histogram histograms[HISTOGRAM_KINDS];
    char end_time_utc[32];
    facts = *recording->setup->view->run;
    run_facts_add(&facts, "/", "books", recording->summary->books, 0);
    run_facts_add(&facts, "/provenance", "trace_reserved_bytes", NULL,
                  recording->summary->trace_reserved_bytes);
    run_facts_add(&facts, "/provenance", "clock_sync_s", NULL, recording->summary->sync_s);
    utc_text(machine_utc_s(), end_time_utc);
    struct run_header header = header_of_run(&facts, end_time_utc, settings, histograms);
    header.tables = recording->setup->ops->tables;
    header.table_count = recording->setup->ops->table_count;
    recording->writer = run_writer_create(recording->setup->path, &header, &recording->failure);
}

/* A failed writer takes nothing more; the other nodes go on giving and need not know. */
static void note(struct recording *recording, bool written)
{
    if (written || recording->writer == NULL)
        return;
    run_writer_abandon(recording->writer);
    recording->writer = NULL;
}

static void write_nodes(struct recording *recording)
{
    uint32_t nodes = recording->setup->world->ranks;
    if (recording->writer != NULL)
        note(recording, run_writer_nodes(recording->writer, recording->nodes, nodes) &&
                            run_writer_trace_index(recording->writer, recording->traces, nodes));
}

/* ---- badges, pairs, trace, histograms, windows ---- */

static void give_badges(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    struct badge *rows = records;
    for (size_t i = 0; i < count; i++)
        rows[i] = row_of_badge(recording->setup->view, first + i);
}

static void take_badges(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    struct run_summary *summary = recording->summary;
    const struct badge *rows = records;
    (void)rank;
    for (size_t i = 0; i < count; i++)
        if (!summary->has_first_badge || rows[i].time_s < summary->first_badge.time_s) {
            summary->has_first_badge = true;
            summary->first_badge = rows[i];
        }
    if (recording->writer != NULL)
        note(recording, run_writer_badges(recording->writer, rows, count));
}

static void give_pairs(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    struct run_pair *rows = records;
    for (size_t i = 0; i < count; i++)
        rows[i] = row_of_pair(recording->setup->view, first + i);
}

static void take_pairs(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    (void)rank;
    if (recording->writer != NULL)
        note(recording, run_writer_pairs(recording->writer, records, count));
}

static void give_trace(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    struct trace_event *rows = records;
    for (size_t i = 0; i < count; i++)
        rows[i] = row_of_trace_event(recording->setup->view, first + i);
}

static void take_trace(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    (void)rank;
    if (recording->writer != NULL)
        note(recording, run_writer_trace(recording->writer, records, count));
}

static void give_histogram(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    (void)first, (void)count;
    histogram_record_fill(observer_histogram(recording->setup->view->observer, recording->kind),
                          records);
}

static void take_histogram(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    const uint64_t *numbers = records;
    size_t bins = observer_histogram(recording->setup->view->observer, recording->kind)->bins;
    (void)count;
    if (recording->writer != NULL)
        note(recording, run_writer_histogram(recording->writer, rank, recording->kind, numbers,
                                             numbers[bins], numbers[bins + 1]));
}

static void give_windows(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    (void)first, (void)count;
    windows_record_fill(recording->setup->view, records);
}

static void take_windows(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    (void)count;
    if (recording->writer == NULL)
        return;
    /* The view writes nothing; only its type is that of memory to be filled. */
    union {
        const void *taken;
        void *viewed;
    } record = {records};
    struct run_windows windows = windows_record_view(recording->setup->view->run, record.viewed);
    note(recording, run_writer_windows(recording->writer, rank, &windows));
}

/* ---- what the system keeps besides ---- */

static const struct row_store *system_rows(const struct recording *recording)
{
    const struct record_setup *setup = recording->setup;
    return setup->ops->rows(setup->pass->system, recording->table);
}

static void give_system_rows(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    const struct record_setup *setup = recording->setup;
    system_rows_fill(&setup->ops->tables[recording->table], system_rows(recording),
                     setup->world->first_rank, (struct row_range){first, count}, records);
}

static void take_system_rows(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    (void)rank;
    if (recording->writer != NULL)
        note(recording, run_writer_system(recording->writer, recording->table, records, count));
}

static void give_dropped(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    (void)first, (void)count;
    memcpy(records, &system_rows(recording)->dropped, sizeof(uint64_t));
}

static void take_dropped(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    uint64_t dropped;
    (void)rank, (void)count;
    memcpy(&dropped, records, sizeof dropped);
    if (recording->writer != NULL)
        run_writer_system_dropped(recording->writer, recording->table, dropped);
}

static void gather_system(struct recording *recording)
{
    const struct record_setup *setup = recording->setup;
    for (recording->table = 0; recording->table < setup->ops->table_count; recording->table++) {
        struct gather rows = {setup->ops->tables[recording->table].row_bytes,
                              system_rows(recording)->count, give_system_rows, take_system_rows,
                              recording};
        struct gather dropped = {sizeof(uint64_t), 1, give_dropped, take_dropped, recording};
        gather_records(setup->world, &rows);
        gather_records(setup->world, &dropped);
    }
}

/* ---- the story ---- */

static void gather_bulk(struct recording *recording)
{
    const struct world *world = recording->setup->world;
    const struct node_view *view = recording->setup->view;
    struct gather badges = {sizeof(struct badge), spool_count(view->spool), give_badges,
                            take_badges, recording};
    struct gather pairs = {sizeof(struct run_pair), row_pairs(view->run), give_pairs, take_pairs,
                           recording};
    struct gather trace = {sizeof(struct trace_event), row_trace_events(view), give_trace,
                           take_trace, recording};
    struct gather windows = {windows_record_bytes(view->run), 1, give_windows, take_windows,
                             recording};
    gather_records(world, &badges);
    gather_records(world, &pairs);
    gather_records(world, &trace);
    gather_records(world, &windows);
    for (recording->kind = 0; recording->kind < HISTOGRAM_KINDS; recording->kind++) {
        const struct histogram *histogram = observer_histogram(view->observer, recording->kind);
        struct gather counts = {histogram_record_bytes(histogram), 1, give_histogram,
                                take_histogram, recording};
        gather_records(world, &counts);
    }
}

static enum exit_code gather_and_write(struct recording *recording)
{
    const struct world *world = recording->setup->world;
    struct gather nodes = {sizeof(struct node_record), 1, give_node, take_node, recording};
    gather_records(world, &nodes);
    if (world->rank == 0) {
        rows_place(recording->nodes, recording->traces, world->ranks);
        summarise(recording);
        open_writer(recording);
        write_nodes(recording);
    }
    gather_bulk(recording);
    gather_system(recording);
    /* Disks may be slow; what fails says so by itself. */
    patience_begin("write the run file", FILE_PATIENCE, 0);
    if (recording->writer != NULL)
        (void)run_writer_finish(recording->writer);
    return world_agree(world, &recording->failure);
}

enum exit_code record_run(const struct record_setup *setup, struct run_summary *summary)
{
    const struct world *world = setup->world;
    struct recording recording = {.setup = setup, .summary = summary};
    const struct pass_clocks *clocks = &setup->pass->clocks;
    *summary =
        (struct run_summary){.clocks = clocks->pairs, .sync_s = clocks->wall_s / clocks->rounds};
    if (world->rank == 0) {
        recording.nodes = calloc(world->ranks, sizeof *recording.nodes);
        recording.traces = calloc(world->ranks, sizeof *recording.traces);
        if (recording.nodes == NULL || recording.traces == NULL)
            (void)failure_set(&recording.failure, EXIT_INTERNAL, "no memory for %u node rows",
                              world->ranks);
    }
    enum exit_code code = world_agree(world, &recording.failure);
    if (code == EXIT_DONE)
        code = gather_and_write(&recording);
    free(recording.nodes);
    free(recording.traces);
    return code;
}
