#include "made_node.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BADGES_AT_A_TIME = 4096 };

/* The only context whose values each kind of histogram counts. */
static const enum context judged[HISTOGRAM_KINDS] = {
    [HISTOGRAM_DELAY] = CONTEXT_MESSAGE_DELAY_EXCEEDED,
    [HISTOGRAM_LAG] = CONTEXT_VERSION_LAG_EXCEEDED,
    [HISTOGRAM_GAP] = CONTEXT_HEARTBEAT_MISSED,
    [HISTOGRAM_STALL] = CONTEXT_COUNT,
    [HISTOGRAM_LATENESS] = CONTEXT_COUNT,
};
static const double STALL_S = 0.002;

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL)
        abort();
    return memory;
}

double made_limit(const struct made_run *run, enum histogram_kind kind)
{
    return judged[kind] < CONTEXT_COUNT ? run->config.corridor.limit[judged[kind]] : 0;
}

/* Time that a stream was outside, within the window. */
struct interval {
    double begin_s;
    double end_s;
    enum context context;
};

struct made_node {
    const struct made_run *run;
    struct run_writer *writer;
    uint32_t node;
    struct run_node row;
    struct run_pair *pairs; /* [group_nodes][CONTEXT_COUNT] */
    struct run_windows
        windows; /* [CONTEXT_COUNT][windows], all contexts whether the system's or not */
    struct interval *intervals; /* in the order of emission */
    size_t interval_count;
    size_t interval_room;
    struct badge *badges; /* [BADGES_AT_A_TIME] */
    size_t badge_count;
};

static struct run_pair *pair_of(const struct made_node *made, uint32_t peer, uint32_t context)
{
    uint32_t group = made_group_nodes(made->run);
    assert(peer / group == made->node / group && peer != made->node && peer < made->run->nodes);
    return &made->pairs[(peer % group) * CONTEXT_COUNT + context];
}

/* Place in arrays of a value per context and part of the window. */
static size_t place_of(const struct made_run *run, size_t context, size_t window)
{
    return context * run->windows + window;
}

static size_t window_of(const struct made_run *run, double at_s)
{
    double part = floor(at_s / run->config.duration_s * run->windows);
    return (size_t)fmin(fmax(part, 0), run->windows - 1);
}

static double end_of(const struct made_run *run, const struct made_episode *e)
{
    return isnan(e->end_s) ? run->config.duration_s : fmin(e->end_s, run->config.duration_s);
}

static void keep_interval(struct made_node *made, const struct made_episode *e)
{
    if (made->interval_count == made->interval_room) {
        made->interval_room = 2 * made->interval_room + 64;
        made->intervals = realloc(made->intervals, made->interval_room * sizeof made->intervals[0]);
        if (made->intervals == NULL)
            abort();
    }
    made->intervals[made->interval_count++] =
        (struct interval){fmax(0, e->begin_s), end_of(made->run, e), e->context};
}

static bool write_badges(struct made_node *made)
{
    bool done = run_writer_badges(made->writer, made->badges, made->badge_count);
    made->badge_count = 0;
    return done;
}

static struct badge badge_of(const struct made_node *made, const struct made_episode *e)
{
    const struct context_info *info = &context_table[e->context];
    double limit = made->run->config.corridor.limit[e->context];
    double shift_s = made->run->shift_s != NULL ? made->run->shift_s[made->node] : 0;
    return (struct badge){
        .time_s = e->begin_s,
        .global_s = e->begin_s + shift_s,
        .uncertainty_s = made->run->uncertainty_s,
        .end_s = e->end_s,
        .observed = info->sign * (limit > 0 ? 1.5 * limit : 1),
        .limit = limit,
        .peak = info->sign * (limit > 0 ? 2 * limit : 1),
        .own_stall_s = e->flags & BADGE_SELF_STALLED ? STALL_S : 0,
        .version_known = info->keyed ? made->row.episodes : 0,
        .version_received = info->keyed ? made->row.episodes + 1 : 0,
        .sequence = made->row.episodes,
        .node = made->node,
        .peer = e->peer,
        .key = info->keyed ? 0 : -1,
        .flags = e->flags | (isnan(e->end_s) ? (uint32_t)BADGE_CENSORED : 0),
        .context = (uint16_t)e->context,
        .boundary = (uint16_t)info->boundary,
        .class = (uint16_t)info->class,
        .type = BADGE_COHERENCE_DRIFT,
    };
}

