#include "observe/observer_state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the block ---- */

struct histogram observer_histogram_shape(const double limit[CONTEXT_COUNT],
                                          enum histogram_kind kind)
{
    static const enum context limit_of[HISTOGRAM_KINDS] = {
        [HISTOGRAM_DELAY] = CONTEXT_MESSAGE_DELAY_EXCEEDED,
        [HISTOGRAM_LAG] = CONTEXT_VERSION_LAG_EXCEEDED,
        [HISTOGRAM_GAP] = CONTEXT_HEARTBEAT_MISSED,
        [HISTOGRAM_STALL] = CONTEXT_COUNT,
        [HISTOGRAM_LATENESS] = CONTEXT_COUNT,
    };
    enum context context = limit_of[kind];
    return histogram_shape(kind, context < CONTEXT_COUNT ? limit[context] : 0);
}

static size_t bins_of(const struct corridor *corridor)
{
    size_t bins = 0;
    for (enum histogram_kind kind = 0; kind < HISTOGRAM_KINDS; kind++)
        bins += observer_histogram_shape(corridor->limit, kind).bins;
    return bins;
}

size_t observer_bytes(const struct observer_setup *setup)
{
    size_t streams = (size_t)setup->nodes * CONTEXT_COUNT, windows = setup->windows;
    return sizeof(struct observer_state) + streams * sizeof(struct stream) +
           setup->nodes * sizeof(struct peer_clock) + bins_of(setup->corridor) * sizeof(uint64_t) +
           windows * (CONTEXT_COUNT + 1) * sizeof(double) +
           windows * CONTEXT_COUNT * COUNT_KINDS * sizeof(uint32_t);
}

size_t observer_peer_bytes(void)
{
    return CONTEXT_COUNT * sizeof(struct stream) + sizeof(struct peer_clock) +
           sizeof(struct contact);
}

/* Each array stands where the one before ends, those of eight-byte elements first: all are aligned.
 * What the histograms counted stays; their bins are told by the limits alone. */
static void attach(struct observer *o, void *block)
{
    size_t streams = (size_t)o->setup.nodes * CONTEXT_COUNT, windows = o->setup.windows;
    o->state = block;
    o->streams = (void *)(o->state + 1);
    o->clocks = (void *)(o->streams + streams);
    uint64_t *bins = (void *)(o->clocks + o->setup.nodes);
    for (enum histogram_kind kind = 0; kind < HISTOGRAM_KINDS; kind++) {
        struct histogram *histogram = &o->state->histograms[kind];
        struct histogram shape = observer_histogram_shape(o->corridor.limit, kind);
        shape.underflow = histogram->underflow;
        shape.overflow = histogram->overflow;
        shape.counts = bins;
        *histogram = shape;
        bins += shape.bins;
    }
    o->outside_s = (void *)bins;
    o->counts = (void *)(o->outside_s + windows * (CONTEXT_COUNT + 1));
    for (size_t c = 0; c <= CONTEXT_COUNT; c++)
        o->state->meters[c].part_s = o->outside_s + c * windows;
}

static void start_counting(struct observer *o)
{
    o->state->totals.first_drift_s = (double)NAN;
    for (size_t i = 0; i < (size_t)o->setup.nodes * CONTEXT_COUNT; i++)
        o->streams[i] = (struct stream){.episode = NO_EPISODE, .already_until_s = (double)NAN};
}

/* Silence is judged on its own. */
static void appoint_judges(struct observer *o)
{
    for (enum context c = 0; c < CONTEXT_COUNT; c++) {
        const struct context_info *info = &context_table[c];
        if (!observer_watches(o, c) || info->measure == MEASURE_HEARTBEAT_GAP_S)
            continue;
        uint32_t place = o->judge_count[info->measure]++;
        assert(place < JUDGES_MAX);
        o->judges[info->measure][place] =
            (struct judge){c, info->keyed, info->sign, o->corridor.limit[c]};
    }
    o->part_at.s = (double)NAN; /* asked for none */
}

/* ---- life ---- */

static struct observer *new_observer(const struct observer_setup *setup, struct failure *failure)
{
    struct observer *o = calloc(1, sizeof *o);
    void *block = setup->block;
    if (o != NULL) {
        o->setup = *setup;
        o->corridor = *setup->corridor;
        o->contacts = calloc(setup->nodes, sizeof *o->contacts);
        if (block == NULL)
            block = o->own_block = calloc(1, observer_bytes(setup));
    }
    if (o == NULL || o->contacts == NULL || block == NULL) {
        observer_free(o);
        (void)failure_set(failure, EXIT_INTERNAL, "node %u has no memory for its observer",
                          setup->node);
        return NULL;
    }
    attach(o, block);
    appoint_judges(o);
    return o;
}

