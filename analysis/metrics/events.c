#include "analysis/metrics/events.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int compare_numbers(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_times(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_time(const void *a, const void *b)
{
    const struct episode_start *x = a, *y = b;
    int time = compare_times(x->begin_s, y->begin_s);
    int node = compare_numbers(x->node, y->node);
    if (time != 0)
        return time;
    return node != 0 ? node : compare_numbers(x->peer, y->peer);
}

static int by_source(const void *a, const void *b)
{
    const struct episode_start *x = a, *y = b;
    int source = compare_numbers(x->peer, y->peer);
    return source != 0 ? source : by_time(a, b);
}

void episodes_sort(struct episode_start *episodes, size_t count)
{
    if (count > 0)
        qsort(episodes, count, sizeof *episodes, by_time);
}

/* ---- an observer's own stalls ---- */

/* Who was counted last for which episode, so that nobody counts twice. */
struct marks {
    size_t *peer; /* [nodes] */
    size_t *node; /* [nodes] */
};

/* Among episodes[from … to): the peers that `one` observer saw, and the nodes that saw its peer. */
static bool is_own_stall(const struct episode_start *episodes, size_t from, size_t to, size_t one,
                         const struct marks *marks)
{
    size_t peers = 0, observers = 0;
    for (size_t i = from; i < to; i++) {
        const struct episode_start *near = &episodes[i];
        if (near->node == episodes[one].node && marks->peer[near->peer] != one + 1) {
            marks->peer[near->peer] = one + 1;
            peers++;
        }
        if (near->peer == episodes[one].peer && marks->node[near->node] != one + 1) {
            marks->node[near->node] = one + 1;
            observers++;
        }
    }
    return peers >= 2 && peers >= observers;
}

bool drop_own_stalls(struct episode_start *episodes, size_t count, uint32_t nodes, double tau_s,
                     size_t *kept)
{
    size_t *memory = calloc(2 * (size_t)nodes + 1, sizeof *memory);
    bool *own_stall = calloc(count + 1, sizeof *own_stall);
    bool done = memory != NULL && own_stall != NULL;
    size_t from = 0, to = 0;
    *kept = 0;
    for (size_t i = 0; done && i < count; i++) {
        assert(episodes[i].node < nodes && episodes[i].peer < nodes);
        while (episodes[from].begin_s < episodes[i].begin_s - tau_s)
            from++;
        while (to < count && episodes[to].begin_s <= episodes[i].begin_s + tau_s)
            to++;
        own_stall[i] = is_own_stall(episodes, from, to, i, &(struct marks){memory, memory + nodes});
    }
    for (size_t i = 0; done && i < count; i++)
        if (!own_stall[i])
            episodes[(*kept)++] = episodes[i];
    free(own_stall);
    free(memory);
    return done;
}

/* ---- events ---- */

static bool has_seen(const struct event_list *list, const struct drift_event *event, uint32_t node)
{
    for (size_t i = 0; i < event->sightings; i++)
        if (list->sightings[event->first + i].observer == node)
            return true;
    return false;
}

static void add_episode(struct event_list *list, const struct episode_start *episode, double tau_s)
{
    struct drift_event *event = list->count > 0 ? &list->events[list->count - 1] : NULL;
    if (event == NULL || event->source != episode->peer ||
        episode->begin_s - event->begin_s > tau_s) {
        event = &list->events[list->count++];
        *event = (struct drift_event){episode->begin_s, episode->peer, list->sighting_count, 0};
        list->of_source[episode->peer + 1]++;
    }
    if (has_seen(list, event, episode->node))
        return;
    list->sightings[list->sighting_count++] =
        (struct sighting){episode->node, episode->begin_s - event->begin_s};
    event->sightings++;
}

bool events_collapse(struct event_list *list, const struct episode_start *episodes, size_t count,
                     uint32_t nodes, double tau_s)
{
    struct episode_start *sorted = malloc((count + 1) * sizeof *sorted);
    *list = (struct event_list){.nodes = nodes,
                                .events = calloc(count + 1, sizeof *list->events),
                                .of_source = calloc((size_t)nodes + 1, sizeof *list->of_source),
                                .sightings = calloc(count + 1, sizeof *list->sightings)};
    bool done = sorted != NULL && list->events != NULL && list->of_source != NULL &&
                list->sightings != NULL;
    if (done && count > 0) {
        memcpy(sorted, episodes, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, by_source);
        for (size_t i = 0; i < count; i++)
            add_episode(list, &sorted[i], tau_s);
        for (uint32_t k = 0; k < nodes; k++)
            list->of_source[k + 1] += list->of_source[k];
    }
    free(sorted);
    return done;
}

void events_free(struct event_list *list)
{
    free(list->events);
    free(list->of_source);
    free(list->sightings);
    *list = (struct event_list){0};
}
