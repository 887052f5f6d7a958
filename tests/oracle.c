#include "oracle.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* One look of a node at a peer. */
struct look {
    double at_s; /* since T0 */
    bool in_window;
    bool too_late; /* stamped after the window: not observed */
    double value;
    int32_t key;
    uint64_t sequence;
};

struct looks {
    struct look *look;
    size_t count;
};

struct list {
    struct expected *episode;
    size_t count;
    size_t room;
};

static void append(struct list *list, struct expected episode)
{
    if (list->count == list->room) {
        list->room = list->room == 0 ? 256 : 2 * list->room;
        list->episode = realloc(list->episode, list->room * sizeof *list->episode);
        assert(list->episode != NULL);
    }
    list->episode[list->count++] = episode;
}

/* The highest version of that key which the node has written or taken before event `before`. */
struct knowledge {
    uint64_t version[FAKE_NODES_MAX][64];
};

static void learn(struct knowledge *knowledge, const struct fake_event *event)
{
    if (event->message.kind != MESSAGE_UPDATE)
        return;
    uint32_t who = event->kind == FAKE_TAKEN ? event->to : event->from;
    uint64_t *version = &knowledge->version[who][event->message.key];
    if (event->message.version > *version)
        *version = event->message.version;
}

static double clock_error_s(const struct fake_run *run, uint32_t node, double at_s)
{
    return run->setup.clock_error_s == NULL ? 0 : run->setup.clock_error_s(node, at_s - run->t0_s);
}

static double value_of(const struct fake_run *run, enum context context,
                       const struct fake_event *event, const struct knowledge *knowledge,
                       uint64_t sequence_before)
{
    const struct message *message = &event->message;
    if (context == CONTEXT_MESSAGE_DELAY_EXCEEDED)
        return event->at_s + clock_error_s(run, event->to, event->at_s) - message->sent.s -
               clock_error_s(run, event->from, message->sent.s);
    if (context == CONTEXT_MESSAGE_MISSING)
        return (double)message->sequence - (double)sequence_before - 1;
    return (double)message->version - (double)knowledge->version[event->to][message->key] - 1;
}

static bool is_versioned(enum context context)
{
    return context == CONTEXT_VERSION_LAG_EXCEEDED || context == CONTEXT_CAUSAL_ORDER_VIOLATED;
}

static struct looks list_looks(const struct fake_run *run, uint32_t node, uint32_t peer,
                               enum context context, const double *told)
{
    size_t events;
    const struct fake_event *log = fake_net_log(run->net, &events);
    static struct knowledge knowledge;
    knowledge = (struct knowledge){{{0}}};
    struct looks looks = {calloc(events + 1, sizeof(struct look)), 0};
    uint64_t sequence_before = 0;
    assert(looks.look != NULL);
    for (size_t i = 0; i < events; i++) {
        const struct message *message = &log[i].message;
        bool seen = log[i].kind == FAKE_TAKEN && log[i].to == node && log[i].from == peer;
        double sent_s = message->sent.s - run->t0_s;
        bool looked = told != NULL ? !isnan(told[i])
                                   : !is_versioned(context) || message->kind == MESSAGE_UPDATE;
        if (seen && looked)
            looks.look[looks.count++] =
                (struct look){.at_s = log[i].at_s - run->t0_s,
                              .in_window = sent_s >= 0 && sent_s < run->setup.duration_s,
                              .too_late = sent_s >= run->setup.duration_s,
                              .value = told != NULL ? told[i]
                                                    : value_of(run, context, &log[i], &knowledge,
                                                               sequence_before),
                              .key = is_versioned(context) ? (int32_t)message->key : -1,
                              .sequence = message->sequence};
        if (seen)
            sequence_before = message->sequence;
        learn(&knowledge, &log[i]);
    }
    return looks;
}

static bool is_beyond(const struct fake_run *run, enum context context, double value)
{
    const struct corridor *corridor = &run->setup.corridor;
    if (context == CONTEXT_VERSION_LAG_EXCEEDED)
        return -value > corridor->limit[context];
    return value > corridor->limit[context];
}

static bool any(const bool *keys)
{
    for (int key = 0; key < 64; key++)
        if (keys[key])
            return true;
    return false;
}

