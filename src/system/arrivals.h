#ifndef MPIDRIFT_ARRIVALS_H
#define MPIDRIFT_ARRIVALS_H

#include "system/system.h"

/* When the local actions of --rate happen: the same schedule for every system that has them. */

/* The first action after the start; a periodic schedule begins at a random phase, or all nodes
 * would act at the same moments. HUGE_VAL: never, the rate is 0. */
struct local_time arrivals_first(const struct system_setup *setup);
/* The one after an action that was due at `from`. */
struct local_time arrivals_next(const struct system_setup *setup, struct local_time from);

#endif
