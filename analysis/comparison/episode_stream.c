#include "analysis/comparison/episode_stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A binary heap, the earliest episode on top. */
struct heap {
    struct episode *items;
    size_t count;
};

/* One node's badges that were read and not yet delivered, in the order of time. */
struct source {
    struct episode *items;
    size_t at;
    size_t count;
    uint64_t next; /* row in the file */
    uint64_t end;
    double watched_s;
};

struct merge {
    struct run_reader *reader;
    struct failure *failure;
    struct source *sources; /* [nodes] */
    uint32_t nodes;
    struct heap earliest; /* one episode of each node that has any left */
    size_t slab;          /* rows read at a time */
    struct badge *rows;   /* [slab] */
};

static void swap(struct episode *a, struct episode *b)
{
    struct episode kept = *a;
    *a = *b;
    *b = kept;
}

static void heap_push(struct heap *heap, const struct episode *episode)
{
    size_t at = heap->count++;
    heap->items[at] = *episode;
    for (; at > 0 && heap->items[at].begin_s < heap->items[(at - 1) / 2].begin_s; at = (at - 1) / 2)
        swap(&heap->items[at], &heap->items[(at - 1) / 2]);
}

static struct episode heap_pop(struct heap *heap)
{
    struct episode top = heap->items[0];
    heap->items[0] = heap->items[--heap->count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->count; child++)
            if (heap->items[child].begin_s < heap->items[least].begin_s)
                least = child;
        if (least == at)
            return top;
        swap(&heap->items[at], &heap->items[least]);
        at = least;
    }
}

static struct episode episode_of(const struct badge *badge, double watched_s)
{
    return (struct episode){
        .begin_s = badge->global_s,
        .local_begin_s = badge->time_s,
        .local_end_s = isnan(badge->end_s) ? watched_s : badge->end_s,
        .sequence = badge->sequence,
        .node = badge->node,
        .peer = badge->peer,
        .context = badge->context,
        .flags = (uint16_t)badge->flags,
    };
}

static bool row_is_sane(const struct merge *merge, const struct badge *badge, uint32_t node)
{
    if (badge->node == node && badge->peer < merge->nodes && badge->context < CONTEXT_COUNT &&
        isfinite(badge->time_s) && isfinite(badge->global_s))
        return true;
    return failure_set(merge->failure, EXIT_BAD_INPUT,
                       "%s: a badge of rank %u names rank %u, peer %u, context code %u at %g s",
                       run_reader_path(merge->reader), node, badge->node, badge->peer,
                       badge->context, badge->time_s);
}

static int by_beginning(const void *a, const void *b)
{
    const struct episode *x = a, *y = b;
    return (x->begin_s > y->begin_s) - (x->begin_s < y->begin_s);
}

/* Keep at least one slab of rows ahead of the one that is delivered. They come nearly in order, so
 * that there is seldom anything to sort. */
static bool refill(struct merge *merge, uint32_t node)
{
    struct source *source = &merge->sources[node];
    bool is_sorted = true;
    if (source->count - source->at > merge->slab || source->next == source->end)
        return true;
    source->count -= source->at;
    memmove(source->items, source->items + source->at, source->count * sizeof *source->items);
    source->at = 0;
    while (source->count <= merge->slab && source->next < source->end) {
        uint64_t left = source->end - source->next;
        size_t count = left < merge->slab ? (size_t)left : merge->slab;
        if (!run_reader_badges(merge->reader, source->next, count, merge->rows, merge->failure))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!row_is_sane(merge, &merge->rows[i], node))
                return false;
            struct episode *items = source->items;
            size_t place = source->count++;
            items[place] = episode_of(&merge->rows[i], source->watched_s);
            is_sorted =
                is_sorted && (place == 0 || items[place - 1].begin_s <= items[place].begin_s);
        }
        source->next += count;
    }
    if (!is_sorted)
        qsort(source->items, source->count, sizeof *source->items, by_beginning);
    return true;
}

static bool advance(struct merge *merge, uint32_t node)
{
    if (!refill(merge, node))
        return false;
    struct source *source = &merge->sources[node];
    if (source->at < source->count)
        heap_push(&merge->earliest, &source->items[source->at++]);
    return true;
}

static size_t slab_size(uint32_t nodes)
{
    size_t slab = EPISODES_BUFFERED / (nodes > 0 ? nodes : 1);
    if (slab < EPISODE_LOOKAHEAD_MIN)
        return EPISODE_LOOKAHEAD_MIN;
    return slab < EPISODE_LOOKAHEAD_MAX ? slab : EPISODE_LOOKAHEAD_MAX;
}

static bool take_memory(struct merge *merge, struct episode **pool)
{
    size_t nodes = merge->nodes, room = 2 * merge->slab;
    merge->sources = calloc(nodes, sizeof *merge->sources);
    merge->rows = calloc(merge->slab, sizeof *merge->rows);
    *pool = calloc(nodes * room + nodes, sizeof **pool);
    if (merge->sources == NULL || merge->rows == NULL || *pool == NULL)
        return failure_set(merge->failure, EXIT_INTERNAL, "no memory for the badges of %u nodes",
                           merge->nodes);
    const struct run_node *rows = run_reader_node_rows(merge->reader);
    for (uint32_t i = 0; i < merge->nodes; i++)
        merge->sources[i] = (struct source){
            *pool + i * room, 0, 0, rows[i].badges_first, rows[i].badges_first + rows[i].badges,
            rows[i].watched_s};
    merge->earliest.items = *pool + nodes * room;
    return true;
}

static bool deliver(struct merge *merge, struct episode_sink sink, uint64_t *late)
{
    double reached_s = -(double)INFINITY;
    for (uint32_t i = 0; i < merge->nodes; i++)
        if (!advance(merge, i))
            return false;
    while (merge->earliest.count > 0) {
        struct episode episode = heap_pop(&merge->earliest);
        if (late != NULL && episode.begin_s < reached_s)
            (*late)++;
        reached_s = fmax(reached_s, episode.begin_s);
        sink.take(sink.self, &episode);
        if (!advance(merge, episode.node))
            return false;
    }
    return true;
}

bool episode_stream(struct run_reader *reader, struct episode_sink sink, uint64_t *late,
                    struct failure *failure)
{
    struct merge merge = {.reader = reader, .failure = failure, .nodes = run_reader_nodes(reader)};
    merge.slab = slab_size(merge.nodes);
    struct episode *pool = NULL;
    if (late != NULL)
        *late = 0;
    bool done = take_memory(&merge, &pool) && deliver(&merge, sink, late);
    free(merge.sources);
    free(merge.rows);
    free(pool);
    return done;
}