static void read_sampled(const struct fake_run *run, struct list *list, uint32_t node,
                         uint32_t peer, enum context context, const double *told)
{
    struct looks looks = list_looks(run, node, peer, context, told);
    bool keys[64] = {false};
    struct expected open = {.has_badge = false};
    for (size_t i = 0; i < looks.count; i++) {
        const struct look *look = &looks.look[i];
        if (look->too_late)
            continue;
        bool before = any(keys), beyond = is_beyond(run, context, look->value);
        keys[look->key < 0 ? 0 : look->key] = beyond;
        if (!before && beyond)
            open = (struct expected){node,        peer,           context,
                                     look->key,   look->at_s,     (double)NAN,
                                     look->value, look->sequence, look->in_window};
        else if (beyond && fabs(look->value) > fabs(open.peak))
            open.peak = look->value;
        if (before && !any(keys)) {
            open.end_s = look->at_s;
            append(list, open);
        }
    }
    if (any(keys))
        append(list, open);
    free(looks.look);
}

static void add_silence(const struct fake_run *run, struct list *list, uint32_t node, uint32_t peer,
                        double last_s, double next_s)
{
    double left_s = last_s + run->setup.corridor.limit[CONTEXT_HEARTBEAT_MISSED];
    if (left_s >= next_s || left_s >= run->setup.duration_s)
        return;
    bool back = isfinite(next_s);
    append(list, (struct expected){.node = node,
                                   .peer = peer,
                                   .context = CONTEXT_HEARTBEAT_MISSED,
                                   .key = -1,
                                   .entry_s = left_s,
                                   .end_s = back ? next_s : (double)NAN,
                                   .peak = (back ? next_s : run->setup.duration_s) - last_s,
                                   .has_badge = left_s >= 0});
}

static void read_silence(const struct fake_run *run, struct list *list, uint32_t node,
                         uint32_t peer)
{
    size_t events;
    const struct fake_event *log = fake_net_log(run->net, &events);
    double last_s = -run->setup.warmup_s;
    for (size_t i = 0; i < events; i++) {
        if (log[i].kind != FAKE_TAKEN || log[i].to != node || log[i].from != peer ||
            log[i].message.kind != MESSAGE_HEARTBEAT)
            continue;
        double next_s = log[i].at_s - run->t0_s;
        add_silence(run, list, node, peer, last_s, next_s);
        last_s = next_s;
    }
    add_silence(run, list, node, peer, last_s, HUGE_VAL);
}

static int in_order(const void *a, const void *b)
{
    const struct expected *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->peer != y->peer)
        return x->peer < y->peer ? -1 : 1;
    if (x->context != y->context)
        return x->context < y->context ? -1 : 1;
    return (x->entry_s > y->entry_s) - (x->entry_s < y->entry_s);
}

static void read_context(const struct fake_run *run, struct list *list, enum context context)
{
    double *told = oracle_told(run, context);
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        for (uint32_t peer = 0; peer < run->setup.nodes; peer++) {
            if (peer == node)
                continue;
            if (context == CONTEXT_HEARTBEAT_MISSED)
                read_silence(run, list, node, peer);
            else
                read_sampled(run, list, node, peer, context, told);
        }
    free(told);
}

struct expected *oracle_episodes(const struct fake_run *run, size_t *count)
{
    struct list list = {NULL, 0, 0};
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        if (run->node[0].ops->contexts & 1U << c)
            read_context(run, &list, c);
    /* What came back before the window opened has nothing to do with it. */
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++)
        if (!(list.episode[i].end_s <= 0))
            list.episode[kept++] = list.episode[i];
    if (kept > 0)
        qsort(list.episode, kept, sizeof *list.episode, in_order);
    *count = kept;
    return list.episode;
}

struct edge {
    double at_s;
    int step;
};

static int by_time(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    return (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

double oracle_outside_s(const struct fake_run *run, const struct expected *episodes, size_t count,
                        uint32_t node)
{
    struct edge *edges = calloc(2 * count + 1, sizeof *edges);
    size_t edge_count = 0;
    double last = run->setup.duration_s, total_s = 0, since_s = 0;
    assert(edges != NULL);
    for (size_t i = 0; i < count; i++) {
        double from_s = fmax(0, episodes[i].entry_s);
        double to_s = isnan(episodes[i].end_s) ? last : fmin(last, episodes[i].end_s);
        if (episodes[i].node != node || to_s <= from_s)
            continue;
        edges[edge_count++] = (struct edge){from_s, 1};
        edges[edge_count++] = (struct edge){to_s, -1};
    }
    qsort(edges, edge_count, sizeof *edges, by_time);
    int depth = 0;
    for (size_t i = 0; i < edge_count; i++) {
        if (depth == 0)
            since_s = edges[i].at_s;
        depth += edges[i].step;
        if (depth == 0)
            total_s += edges[i].at_s - since_s;
    }
    free(edges);
    return total_s;
}