struct observer *observer_create(const struct observer_setup *setup, struct failure *failure)
{
    struct observer *o = new_observer(setup, failure);
    if (o == NULL)
        return NULL;
    start_counting(o);
    observer_set_uncertainty(o, setup->pair_uncertainty_s);
    return o;
}

void observer_set_uncertainty(struct observer *o, const double *pair_uncertainty_s)
{
    for (uint32_t peer = 0; peer < o->setup.nodes; peer++)
        o->clocks[peer].uncertainty_s = pair_uncertainty_s[peer];
}

void observer_free(struct observer *observer)
{
    if (observer == NULL)
        return;
    free(observer->contacts);
    free(observer->own_block);
    free(observer);
}

/* ---- a block that outlived its process ---- */

/* Death may strike in the middle of one event, which then stands in one of two sums only. */
static bool agree(uint64_t a, uint64_t b)
{
    return a == b || a - b == 1 || b - a == 1;
}

static bool is_time(double seconds)
{
    return seconds_are_possible(seconds) && seconds >= 0;
}

static bool window_is_sane(const struct observer *o)
{
    const struct observer_state *state = o->state;
    double window_s = state->grid.part_s * state->grid.parts;
    return state->has_window == 1 && state->is_finished <= 1 &&
           state->grid.parts == o->setup.windows && seconds_are_possible(state->grid.begin.s) &&
           is_time(window_s) && seconds_are_possible(state->alive.s) &&
           seconds_are_possible(state->end.s) &&
           local_elapsed_s(state->grid.begin, state->end) <= window_s * (1 + 1e-9);
}

static bool streams_are_sane(const struct observer *o)
{
    uint64_t episodes = 0, already = 0;
    for (size_t i = 0; i < (size_t)o->setup.nodes * CONTEXT_COUNT; i++) {
        const struct stream *stream = &o->streams[i];
        if (stream->beyond > stream->observations ||
            (stream->episode != NO_EPISODE && stream->episode > o->state->totals.episodes) ||
            (!isnan(stream->already_until_s) && !is_time(stream->already_until_s)))
            return false;
        episodes += stream->episodes;
        already += isnan(stream->already_until_s) ? 0 : 1;
    }
    return agree(episodes, o->state->totals.episodes) &&
           agree(already, o->state->totals.already_outside);
}

/* What the streams of a context counted is what its windows counted. */
static bool windows_agree(const struct observer *o, enum context context)
{
    uint64_t of_streams[COUNT_KINDS] = {0}, of_windows[COUNT_KINDS] = {0};
    for (uint32_t peer = 0; peer < o->setup.nodes; peer++) {
        const struct stream *stream = stream_of(o, peer, context);
        of_streams[COUNT_OBSERVATIONS] += stream->observations;
        of_streams[COUNT_BEYOND] += stream->beyond;
        of_streams[COUNT_EPISODES] += stream->episodes;
    }
    bool done = true;
    for (int kind = 0; kind < COUNT_KINDS; kind++) {
        for (uint32_t i = 0; i < o->setup.windows; i++)
            of_windows[kind] += window_row(o, context, kind)[i];
        done = done && agree(of_streams[kind], of_windows[kind]);
    }
    return done;
}

static bool outside_is_sane(const struct observer *o)
{
    double part_s = o->state->grid.part_s * (1 + 1e-6), sum_s = 0;
    for (size_t i = 0; i < (size_t)o->setup.windows * (CONTEXT_COUNT + 1); i++)
        if (!is_time(o->outside_s[i]) || o->outside_s[i] > part_s)
            return false;
    for (uint32_t i = 0; i < o->setup.windows; i++)
        sum_s += observer_node_outside_s(o)[i];
    return o->state->totals.outside_node_s == (o->state->is_finished ? sum_s : 0);
}

static bool clocks_are_sane(const struct observer *o)
{
    for (uint32_t peer = 0; peer < o->setup.nodes; peer++)
        if (!is_time(o->clocks[peer].uncertainty_s) ||
            o->clocks[peer].impossible > o->clocks[peer].early)
            return false;
    return true;
}

