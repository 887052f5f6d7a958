#include "record/spool.h"

#include "touch.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* A badge and the place reserved for its end: what is known at the exit is never rewritten. */
struct spool_slot {
    struct badge badge;
    struct badge_end end;
    bool closed;
};

struct spool {
    struct spool_slot *slots;
    uint64_t slots_max;
    uint64_t count;
    uint64_t lost;
};

struct spool *spool_open(const struct spool_setup *setup, struct failure *failure)
{
    assert(setup->badges_max > 0);
    struct spool *spool = malloc(sizeof *spool);
    struct spool_slot *slots = calloc(setup->badges_max, sizeof *slots);
    if (spool == NULL || slots == NULL) {
        free(spool);
        free(slots);
        (void)failure_set(failure, EXIT_INTERNAL,
                          "node %u has no memory for %llu badges: lower --rate, --duration or the "
                          "number of ranks on this host",
                          setup->node, (unsigned long long)setup->badges_max);
        return NULL;
    }
    touch_pages(slots, setup->badges_max * sizeof *slots);
    *spool = (struct spool){.slots = slots, .slots_max = setup->badges_max};
    return spool;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    free(spool->slots);
    free(spool);
}

/* Badges arrive with ascending numbers, so the number is the place until the spool is full. */
static void opened(void *self, uint64_t number, const struct badge *badge)
{
    struct spool *spool = self;
    if (number >= spool->slots_max) {
        spool->lost++;
        return;
    }
    assert(number == spool->count);
    spool->slots[number].badge = *badge;
    spool->count++;
}

static void closed(void *self, uint64_t number, const struct badge_end *end)
{
    struct spool *spool = self;
    if (number >= spool->slots_max)
        return;
    assert(number < spool->count && !spool->slots[number].closed);
    spool->slots[number].end = *end;
    spool->slots[number].closed = true;
}

struct badge_sink spool_sink(struct spool *spool)
{
    return (struct badge_sink){opened, closed, spool};
}

uint64_t spool_count(const struct spool *spool)
{
    return spool->count;
}

uint64_t spool_lost(const struct spool *spool)
{
    return spool->lost;
}

struct badge spool_read(const struct spool *spool, uint64_t place)
{
    assert(place < spool->count);
    const struct spool_slot *slot = &spool->slots[place];
    struct badge badge = slot->badge;
    badge.end_s = slot->closed ? slot->end.end_s : (double)NAN;
    badge.peak = slot->closed ? slot->end.peak : badge.peak;
    if (isnan(badge.end_s))
        badge.flags |= BADGE_CENSORED;
    return badge;
}
