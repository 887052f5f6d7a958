#include "analysis/comparison/kept_episodes.h"

#include <stdlib.h>

static void forget(struct kept_episodes *kept, enum context context)
{
    free(kept->items[context]);
    kept->items[context] = NULL;
    kept->room[context] = 0;
}

static bool make_room(struct kept_episodes *kept, enum context context)
{
    enum { ROOM_FIRST = 256 };
    if (kept->count[context] < kept->room[context])
        return true;
    size_t room = kept->room[context] > 0 ? 2 * kept->room[context] : ROOM_FIRST;
    struct episode_start *items = realloc(kept->items[context], room * sizeof *items);
    if (items == NULL)
        return false;
    kept->items[context] = items;
    kept->room[context] = room;
    return true;
}

void kept_episodes_add(struct kept_episodes *kept, const struct episode *episode)
{
    enum context context = (enum context)episode->context;
    if ((episode->flags & (BADGE_SELF_STALLED | BADGE_BELOW_CLOCK_RESOLUTION)) != 0)
        return;
    if (kept->count[context] >= COUPLING_EPISODES_MAX) {
        forget(kept, context);
        kept->count[context]++;
        return;
    }
    if (!make_room(kept, context)) {
        kept->is_short_of_memory = true;
        return;
    }
    kept->items[context][kept->count[context]++] =
        (struct episode_start){episode->begin_s, episode->node, episode->peer};
}

void kept_episodes_free(struct kept_episodes *kept)
{
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        forget(kept, c);
}
