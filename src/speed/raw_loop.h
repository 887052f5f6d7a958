#ifndef MPIDRIFT_RAW_LOOP_H
#define MPIDRIFT_RAW_LOOP_H

#include "clock/clock.h"

#include <mpi.h>

/* What the library can do at best: the load of the flood without mpidrift. The first half of the
 * ranks starts a window of persistent sends of 64 bytes and waits for them and for one answer; the
 * second half starts as many persistent receives and answers. Nothing looks at the messages.
 * Collective. Messages per second of all pairs together, on every rank. */
double raw_loop_run(MPI_Comm comm, const struct clock_source *clock, double seconds);

#endif
