#ifndef MPIDRIFT_METRICS_BACKLOG_PASS_H
#define MPIDRIFT_METRICS_BACKLOG_PASS_H

#include "analysis/metrics/merged_event.h"

#include <stddef.h>

/* The backlog of the nodes, as in backlog.h, followed event by event: what theory is set beside.
 *
 * Links deliver in order, so what a delivery leaves out will not come; it counts as seen from then
 * on, and the write as not seen everywhere. Two nodes' clocks may make a write seem seen before it
 * was written; it then was never unseen. Deliveries of writes from before the trace are ignored.
 *
 * One pass, in memory for nodes² links and BACKLOG_WRITES_MAX writes of each node, however many
 * events there are. A write that so many later ones of its node push out counts as seen. */

enum { BACKLOG_WRITES_MAX = 1024 };

struct backlog_setup {
    uint32_t nodes;
    uint32_t limit;     /* writes */
    double delay_max_s; /* INFINITY: no limit */
    double horizon_s;   /* the earliest end of any node's trace: later events are ignored */
};

struct backlog_found {
    double watched_s; /* node-seconds, from 0 to the horizon */
    double unseen_s;  /* integral of the backlog over them */
    double beyond_s;  /* of them with a backlog above the limit */
    uint64_t rises;   /* from the limit to above */
    uint64_t writes;
    uint64_t writes_on_stale; /* made while the writer's own backlog was above 0 */
    uint64_t everywhere;      /* seen by all peers … */
    uint64_t late_somewhere;  /* … of these by some of them later than delay_max_s */
    double visible_median_s;  /* until the last peer had it (P² algorithm); NaN: none */
    double visible_p99_s;
    uint64_t forgotten; /* pushed out before all peers had seen them */
};

struct backlog_pass; /* owned */

/* NULL when memory is short. */
struct backlog_pass *backlog_begin(const struct backlog_setup *setup);
/* The next event, as awareness_take. Badges change nothing. */
void backlog_take(struct backlog_pass *pass, const struct merged_event *event);
/* What was found. Nothing can be taken any more. */
struct backlog_found backlog_end(struct backlog_pass *pass);
void backlog_pass_free(struct backlog_pass *pass);

#endif