static bool take_episode(struct made_node *made, const struct made_episode *e)
{
    struct run_pair *pair = pair_of(made, e->peer, e->context);
    size_t window = place_of(made->run, e->context, window_of(made->run, e->begin_s));
    keep_interval(made, e);
    pair->beyond += made->run->beyond;
    made->windows.beyond[window] += made->run->beyond;
    if (e->begin_s < 0) {
        assert(isnan(pair->already_outside_until_s));
        pair->already_outside_until_s = end_of(made->run, e);
        made->row.already_outside++;
        return true;
    }
    pair->episodes++;
    made->row.episodes++;
    made->windows.episodes[window]++;
    made->row.first_drift_s = fmin(made->row.first_drift_s, e->begin_s); /* ignores NaN */
    if (e->flags & BADGE_SELF_STALLED) {
        made->row.stalls++;
        made->row.longest_stall_s = STALL_S;
    }
    if (e->lost) {
        made->row.badges_lost++;
        return true;
    }
    made->row.badges++;
    made->badges[made->badge_count++] = badge_of(made, e);
    return made->badge_count < BADGES_AT_A_TIME || write_badges(made);
}

/* ---- sums ---- */

static int by_beginning(const void *a, const void *b)
{
    const struct interval *x = a, *y = b;
    return (x->begin_s > y->begin_s) - (x->begin_s < y->begin_s);
}

/* Add [from_s, to_s) to the parts of the window that it touches. */
static void spread(const struct made_run *run, double *parts_s, double from_s, double to_s)
{
    double part_s = run->config.duration_s / run->windows;
    for (size_t w = window_of(run, from_s); w < run->windows && (double)w * part_s < to_s; w++)
        parts_s[w] +=
            fmax(0, fmin(to_s, (double)(w + 1) * part_s) - fmax(from_s, (double)w * part_s));
}

/* Length of the unions of the sorted intervals, per context and over all of them. */
static void sum_outside(struct made_node *made)
{
    const struct made_run *run = made->run;
    double covered_s[CONTEXT_COUNT + 1] = {0};
    if (made->interval_count > 0)
        qsort(made->intervals, made->interval_count, sizeof made->intervals[0], by_beginning);
    for (size_t i = 0; i < made->interval_count; i++) {
        const struct interval *interval = &made->intervals[i];
        double *rows[2] = {made->windows.outside_s + place_of(run, interval->context, 0),
                           made->windows.node_outside_s};
        double *covered[2] = {&covered_s[interval->context], &covered_s[CONTEXT_COUNT]};
        for (size_t k = 0; k < 2; k++) {
            spread(run, rows[k], fmax(interval->begin_s, *covered[k]), interval->end_s);
            *covered[k] = fmax(*covered[k], interval->end_s);
        }
    }
    for (size_t w = 0; w < run->windows; w++)
        made->row.outside_node_s += made->windows.node_outside_s[w];
}

/* Observations inside the limit are spread evenly over the window, the rest goes to its first
 * parts. */
static uint64_t sum_observations(struct made_node *made, uint32_t context)
{
    const struct made_run *run = made->run;
    uint32_t group = made_group_nodes(run);
    uint64_t inside = 0;
    for (uint32_t i = 0; i < group; i++) {
        struct run_pair *pair = &made->pairs[i * CONTEXT_COUNT + context];
        if (pair->node == pair->peer || !run->config.corridor.watched[context])
            continue;
        pair->observations = pair->beyond > run->observations ? pair->beyond : run->observations;
        inside += pair->observations - pair->beyond;
    }
    for (size_t w = 0; w < run->windows; w++) {
        size_t at = place_of(run, context, w);
        made->windows.observations[at] = made->windows.beyond[at] +
                                         (uint32_t)(inside / run->windows) +
                                         (w < inside % run->windows);
    }
    return inside;
}

/* ---- histograms ---- */

static void add_values(struct histogram *histogram, double value, uint64_t count)
{
    if (count == 0)
        return;
    uint64_t *before = take(histogram->bins, sizeof *before);
    uint64_t underflow = histogram->underflow, overflow = histogram->overflow;
    memcpy(before, histogram->counts, histogram->bins * sizeof *before);
    histogram_add(histogram, value);
    histogram->underflow += (histogram->underflow - underflow) * (count - 1);
    histogram->overflow += (histogram->overflow - overflow) * (count - 1);
    for (size_t i = 0; i < histogram->bins; i++)
        histogram->counts[i] += (histogram->counts[i] - before[i]) * (count - 1);
    free(before);
}

