#include "record/recorder.h"

#include "record/gather.h"
#include "record/rows.h"
#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETTINGS_MAX = CONFIG_VALUES_MAX + 24, WINDOWS_STEP = 60 };

/* State of one recording; most of it lives on node 0 only. */
struct recording {
    const struct record_setup *setup;
    struct run_summary *summary;
    struct node_record *nodes; /* [ranks] on node 0 */
    uint32_t nodes_taken;
    struct run_writer *writer; /* NULL after a failure */
    struct failure failure;
    enum histogram_kind kind;
    struct windows_shape windows;
    char end_time_utc[32];
    char canonical_text[CANONICAL_TEXT_BYTES];
};

uint32_t record_windows(double duration_s)
{
    double steps = ceil(duration_s / 0.05 / WINDOWS_STEP);
    uint32_t most = RUN_WINDOWS_MAX / WINDOWS_STEP;
    return WINDOWS_STEP * (steps < most ? (uint32_t)fmax(1, steps) : most);
}

const char *converged_text(enum converged converged)
{
    static const char *const texts[] = {"not_applicable", "yes", "no"};
    return texts[converged];
}

/* ---- nodes ---- */

static void give_node(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    (void)first, (void)count;
    struct node_record record = row_of_node(recording->setup);
    memcpy(records, &record, sizeof record);
}

static void take_node(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    (void)count;
    memcpy(&recording->nodes[rank], records, sizeof recording->nodes[rank]);
}

static void place_rows(struct recording *recording)
{
    uint64_t first = 0, first_event = 0;
    for (uint32_t rank = 0; rank < recording->setup->world->ranks; rank++) {
        recording->nodes[rank].row.badges_first = first;
        first += recording->nodes[rank].row.badges;
        recording->nodes[rank].trace.first = first_event;
        first_event += recording->nodes[rank].trace.events;
    }
}

/* ---- the summary ---- */

static bool host_seen_before(const struct recording *recording, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++)
        if (strcmp(recording->nodes[i].row.host, recording->nodes[rank].row.host) == 0)
            return true;
    return false;
}

static uint32_t ranks_on_host(const struct recording *recording, const char *host)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < recording->setup->world->ranks; i++)
        count += strcmp(recording->nodes[i].row.host, host) == 0;
    return count;
}

static void ranks_per_host(const struct recording *recording, char text[16])
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < recording->setup->world->ranks; i++) {
        uint32_t here = ranks_on_host(recording, recording->nodes[i].row.host);
        most = here > most ? here : most;
    }
    if (recording->summary->hosts == 1)
        (void)snprintf(text, 16, "all");
    else
        (void)snprintf(text, 16, "%u", most);
}

static enum converged converged(const struct recording *recording)
{
    const struct record_setup *setup = recording->setup;
    if (setup->ops->digest == NULL)
        return CONVERGED_NOT_APPLICABLE;
    for (uint32_t i = 0; i < setup->world->ranks; i++) {
        const struct run_node *first =
            &recording->nodes[i - i % setup->world->nodes].row; /* of the same group */
        if (recording->nodes[i].row.state_digest != first->state_digest)
            return CONVERGED_NO;
    }
    return CONVERGED_YES;
}

static bool is_balanced(const struct run_node *row)
{
    return row->attempted == row->sent + row->suppressed && row->in_flight == 0;
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
    summary->in_flight += row->in_flight;
    summary->unbalanced_nodes += !is_balanced(row);
    summary->clock_suspects += row->clock_suspect;
    summary->late_start_max_s = fmax(summary->late_start_max_s, row->late_start_s);
    if (!isnan(row->first_drift_s) && !(row->first_drift_s >= summary->first_drift_s)) {
        summary->first_drift_s = row->first_drift_s;
        summary->first_drift_node = row->node;
    }
}

static void add_trace_to_summary(struct run_summary *summary, const struct node_record *node)
{
    summary->trace_reserved_bytes += (double)node->trace_reserved_bytes;
    summary->trace_events += node->trace.events;
    summary->trace_dropped += node->trace.dropped;
    summary->trace_covered_until_s =
        fmin(summary->trace_covered_until_s, node->trace.covered_until_s);
}

