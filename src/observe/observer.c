#include "observe/observer_state.h"

#include <math.h>

static double since_begin_s(const struct observer *o, struct local_time at)
{
    return local_elapsed_s(o->state->grid.begin, at);
}

/* ---- own stalls ---- */

static double length_s(const struct stall *stall)
{
    return local_elapsed_s(stall->from, stall->to);
}

/* Waits end now, so one that an earlier stall overlaps is overlapped by a later one, too: an
 * earlier stall that is not longer will never be asked for. So they are kept ever shorter, and a
 * long one is not forgotten for the many short ones of catching up. */
static void keep_stall(struct observer *o, struct stall stall)
{
    while (o->stalls_kept > 0 && length_s(&o->stalls[o->stalls_kept - 1]) <= length_s(&stall))
        o->stalls_kept--;
    if (o->stalls_kept == STALLS_KEPT)
        o->stalls_kept--; /* the shortest of the others */
    o->stalls[o->stalls_kept++] = stall;
}

static void remember_stall(struct observer *o, const struct boundary_event *e)
{
    struct local_time from = local_after(e->at, -e->value);
    keep_stall(o, (struct stall){from, e->at});
    if (since_begin_s(o, e->at) <= 0 || local_elapsed_s(from, o->state->end) <= 0)
        return;
    o->state->totals.stalls++;
    o->state->totals.longest_stall_s = fmax(o->state->totals.longest_stall_s, e->value);
    histogram_add(&o->state->histograms[HISTOGRAM_STALL], e->value);
}

/* The longest of the stalls remembered that overlap (from, to]; 0: none. */
static double own_stall_s(const struct observer *o, struct local_time from, struct local_time to)
{
    double longest_s = 0;
    for (uint32_t i = 0; i < o->stalls_kept; i++) {
        const struct stall *stall = &o->stalls[i];
        if (stall->to.s > from.s && stall->from.s < to.s)
            longest_s = fmax(longest_s, length_s(stall));
    }
    return longest_s;
}

/* What this node was waiting for when it saw the event: a time context since the observed delay or
 * gap began, a state context since it last heard of the peer. */
static double stall_of_wait_s(const struct observer *o, const struct context_info *info,
                              const struct boundary_event *e)
{
    struct local_time from = info->class == CLASS_TIME ? local_after(e->at, -e->value)
                                                       : o->contacts[e->peer].message_before;
    return own_stall_s(o, from, e->at);
}

/* ---- episodes ---- */

static struct badge badge_of(const struct observer *o, enum context context,
                             const struct boundary_event *e, struct local_time left)
{
    const struct context_info *info = &context_table[context];
    double limit = o->corridor.limit[context];
    double uncertainty_s = o->clocks[e->peer].uncertainty_s;
    double stall_s = stall_of_wait_s(o, info, e);
    bool unresolved = info->measure == MEASURE_DELAY_S && limit < uncertainty_s;
    return (struct badge){
        .time_s = since_begin_s(o, left),
        .uncertainty_s = uncertainty_s,
        .end_s = (double)NAN,
        .observed = e->value,
        .limit = limit,
        .peak = e->value,
        .own_stall_s = stall_s,
        .version_known = e->version_known,
        .version_received = e->version_received,
        .sequence = e->sequence,
        .node = o->setup.node,
        .peer = o->setup.first_rank + e->peer,
        .key = info->keyed ? e->key : -1,
        .flags = (stall_s > 0 ? (uint32_t)BADGE_SELF_STALLED : 0) |
                 (unresolved ? (uint32_t)BADGE_BELOW_CLOCK_RESOLUTION : 0) |
                 (o->setup.clock_suspect ? (uint32_t)BADGE_CLOCK_SUSPECT : 0),
        .context = (uint16_t)context,
        .boundary = (uint16_t)info->boundary,
        .class = (uint16_t)info->class,
        .type = BADGE_COHERENCE_DRIFT,
    };
}

static void emit(struct observer *o, enum context context, const struct boundary_event *e,
                 struct local_time left, struct stream *stream)
{
    struct badge badge = badge_of(o, context, e, left);
    stream->episode = o->state->totals.episodes++;
    stream->peak = e->value;
    stream->episodes++;
    window_row(o, context, COUNT_EPISODES)[window_part(&o->state->grid, left)]++;
    o->state->totals.first_drift_s = fmin(o->state->totals.first_drift_s, badge.time_s);
    o->setup.sink.episode_opened(o->setup.sink.self, stream->episode, &badge);
}

/* The stream goes outside. Without a badge where the cause lies before the window. */
static void leave(struct observer *o, enum context context, const struct boundary_event *e,
                  struct local_time left, bool with_badge)
{
    struct stream *stream = stream_of(o, e->peer, context);
    outside_leave(&o->state->meters[context], left);
    outside_leave(&o->state->meters[CONTEXT_COUNT], left);
    if (with_badge)
        emit(o, context, e, left, stream);
}