static void add_judged(const struct made_node *made, enum context context, uint64_t inside,
                       struct histogram *histogram)
{
    double limit = made->run->config.corridor.limit[context];
    uint64_t beyond = 0;
    for (size_t w = 0; w < made->run->windows; w++)
        beyond += made->windows.beyond[place_of(made->run, context, w)];
    bool lag = context == CONTEXT_VERSION_LAG_EXCEEDED;
    add_values(histogram, lag ? 0 : isinf(limit) ? 0.001 : limit / 2, inside);
    add_values(histogram, lag ? floor(1.5 * limit) + 1 : 1.5 * limit, beyond);
}

static bool write_histogram(const struct made_node *made, enum histogram_kind kind,
                            const uint64_t *inside)
{
    struct histogram histogram;
    const struct made_values *declared = &made->run->values[kind];
    if (!histogram_init(&histogram, kind, made_limit(made->run, kind)))
        abort();
    if (declared->values != NULL)
        for (size_t i = 0; i < declared->count; i++)
            add_values(&histogram, declared->values[i].value, declared->values[i].count);
    else if (judged[kind] < CONTEXT_COUNT)
        add_judged(made, judged[kind], inside[judged[kind]], &histogram);
    else if (kind == HISTOGRAM_STALL)
        add_values(&histogram, STALL_S, made->row.stalls);
    bool done = run_writer_histogram(made->writer, made->node, kind, histogram.counts,
                                     histogram.underflow, histogram.overflow);
    histogram_free(&histogram);
    return done;
}

/* ---- one node, written ---- */

/* Of the pair row at that place. */
static double pair_uncertainty_s(const struct made_node *made, uint32_t place)
{
    const struct made_run *run = made->run;
    uint32_t group = made_group_nodes(run);
    uint32_t peer = made->node / group * group + place / CONTEXT_COUNT;
    bool crosses = peer % run->hosts != made->node % run->hosts;
    return place % CONTEXT_COUNT == CONTEXT_MESSAGE_DELAY_EXCEEDED
               ? run->pair_uncertainty_s[crosses]
               : 0;
}

static void begin_node(struct made_node *made)
{
    const struct made_run *run = made->run;
    uint32_t group = made_group_nodes(run);
    size_t cells = (size_t)CONTEXT_COUNT * run->windows;
    made->row = (struct run_node){.node = made->node,
                                  .group = made->node / group,
                                  .clock_domain = made->node % run->hosts,
                                  .host_first_rank = made->node % run->hosts,
                                  .badges_first = made->row.badges_first + made->row.badges,
                                  .watched_s = run->config.duration_s,
                                  .first_drift_s = (double)NAN,
                                  .cpu_s = 0.1 * run->config.duration_s,
                                  .state_digest = 1 + made->node / group};
    for (size_t i = 0; i < RUN_SYNCS; i++)
        made->row.sync[i] = (struct run_sync){i > 0 ? run->config.duration_s : -0.5, 0,
                                              run->uncertainty_s, 2 * run->uncertainty_s};
    node_name(made->node, made->row.name);
    (void)snprintf(made->row.host, sizeof made->row.host, "host-%u", made->node % run->hosts);
    (void)snprintf(made->row.binding, sizeof made->row.binding, "0-%u", run->cores - 1);
    for (uint32_t i = 0; i < group * CONTEXT_COUNT; i++)
        made->pairs[i] = (struct run_pair){.already_outside_until_s = (double)NAN,
                                           .node = made->node,
                                           .peer = made->row.group * group + i / CONTEXT_COUNT,
                                           .clock_uncertainty_s = pair_uncertainty_s(made, i),
                                           .context = i % CONTEXT_COUNT};
    memset(made->windows.observations, 0, cells * sizeof(uint32_t));
    memset(made->windows.beyond, 0, cells * sizeof(uint32_t));
    memset(made->windows.episodes, 0, cells * sizeof(uint32_t));
    memset(made->windows.outside_s, 0, cells * sizeof(double));
    memset(made->windows.node_outside_s, 0, run->windows * sizeof(double));
    made->interval_count = 0;
}

