#ifndef MPIDRIFT_METRICS_BACKLOG_H
#define MPIDRIFT_METRICS_BACKLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the replicas lacked, told in hindsight from the traces of all nodes. All times are on one
 * clock, 0 when the window opened. */

/* A write, or its arrival at another node: the part of a trace's row that matters here. */
struct replica_event {
    double at_s;      /* when it was written or taken */
    double written_s; /* its send stamp */
    uint64_t version;
    uint32_t node;   /* where this happened */
    uint32_t writer; /* the node itself: it was written there */
    uint32_t key;
};

struct write {
    double at_s;
    uint64_t version;
    uint32_t writer;
    uint32_t key;
};

/* All writes, and when each peer had them. */
struct write_history {
    struct write *writes; /* [count], by writer, key and version */
    /* [count][peers]: when that peer had taken the write, or a later one of the same writer and
     * key, which makes up for it. INFINITY: never; -INFINITY: of a write from before the window,
     * not taken inside it. */
    double *seen_s;
    size_t count;
    uint32_t peers; /* of each writer */
};

/* From the events of `nodes` nodes in groups of `group_nodes` that see each other: ranks that
 * follow each other. Sorts the events. Two nodes' clocks may make a write seem seen before it was
 * written; it then was never unseen. False when memory is short; write_history_free in either case.
 */
bool write_history_make(struct write_history *history, struct replica_event *events, size_t count,
                        uint32_t group_nodes);
void write_history_free(struct write_history *history);

/* Rank of the i-th peer of a writer: the others of its group, ascending. */
uint32_t write_history_peer(const struct write_history *history, uint32_t writer, uint32_t i);
/* How long a write took until the last peer had it; INFINITY: one never had it. */
double write_visible_after_s(const struct write_history *history, size_t write);

enum { BACKLOG_LEVELS = 64 };

/* The backlog of one or more nodes: writes made by others in the group and not yet seen. */
struct backlog {
    double watched_s;               /* node-seconds */
    double unseen_s;                /* its integral over them; the mean is unseen_s / watched_s */
    double level_s[BACKLOG_LEVELS]; /* time at each level; the last: that or above */
    uint64_t rises[BACKLOG_LEVELS]; /* from that level to the next */
    uint64_t writes;                /* made by the node itself … */
    uint64_t writes_on_stale;       /* … while its backlog was above 0 */
};

/* Add what one node lacked in [from_s, to_s). False when memory is short. */
bool backlog_add(struct backlog *backlog, const struct write_history *history, uint32_t node,
                 double from_s, double to_s);
/* Share of the time with a backlog above `limit` < BACKLOG_LEVELS - 1; NaN: nothing was watched. */
double backlog_share_above(const struct backlog *backlog, uint32_t limit);

#endif
