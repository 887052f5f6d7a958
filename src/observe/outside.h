#ifndef MPIDRIFT_OUTSIDE_H
#define MPIDRIFT_OUTSIDE_H

#include "clock/clock_model.h"

#include <stdint.h>

/* The window in equal parts. */
struct window_grid {
    struct local_time begin;
    double part_s;
    uint32_t parts;
};

/* The part that holds this moment; what lies outside the window goes to its first or last part. */
uint32_t window_part(const struct window_grid *grid, struct local_time at);

/* Time with at least one of several streams outside: the length of a union of intervals, kept as a
 * running sum per part of the window. */
struct outside_meter {
    uint32_t streams;                /* outside now */
    struct local_time since;         /* of the union's open interval, while streams > 0 */
    struct local_time covered_until; /* end of the last closed interval */
    double *part_s;                  /* [grid.parts], memory of the caller */
};

/* A stream left at that moment, which may lie before the last call (a silence is judged late). What
 * an earlier interval has covered is not counted twice. */
void outside_leave(struct outside_meter *meter, struct local_time at);
/* A stream came back. */
void outside_return(struct outside_meter *meter, const struct window_grid *grid,
                    struct local_time at);

#endif