static void note_already_outside(struct observer *o, struct stream *stream, double until_s)
{
    if (until_s <= 0 || !isnan(stream->already_until_s))
        return;
    stream->already_until_s = until_s;
    o->state->totals.already_outside++;
}

static void come_back(struct observer *o, enum context context, struct stream *stream,
                      struct local_time at)
{
    struct local_time until = local_earlier(at, o->state->end);
    outside_return(&o->state->meters[context], &o->state->grid, until);
    outside_return(&o->state->meters[CONTEXT_COUNT], &o->state->grid, until);
    if (stream->episode == NO_EPISODE) {
        note_already_outside(o, stream, since_begin_s(o, at));
        return;
    }
    struct badge_end end = {since_begin_s(o, at), stream->peak};
    o->setup.sink.episode_closed(o->setup.sink.self, stream->episode, &end);
    stream->episode = NO_EPISODE;
}

static void count_observation(struct observer *o, enum context context, struct stream *stream,
                              struct local_time at, bool beyond)
{
    if (at.s != o->part_at.s) {
        o->part_at = at;
        o->part = window_part(&o->state->grid, at);
    }
    uint32_t part = o->part;
    stream->observations++;
    stream->beyond += beyond;
    window_row(o, context, COUNT_OBSERVATIONS)[part]++;
    window_row(o, context, COUNT_BEYOND)[part] += beyond;
}

/* ---- sampled contexts ---- */

static void judge_sample(struct observer *o, const struct judge *judge,
                         const struct boundary_event *e)
{
    struct stream *stream = stream_of(o, e->peer, judge->context);
    bool beyond = judge->sign * e->value > judge->limit;
    uint64_t bit = UINT64_C(1) << (judge->keyed ? e->key : 0);
    bool was_outside = stream->outside_keys != 0;

    if (e->phase == PHASE_WINDOW)
        count_observation(o, judge->context, stream, e->at, beyond);
    if (!was_outside && !beyond)
        return;
    stream->outside_keys = beyond ? stream->outside_keys | bit : stream->outside_keys & ~bit;
    bool is_outside = stream->outside_keys != 0;

    if (!was_outside)
        leave(o, judge->context, e, e->at, e->phase == PHASE_WINDOW);
    else if (!is_outside)
        come_back(o, judge->context, stream, e->at);
    else if (beyond && judge->sign * (e->value - stream->peak) > 0)
        stream->peak = e->value;
}

static void observe_sample(struct observer *o, const struct boundary_event *e)
{
    if (e->phase == PHASE_AFTER)
        return;
    for (uint32_t i = 0; i < o->judge_count[e->measure]; i++)
        judge_sample(o, &o->judges[e->measure][i], e);
}

/* ---- silence ---- */

/* Outside from last heartbeat + limit, unless that lies after the window. */
static void judge_silence(struct observer *o, uint32_t peer, struct local_time now)
{
    struct stream *stream = stream_of(o, peer, CONTEXT_HEARTBEAT_MISSED);
    struct local_time heard = o->contacts[peer].heartbeat;
    struct local_time left = local_after(heard, o->corridor.limit[CONTEXT_HEARTBEAT_MISSED]);
    if (stream->outside_keys != 0 || left.s >= now.s || left.s >= o->state->end.s)
        return;
    struct boundary_event e = {.measure = MEASURE_HEARTBEAT_GAP_S,
                               .at = now,
                               .peer = peer,
                               .key = -1,
                               .value = local_elapsed_s(heard, now)};
    stream->outside_keys = 1;
    leave(o, CONTEXT_HEARTBEAT_MISSED, &e, left, left.s >= o->state->grid.begin.s);
}

static void observe_heartbeat(struct observer *o, const struct boundary_event *e)
{
    struct contact *contact = &o->contacts[e->peer];
    double gap_s = local_elapsed_s(contact->heartbeat, e->at);
    if (observer_watches(o, CONTEXT_HEARTBEAT_MISSED)) {
        struct stream *stream = stream_of(o, e->peer, CONTEXT_HEARTBEAT_MISSED);
        judge_silence(o, e->peer, e->at);
        if (e->at.s >= o->state->grid.begin.s && e->at.s < o->state->end.s)
            count_observation(o, CONTEXT_HEARTBEAT_MISSED, stream, e->at,
                              gap_s > o->corridor.limit[CONTEXT_HEARTBEAT_MISSED]);
        if (stream->outside_keys != 0) {
            stream->peak = gap_s;
            stream->outside_keys = 0;
            come_back(o, CONTEXT_HEARTBEAT_MISSED, stream, e->at);
        }
    }
    if (e->at.s >= o->state->grid.begin.s && e->at.s < o->state->end.s)
        histogram_add(&o->state->histograms[HISTOGRAM_GAP], gap_s);
    contact->heartbeat = e->at;
}

/* The inbox is empty: who has not been heard for too long is silent. Looks at the peers only when
 * one of them can be overdue. */
