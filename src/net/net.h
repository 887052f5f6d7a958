#ifndef MPIDRIFT_NET_H
#define MPIDRIFT_NET_H

#include "failure.h"
#include "net/wire.h"

#include <stdbool.h>

/* The mailbox: what a node knows of the network. Behind it stands a carrier: MPI, or the fake net
 * of the tests. Peers are indices within the group, 0 … nodes - 1. */

struct carrier_ops {
    /* Put the message under way to `peer` without waiting; false: no room, it is not sent. */
    bool (*send)(void *carrier, uint32_t peer, const struct message *message);
    /* The next message that has arrived, each link's in the order of sending; false: none. */
    bool (*receive)(void *carrier, uint32_t *peer, struct message *message);
    /* How often it has looked at the network. What one look found was all there when the first of
     * it was handed out. NULL: it looks for each message. */
    uint64_t (*looks)(const void *carrier);
};

/* The books of one pair: to the peer, and from it. A suppressed message uses up its number: its
 * peer lacks it. What a peer sent = received + lost + overflowed + still under way. */
struct link {
    uint64_t attempted;
    uint64_t sent;
    uint64_t suppressed;
    uint64_t received;
    uint64_t lost;          /* dropped by declaration */
    uint64_t overflowed;    /* dropped where the declared network had no room for it */
    uint64_t sequence_seen; /* highest received */
};

struct mailbox {
    const struct carrier_ops *ops;
    void *carrier;
    uint32_t self;
    uint32_t nodes;
    struct link *links; /* [nodes], owned */
    uint64_t attempted; /* over all links */
    uint64_t looks;     /* of the carrier, when it found the last message received */
    bool is_new_look;   /* that message is the first of its look */
};

/* False after filling in `failure` when memory is short. */
bool mailbox_open(struct mailbox *mailbox, const struct carrier_ops *ops, void *carrier,
                  uint32_t self, uint32_t nodes, struct failure *failure);
void mailbox_close(struct mailbox *mailbox);

/* Number the message, in place, and send it to one peer, or count it as suppressed. */
void mailbox_send(struct mailbox *mailbox, uint32_t peer, struct message *message);
/* To every peer, starting behind self, so that no node is first at all others. */
void mailbox_send_all(struct mailbox *mailbox, struct message *message);

/* The next message; false: the inbox is empty. `missing` is how many of the link's numbers were
 * skipped before it; 0 also for one that comes late. */
bool mailbox_receive(struct mailbox *mailbox, uint32_t *peer, struct message *message,
                     uint64_t *missing);

struct link_totals {
    uint64_t attempted;
    uint64_t sent;
    uint64_t suppressed;
    uint64_t received;
    uint64_t lost;
    uint64_t overflowed;
};
struct link_totals mailbox_totals(const struct mailbox *mailbox);

#endif
