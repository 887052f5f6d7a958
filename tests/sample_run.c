#include "sample_run.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t sample_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* Signed, over many magnitudes; now and then not a number, where the format allows it. */
static double random_real(uint64_t *state)
{
    uint64_t bits = sample_random(state);
    double number = ldexp((double)(bits >> 11), (int)(bits & 63) - 80);
    return bits & 64 ? -number : number;
}

static double random_or_nan(uint64_t *state)
{
    double number = random_real(state);
    return sample_random(state) % 4 == 0 ? (double)NAN : number;
}

static uint32_t below(uint64_t *state, uint32_t bound)
{
    assert(bound > 0);
    return (uint32_t)(sample_random(state) % bound);
}

static void make_badge(struct badge *badge, uint32_t node, uint32_t nodes, uint64_t *state)
{
    *badge = (struct badge){
        .time_s = random_real(state),
        .global_s = random_real(state),
        .uncertainty_s = random_real(state),
        .end_s = random_or_nan(state),
        .observed = random_real(state),
        .limit = random_real(state),
        .peak = random_real(state),
        .own_stall_s = random_real(state),
        .version_known = sample_random(state),
        .version_received = sample_random(state),
        .sequence = sample_random(state),
        .node = node,
        .peer = below(state, nodes),
        .key = (int32_t)below(state, 65) - 1,
        .flags = below(state, 16),
        .context = (uint16_t)below(state, CONTEXT_COUNT),
        .boundary = (uint16_t)below(state, BOUNDARY_COUNT),
        .class = (uint16_t)below(state, CLASS_COUNT),
        .type = BADGE_COHERENCE_DRIFT,
    };
}

static void make_node(struct run_node *row, uint32_t node, uint64_t *state)
{
    *row = (struct run_node){
        .window_begin_global_s = random_real(state),
        .watched_s = random_real(state),
        .first_drift_s = random_or_nan(state),
        .outside_node_s = random_real(state),
        .cpu_s = random_real(state),
        .longest_stall_s = random_real(state),
        .late_start_s = random_real(state),
        .attempted = sample_random(state),
        .sent = sample_random(state),
        .suppressed = sample_random(state),
        .received = sample_random(state),
        .in_flight = sample_random(state),
        .messages_observed = sample_random(state),
        .episodes = sample_random(state),
        .badges_lost = sample_random(state),
        .already_outside = sample_random(state),
        .stalls = sample_random(state),
        .involuntary_switches = sample_random(state),
        .state_digest = sample_random(state),
        .node = node,
        .group = below(state, 8),
        .clock_domain = below(state, 8),
        .clock_suspect = below(state, 2),
    };
    for (int i = 0; i < 2; i++) /* what a later minor version added stays 0, as in an older file */
        row->sync[i] = (struct run_sync){random_real(state), random_real(state), random_real(state),
                                         random_real(state)};
    node_name(node, row->name);
    (void)snprintf(row->host, sizeof row->host, "h\xc3\xb4te-%u", below(state, 1000000));
    /* As long as a text may be. */
    memset(row->binding, 'a' + (int)below(state, 26), sizeof row->binding - 1);
}

static void make_rows(struct sample *sample, struct sample_size size, uint64_t *state)
{
    uint32_t nodes = size.nodes;
    sample->nodes = take(nodes, sizeof *sample->nodes);
    sample->badges = take(size.badges, sizeof *sample->badges);
    sample->badge_count = size.badges;
    for (uint32_t n = 0; n < nodes; n++)
        make_node(&sample->nodes[n], n, state);
    uint32_t node = 0;
    for (size_t i = 0; i < size.badges; i++) {
        /* Some nodes have many badges, some none. */
        while (node + 1 < nodes && (i * nodes) / size.badges > node && below(state, 3) > 0)
            node++;
        make_badge(&sample->badges[i], node, nodes, state);
        sample->nodes[node].badges++;
    }
    for (uint32_t n = 1; n < nodes; n++)
        sample->nodes[n].badges_first =
            sample->nodes[n - 1].badges_first + sample->nodes[n - 1].badges;
    sample->pair_count = (size_t)nodes * (nodes - 1) * size.contexts;
    sample->pairs = take(sample->pair_count, sizeof *sample->pairs);
    for (size_t i = 0; i < sample->pair_count; i++)
        sample->pairs[i] = (struct run_pair){.observations = sample_random(state),
                                             .beyond = sample_random(state),
                                             .episodes = sample_random(state),
                                             .already_outside_until_s = random_or_nan(state),
                                             .node = below(state, nodes),
                                             .peer = below(state, nodes),
                                             .context = below(state, CONTEXT_COUNT)};
}

