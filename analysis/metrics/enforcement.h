#ifndef MPIDRIFT_METRICS_ENFORCEMENT_H
#define MPIDRIFT_METRICS_ENFORCEMENT_H

#include "analysis/metrics/merged_event.h"

#include <stddef.h>

/* What would enforcement have cost, and hidden? The metrics page, section 5.5. Nothing is enforced:
 * this is an estimate from what was seen.
 *
 * A write would wait for acknowledgements before the next write of its key: for those of all peers,
 * or until with the writer a majority of the nodes has it. The acknowledgement of a peer comes at
 * its delivery + the median delay of the messages from that peer back to the writer, as estimated
 * so far (P² algorithm, Jain and Chlamtac, Comm. ACM 28, 1985; the median of all links while that
 * link has carried nothing). A key then takes at most 1 / mean wait writes per second.
 *
 * Hidden would be the state episodes: no version could be missed. A delay episode would turn into
 * waiting if its message was the one that decided how long the write waited.
 *
 * Assumed: no queueing, neither of writes behind writes nor of acknowledgements; delays as without
 * enforcement; nothing is sent again, so a write that a peer never got has no wait for all, as has
 * one whose delivery seems to come before it by the clocks' error.
 *
 * One pass, in about 180 bytes for each of nodes² links and ENFORCEMENT_WRITES_MAX × nodes
 * deliveries of 16 bytes, however many events there are. */

enum { ENFORCEMENT_WRITES_MAX = 4096 };

struct enforcement_setup {
    uint32_t nodes; /* at least 2 */
    uint32_t keys;
    double horizon_s; /* the earliest end of any node's trace: later events are ignored */
};

/* What one rule would have cost. */
struct enforced_wait {
    uint64_t writes; /* with all the acknowledgements that the rule asks for */
    double mean_s;   /* NaN: no such write */
    double median_s;
    double longest_s;
    int32_t slowest_key;     /* the one with the longest mean wait; -1: none */
    double cap_per_s;        /* writes per second that this key could take; NaN: none */
    double asked_per_s;      /* writes per second that it was asked to take, up to the horizon */
    uint64_t delay_episodes; /* that would have turned into waiting */
};

struct enforcement {
    double watched_s; /* from the first event to the horizon */
    uint64_t writes;
    uint64_t forgotten; /* pushed out by ENFORCEMENT_WRITES_MAX later ones before all deliveries */
    uint64_t open;      /* not delivered everywhere by the horizon: under way, or lost */
    uint64_t state_episodes;
    uint64_t delay_episodes;
    struct enforced_wait all;
    struct enforced_wait majority;
};

struct enforcement_pass; /* owned */

/* NULL when memory is short. */
struct enforcement_pass *enforcement_begin(const struct enforcement_setup *setup);
/* The next event, as awareness_take. */
void enforcement_take(struct enforcement_pass *pass, const struct merged_event *event);
/* What was found. Nothing can be taken any more. */
struct enforcement enforcement_end(struct enforcement_pass *pass);
void enforcement_free(struct enforcement_pass *pass);

#endif
