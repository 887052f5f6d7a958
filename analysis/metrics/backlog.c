#include "analysis/metrics/backlog.h"

#include <math.h>
#include <stdlib.h>

/* ---- which write was seen where ---- */

static int by_number(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* A write comes before its arrivals. */
static int by_write(const void *a, const void *b)
{
    const struct replica_event *x = a, *y = b;
    int order = by_number(x->writer, y->writer);
    if (order == 0)
        order = by_number(x->key, y->key);
    if (order == 0)
        order = by_number(x->version, y->version);
    if (order == 0)
        order = by_number(x->node != x->writer, y->node != y->writer);
    return order;
}

static bool same_series(const struct write *a, const struct write *b)
{
    return a->writer == b->writer && a->key == b->key;
}

static bool is_of(const struct replica_event *event, const struct write *write)
{
    return event->writer == write->writer && event->key == write->key &&
           event->version == write->version;
}

uint32_t write_history_peer(const struct write_history *history, uint32_t writer, uint32_t i)
{
    uint32_t first = writer - writer % (history->peers + 1);
    return first + i + (first + i >= writer);
}

static uint32_t place_of_peer(const struct write_history *history, uint32_t writer, uint32_t node)
{
    uint32_t first = writer - writer % (history->peers + 1);
    return node - first - (node > writer);
}

/* A write of which only arrivals are known is from before the window: who has not taken it inside
 * had it already. */
static void begin_write(struct write_history *history, const struct replica_event *event)
{
    bool known = event->node == event->writer;
    double *seen_s = history->seen_s + history->count * history->peers;
    for (uint32_t i = 0; i < history->peers; i++)
        seen_s[i] = !known && event->written_s < 0 ? -HUGE_VAL : HUGE_VAL;
    history->writes[history->count++] = (struct write){known ? event->at_s : event->written_s,
                                                       event->version, event->writer, event->key};
}

static void note_arrival(const struct write_history *history, const struct replica_event *event)
{
    size_t write = history->count - 1;
    uint32_t place = place_of_peer(history, event->writer, event->node);
    history->seen_s[write * history->peers + place] = event->at_s;
}

/* Who has a later write of the series no longer lacks the earlier. Of one from before the window it
 * is only guessed that it was there. */
static void make_up(const struct write_history *history)
{
    for (size_t next = history->count; next-- > 1;) {
        size_t write = next - 1;
        if (!same_series(&history->writes[write], &history->writes[next]))
            continue;
        double *seen_s = history->seen_s + write * history->peers;
        const double *next_seen_s = history->seen_s + next * history->peers;
        for (uint32_t i = 0; i < history->peers; i++)
            if (next_seen_s[i] > -HUGE_VAL)
                seen_s[i] = fmin(seen_s[i], next_seen_s[i]);
    }
}

static size_t count_writes(const struct replica_event *events, size_t count)
{
    size_t writes = 0;
    for (size_t i = 0; i < count; i++)
        writes += i == 0 || events[i].writer != events[i - 1].writer ||
                  events[i].key != events[i - 1].key || events[i].version != events[i - 1].version;
    return writes;
}

bool write_history_make(struct write_history *history, struct replica_event *events, size_t count,
                        uint32_t group_nodes)
{
    if (count > 0)
        qsort(events, count, sizeof *events, by_write);
    size_t writes = count_writes(events, count);
    *history = (struct write_history){.peers = group_nodes - 1};
    history->writes = calloc(writes + 1, sizeof *history->writes);
    history->seen_s = calloc(writes * history->peers + 1, sizeof *history->seen_s);
    if (history->writes == NULL || history->seen_s == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (events[i].node / group_nodes != events[i].writer / group_nodes)
            continue; /* a damaged file: they cannot know of each other */
        if (history->count == 0 || !is_of(&events[i], &history->writes[history->count - 1]))
            begin_write(history, &events[i]);
        if (events[i].node != events[i].writer)
            note_arrival(history, &events[i]);
    }
    make_up(history);
    return true;
}

void write_history_free(struct write_history *history)
{
    free(history->writes);
    free(history->seen_s);
    *history = (struct write_history){.count = 0};
}

double write_visible_after_s(const struct write_history *history, size_t write)
{
    double last_s = history->writes[write].at_s;
    for (uint32_t i = 0; i < history->peers; i++)
        last_s = fmax(last_s, history->seen_s[write * history->peers + i]);
    return last_s - history->writes[write].at_s;
}

/* ---- how many are unseen ---- */

/* In the order in which they count at one moment: a write is made on the state as it was. */
enum edge_kind { EDGE_OWN_WRITE, EDGE_SEEN, EDGE_WRITTEN };

struct edge {
    double at_s;
    enum edge_kind kind;
};

static int by_time(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    if (x->at_s != y->at_s)
        return x->at_s > y->at_s ? 1 : -1;
    return by_number(x->kind, y->kind);
}

/* What changes the backlog of that node, by time. */
static size_t list_edges(const struct write_history *history, uint32_t node, struct edge *edges)
{
    size_t count = 0;
    uint32_t group_nodes = history->peers + 1;
    for (size_t i = 0; i < history->count; i++) {
        const struct write *write = &history->writes[i];
        if (write->writer == node)
            edges[count++] = (struct edge){write->at_s, EDGE_OWN_WRITE};
        if (write->writer == node || write->writer / group_nodes != node / group_nodes)
            continue;
        double seen_s =
            history->seen_s[i * history->peers + place_of_peer(history, write->writer, node)];
        if (seen_s <= write->at_s)
            continue;
        edges[count++] = (struct edge){write->at_s, EDGE_WRITTEN};
        edges[count++] = (struct edge){seen_s, EDGE_SEEN};
    }
    if (count > 0)
        qsort(edges, count, sizeof *edges, by_time);
    return count;
}

static size_t level_of(size_t unseen)
{
    return unseen < BACKLOG_LEVELS ? unseen : BACKLOG_LEVELS - 1;
}

static void stay(struct backlog *backlog, size_t unseen, double time_s)
{
    backlog->watched_s += time_s;
    backlog->unseen_s += (double)unseen * time_s;
    backlog->level_s[level_of(unseen)] += time_s;
}

bool backlog_add(struct backlog *backlog, const struct write_history *history, uint32_t node,
                 double from_s, double to_s)
{
    struct edge *edges = calloc(2 * history->count + 1, sizeof *edges);
    if (edges == NULL)
        return false;
    size_t count = list_edges(history, node, edges), unseen = 0;
    double now_s = from_s;
    for (size_t i = 0; i < count && edges[i].at_s < to_s; i++) {
        const struct edge *edge = &edges[i];
        bool inside = edge->at_s >= from_s;
        if (inside)
            stay(backlog, unseen, edge->at_s - now_s);
        now_s = fmax(now_s, edge->at_s);
        backlog->writes += inside && edge->kind == EDGE_OWN_WRITE;
        backlog->writes_on_stale += inside && edge->kind == EDGE_OWN_WRITE && unseen > 0;
        backlog->rises[level_of(unseen)] += inside && edge->kind == EDGE_WRITTEN;
        unseen += edge->kind == EDGE_WRITTEN;
        unseen -= edge->kind == EDGE_SEEN;
    }
    stay(backlog, unseen, to_s - now_s);
    free(edges);
    return true;
}

double backlog_share_above(const struct backlog *backlog, uint32_t limit)
{
    double above_s = 0;
    for (size_t level = (size_t)limit + 1; level < BACKLOG_LEVELS; level++)
        above_s += backlog->level_s[level];
    return backlog->watched_s > 0 ? above_s / backlog->watched_s : (double)NAN;
}