static void make_event(struct trace_event *event, uint32_t node, uint32_t nodes, uint64_t *state)
{
    *event = (struct trace_event){
        .time_s = random_real(state),
        .global_s = random_real(state),
        .sent_s = random_real(state),
        .version = sample_random(state),
        .sequence = sample_random(state),
        .node = node,
        .peer = below(state, nodes),
        .base = below(state, nodes),
        .key = (int16_t)((int)below(state, 65) - 1),
        .kind = (uint16_t)below(state, BOUNDARY_COUNT),
    };
}

/* The last node has as many events as all others together. */
static void make_trace(struct sample *sample, struct sample_size size, uint64_t *state)
{
    sample->trace_count = 2 * size.badges;
    sample->trace = take(sample->trace_count, sizeof *sample->trace);
    sample->trace_index = take(size.nodes, sizeof *sample->trace_index);
    uint64_t first = 0;
    for (uint32_t n = 0; n < size.nodes; n++) {
        struct run_trace *index = &sample->trace_index[n];
        bool last = n + 1 == size.nodes;
        index->first = first;
        index->events = last ? sample->trace_count - first : size.badges / size.nodes;
        index->dropped = sample_random(state);
        index->covered_until_s = fabs(random_real(state));
        for (uint64_t i = 0; i < index->events; i++)
            make_event(&sample->trace[first++], n, size.nodes, state);
    }
}

/* Two octaves keep the file small; the histogram of lags is a real one. */
static void make_histograms(struct sample *sample, uint32_t nodes, uint64_t *state)
{
    sample->underflow = take((size_t)nodes * HISTOGRAM_KINDS, sizeof(uint64_t));
    sample->overflow = take((size_t)nodes * HISTOGRAM_KINDS, sizeof(uint64_t));
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++) {
        struct histogram *histogram = &sample->histograms[kind];
        if (kind == HISTOGRAM_LAG && !histogram_init(histogram, HISTOGRAM_LAG, 1))
            abort();
        if (kind != HISTOGRAM_LAG)
            *histogram =
                (struct histogram){.low = 0x1p-20, .high = 0x1p-18, .limit = kind, .bins = 64};
        sample->counts[kind] = take(nodes * histogram->bins, sizeof(uint64_t));
        for (size_t i = 0; i < nodes * histogram->bins; i++)
            sample->counts[kind][i] = sample_random(state) >> 32;
    }
    for (size_t i = 0; i < (size_t)nodes * HISTOGRAM_KINDS; i++) {
        sample->underflow[i] = sample_random(state) >> 32;
        sample->overflow[i] = sample_random(state) >> 32;
    }
}

static void make_windows(struct sample *sample, struct sample_size size, uint64_t *state)
{
    size_t cells = (size_t)size.nodes * size.contexts * size.windows;
    size_t node_cells = (size_t)size.nodes * size.windows;
    sample->windows = (struct run_windows){
        take(cells, sizeof(uint32_t)), take(cells, sizeof(uint32_t)), take(cells, sizeof(uint32_t)),
        take(cells, sizeof(double)), take(node_cells, sizeof(double))};
    for (size_t i = 0; i < cells; i++) {
        sample->windows.observations[i] = (uint32_t)sample_random(state);
        sample->windows.beyond[i] = (uint32_t)sample_random(state);
        sample->windows.episodes[i] = (uint32_t)sample_random(state);
        sample->windows.outside_s[i] = random_real(state);
    }
    for (size_t i = 0; i < node_cells; i++)
        sample->windows.node_outside_s[i] = random_real(state);
}

static const struct system_column sample_columns[] = {
    SYSTEM_COLUMN(sample_row, real_s, COLUMN_REAL, "s"),
    SYSTEM_COLUMN(sample_row, large, COLUMN_UNSIGNED, NULL),
    SYSTEM_COLUMN(sample_row, node, COLUMN_NODE, NULL),
    SYSTEM_COLUMN(sample_row, number, COLUMN_SIGNED, NULL),
};
static const struct system_table sample_tables[] = {
    SYSTEM_TABLE("besides", sample_row, sample_columns),
    SYSTEM_TABLE("nothing", sample_row, sample_columns), /* a table without rows */
};

static void make_system(struct sample *sample, struct sample_size size, uint64_t *state)
{
    sample->system_count = size.badges + 1;
    sample->system = take(sample->system_count, sizeof *sample->system);
    for (size_t i = 0; i < sample->system_count; i++)
        sample->system[i] =
            (struct sample_row){random_or_nan(state), sample_random(state),
                                below(state, size.nodes), (int32_t)below(state, 1000) - 500};
}