static bool write_pairs(const struct made_node *made, const uint32_t *contexts, uint32_t count)
{
    bool done = true;
    for (uint32_t i = 0; done && i < made_group_nodes(made->run); i++)
        for (uint32_t c = 0; done && c < count; c++) {
            const struct run_pair *pair = &made->pairs[i * CONTEXT_COUNT + contexts[c]];
            done = pair->node == pair->peer || run_writer_pairs(made->writer, pair, 1);
        }
    return done;
}

/* The rows of the system's contexts, moved together. */
static bool write_windows(struct made_node *made, const uint32_t *contexts, uint32_t count)
{
    size_t row = made->run->windows;
    for (uint32_t c = 0; c < count; c++) {
        size_t to = c * row, from = contexts[c] * row;
        memmove(made->windows.observations + to, made->windows.observations + from,
                row * sizeof(uint32_t));
        memmove(made->windows.beyond + to, made->windows.beyond + from, row * sizeof(uint32_t));
        memmove(made->windows.episodes + to, made->windows.episodes + from, row * sizeof(uint32_t));
        memmove(made->windows.outside_s + to, made->windows.outside_s + from, row * sizeof(double));
    }
    return run_writer_windows(made->writer, made->node, &made->windows);
}

static bool write_trace(const struct made_node *made)
{
    const struct made_trace *trace = &made->run->trace;
    double shift_s = made->run->shift_s != NULL ? made->run->shift_s[made->node] : 0;
    struct run_trace index = {.covered_until_s = made->run->config.duration_s};
    bool done = true;
    if (trace->covered_until_s != NULL)
        index.covered_until_s = trace->covered_until_s[made->node];
    for (size_t i = 0; done && i < trace->count; i++) {
        struct trace_event event = trace->events[i];
        index.first += event.node < made->node;
        if (event.node != made->node)
            continue;
        event.global_s = event.time_s + shift_s;
        index.events++;
        done = run_writer_trace(made->writer, &event, 1);
    }
    return done && (trace->count == 0 || run_writer_trace_index(made->writer, &index, 1));
}

static bool write_node(struct made_node *made)
{
    const struct made_source *source = &made->run->source;
    uint32_t contexts[CONTEXT_COUNT], count = made_contexts(made->run, contexts);
    uint64_t inside[CONTEXT_COUNT] = {0};
    struct made_episode episode;
    bool done = true;
    begin_node(made);
    while (done && source->next != NULL && source->next(source->self, made->node, &episode))
        done = take_episode(made, &episode);
    done = done && write_badges(made);
    sum_outside(made);
    for (uint32_t c = 0; c < count; c++)
        inside[contexts[c]] = sum_observations(made, contexts[c]);
    made->row.messages_observed = made->run->observations * (made_group_nodes(made->run) - 1);
    made->row.attempted = made->row.sent = made->row.received = made->row.messages_observed;
    struct run_node row = made->row;
    if (made->run->adjust != NULL)
        made->run->adjust(&row);
    done = done && run_writer_nodes(made->writer, &row, 1);
    for (enum histogram_kind kind = 0; done && kind < HISTOGRAM_KINDS; kind++)
        done = write_histogram(made, kind, inside);
    return done && write_trace(made) && write_pairs(made, contexts, count) &&
           write_windows(made, contexts, count);
}

bool made_nodes_write(const struct made_run *run, struct run_writer *writer)
{
    struct made_node made = {.run = run, .writer = writer};
    size_t cells = (size_t)CONTEXT_COUNT * run->windows;
    bool done = true;
    made.pairs = take((size_t)made_group_nodes(run) * CONTEXT_COUNT, sizeof *made.pairs);
    made.windows = (struct run_windows){
        take(cells, sizeof(uint32_t)), take(cells, sizeof(uint32_t)), take(cells, sizeof(uint32_t)),
        take(cells, sizeof(double)), take(run->windows, sizeof(double))};
    made.badges = take(BADGES_AT_A_TIME, sizeof *made.badges);
    for (made.node = 0; done && made.node < run->nodes; made.node++)
        done = write_node(&made);
    free(made.pairs);
    free(made.windows.observations);
    free(made.windows.beyond);
    free(made.windows.episodes);
    free(made.windows.outside_s);
    free(made.windows.node_outside_s);
    free(made.intervals);
    free(made.badges);
    return done;
}
