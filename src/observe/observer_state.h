#ifndef MPIDRIFT_OBSERVER_STATE_H
#define MPIDRIFT_OBSERVER_STATE_H

#include "observe/observer.h"
#include "observe/outside.h"

/* What an observer knows, shared by its parts. All that must outlive the process lies in one block
 * of memory: struct observer_state, then the arrays. The pointers in the block are set anew
 * whenever an observer is attached to it. */

enum { STALLS_KEPT = 64 };
#define NO_EPISODE UINT64_MAX

struct stream {
    uint64_t outside_keys; /* one bit per key, bit 0 where there are none; 0: inside */
    uint64_t episode;      /* number of the open one; NO_EPISODE: none, or it has no badge */
    double already_until_s;
    double peak;
    uint32_t observations;
    uint32_t beyond;
    uint32_t episodes;
    uint32_t reserved;
};

struct observer_state {
    struct window_grid grid;
    struct local_time end;
    struct local_time alive; /* of the last event */
    struct observer_totals totals;
    struct outside_meter meters[CONTEXT_COUNT + 1]; /* the last: any stream */
    struct histogram histograms[HISTOGRAM_KINDS];
    uint32_t has_window;
    uint32_t is_finished;
};

struct stall {
    struct local_time from;
    struct local_time to;
};

/* When this node heard of a peer. */
struct contact {
    struct local_time heartbeat;
    struct local_time message;
    struct local_time message_before;
};

/* What tells whether the clocks of this node and a peer are as well known as is said. */
struct peer_clock {
    double uncertainty_s;
    uint32_t early;      /* messages that arrived before they were sent … */
    uint32_t impossible; /* … by more than the uncertainty */
};

/* What a measure is judged by: a context, as the table and the corridor have it. */
struct judge {
    enum context context;
    bool keyed;
    double sign;
    double limit;
};
enum { JUDGES_MAX = 2 };

struct observer {
    struct observer_setup setup;
    struct corridor corridor;
    /* in the block */
    struct observer_state *state;
    struct stream *streams;    /* [nodes][CONTEXT_COUNT] */
    struct peer_clock *clocks; /* [nodes] */
    double *outside_s;         /* [CONTEXT_COUNT + 1][windows]; the last row: any stream */
    uint32_t *counts;          /* [CONTEXT_COUNT][COUNT_KINDS][windows] */
    /* its own */
    void *own_block;                                /* NULL: the block is the caller's */
    struct contact *contacts;                       /* [nodes] */
    struct local_time silence_due;                  /* no heartbeat can be overdue before */
    struct judge judges[MEASURE_COUNT][JUDGES_MAX]; /* those that are watched */
    uint32_t judge_count[MEASURE_COUNT];
    struct local_time part_at;        /* the part of the window last asked for … */
    uint32_t part;                    /* … mostly serves several observations */
    struct stall stalls[STALLS_KEPT]; /* in the order of time, each shorter than the one before */
    uint32_t stalls_kept;
};

enum { COUNT_OBSERVATIONS, COUNT_BEYOND, COUNT_EPISODES, COUNT_KINDS };

static inline uint32_t *window_row(const struct observer *o, enum context context, int kind)
{
    return o->counts + ((size_t)context * COUNT_KINDS + (size_t)kind) * o->setup.windows;
}

static inline struct stream *stream_of(const struct observer *o, uint32_t peer,
                                       enum context context)
{
    return &o->streams[(size_t)peer * CONTEXT_COUNT + context];
}

static inline bool observer_watches(const struct observer *o, enum context context)
{
    return o->setup.contexts[context] && o->corridor.watched[context];
}

/* Every stream that is outside ends at the end of the window, and the sums are closed. */
void observer_close_streams(struct observer *observer);

#endif