void sample_make(struct sample *sample, struct sample_size size, uint64_t seed)
{
    uint64_t state = seed;
    assert(size.contexts <= CONTEXT_COUNT);
    *sample = (struct sample){0};
    const struct run_setting settings[SAMPLE_SETTINGS] = {
        {"/", "note", "gr\xc3\xbc\xc3\x9f", 0},
        {"/provenance", "program_version", "0.1.0", 0},
        {"/provenance", "empty", "", 0},
        {"/provenance", "clock_resolution_s", NULL, 1e-9},
        {"/config", "system", "replication", 0},
        {"/config", "duration_s", NULL, 0.1},
        {"/config/corridor", "version_lag_max", NULL, (double)INFINITY},
        {"/config/perturb", "scene", "bare", 0},
    };
    memcpy(sample->settings, settings, sizeof settings);
    make_rows(sample, size, &state);
    make_histograms(sample, size.nodes, &state);
    make_windows(sample, size, &state);
    make_trace(sample, size, &state);
    make_system(sample, size, &state);
    sample->header = (struct run_header){
        .run_id = "20250101T000000Z-sample",
        .start_time_utc = "2025-01-01T00:00:00Z",
        .end_time_utc = "2025-01-01T00:00:05Z",
        .canonical_text = "duration_s=0.10000000000000001\nsystem=replication\n",
        .settings = sample->settings,
        .setting_count = SAMPLE_SETTINGS,
        .nodes = size.nodes,
        .context_count = size.contexts,
        .windows = size.windows,
        .window_s = 0.025,
        .histograms = sample->histograms,
        .tables = sample_tables,
        .table_count = sizeof sample_tables / sizeof sample_tables[0],
    };
    for (uint32_t c = 0; c < size.contexts; c++)
        sample->header.contexts[c] = CONTEXT_COUNT - size.contexts + c;
}

void sample_free(struct sample *sample)
{
    histogram_free(&sample->histograms[HISTOGRAM_LAG]);
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++)
        free(sample->counts[kind]);
    free(sample->underflow);
    free(sample->overflow);
    free(sample->nodes);
    free(sample->badges);
    free(sample->pairs);
    free(sample->trace);
    free(sample->trace_index);
    free(sample->system);
    free(sample->windows.observations);
    free(sample->windows.beyond);
    free(sample->windows.episodes);
    free(sample->windows.outside_s);
    free(sample->windows.node_outside_s);
}

struct run_windows sample_windows(const struct sample *sample, uint32_t node)
{
    const struct run_windows *all = &sample->windows;
    size_t at = (size_t)node * sample->header.context_count * sample->header.windows;
    return (struct run_windows){all->observations + at, all->beyond + at, all->episodes + at,
                                all->outside_s + at,
                                all->node_outside_s + (size_t)node * sample->header.windows};
}

static bool write_node(struct run_writer *writer, const struct sample *sample, uint32_t node)
{
    struct run_windows windows = sample_windows(sample, node);
    bool done = run_writer_nodes(writer, &sample->nodes[node], 1) &&
                run_writer_windows(writer, node, &windows);
    for (int kind = 0; done && kind < HISTOGRAM_KINDS; kind++) {
        size_t place = (size_t)kind * sample->header.nodes + node;
        done = run_writer_histogram(writer, node, (enum histogram_kind)kind,
                                    sample->counts[kind] + node * sample->histograms[kind].bins,
                                    sample->underflow[place], sample->overflow[place]);
    }
    return done;
}

/* How many of the rows left go next: unequal parts, as they are gathered. */
static size_t next_part(size_t at, size_t count)
{
    size_t rest = count - at, part = 2 * at + 1;
    return part < rest ? part : rest;
}

static bool write_badges(struct run_writer *writer, const struct sample *sample)
{
    bool done = true;
    for (size_t at = 0, part; done && at < sample->badge_count; at += part) {
        part = next_part(at, sample->badge_count);
        done = run_writer_badges(writer, sample->badges + at, part);
    }
    return done;
}

static bool write_trace(struct run_writer *writer, const struct sample *sample)
{
    if (sample->trace_index == NULL)
        return true;
    bool done = run_writer_trace_index(writer, sample->trace_index, sample->header.nodes);
    for (size_t at = 0, part; done && at < sample->trace_count; at += part) {
        part = next_part(at, sample->trace_count);
        done = run_writer_trace(writer, sample->trace + at, part);
    }
    return done;
}

static bool write_system(struct run_writer *writer, const struct sample *sample)
{
    bool done = true;
    for (size_t at = 0, part; done && at < sample->system_count; at += part) {
        part = next_part(at, sample->system_count);
        done = run_writer_system(writer, 0, sample->system + at, part);
    }
    run_writer_system_dropped(writer, 0, 2); /* of one node … */
    run_writer_system_dropped(writer, 0, 3); /* … and of another */
    return done;
}

struct run_writer *sample_write(const struct sample *sample, const char *path,
                                struct failure *failure)
{
    struct run_writer *writer = run_writer_create(path, &sample->header, failure);
    bool done = writer != NULL;
    for (uint32_t node = 0; done && node < sample->header.nodes; node++)
        done = write_node(writer, sample, node);
    done = done && write_badges(writer, sample) &&
           run_writer_pairs(writer, sample->pairs, sample->pair_count) &&
           write_trace(writer, sample) && write_system(writer, sample);
    if (writer != NULL && !done) {
        run_writer_abandon(writer);
        return NULL;
    }
    return writer;
}