static void summarise(struct recording *recording)
{
    struct run_summary *summary = recording->summary;
    double outside_s = 0;
    summary->nodes = recording->setup->world->ranks;
    summary->first_drift_s = (double)NAN;
    summary->trace_covered_until_s = recording->nodes[0].trace.covered_until_s;
    for (uint32_t i = 0; i < summary->nodes; i++) {
        add_to_summary(summary, &recording->nodes[i].row, &outside_s);
        add_trace_to_summary(summary, &recording->nodes[i]);
        if (host_seen_before(recording, i))
            continue;
        summary->hosts++;
        summary->cores += recording->nodes[i].cores;
    }
    summary->outside_node_fraction =
        summary->node_seconds > 0 ? outside_s / summary->node_seconds : (double)NAN;
    summary->converged = converged(recording);
    (void)snprintf(summary->run_id, sizeof summary->run_id, "%s-np%u-%s-%d",
                   recording->setup->config->system, summary->nodes,
                   recording->setup->start_time_utc, (int)getpid());
}

/* ---- the header ---- */

static size_t config_settings(const struct config_value *values, size_t count,
                              struct run_setting *settings)
{
    for (size_t i = 0; i < count; i++)
        settings[i] =
            (struct run_setting){values[i].group, values[i].key,
                                 values[i].is_number ? NULL : values[i].text, values[i].number};
    return count;
}

static void provenance_text(struct run_setting *settings, size_t *count, const char *key,
                            const char *text)
{
    settings[(*count)++] = (struct run_setting){"/provenance", key, text, 0};
}

static void provenance_number(struct run_setting *settings, size_t *count, const char *key,
                              double number)
{
    settings[(*count)++] = (struct run_setting){"/provenance", key, NULL, number};
}

static const char *environment_text(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? text : "";
}

static void provenance_settings(const struct recording *recording, struct run_setting *settings,
                                size_t *count)
{
    static const char *const yields[] = {"unknown", "0", "1"};
    const struct record_setup *setup = recording->setup;
    provenance_text(settings, count, "program_version", MPIDRIFT_VERSION);
    provenance_text(settings, count, "git_commit", MPIDRIFT_COMMIT);
    provenance_text(settings, count, "compiler", MPIDRIFT_COMPILER);
    provenance_text(settings, count, "command_line", setup->command_line);
    provenance_text(settings, count, "mpi_library", setup->mpi_library);
    provenance_text(settings, count, "rate_counts",
                    setup->ops->acts != NULL ? setup->ops->acts : "nothing");
    provenance_number(settings, count, "clock_resolution_s", clock_resolution_s());
    provenance_number(settings, count, "hosts", recording->summary->hosts);
    provenance_number(settings, count, "cores", recording->summary->cores);
    provenance_text(settings, count, "topology", setup->machine->topology);
    provenance_text(settings, count, "bind_found",
                    setup->machine->binding_widened ? "widened" : "as launched");
    provenance_text(settings, count, "mpi_yield_when_idle", yields[setup->yield_when_idle + 1]);
    provenance_number(settings, count, "trace_reserved_bytes",
                      recording->summary->trace_reserved_bytes);
    provenance_text(settings, count, "slurm_job_id", environment_text("SLURM_JOB_ID"));
    provenance_text(settings, count, "slurm_node_list", environment_text("SLURM_JOB_NODELIST"));
}

static void open_writer(struct recording *recording)
{
    static struct config_value values[CONFIG_VALUES_MAX];
    static struct run_setting settings[SETTINGS_MAX];
    const struct record_setup *setup = recording->setup;
    struct histogram histograms[HISTOGRAM_KINDS];
    size_t count = config_settings(values, config_values(setup->config, values), settings);
    provenance_settings(recording, settings, &count);
    assert(count <= SETTINGS_MAX);
    char per_host[16];
    ranks_per_host(recording, per_host);
    config_canonical_text(setup->config, per_host, recording->canonical_text);
    machine_time_utc(recording->end_time_utc);
    for (enum histogram_kind kind = 0; kind < HISTOGRAM_KINDS; kind++)
        histograms[kind] = *observer_histogram(setup->observer, kind);
    struct run_header header = {
        .run_id = recording->summary->run_id,
        .start_time_utc = setup->start_time_utc,
        .end_time_utc = recording->end_time_utc,
        .canonical_text = recording->canonical_text,
        .settings = settings,
        .setting_count = count,
        .nodes = setup->world->ranks,
        .windows = recording->windows.windows,
        .window_s = setup->config->duration_s / recording->windows.windows,
        .histograms = histograms,
    };
    header.context_count = system_contexts(setup->ops, header.contexts);
    recording->writer = run_writer_create(setup->path, &header, &recording->failure);
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
    for (uint32_t i = 0; i < recording->setup->world->ranks && recording->writer != NULL; i++)
        note(recording,
             run_writer_nodes(recording->writer, &recording->nodes[i].row, 1) &&
                 run_writer_trace_index(recording->writer, &recording->nodes[i].trace, 1));
}

