#ifndef MPIDRIFT_KEPT_EPISODES_H
#define MPIDRIFT_KEPT_EPISODES_H

#include "analysis/comparison/episode_stream.h"
#include "analysis/metrics/coupling.h"

/* The episodes of one run that are neither self-stalled nor below the clocks' resolution, by
 * context: what propagation is looked for in. More than COUPLING_EPISODES_MAX of one context are
 * counted and not kept, because nothing is looked for among so many. */
struct kept_episodes {
    struct episode_start *items[CONTEXT_COUNT]; /* NULL: none, or too many */
    size_t count[CONTEXT_COUNT];                /* also of those not kept */
    size_t room[CONTEXT_COUNT];
    bool is_short_of_memory;
};

void kept_episodes_add(struct kept_episodes *kept, const struct episode *episode);
void kept_episodes_free(struct kept_episodes *kept);

#endif
