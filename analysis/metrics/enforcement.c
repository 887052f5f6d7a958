#include "analysis/metrics/enforcement.h"

#include "analysis/metrics/link_delays.h"

#include <assert.h>
#include <gsl/gsl_rstat.h>
#include <math.h>
#include <stdlib.h>

enum { NO_SLOT = ENFORCEMENT_WRITES_MAX };

/* Writes stand in a ring and leave it in the order in which they came, judged. Those with the same
 * hash form a chain. */
struct write_slot {
    bool used;
    uint32_t origin;
    int32_t key;
    uint64_t version;
    double written_s;
    uint32_t next; /* in the chain; NO_SLOT: last */
};

/* One peer's acknowledgement of one write. */
struct acknowledgement {
    double at_s; /* NaN: not delivered */
    bool late;   /* the delivery opened a delay episode */
};

/* The delivery that a badge on this link may be about. */
struct last_delivery {
    uint64_t sequence;
    uint32_t slot; /* NO_SLOT: no write, or one that is not in the ring */
};

/* Waits of one rule. */
struct waits {
    gsl_rstat_workspace *all_keys;
    double *sum_s;    /* [keys] */
    uint64_t *writes; /* [keys] */
    uint64_t delay_episodes;
};

struct enforcement_pass {
    struct enforcement_setup setup;
    double first_event_s; /* the horizon, until there is one */
    struct link_delays *delays;
    struct write_slot slots[ENFORCEMENT_WRITES_MAX];
    uint32_t chains[ENFORCEMENT_WRITES_MAX];  /* first slot of each hash */
    struct acknowledgement *acknowledgements; /* [ENFORCEMENT_WRITES_MAX][nodes] */
    struct acknowledgement *sorted;           /* [nodes] */
    struct last_delivery *last;               /* [nodes][nodes], by receiver and sender */
    uint64_t *asked;                          /* [keys] */
    struct waits all;
    struct waits majority;
    struct enforcement found;
};

/* ---- memory ---- */

static bool waits_init(struct waits *waits, uint32_t keys)
{
    *waits = (struct waits){.all_keys = gsl_rstat_alloc(),
                            .sum_s = calloc((size_t)keys + 1, sizeof *waits->sum_s),
                            .writes = calloc((size_t)keys + 1, sizeof *waits->writes)};
    return waits->all_keys != NULL && waits->sum_s != NULL && waits->writes != NULL;
}

static void waits_free(struct waits *waits)
{
    if (waits->all_keys != NULL)
        gsl_rstat_free(waits->all_keys);
    free(waits->sum_s);
    free(waits->writes);
}

struct enforcement_pass *enforcement_begin(const struct enforcement_setup *setup)
{
    size_t nodes = setup->nodes;
    assert(nodes >= 2);
    struct enforcement_pass *pass = calloc(1, sizeof *pass);
    if (pass == NULL)
        return NULL;
    pass->setup = *setup;
    pass->first_event_s = setup->horizon_s;
    pass->delays = link_delays_new(setup->nodes);
    pass->acknowledgements = calloc(ENFORCEMENT_WRITES_MAX * nodes, sizeof *pass->acknowledgements);
    pass->sorted = calloc(nodes, sizeof *pass->sorted);
    pass->last = calloc(nodes * nodes, sizeof *pass->last);
    pass->asked = calloc((size_t)setup->keys + 1, sizeof *pass->asked);
    bool waiting = waits_init(&pass->all, setup->keys);
    waiting = waits_init(&pass->majority, setup->keys) && waiting;
    if (!waiting || pass->delays == NULL || pass->acknowledgements == NULL ||
        pass->sorted == NULL || pass->last == NULL || pass->asked == NULL) {
        enforcement_free(pass);
        return NULL;
    }
    for (uint32_t i = 0; i < ENFORCEMENT_WRITES_MAX; i++)
        pass->chains[i] = NO_SLOT;
    for (size_t i = 0; i < nodes * nodes; i++)
        pass->last[i].slot = NO_SLOT;
    return pass;
}

