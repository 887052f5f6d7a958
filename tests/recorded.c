#include "recorded.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

const struct row_store *recorded_rows(const struct fake_run *run, uint32_t node, size_t table)
{
    const struct row_store *store = run->node[node].ops->rows(run->node[node].system, table);
    if (store->dropped > 0)
        abort(); /* a share of what fitted would be another figure */
    return store;
}

static int by_time(const void *a, const void *b)
{
    const struct recorded_belief *x = a, *y = b;
    return (x->time_s > y->time_s) - (x->time_s < y->time_s);
}

/* Changes of belief of all nodes in the order of time. */
static struct recorded_belief *all_beliefs(const struct fake_run *run, size_t *count)
{
    size_t total = 0;
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        total += recorded_rows(run, node, RECORDED_BELIEFS)->count;
    struct recorded_belief *beliefs = calloc(total + 1, sizeof *beliefs);
    assert(beliefs != NULL);
    *count = 0;
    for (uint32_t node = 0; node < run->setup.nodes; node++) {
        const struct row_store *store = recorded_rows(run, node, RECORDED_BELIEFS);
        const struct recorded_belief *rows = (const void *)store->rows;
        for (size_t i = 0; i < store->count; i++)
            beliefs[(*count)++] = rows[i];
    }
    qsort(beliefs, *count, sizeof *beliefs, by_time);
    return beliefs;
}

struct recorded_shares recorded_shares(const struct fake_run *run)
{
    uint32_t leader[FAKE_NODES_MAX] = {0}, nodes = run->setup.nodes;
    double duration_s = run->setup.duration_s;
    size_t count;
    struct recorded_belief *beliefs = all_beliefs(run, &count);
    struct recorded_shares shares = {0, 0};
    for (size_t i = 0; i < count; i++) {
        leader[beliefs[i].node] = beliefs[i].leader;
        double to_s = i + 1 < count ? beliefs[i + 1].time_s : duration_s;
        double length_s = fmax(0, fmin(to_s, duration_s) - fmax(0, beliefs[i].time_s));
        uint32_t other_views = 0, leaders = 0;
        for (uint32_t node = 0; node < nodes; node++) {
            other_views += leader[node] != leader[0];
            leaders += leader[node] == node;
        }
        shares.split += other_views > 0 ? length_s / duration_s : 0;
        shares.dual += leaders > 1 ? length_s / duration_s : 0;
    }
    free(beliefs);
    return shares;
}

double recorded_split_rounds(const struct fake_run *run)
{
    const struct recorded_round *rows[FAKE_NODES_MAX] = {NULL};
    assert(run->setup.nodes > 0);
    size_t count = recorded_rows(run, 0, RECORDED_ROUNDS)->count, rounds = 0, split = 0;
    for (uint32_t node = 0; node < run->setup.nodes; node++) {
        rows[node] = (const void *)recorded_rows(run, node, RECORDED_ROUNDS)->rows;
        if (recorded_rows(run, node, RECORDED_ROUNDS)->count != count)
            abort();
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t others = 0;
        for (uint32_t node = 0; node < run->setup.nodes; node++)
            others += rows[node][i].decision != rows[0][i].decision;
        rounds += rows[0][i].round >= 0;
        split += rows[0][i].round >= 0 && others > 0;
    }
    return (double)split / (double)rounds;
}
