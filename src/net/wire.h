#ifndef MPIDRIFT_WIRE_H
#define MPIDRIFT_WIRE_H

#include "clock/clock_model.h"

#include <assert.h>
#include <stdint.h>

/* The one message form of all systems: 64 bytes, the same layout on every node, checked at the
 * start (a world of mixed byte order is refused). Nodes are indices within the group. */

#define WIRE_VERSION 1

enum message_kind {
    MESSAGE_HEARTBEAT = 1,
    MESSAGE_UPDATE = 2,   /* a version of a key, to all */
    MESSAGE_LETTER = 3,   /* to one peer */
    MESSAGE_PROPOSAL = 4, /* for one round, to all */
    MESSAGE_END = 5,      /* of no system: the last of a node whose window ended early */
};

struct message {
    uint32_t kind;     /* enum message_kind */
    uint32_t origin;   /* who wrote it */
    uint64_t sequence; /* of its link, from 1; given by the mailbox */
    uint64_t version;
    struct global_time due;  /* when it should have been sent */
    struct global_time sent; /* stamp, one per write, taken before the fan-out */
    uint32_t key;
    uint32_t base_origin; /* who wrote the version that this one builds on */
    uint64_t payload[2];
};
static_assert(sizeof(struct message) == 64, "the wire form is 64 bytes");

#endif
