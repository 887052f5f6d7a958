#ifndef MPIDRIFT_SYNC_H
#define MPIDRIFT_SYNC_H

#include "clock/clock.h"

#include <mpi.h>

/* Offset of every rank's clock to node 0's, one rank after the other: ping-pongs, intersection of
 * the intervals, and the same-clock claim where boot id and time namespace prove one kernel clock
 * and both clocks kept to it meanwhile. Ranks that wait sleep, so that they do not spoil the
 * ping-pongs of others. Collective over `comm`. Star to node 0: fine to a few hundred ranks.
 * Returns this rank's synchronisation. */
struct clock_sync clock_synchronise(MPI_Comm comm, const struct clock_source *clock);

/* The MPI_Barrier for ranks that must not spin. */
void sleeping_barrier(MPI_Comm comm);
/* The MPI_Recv of an empty message, likewise. */
void sleeping_wait_for_turn(MPI_Comm comm, int rank, int tag);

#endif