/* ---- badges, pairs, trace, histograms, windows ---- */

static void give_badges(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    struct badge *rows = records;
    for (size_t i = 0; i < count; i++)
        rows[i] = row_of_badge(recording->setup, first + i);
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
        rows[i] = row_of_pair(recording->setup, first + i);
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
        rows[i] = row_of_trace_event(recording->setup, first + i);
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
    histogram_record_fill(observer_histogram(recording->setup->observer, recording->kind), records);
}

static void take_histogram(void *self, uint32_t rank, const void *records, size_t count)
{
    struct recording *recording = self;
    const uint64_t *numbers = records;
    size_t bins = observer_histogram(recording->setup->observer, recording->kind)->bins;
    (void)count;
    if (recording->writer != NULL)
        note(recording, run_writer_histogram(recording->writer, rank, recording->kind, numbers,
                                             numbers[bins], numbers[bins + 1]));
}

static void give_windows(void *self, uint64_t first, size_t count, void *records)
{
    const struct recording *recording = self;
    (void)first, (void)count;
    windows_record_fill(recording->setup, recording->windows, records);
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
    struct run_windows windows = windows_record_view(recording->windows, record.viewed);
    note(recording, run_writer_windows(recording->writer, rank, &windows));
}

/* ---- the story ---- */

static void gather_bulk(struct recording *recording)
{
    const struct record_setup *setup = recording->setup;
    struct gather badges = {sizeof(struct badge), spool_count(setup->spool), give_badges,
                            take_badges, recording};
    struct gather pairs = {sizeof(struct run_pair), row_pairs(setup), give_pairs, take_pairs,
                           recording};
    struct gather trace = {sizeof(struct trace_event),
                           setup->trace != NULL ? trace_count(setup->trace) : 0, give_trace,
                           take_trace, recording};
    struct gather windows = {windows_record_bytes(recording->windows), 1, give_windows,
                             take_windows, recording};
    gather_records(setup->world, &badges);
    gather_records(setup->world, &pairs);
    gather_records(setup->world, &trace);
    gather_records(setup->world, &windows);
    for (recording->kind = 0; recording->kind < HISTOGRAM_KINDS; recording->kind++) {
        const struct histogram *histogram = observer_histogram(setup->observer, recording->kind);
        struct gather counts = {histogram_record_bytes(histogram), 1, give_histogram,
                                take_histogram, recording};
        gather_records(setup->world, &counts);
    }
}

enum exit_code record_run(const struct record_setup *setup, struct run_summary *summary)
{
    const struct world *world = setup->world;
    struct recording recording = {.setup = setup, .summary = summary};
    uint32_t contexts[CONTEXT_COUNT];
    recording.windows = (struct windows_shape){system_contexts(setup->ops, contexts),
                                               record_windows(setup->config->duration_s)};
    *summary = (struct run_summary){.clock_uncertainty_s =
                                        world_max(world, setup->pass->pair_uncertainty_max_s)};
    if (world->rank == 0) {
        recording.nodes = calloc(world->ranks, sizeof *recording.nodes);
        if (recording.nodes == NULL)
            (void)failure_set(&recording.failure, EXIT_INTERNAL, "no memory for %u node rows",
                              world->ranks);
    }
    enum exit_code code = world_agree(world, &recording.failure);
    if (code != EXIT_DONE)
        return code;
    struct gather nodes = {sizeof(struct node_record), 1, give_node, take_node, &recording};
    gather_records(world, &nodes);
    if (world->rank == 0) {
        place_rows(&recording);
        summarise(&recording);
        open_writer(&recording);
        write_nodes(&recording);
    }
    gather_bulk(&recording);
    if (recording.writer != NULL)
        (void)run_writer_finish(recording.writer);
    free(recording.nodes);
    return world_agree(world, &recording.failure);
}
