#ifndef MPIDRIFT_SYNC_H
#define MPIDRIFT_SYNC_H

#include "clock/claim.h"

#include <mpi.h>

/* Offset of every rank's clock to node 0's: first the leader of each host (its lowest rank), one
 * after the other, then the other ranks to the leader of theirs, on all hosts at the same time.
 * Each by ping-pongs, intersection of the intervals, and the same-clock claim where boot id and
 * time namespace prove one kernel clock and both clocks kept to it meanwhile. Ranks that wait
 * sleep, so that they do not spoil the ping-pongs of others.
 *
 * A star over the hosts: its time grows with their number, by 1 to 2 ms each on a local network (by
 * 30 round trips where those are slow), which is fine to a few hundred hosts. */
struct clock_star;

struct clock_star_setup {
    MPI_Comm comm;
    const struct clock_source *clock; /* must stay */
    struct clock_place place;
};

/* Collective over `comm`, as all that follows. A failure ends all ranks. */
struct clock_star *clock_star_open(const struct clock_star_setup *setup);
void clock_star_close(struct clock_star *star);

/* Of whom: all, or only those that were not proven to read node 0's own clock. What is known of the
 * others does not age; they get it again, for now. */
enum clock_star_round { CLOCKS_ALL, CLOCKS_NOT_PROVEN };
/* This rank's synchronisation with node 0. */
struct clock_sync clock_star_synchronise(struct clock_star *star, enum clock_star_round round);

/* After the first synchronisation: is every clock proven to be node 0's? The same on each rank. */
bool clock_star_is_one_clock(const struct clock_star *star);

/* The lowest rank of this rank's host. */
uint32_t clock_star_host(const struct clock_star *star);

/* The MPI_Barrier for ranks that must not spin. */
void sleeping_barrier(MPI_Comm comm);
/* The MPI_Recv of an empty message, likewise. */
void sleeping_wait_for_turn(MPI_Comm comm, int rank, int tag);

#endif
