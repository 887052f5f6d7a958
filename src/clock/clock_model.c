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
    if (fabs(claimed_s - sync->offset_s) > sync->uncertainty_s + claim_uncertainty_s)
        return false;
    sync->offset_s = claimed_s;
    sync->uncertainty_s = claim_uncertainty_s;
    sync->same_clock = true;
    return true;
}

static double offset_at_s(const struct clock_model *model, struct local_time local)
{
    assert(model->syncs == 1 || model->syncs == 2);
    const struct clock_sync *first = &model->sync[0];
    if (model->syncs == 1)
        return first->offset_s;
    const struct clock_sync *last = &model->sync[1];
    double slope = (last->offset_s - first->offset_s) / local_elapsed_s(first->at, last->at);
    return first->offset_s + slope * local_elapsed_s(first->at, local);
}

struct global_time clock_to_global(const struct clock_model *model, struct local_time local)
{
    return (struct global_time){local.s + offset_at_s(model, local)};
}

struct local_time clock_to_local(const struct clock_model *model, struct global_time global)
{
    /* The offset changes by 1e-4 per second at most, so one refinement is exact to 1e-8 of the
     * first guess's error. */
    struct local_time guess = {
        global.s - offset_at_s(model, (struct local_time){global.s - model->sync[0].offset_s})};
    return (struct local_time){global.s - offset_at_s(model, guess)};
}

double clock_uncertainty_s(const struct clock_model *model, struct local_time local)
{
    double least_s = INFINITY;
    for (int i = 0; i < model->syncs; i++) {
        const struct clock_sync *sync = &model->sync[i];
        double drift = sync->same_clock ? 0 : CLOCK_DRIFT_MAX;
        least_s =
            fmin(least_s, sync->uncertainty_s + drift * fabs(local_elapsed_s(sync->at, local)));
    }
    return least_s;
}
