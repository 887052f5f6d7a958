#ifndef MPIDRIFT_TRACE_H
#define MPIDRIFT_TRACE_H

#include "failure.h"
#include "observe/boundary.h"

#include <assert.h>

/* What happened to the replicas, written down for hindsight: no node can know it while it runs. Two
 * kinds of events are kept, and they are enough to tell which writes a replica lacked at any time,
 * what each write built on, and when every peer had it:
 *   send    a local write: key, version, who wrote the version before
 *   update  a peer's write was taken: the same, with its place on the link and its send stamp
 * Heartbeats are left out: silence and delay are judged where they are seen, on one node, and stand
 * in the badges; here they would take a third of the room by default.
 *
 * Memory is bounded and taken before the window; a full trace counts what it drops and so covers
 * the first part of the window. */
struct trace;

/* An event as it stands in the run file. Members are ordered by size: no padding. */
struct trace_event {
    double time_s;     /* node's own clock since its window opened */
    double global_s;   /* the same moment on node 0's clock since T0, by all synchronisations */
    double sent_s;     /* send stamp: node 0's clock since T0, as the writer knew it when writing */
    uint64_t version;  /* written or taken */
    uint64_t sequence; /* of the message on its link; 0 for a send: each link has its own */
    uint32_t node;     /* rank */
    uint32_t peer;     /* update: rank of the writer; send: the addressee, the node itself: all */
    uint32_t base;     /* rank that wrote the version before; 0 for version 1, which has none */
    int16_t key;       /* -1: none */
    uint16_t kind;     /* enum boundary_kind: send or update */
};
static_assert(sizeof(struct trace_event) == 56, "a trace row has no padding");

/* The run that a trace is to hold. */
struct trace_load {
    double writes_per_s; /* of each node */
    double duration_s;
    uint32_t nodes; /* that see each other */
    uint32_t ranks; /* of the run: they share max_mib */
    double max_mib; /* --trace-max-mib */
};
/* Events that each rank makes room for: all of the window, with a margin for random arrivals and
 * for what was under way when it opened, but no more than the rank's share of max_mib. */
uint64_t trace_capacity(const struct trace_load *load);
/* Memory that a trace of that capacity takes. */
uint64_t trace_bytes(uint64_t capacity);
/* Whether the traces of one host, together `bytes`, take at most half of the memory that is free
 * there (NaN: unknown, then yes). False after filling in `failure`: 64. */
bool trace_memory_suffices(double bytes, double free_bytes, struct failure *failure);

struct trace_setup {
    uint32_t node;       /* this rank */
    uint32_t first_rank; /* of its group: peer i is rank first_rank + i */
    uint64_t capacity;
    /* trace_block_bytes(capacity) zeroed and touched bytes that outlive the trace: the events lie
     * there, so that they can outlive the process, too. NULL: memory of its own. */
    void *block;
};

size_t trace_block_bytes(uint64_t capacity);

/* All memory is taken and touched here. NULL after filling in `failure` when it cannot be had. */
struct trace *trace_create(const struct trace_setup *setup, struct failure *failure);
/* Bring back a trace whose process died, from a copy of its block; its node watched for watched_s
 * and had `nodes` in its group. NULL after filling in `failure` when memory is short, or (65) when
 * an event cannot be. */
struct trace *trace_revive(const struct trace_setup *setup, uint32_t nodes, double watched_s,
                           struct failure *failure);
void trace_free(struct trace *trace);

/* What happened before `begin` is not kept. What was stamped before and taken later is, and so is
 * what is taken in the drain. Before the first event. */
void trace_set_window(struct trace *trace, struct local_time begin, struct local_time end);

/* A boundary that writes down what it is for and hands every event on to `next`. */
struct boundary trace_boundary(struct trace *trace, struct boundary next);

uint64_t trace_reserved_bytes(const struct trace *trace);
uint64_t trace_count(const struct trace *trace);
/* Events that did not fit. */
uint64_t trace_dropped(const struct trace *trace);
/* Every event before this time is there, on the node's clock since its window opened: the length of
 * the window, or the time of the first event that was dropped. */
double trace_covered_until_s(const struct trace *trace);

/* The event of that place, 0 … count - 1 in the order in which they happened. `t0` is when the
 * window opened on node 0's clock. */
struct trace_event trace_read(const struct trace *trace, uint64_t place,
                              const struct clock_model *model, struct global_time t0);

#endif
