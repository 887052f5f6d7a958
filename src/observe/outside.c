#include "observe/outside.h"

#include <assert.h>
#include <math.h>

uint32_t window_part(const struct window_grid *grid, struct local_time at)
{
    double part = floor(local_elapsed_s(grid->begin, at) / grid->part_s);
    if (!(part > 0))
        return 0;
    return part < grid->parts ? (uint32_t)part : grid->parts - 1;
}

void outside_leave(struct outside_meter *meter, struct local_time at)
{
    struct local_time start = local_later(at, meter->covered_until);
    meter->since = meter->streams == 0 ? start : local_earlier(meter->since, start);
    meter->streams++;
}

/* Each part of the window gets the share of [from_s, to_s) that lies in it. */
static void spread(double *part_s, const struct window_grid *grid, double from_s, double to_s)
{
    from_s = fmax(from_s, 0);
    to_s = fmin(to_s, grid->part_s * grid->parts);
    if (to_s <= from_s)
        return;
    uint32_t last = window_part(grid, local_after(grid->begin, to_s));
    for (uint32_t i = window_part(grid, local_after(grid->begin, from_s)); i <= last; i++) {
        double low_s = fmax(from_s, i * grid->part_s);
        double high_s = fmin(to_s, (i + 1) * grid->part_s);
        part_s[i] += fmax(0, high_s - low_s);
    }
}

void outside_return(struct outside_meter *meter, const struct window_grid *grid,
                    struct local_time at)
{
    assert(meter->streams > 0);
    if (--meter->streams > 0)
        return;
    spread(meter->part_s, grid, local_elapsed_s(grid->begin, meter->since),
           local_elapsed_s(grid->begin, at));
    meter->covered_until = local_later(meter->covered_until, at);
}
