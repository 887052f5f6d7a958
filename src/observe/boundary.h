#ifndef MPIDRIFT_BOUNDARY_H
#define MPIDRIFT_BOUNDARY_H

#include "clock/clock_model.h"

#include <stdint.h>

/* The one place where a running system meets its observer: a call that returns nothing, so that
 * observation cannot steer what it observes. Codes stand in run files and are never renumbered. */

enum boundary_kind {
    BOUNDARY_SEND = 0,
    BOUNDARY_RECEIVE = 1,
    BOUNDARY_UPDATE = 2,
    BOUNDARY_TIMEOUT = 3,
    BOUNDARY_LEADERSHIP = 4,
    BOUNDARY_DECISION = 5,
    BOUNDARY_COUNT
};

/* What can leave the corridor there. A system says which of these it has, and knows no more of
 * them. */
enum context {
    CONTEXT_MESSAGE_DELAY_EXCEEDED = 0,
    CONTEXT_HEARTBEAT_MISSED = 1,
    CONTEXT_MESSAGE_MISSING = 2,
    CONTEXT_VERSION_LAG_EXCEEDED = 3,
    CONTEXT_CAUSAL_ORDER_VIOLATED = 4,
    CONTEXT_DUAL_LEADER_OBSERVED = 5,
    CONTEXT_LEADER_VIEW_SPLIT = 6,
    CONTEXT_DECISION_SPLIT = 7,
    CONTEXT_COUNT
};

/* What is measured at a boundary. The value of an event is in this unit. */
enum measure {
    MEASURE_LATENESS_S,      /* send: actual - due time of a local action */
    MEASURE_DELAY_S,         /* receive: receipt - send stamp, both on the global clock */
    MEASURE_MISSING,         /* receive: sequence numbers skipped before this message */
    MEASURE_VERSION_GAP,     /* update: received - (known + 1) */
    MEASURE_HEARTBEAT_GAP_S, /* timeout: a heartbeat was heard; the observer knows the one before */
    MEASURE_SILENCE,         /* timeout: the inbox is empty at this moment; no peer, no value */
    MEASURE_STALL_S,         /* the node's own loop stood still for this long, until `at` */
    MEASURE_WRITE,           /* send: a local write, about to go to `peer`; no value */
    MEASURE_DUAL_LEADERS,    /* leadership: 1 if this node and the peer believe in themselves */
    MEASURE_LEADER_VIEWS,    /* leadership: 1 if the peer's leader is not this node's */
    MEASURE_DECISIONS,       /* decision: 1 if the peer decided the same round otherwise */
    MEASURE_END,             /* the node's window ends at this moment, earlier than planned */
    MEASURE_COUNT
};

/* Where the cause of an event lies: a message belongs to the phase in which its sender stamped it.
 */
enum window_phase { PHASE_WARMUP, PHASE_WINDOW, PHASE_AFTER };

struct boundary_event {
    enum measure measure;
    enum window_phase phase;
    struct local_time at; /* when this node saw it */
    uint32_t peer;        /* index within the group; of a write its own where it goes to all */
    uint32_t base;        /* of a version: who wrote the one before */
    int32_t key;          /* -1: none */
    double value;
    uint64_t version_known;    /* what this node holds: a version, a leader, a decision … */
    uint64_t version_received; /* … and what it writes or hears; leaders by index in the group */
    uint64_t sequence;         /* of the message on its link */
    struct global_time sent;   /* its send stamp, true also where clocks are perturbed */
};

struct boundary {
    void (*report)(void *observer, const struct boundary_event *event);
    void *observer;
};

static inline void boundary_report(const struct boundary *boundary,
                                   const struct boundary_event *event)
{
    boundary->report(boundary->observer, event);
}

/* The null observer: what the seam itself costs, and what --observe off means. */
static inline void boundary_ignore(void *observer, const struct boundary_event *event)
{
    (void)observer;
    (void)event;
}

const char *boundary_name(enum boundary_kind kind);

#endif