void enforcement_free(struct enforcement_pass *pass)
{
    if (pass == NULL)
        return;
    link_delays_free(pass->delays);
    waits_free(&pass->all);
    waits_free(&pass->majority);
    free(pass->acknowledgements);
    free(pass->sorted);
    free(pass->last);
    free(pass->asked);
    free(pass);
}

/* ---- the ring of writes ---- */

static_assert(ENFORCEMENT_WRITES_MAX == 1 << 12, "a hash has 12 bits");

static uint32_t *chain_of(struct enforcement_pass *pass, uint32_t origin, int32_t key,
                          uint64_t version)
{
    uint64_t hash = (version * pass->setup.nodes + origin) * pass->setup.keys + (uint64_t)key;
    return &pass->chains[hash * 0x9e3779b97f4a7c15u >> 52];
}

static uint32_t find_write(struct enforcement_pass *pass, const struct merged_event *delivery)
{
    uint32_t slot = *chain_of(pass, delivery->origin, delivery->key, delivery->version);
    while (slot != NO_SLOT) {
        const struct write_slot *write = &pass->slots[slot];
        if (write->origin == delivery->origin && write->key == delivery->key &&
            write->version == delivery->version)
            break;
        slot = write->next;
    }
    return slot;
}

static void unlink_write(struct enforcement_pass *pass, uint32_t slot)
{
    struct write_slot *write = &pass->slots[slot];
    uint32_t *link = chain_of(pass, write->origin, write->key, write->version);
    while (*link != slot)
        link = &pass->slots[*link].next;
    *link = write->next;
    write->used = false;
}

/* ---- judging a write ---- */