static uint64_t counted(const struct histogram *histogram)
{
    uint64_t sum = histogram->underflow + histogram->overflow;
    for (size_t i = 0; i < histogram->bins; i++)
        sum += histogram->counts[i];
    return sum;
}

static bool totals_are_sane(const struct observer *o)
{
    const struct observer_totals *totals = &o->state->totals;
    const struct histogram *histograms = o->state->histograms;
    return agree(counted(&histograms[HISTOGRAM_DELAY]), totals->messages_observed) &&
           agree(counted(&histograms[HISTOGRAM_STALL]), totals->stalls) &&
           is_time(totals->longest_stall_s) &&
           (isnan(totals->first_drift_s) || is_time(totals->first_drift_s));
}

static bool block_is_sane(const struct observer *o)
{
    bool sane = window_is_sane(o) && streams_are_sane(o) && clocks_are_sane(o) &&
                outside_is_sane(o) && totals_are_sane(o);
    for (enum context c = 0; sane && c < CONTEXT_COUNT; c++)
        sane = windows_agree(o, c);
    return sane;
}

/* How many streams are outside is told by the streams; a meter that had not yet begun, begins at
 * the end. */
static void settle_meters(struct observer *o)
{
    struct outside_meter *any = &o->state->meters[CONTEXT_COUNT];
    uint32_t all = 0;
    for (enum context c = 0; c < CONTEXT_COUNT; c++) {
        struct outside_meter *meter = &o->state->meters[c];
        uint32_t streams = 0;
        for (uint32_t peer = 0; peer < o->setup.nodes; peer++)
            streams += stream_of(o, peer, c)->outside_keys != 0;
        if (meter->streams == 0)
            meter->since = o->state->end;
        meter->streams = streams;
        all += streams;
    }
    if (any->streams == 0)
        any->since = o->state->end;
    any->streams = all;
}

static void ignore_opened(void *self, uint64_t number, const struct badge *badge)
{
    (void)self, (void)number, (void)badge;
}
static void ignore_closed(void *self, uint64_t number, const struct badge_end *end)
{
    (void)self, (void)number, (void)end;
}

struct observer *observer_revive(const struct observer_setup *setup, struct failure *failure)
{
    struct observer *o = new_observer(setup, failure);
    if (o == NULL)
        return NULL;
    o->setup.sink = (struct badge_sink){ignore_opened, ignore_closed, NULL};
    if (o->state->has_window == 0) { /* nothing was counted */
        memset(o->state, 0, observer_bytes(setup));
        attach(o, o->state);
        start_counting(o);
        return o;
    }
    if (!block_is_sane(o)) {
        (void)failure_set(failure, EXIT_BAD_INPUT, "what node %u has counted contradicts itself",
                          setup->node);
        observer_free(o);
        return NULL;
    }
    if (o->state->is_finished == 0) {
        o->state->end = local_earlier(o->state->end, o->state->alive);
        settle_meters(o);
        observer_close_streams(o);
    }
    return o;
}

/* ---- what it has counted ---- */

struct observer_totals observer_totals(const struct observer *observer)
{
    return observer->state->totals;
}

double observer_watched_s(const struct observer *observer)
{
    const struct observer_state *state = observer->state;
    return fmax(0, local_elapsed_s(state->grid.begin, state->end));
}

struct stream_count observer_stream(const struct observer *observer, uint32_t peer,
                                    enum context context)
{
    const struct stream *stream = stream_of(observer, peer, context);
    return (struct stream_count){stream->observations, stream->beyond, stream->episodes,
                                 stream->already_until_s};
}

struct clock_count observer_clock(const struct observer *observer, uint32_t peer)
{
    const struct peer_clock *clock = &observer->clocks[peer];
    return (struct clock_count){clock->uncertainty_s, clock->early, clock->impossible};
}

struct window_counts observer_windows(const struct observer *observer, enum context context)
{
    return (struct window_counts){
        window_row(observer, context, COUNT_OBSERVATIONS),
        window_row(observer, context, COUNT_BEYOND),
        window_row(observer, context, COUNT_EPISODES),
        observer->outside_s + (size_t)context * observer->setup.windows,
    };
}

const double *observer_node_outside_s(const struct observer *observer)
{
    return observer->outside_s + (size_t)CONTEXT_COUNT * observer->setup.windows;
}

const struct histogram *observer_histogram(const struct observer *observer,
                                           enum histogram_kind kind)
{
    return &observer->state->histograms[kind];
}
