#include "analysis/metrics/backlog_pass.h"

#include <assert.h>
#include <gsl/gsl_rstat.h>
#include <math.h>
#include <stdlib.h>

/* A write that may be unseen by some. */
struct slot {
    double at_s;
    uint64_t version;
    int32_t key;
    uint32_t waiting; /* peers that have not seen it */
    bool is_lost;     /* some peer will not get it */
};

struct backlog_pass {
    struct backlog_setup setup;
    struct slot *slots; /* [nodes][BACKLOG_WRITES_MAX], a ring for each writer */
    uint64_t *written;  /* [nodes] */
    uint64_t *seen;     /* [nodes][nodes], by peer and writer: how many of its writes */
    uint64_t *backlog;  /* [nodes] */
    double now_s;
    uint64_t unseen; /* sum of the backlogs */
    uint32_t beyond; /* nodes above the limit */
    gsl_rstat_quantile_workspace *median;
    gsl_rstat_quantile_workspace *p99;
    struct backlog_found found;
};

struct backlog_pass *backlog_begin(const struct backlog_setup *setup)
{
    size_t nodes = setup->nodes;
    struct backlog_pass *pass = calloc(1, sizeof *pass);
    if (pass == NULL)
        return NULL;
    pass->setup = *setup;
    pass->slots = calloc(nodes * BACKLOG_WRITES_MAX, sizeof *pass->slots);
    pass->written = calloc(nodes, sizeof *pass->written);
    pass->seen = calloc(nodes * nodes, sizeof *pass->seen);
    pass->backlog = calloc(nodes, sizeof *pass->backlog);
    pass->median = gsl_rstat_quantile_alloc(0.5);
    pass->p99 = gsl_rstat_quantile_alloc(0.99);
    if (pass->slots != NULL && pass->written != NULL && pass->seen != NULL &&
        pass->backlog != NULL && pass->median != NULL && pass->p99 != NULL)
        return pass;
    backlog_pass_free(pass);
    return NULL;
}

void backlog_pass_free(struct backlog_pass *pass)
{
    if (pass == NULL)
        return;
    free(pass->slots);
    free(pass->written);
    free(pass->seen);
    free(pass->backlog);
    if (pass->median != NULL)
        gsl_rstat_quantile_free(pass->median);
    if (pass->p99 != NULL)
        gsl_rstat_quantile_free(pass->p99);
    free(pass);
}

/* ---- time ---- */

static void advance(struct backlog_pass *pass, double to_s)
{
    double passed_s = fmax(0, to_s - pass->now_s);
    pass->found.unseen_s += passed_s * (double)pass->unseen;
    pass->found.beyond_s += passed_s * pass->beyond;
    pass->now_s = fmax(pass->now_s, to_s);
}

static void raise(struct backlog_pass *pass, uint32_t node)
{
    pass->unseen++;
    if (pass->backlog[node]++ != pass->setup.limit)
        return;
    pass->beyond++;
    pass->found.rises++;
}

static void lower(struct backlog_pass *pass, uint32_t node)
{
    assert(pass->backlog[node] > 0);
    pass->unseen--;
    pass->beyond -= --pass->backlog[node] == pass->setup.limit;
}

/* ---- writes ---- */

static struct slot *slot_of(struct backlog_pass *pass, uint32_t writer, uint64_t write)
{
    return &pass->slots[(size_t)writer * BACKLOG_WRITES_MAX + write % BACKLOG_WRITES_MAX];
}

static uint64_t *seen_of(struct backlog_pass *pass, uint32_t peer, uint32_t writer)
{
    return &pass->seen[(size_t)peer * pass->setup.nodes + writer];
}

static void judge(struct backlog_pass *pass, const struct slot *slot, double at_s)
{
    double visible_s = at_s - slot->at_s;
    if (slot->is_lost)
        return;
    pass->found.everywhere++;
    pass->found.late_somewhere += visible_s > pass->setup.delay_max_s;
    (void)gsl_rstat_quantile_add(visible_s, pass->median);
    (void)gsl_rstat_quantile_add(visible_s, pass->p99);
}