static int by_time(const void *a, const void *b)
{
    const struct acknowledgement *x = a, *y = b;
    return (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

static void add_wait(struct waits *waits, const struct write_slot *write,
                     const struct acknowledgement *deciding)
{
    double wait_s = fmax(0, deciding->at_s - write->written_s);
    (void)gsl_rstat_add(wait_s, waits->all_keys);
    waits->sum_s[write->key] += wait_s;
    waits->writes[write->key]++;
    waits->delay_episodes += deciding->late;
}

/* Take the write out of the ring. False if some peer has not acknowledged it. */
static bool judge_write(struct enforcement_pass *pass, uint32_t slot)
{
    const struct write_slot *write = &pass->slots[slot];
    const struct acknowledgement *row = pass->acknowledgements + (size_t)slot * pass->setup.nodes;
    uint32_t peers = pass->setup.nodes - 1, needed = pass->setup.nodes / 2, seen = 0;
    for (uint32_t node = 0; node < pass->setup.nodes; node++)
        if (!isnan(row[node].at_s))
            pass->sorted[seen++] = row[node];
    if (seen > 0)
        qsort(pass->sorted, seen, sizeof *pass->sorted, by_time);
    if (seen >= needed)
        add_wait(&pass->majority, write, &pass->sorted[needed - 1]);
    if (seen == peers)
        add_wait(&pass->all, write, &pass->sorted[peers - 1]);
    unlink_write(pass, slot);
    return seen == peers;
}

/* ---- the pass ---- */

static void take_write(struct enforcement_pass *pass, const struct merged_event *event)
{
    if (event->key < 0)
        return;
    uint32_t slot = (uint32_t)(pass->found.writes++ % ENFORCEMENT_WRITES_MAX);
    uint32_t *chain = chain_of(pass, event->node, event->key, event->version);
    if (pass->slots[slot].used)
        pass->found.forgotten += !judge_write(pass, slot);
    for (uint32_t node = 0; node < pass->setup.nodes; node++)
        pass->acknowledgements[(size_t)slot * pass->setup.nodes + node] =
            (struct acknowledgement){(double)NAN, false};
    pass->slots[slot] =
        (struct write_slot){true, event->node, event->key, event->version, event->time_s, *chain};
    *chain = slot;
    pass->asked[event->key]++;
}

static void take_delivery(struct enforcement_pass *pass, const struct merged_event *event)
{
    size_t link = (size_t)event->node * pass->setup.nodes + event->peer;
    assert(event->peer < pass->setup.nodes && event->origin < pass->setup.nodes);
    uint32_t slot = event->key < 0 ? NO_SLOT : find_write(pass, event);
    link_delays_add(pass->delays, event->peer, event->node, event->time_s - event->sent_s);
    pass->last[link] = (struct last_delivery){event->sequence, slot};
    if (slot == NO_SLOT)
        return;
    double back_s = link_delays_median_s(pass->delays, event->node, event->origin);
    pass->acknowledgements[(size_t)slot * pass->setup.nodes + event->node] =
        (struct acknowledgement){event->time_s + back_s, false};
}

static void take_badge(struct enforcement_pass *pass, const struct merged_event *event)
{
    const struct last_delivery *last =
        &pass->last[(size_t)event->node * pass->setup.nodes + event->peer];
    pass->found.state_episodes += context_table[event->context].class == CLASS_STATE;
    if (event->context != CONTEXT_MESSAGE_DELAY_EXCEEDED)
        return;
    pass->found.delay_episodes++;
    if (last->slot != NO_SLOT && last->sequence == event->sequence)
        pass->acknowledgements[(size_t)last->slot * pass->setup.nodes + event->node].late = true;
}

void enforcement_take(struct enforcement_pass *pass, const struct merged_event *event)
{
    if (event->time_s > pass->setup.horizon_s)
        return;
    pass->first_event_s = fmin(pass->first_event_s, event->time_s);
    assert(event->node < pass->setup.nodes && event->key < (int64_t)pass->setup.keys);
    switch (event->kind) {
    case MERGED_WRITE:
        take_write(pass, event);
        break;
    case MERGED_DELIVERY:
        take_delivery(pass, event);
        break;
    case MERGED_BADGE:
        take_badge(pass, event);
        break;
    }
}

/* ---- the end ---- */

static struct enforced_wait wait_of(const struct enforcement_pass *pass, const struct waits *waits)
{
    struct enforced_wait wait = {.writes = gsl_rstat_n(waits->all_keys),
                                 .mean_s = (double)NAN,
                                 .median_s = (double)NAN,
                                 .longest_s = (double)NAN,
                                 .slowest_key = -1,
                                 .cap_per_s = (double)NAN,
                                 .asked_per_s = (double)NAN,
                                 .delay_episodes = waits->delay_episodes};
    double slowest_s = -1;
    for (uint32_t key = 0; key < pass->setup.keys; key++) {
        double mean_s =
            waits->writes[key] > 0 ? waits->sum_s[key] / (double)waits->writes[key] : -1;
        if (mean_s > slowest_s) {
            slowest_s = mean_s;
            wait.slowest_key = (int32_t)key;
        }
    }
    if (wait.writes == 0)
        return wait;
    wait.mean_s = gsl_rstat_mean(waits->all_keys);
    wait.median_s = gsl_rstat_median(waits->all_keys);
    wait.longest_s = gsl_rstat_max(waits->all_keys);
    wait.cap_per_s = 1 / slowest_s;
    wait.asked_per_s = (double)pass->asked[wait.slowest_key] / pass->found.watched_s;
    return wait;
}

struct enforcement enforcement_end(struct enforcement_pass *pass)
{
    pass->found.watched_s = pass->setup.horizon_s - pass->first_event_s;
    uint64_t first = pass->found.writes; /* the oldest slot is the one that would be used next */
    for (uint64_t i = 0; i < ENFORCEMENT_WRITES_MAX; i++) {
        uint32_t slot = (uint32_t)((first + i) % ENFORCEMENT_WRITES_MAX);
        if (pass->slots[slot].used)
            pass->found.open += !judge_write(pass, slot);
    }
    pass->found.all = wait_of(pass, &pass->all);
    pass->found.majority = wait_of(pass, &pass->majority);
    return pass->found;
}
