#ifndef MPIDRIFT_TRACE_PASS_H
#define MPIDRIFT_TRACE_PASS_H

#include "analysis/comparison/episode_stream.h"
#include "analysis/metrics/awareness.h"
#include "analysis/metrics/backlog_pass.h"
#include "analysis/metrics/enforcement.h"

/* One pass over a run's trace and badges, merged by global time, each node with a small buffer:
 * what the replicas truly lacked, who knew, what enforcement would have cost. Memory does not grow
 * with the trace. The groups of a run are systems of their own. Everything ends at the earliest
 * end of any node's trace. */

enum { TRACE_SLAB_MIN = 64, TRACE_SLAB_MAX = 16384, TRACE_EVENTS_BUFFERED = 262144 };

struct trace_pass_setup {
    struct run_reader *reader;
    uint32_t nodes;
    uint32_t group_nodes;
    uint32_t keys;
    double lag_max;       /* versions; INFINITY: off */
    double delay_max_s;   /* INFINITY: off */
    double uncertainty_s; /* largest of any pair of nodes */
    double reaction_s;    /* p99 of the one-way delay; NaN: unknown */
    double window_s;
};

/* Of one run. Counts and times are sums over its systems, longest times the longest of any; a mean
 * or median is the mean over the systems that have one. */
struct trace_found {
    const char *unknown;      /* why there is nothing to tell; NULL: there is */
    const char *no_awareness; /* why awareness is not judged; NULL: it is */
    uint64_t events;
    uint64_t out_of_order; /* that came with an earlier time than the one before: taken as now */
    size_t systems;
    double horizon_s;
    double uncertainty_s; /* of the setup */
    double reaction_s;
    struct awareness awareness;
    struct enforcement enforcement;
    struct backlog_found backlog;
};

struct trace_pass; /* owned */

/* NULL with a reason in found->unknown where the trace says nothing, or after filling in
 * `failure`. */
struct trace_pass *trace_pass_begin(const struct trace_pass_setup *setup, struct trace_found *found,
                                    struct failure *failure);
/* The next badge, in the order of time; first come all events up to it. What fails is told at the
 * end. */
void trace_pass_badge(struct trace_pass *pass, const struct episode *episode);
/* All events that are left. False after filling in the failure of trace_pass_begin: 65 for an event
 * with a key or peer that the run has not. */
bool trace_pass_end(struct trace_pass *pass, struct trace_found *found);
void trace_pass_free(struct trace_pass *pass);

#endif
