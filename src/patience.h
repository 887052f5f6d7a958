#ifndef MPIDRIFT_PATIENCE_H
#define MPIDRIFT_PATIENCE_H

#include <mpi.h>
#include <stdint.h>

/* A limit on every wait for other ranks outside the window: a rank that was stopped or cut off must
 * not make the others hang. A step has a name and a limit; a timer runs along, and nothing else, so
 * that in time it costs nothing. Past the limit the ranks that wait report to rank 0; it names
 * those that do not and ends all with exit code 70. Where rank 0 does not answer, rank 1 says so,
 * later.
 *
 * Without patience_begin every wait is without a limit. */

/* Before MPI_Init, which waits for all ranks, too; nobody can be named yet. */
void patience_begin_init(double limit_s);
/* After MPI_Init. `limit_s` is --patience. */
void patience_open(double limit_s);

/* From here on `step` ("synchronise the clocks", as in "node_C did not …") is waited for: at most
 * factor × the limit + extra_s. Begins anew for each step. */
void patience_begin(const char *step, double factor, double extra_s);
/* No wait is to come; before the window this must be called, lest the timer disturb it. */
void patience_end(void);

/* Between looks at what is awaited. Does not return when the limit is over and the others do not
 * come. */
void patience_look(void);
/* The same, and sleep for a moment. */
void patience_nap(void);
/* The MPI_Wait of a rank that sleeps between looks. */
void patience_wait(MPI_Request *request);

/* This rank goes into a blocking call that needs that one: it will be named. */
void patience_awaits(uint32_t rank);

#endif