/* A place in the ring is needed: whoever has not seen this write never will. */
static void forget(struct backlog_pass *pass, uint32_t writer, uint64_t write)
{
    if (slot_of(pass, writer, write)->waiting == 0)
        return;
    pass->found.forgotten++;
    for (uint32_t peer = 0; peer < pass->setup.nodes; peer++)
        if (peer != writer && *seen_of(pass, peer, writer) == write) {
            ++*seen_of(pass, peer, writer);
            lower(pass, peer);
        }
}

static void take_write(struct backlog_pass *pass, const struct merged_event *event)
{
    uint64_t write = pass->written[event->node];
    struct slot *slot = slot_of(pass, event->node, write);
    if (write >= BACKLOG_WRITES_MAX)
        forget(pass, event->node, write - BACKLOG_WRITES_MAX);
    *slot = (struct slot){event->time_s, event->version, event->key, 0, false};
    pass->found.writes++;
    pass->found.writes_on_stale += pass->backlog[event->node] > 0;
    pass->written[event->node]++;
    for (uint32_t peer = 0; peer < pass->setup.nodes; peer++) {
        if (peer == event->node || *seen_of(pass, peer, event->node) > write)
            continue;
        slot->waiting++;
        raise(pass, peer);
    }
    if (slot->waiting == 0)
        judge(pass, slot, event->time_s);
}

/* ---- deliveries ---- */

/* The number of the write that was delivered; `written` or more: none that is unseen. */
static uint64_t find_write(struct backlog_pass *pass, const struct merged_event *event)
{
    uint64_t written = pass->written[event->origin];
    uint64_t write = *seen_of(pass, event->node, event->origin);
    while (write < written) {
        const struct slot *slot = slot_of(pass, event->origin, write);
        if (slot->version == event->version && slot->key == event->key)
            break;
        write++;
    }
    return write;
}

/* Of a write that is still to come, by the clocks. */
static bool is_ahead(struct backlog_pass *pass, const struct merged_event *event)
{
    uint64_t written = pass->written[event->origin];
    return event->sent_s >= 0 &&
           (written == 0 || event->sent_s > slot_of(pass, event->origin, written - 1)->at_s);
}

/* The peer needs to wait for this write no longer. */
static void cross_off(struct backlog_pass *pass, const struct merged_event *event, uint64_t write,
                      bool is_lost)
{
    struct slot *slot = slot_of(pass, event->origin, write);
    slot->is_lost |= is_lost;
    lower(pass, event->node);
    if (--slot->waiting == 0)
        judge(pass, slot, event->time_s);
}

static void take_delivery(struct backlog_pass *pass, const struct merged_event *event)
{
    uint64_t *seen = seen_of(pass, event->node, event->origin);
    uint64_t write = find_write(pass, event), written = pass->written[event->origin];
    if (write >= written && !is_ahead(pass, event))
        return;
    for (uint64_t passed = *seen; passed <= write && passed < written; passed++)
        cross_off(pass, event, passed, passed != write);
    *seen = write + 1;
}

void backlog_take(struct backlog_pass *pass, const struct merged_event *event)
{
    if (event->time_s > pass->setup.horizon_s || event->key < 0)
        return;
    advance(pass, event->time_s);
    if (event->kind == MERGED_WRITE)
        take_write(pass, event);
    else if (event->kind == MERGED_DELIVERY && event->node != event->origin)
        take_delivery(pass, event);
}

struct backlog_found backlog_end(struct backlog_pass *pass)
{
    advance(pass, pass->setup.horizon_s);
    pass->found.watched_s = pass->setup.horizon_s * pass->setup.nodes;
    bool is_known = pass->found.everywhere > 0;
    pass->found.visible_median_s = is_known ? gsl_rstat_quantile_get(pass->median) : (double)NAN;
    pass->found.visible_p99_s = is_known ? gsl_rstat_quantile_get(pass->p99) : (double)NAN;
    return pass->found;
}
