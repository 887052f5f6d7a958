#ifndef MPIDRIFT_CLOCK_CHECK_H
#define MPIDRIFT_CLOCK_CHECK_H

#include "config.h"
#include "machine.h"
#include "world.h"

/* Collective: measure the clocks as before a run and print them as one table on node 0, a line per
 * rank. Nothing is observed and no file is written. */
void clock_check(const struct world *world, const struct config *config,
                 const struct machine *machine);

#endif
