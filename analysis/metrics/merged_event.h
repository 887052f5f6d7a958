#ifndef MPIDRIFT_METRICS_MERGED_EVENT_H
#define MPIDRIFT_METRICS_MERGED_EVENT_H

#include "observe/corridor.h"

/* What happened on any node of one system, on the clock that all nodes share: the traces and the
 * badges of all nodes, merged by time. At equal times a badge comes after the delivery that led to
 * it. A run in groups is several systems, each with a stream and consumers of its own. */

enum merged_kind {
    MERGED_WRITE,    /* `node` wrote `version` of `key` and sent it to every peer */
    MERGED_DELIVERY, /* `node` took a message of `peer` */
    MERGED_BADGE,    /* `node` opened an episode about `peer` */
};

struct merged_event {
    double time_s;
    double sent_s; /* delivery: the message's send stamp */
    uint64_t version;
    uint64_t sequence; /* delivery, badge: of the message on the link from peer to node */
    uint32_t node;
    uint32_t peer;   /* delivery, badge */
    uint32_t origin; /* delivery: who wrote that version */
    int32_t key; /* write, delivery; -1: it carries no version, and says only how long it took */
    enum merged_kind kind;
    enum context context; /* badge */
};

#endif
