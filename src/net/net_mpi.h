#ifndef MPIDRIFT_NET_MPI_H
#define MPIDRIFT_NET_MPI_H

#include "net/net.h"

#include <mpi.h>

/* The carrier over MPI. One ring of persistent receives lives from open to close; sends come from
 * one pool. Messages travel on a communicator of their own, so that counts and clocks on the
 * caller's cannot mix with them. */
struct net_mpi;

/* What a peer that has stopped costs. With synchronous sends at most `inflight` messages of a link
 * are anywhere: their senders hold them, and the peer keeps their envelopes until it takes them.
 * MPI needs less than 2 KiB for one on either side, so with W = inflight no rank grows by more than
 *
 *     2 KiB * (min(W * peers, NET_POOL_MAX) + W * peers)   and what libraries load when first used
 *
 * however long the peer stands still; what exceeds W is suppressed and counted. Standard sends have
 * no such bound: they are complete when MPI has copied them somewhere, and both the stopped peer's
 * memory and the transport's buffers fill as fast as the others write. tests/stopped_peer.py
 * measures both. */
enum { NET_POOL_MAX = 65536 };

struct net_mpi_setup {
    MPI_Comm group;    /* the nodes of this system; duplicated */
    uint32_t inflight; /* sends under way per peer; all peers share at most NET_POOL_MAX */
    bool synchronous;  /* MPI_Issend: complete only when the peer has taken it */
};

/* Collective over the group. NULL after filling in `failure` when memory is short. */
struct net_mpi *net_mpi_open(const struct net_mpi_setup *setup, struct failure *failure);
/* After the drain, also after one that was given up: what is still under way is taken and
 * forgotten. Collective. */
void net_mpi_close(struct net_mpi *net);

/* What it keeps for each peer, besides the pool of sends. */
size_t net_mpi_peer_bytes(void);

extern const struct carrier_ops net_mpi_ops; /* its carrier is the struct net_mpi */

/* ---- the drain ---- */

/* Tell every peer how many messages were sent to it. Does not wait. */
void net_mpi_announce(struct net_mpi *net, const struct mailbox *mailbox);
/* All peers have told. */
bool net_mpi_is_announced(struct net_mpi *net);
/* All have told, and everything announced has been received or dropped by declaration. To be
 * called between polls. */
bool net_mpi_is_drained(struct net_mpi *net, const struct mailbox *mailbox);
/* Announced, and neither received nor dropped by declaration, over all links; after all have told.
 */
uint64_t net_mpi_in_flight(const struct net_mpi *net, const struct mailbox *mailbox);
/* Links whose books do not add up, likewise: attempted = sent + suppressed, received <= announced.
 */
uint64_t net_mpi_links_wrong(const struct net_mpi *net, const struct mailbox *mailbox);

#endif
