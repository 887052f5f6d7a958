#ifndef MPIDRIFT_OBSERVER_H
#define MPIDRIFT_OBSERVER_H

#include "failure.h"
#include "observe/badge.h"
#include "observe/histogram.h"

/* One node's observer: it judges the events of the node's boundaries against the corridor, opens
 * and closes episodes per stream (peer, context), and counts. It never answers.
 *
 * Sampled contexts hold the state of their last observation until the next. A message counts if its
 * sender stamped it inside the window; one from the warm-up sets the state without a badge, one
 * stamped after the window is not observed. Silence is continuous: outside from the last heartbeat
 * + limit to the next heartbeat, on this node's own clock. */
struct observer;

struct observer_setup {
    uint32_t node;       /* this rank */
    uint32_t first_rank; /* rank of the group's node 0: peer i is rank first_rank + i */
    uint32_t self;       /* this node's index within the group */
    uint32_t nodes;      /* of the group */
    const struct corridor *corridor;
    bool contexts[CONTEXT_COUNT];     /* those of the system; unwatched ones are left out too */
    const double *pair_uncertainty_s; /* [nodes]: clocks of this node and each peer; copied */
    bool clock_suspect;
    uint32_t windows; /* parts of the window that are counted apart */
    struct badge_sink sink;
    /* observer_bytes zeroed bytes that outlive the observer: what it counts lies there, so that it
     * can outlive the process, too. NULL: memory of its own. */
    void *block;
};

/* How large the block is: it depends on nodes and windows and on the limits. */
size_t observer_bytes(const struct observer_setup *setup);
/* What an observer keeps for each peer, in its block and besides. */
size_t observer_peer_bytes(void);

/* NULL after filling in `failure` when memory is short. */
struct observer *observer_create(const struct observer_setup *setup, struct failure *failure);

/* Bring back an observer whose process died, from a copy of its block; the setup as it was, but for
 * sink and pair_uncertainty_s, which are not used. Its window ends with its last sign of life, what
 * was outside then is censored; one that had finished is as it was. NULL after filling in `failure`
 * when memory is short, or (65) when the block contradicts itself: each number that is also a sum
 * of others is checked against it, with one event of tolerance, and all are in their range. */
struct observer *observer_revive(const struct observer_setup *setup, struct failure *failure);
void observer_free(struct observer *observer);

/* As in the setup, when it is known better; before the first event. */
void observer_set_uncertainty(struct observer *observer, const double *pair_uncertainty_s);

/* When the node becomes active, and the window [begin, end). Before the first event. */
void observer_set_window(struct observer *observer, struct local_time start,
                         struct local_time begin, struct local_time end);

struct boundary observer_boundary(struct observer *observer);

/* After the drain: episodes still open are censored, sums are closed. No event may follow. */
void observer_finish(struct observer *observer);

/* How long the node watched: to the end of its window, or to the last event before; 0 if its window
 * had not opened. */
double observer_watched_s(const struct observer *observer);

struct observer_totals {
    uint64_t messages_observed; /* stamped inside the window */
    uint64_t episodes;          /* badges emitted */
    uint64_t already_outside;   /* streams outside when the window opened */
    uint64_t stalls;            /* own stalls inside the window */
    double longest_stall_s;
    double first_drift_s; /* since the window opened; NaN: none */
    double outside_node_s;
};

/* Valid after observer_finish. */
struct observer_totals observer_totals(const struct observer *observer);

struct stream_count {
    uint64_t observations;
    uint64_t beyond;
    uint64_t episodes;
    double already_outside_until_s; /* NaN: was not outside when the window opened */
};
/* Of one stream; all zero where the context is not watched. */
struct stream_count observer_stream(const struct observer *observer, uint32_t peer,
                                    enum context context);

/* Of the messages of one peer, whatever the corridor says of delays, from the start of the activity
 * to the end of the window. A message that comes before it was sent tells that clocks are off; by
 * more than the uncertainty, that they are off by more than is said. */
struct clock_count {
    double uncertainty_s;
    uint64_t early;
    uint64_t impossible;
};
struct clock_count observer_clock(const struct observer *observer, uint32_t peer);

/* Per context [windows], owned by the observer; valid after observer_finish. */
struct window_counts {
    const uint32_t *observations;
    const uint32_t *beyond;
    const uint32_t *episodes;
    const double *outside_s;
};
struct window_counts observer_windows(const struct observer *observer, enum context context);
/* [windows] time with any stream outside. */
const double *observer_node_outside_s(const struct observer *observer);

const struct histogram *observer_histogram(const struct observer *observer,
                                           enum histogram_kind kind);

/* Its bins, which follow from the corridor's limits alone. */
struct histogram observer_histogram_shape(const double limit[CONTEXT_COUNT],
                                          enum histogram_kind kind);

#endif
