#ifndef MPIDRIFT_CLOCK_H
#define MPIDRIFT_CLOCK_H

#include "clock/clock_model.h"

/* Where a node's time comes from and how it waits. Handed in, so that a test can run on a clock of
 * its own. */
struct clock_source {
    struct local_time (*now)(void *self);
    /* Return at `until` or somewhat later; at once if that is past. */
    void (*wait)(void *self, struct local_time until);
    void *self;
};

enum idle_mode { IDLE_SLEEP, IDLE_YIELD, IDLE_SPIN };

/* MPI_Wtime. Sleeping asks the kernel for 1 µs of timer slack; yielding and spinning return at once
 * so that the loop polls without pause. */
struct clock_source clock_mpi(enum idle_mode idle);

/* MPI_Wtick. */
double clock_resolution_s(void);

#endif
