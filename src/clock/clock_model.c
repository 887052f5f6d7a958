#include "clock/clock_model.h"

#include <assert.h>
#include <math.h>

struct offset_interval offset_interval_all(void)
{
    return (struct offset_interval){-INFINITY, INFINITY, INFINITY};
}

void offset_interval_add(struct offset_interval *interval, struct local_time before,
                         struct global_time remote, struct local_time after)
{
    interval->low_s = fmax(interval->low_s, remote.s - after.s);
    interval->high_s = fmin(interval->high_s, remote.s - before.s);
    interval->round_trip_min_s = fmin(interval->round_trip_min_s, local_elapsed_s(before, after));
}

struct clock_sync offset_interval_result(const struct offset_interval *interval,
                                         struct local_time begin, struct local_time end)
{
    double half_width_s = (interval->high_s - interval->low_s) / 2;
    double drift_s = CLOCK_DRIFT_MAX * local_elapsed_s(begin, end) / 2;
    return (struct clock_sync){
        .at = local_after(begin, local_elapsed_s(begin, end) / 2),
        .offset_s = (interval->low_s + interval->high_s) / 2,
        .uncertainty_s = fabs(half_width_s) + drift_s,
        .round_trip_min_s = interval->round_trip_min_s,
        .contradicted = half_width_s < 0,
    };
}

bool clock_sync_accept_claim(struct clock_sync *sync, double claimed_s, double claim_uncertainty_s)
{
    bool sharpens = claim_uncertainty_s <= sync->uncertainty_s;
    bool inside = fabs(claimed_s - sync->offset_s) <= sync->uncertainty_s + claim_uncertainty_s;
    if (sync->contradicted || !sharpens || !inside)
        return false;
    sync->offset_s = claimed_s;
    sync->uncertainty_s = claim_uncertainty_s;
    sync->same_clock = true;
    return true;
}

/* ---- the line ---- */

/* What the offset changes by per second of local time. */
static double slope_of(const struct clock_model *model)
{
    assert(model->syncs == 1 || model->syncs == 2);
    const struct clock_sync *first = &model->sync[0], *last = &model->sync[1];
    if (model->syncs == 1)
        return 0;
    return (last->offset_s - first->offset_s) / local_elapsed_s(first->at, last->at);
}

struct global_time clock_to_global(const struct clock_model *model, struct local_time local)
{
    const struct clock_sync *first = &model->sync[0];
    double offset_s = first->offset_s + slope_of(model) * local_elapsed_s(first->at, local);
    return (struct global_time){local.s + offset_s};
}

struct local_time clock_to_local(const struct clock_model *model, struct global_time global)
{
    const struct clock_sync *first = &model->sync[0];
    double elapsed_s = global.s - first->offset_s - first->at.s;
    return local_after(first->at, elapsed_s / (1 + slope_of(model)));
}

/* ---- its error ---- */

static double drift_max(const struct clock_sync *sync)
{
    return sync->same_clock ? 0 : CLOCK_DRIFT_MAX;
}

double clock_uncertainty_s(const struct clock_model *model, struct local_time local)
{
    const struct clock_sync *first = &model->sync[0], *last = &model->sync[1];
    double since_first_s = local_elapsed_s(first->at, local);
    if (model->syncs == 1)
        return first->uncertainty_s + drift_max(first) * fabs(since_first_s);
    double between_s = local_elapsed_s(first->at, last->at);
    double of_last = since_first_s / between_s, of_first = 1 - of_last; /* weights in the line */
    double chord_s = 2 * fabs(of_first * of_last) * between_s;
    return fabs(of_first) * first->uncertainty_s + fabs(of_last) * last->uncertainty_s +
           fmax(drift_max(first), drift_max(last)) * chord_s;
}
