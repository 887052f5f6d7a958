#include "analysis/metrics/replicas.h"

#include <assert.h>
#include <stdlib.h>

struct replica {
    uint64_t version;
    bool known; /* what it held before the trace is not */
    bool beyond;
};

struct replicas {
    uint32_t nodes;
    uint32_t keys;
    double lag_max;
    struct replica *replicas; /* [keys][nodes] */
    uint64_t *newest;         /* [keys] */
    uint64_t beyond;          /* replicas */
    double since_s;           /* that some replica is beyond */
    double beyond_s;          /* before that */
};

struct replicas *replicas_new(uint32_t nodes, uint32_t keys, double lag_max)
{
    struct replicas *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (struct replicas){.nodes = nodes, .keys = keys, .lag_max = lag_max};
    r->replicas = calloc((size_t)nodes * keys + 1, sizeof *r->replicas);
    r->newest = calloc((size_t)keys + 1, sizeof *r->newest);
    if (r->replicas != NULL && r->newest != NULL)
        return r;
    replicas_free(r);
    return NULL;
}

void replicas_free(struct replicas *replicas)
{
    if (replicas == NULL)
        return;
    free(replicas->replicas);
    free(replicas->newest);
    free(replicas);
}

static void judge(struct replicas *r, struct replica *replica, uint64_t newest)
{
    /* A node may hear of a version before the one that wrote it says so, by the clocks' error. */
    double behind = newest > replica->version ? (double)(newest - replica->version) : 0;
    bool beyond = replica->known && behind > r->lag_max;
    r->beyond += beyond && !replica->beyond;
    r->beyond -= !beyond && replica->beyond;
    replica->beyond = beyond;
}

void replicas_take(struct replicas *replicas, const struct merged_event *event)
{
    struct replicas *r = replicas;
    if (event->key < 0 || event->kind == MERGED_BADGE)
        return;
    size_t key = (size_t)event->key;
    assert(key < r->keys && event->node < r->nodes);
    struct replica *row = r->replicas + key * r->nodes, *own = row + event->node;
    bool was_beyond = r->beyond > 0;
    bool newer = event->version > r->newest[key];
    if (newer)
        r->newest[key] = event->version;
    if (event->version > own->version)
        own->version = event->version;
    own->known |= event->kind == MERGED_WRITE || event->version == r->newest[key];
    judge(r, own, r->newest[key]);
    for (uint32_t node = 0; newer && node < r->nodes; node++)
        judge(r, &row[node], r->newest[key]);
    if (r->beyond > 0 && !was_beyond)
        r->since_s = event->time_s;
    if (r->beyond == 0 && was_beyond)
        r->beyond_s += event->time_s - r->since_s;
}

bool replicas_beyond(const struct replicas *replicas)
{
    return replicas->beyond > 0;
}

double replicas_beyond_s(const struct replicas *replicas, double until_s)
{
    double now_s = replicas->beyond > 0 ? until_s - replicas->since_s : 0;
    return replicas->beyond_s + now_s;
}
