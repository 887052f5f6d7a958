#ifndef MPIDRIFT_METRICS_EVENTS_H
#define MPIDRIFT_METRICS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One source with many observers counted once: the metrics page, section 3, steps 1 and 2. */

/* When an episode began, who saw it, and whom it is about. */
struct episode_start {
    double begin_s; /* on the clock that all nodes share, since the window opened */
    uint32_t node;
    uint32_t peer;
};

/* Into the order of time, node, peer. */
void episodes_sort(struct episode_start *episodes, size_t count);

/* Leave out, in place, episodes whose observer opened episodes about two or more peers within
 * ±tau_s, no fewer than the nodes that saw that peer: it stalled itself. `episodes` in the order of
 * episodes_sort, nodes and peers below `nodes`; *kept becomes how many are left. False when memory
 * is short. */
bool drop_own_stalls(struct episode_start *episodes, size_t count, uint32_t nodes, double tau_s,
                     size_t *kept);

struct sighting {
    uint32_t observer;
    double delay_s; /* after the event's first sighting */
};

/* Episodes about one source within tau_s of the first of them. */
struct drift_event {
    double begin_s; /* first sighting */
    uint32_t source;
    size_t first; /* its sightings: sightings[first], …, each observer once */
    size_t sightings;
};

/* All events of one run, by source and then by time. Owned; events_free. */
struct event_list {
    uint32_t nodes;
    size_t count;
    struct drift_event *events;
    size_t *of_source; /* [nodes + 1]: events of source k are of_source[k] … of_source[k + 1] - 1 */
    struct sighting *sightings;
    size_t sighting_count;
};

/* Collapse episodes in any order; with a negative tau_s each remains an event. False when memory is
 * short; events_free in either case. */
bool events_collapse(struct event_list *list, const struct episode_start *episodes, size_t count,
                     uint32_t nodes, double tau_s);
void events_free(struct event_list *list);

#endif