static void observe_silence(struct observer *o, struct local_time now)
{
    if (now.s < o->silence_due.s || !observer_watches(o, CONTEXT_HEARTBEAT_MISSED))
        return;
    double limit_s = o->corridor.limit[CONTEXT_HEARTBEAT_MISSED];
    struct local_time next = local_after(now, limit_s);
    for (uint32_t peer = 0; peer < o->setup.nodes; peer++) {
        if (peer == o->setup.self)
            continue;
        judge_silence(o, peer, now);
        if (stream_of(o, peer, CONTEXT_HEARTBEAT_MISSED)->outside_keys == 0)
            next = local_earlier(next, local_after(o->contacts[peer].heartbeat, limit_s));
    }
    o->silence_due = next;
}

/* ---- the boundary ---- */

static void check_clocks(struct peer_clock *clock, double delay_s)
{
    clock->early += delay_s < 0;
    clock->impossible += delay_s < -clock->uncertainty_s;
}

static void observe_message(struct observer *o, const struct boundary_event *e)
{
    struct contact *contact = &o->contacts[e->peer];
    contact->message_before = contact->message;
    contact->message = e->at;
    if (e->phase != PHASE_AFTER)
        check_clocks(&o->clocks[e->peer], e->value);
    if (e->phase != PHASE_WINDOW)
        return;
    o->state->totals.messages_observed++;
    histogram_add(&o->state->histograms[HISTOGRAM_DELAY], e->value);
}

/* A window that ends before it began has watched nothing. */
static void end_window(struct observer *o, struct local_time at)
{
    o->state->end = local_earlier(o->state->end, at);
}

static void report(void *observer, const struct boundary_event *e)
{
    struct observer *o = observer;
    o->state->alive = e->at;
    switch (e->measure) {
    case MEASURE_END:
        end_window(o, e->at);
        return;
    case MEASURE_STALL_S:
        remember_stall(o, e);
        return;
    case MEASURE_SILENCE:
        observe_silence(o, e->at);
        return;
    case MEASURE_HEARTBEAT_GAP_S:
        observe_heartbeat(o, e);
        return;
    case MEASURE_LATENESS_S:
        if (e->phase == PHASE_WINDOW)
            histogram_add(&o->state->histograms[HISTOGRAM_LATENESS], e->value);
        return;
    case MEASURE_DELAY_S:
        observe_message(o, e);
        break;
    case MEASURE_VERSION_GAP:
        if (e->phase == PHASE_WINDOW)
            histogram_add(&o->state->histograms[HISTOGRAM_LAG], -e->value);
        break;
    case MEASURE_MISSING:
    case MEASURE_DUAL_LEADERS:
    case MEASURE_LEADER_VIEWS:
    case MEASURE_DECISIONS:
    case MEASURE_COUNT:
        break;
    case MEASURE_WRITE: /* for the trace */
        return;
    }
    observe_sample(o, e);
}

struct boundary observer_boundary(struct observer *observer)
{
    return (struct boundary){report, observer};
}

/* ---- the window ---- */

void observer_set_window(struct observer *o, struct local_time start, struct local_time begin,
                         struct local_time end)
{
    o->state->grid = (struct window_grid){begin, local_elapsed_s(begin, end) / o->setup.windows,
                                          o->setup.windows};
    o->state->end = end;
    o->part_at.s = (double)NAN;
    for (uint32_t peer = 0; peer < o->setup.nodes; peer++)
        o->contacts[peer] = (struct contact){start, start, start};
    for (size_t c = 0; c <= CONTEXT_COUNT; c++)
        o->state->meters[c].covered_until = start;
    o->silence_due = start;
    o->state->has_window = 1;
}

static void censor(struct observer *o, enum context context, struct stream *stream,
                   struct local_time heard)
{
    if (context == CONTEXT_HEARTBEAT_MISSED)
        stream->peak = local_elapsed_s(heard, o->state->end);
    outside_return(&o->state->meters[context], &o->state->grid, o->state->end);
    outside_return(&o->state->meters[CONTEXT_COUNT], &o->state->grid, o->state->end);
    if (stream->episode == NO_EPISODE) {
        note_already_outside(o, stream, since_begin_s(o, o->state->end));
        return;
    }
    struct badge_end end = {(double)NAN, stream->peak};
    o->setup.sink.episode_closed(o->setup.sink.self, stream->episode, &end);
}

void observer_close_streams(struct observer *o)
{
    for (uint32_t peer = 0; peer < o->setup.nodes; peer++)
        for (enum context c = 0; c < CONTEXT_COUNT; c++) {
            struct stream *stream = stream_of(o, peer, c);
            if (stream->outside_keys != 0)
                censor(o, c, stream, o->contacts[peer].heartbeat);
        }
    for (uint32_t i = 0; i < o->setup.windows; i++)
        o->state->totals.outside_node_s += observer_node_outside_s(o)[i];
    o->state->is_finished = 1;
}

void observer_finish(struct observer *o)
{
    o->silence_due = o->state->end;
    observe_silence(o, o->state->end);
    observer_close_streams(o);
}
