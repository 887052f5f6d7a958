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

bool clock_claims_agree(double earlier_s, double later_s)
{
    return fabs(later_s - earlier_s) <= CLAIMS_AGREE_S;
}

struct clock_sync clock_sync_through(const struct clock_sync *to_leader,
                                     const struct clock_sync *leader)
{
    struct local_time at = to_leader->at; /* an offset that does not drift is known at any time */
    if (!leader->same_clock)
        at.s = leader->at.s - to_leader->offset_s;
    double apart_s = fabs(local_elapsed_s(to_leader->at, at));
    struct clock_sync sync = {
        .at = at,
        .offset_s = to_leader->offset_s + leader->offset_s,
        .uncertainty_s = to_leader->uncertainty_s + leader->uncertainty_s,
        .round_trip_min_s = to_leader->round_trip_min_s + leader->round_trip_min_s,
        .domain = to_leader->domain,
        .same_clock = to_leader->same_clock && leader->same_clock,
        .contradicted = to_leader->contradicted || leader->contradicted,
    };
    if (!to_leader->same_clock) {
        sync.uncertainty_s += CLOCK_DRIFT_MAX * apart_s;
        return sync;
    }
    sync.domain = leader->domain;
    sync.domain_uncertainty_s = to_leader->uncertainty_s + leader->domain_uncertainty_s;
    return sync;
}

/* ---- the line ---- */

struct clock_model clock_model_of_one(const struct clock_sync *sync)
{
    return (struct clock_model){.at = sync->at,
                                .offset_s = sync->offset_s,
                                .uncertainty_s = sync->uncertainty_s,
                                .rate_uncertainty = sync->same_clock ? 0 : CLOCK_DRIFT_MAX,
                                .contradicted = sync->contradicted};
}

struct range {
    double low;
    double high;
};

static struct range around(double middle, double half_width)
{
    return (struct range){middle - half_width, middle + half_width};
}
static double middle_of(struct range range)
{
    return (range.low + range.high) / 2;
}
static double half_width_of(struct range range)
{
    return (range.high - range.low) / 2;
}
static struct range common(struct range a, struct range b)
{
    return (struct range){fmax(a.low, b.low), fmin(a.high, b.high)};
}
static struct range range_of(const struct clock_sync *sync)
{
    return around(sync->offset_s, sync->uncertainty_s);
}

/* What two synchronisations have in common as distance to the domain's clock is no uncertainty of
 * the line: all nodes of a domain get the same one. */
static double domain_part_s(const struct clock_sync *first, const struct clock_sync *second)
{
    return first->domain == second->domain
               ? fmin(first->domain_uncertainty_s, second->domain_uncertainty_s)
               : 0;
}

/* No rate takes the first interval to the second one. */
static struct clock_model through_middles(const struct clock_sync *first,
                                          const struct clock_sync *second, double gap_s)
{
    return (struct clock_model){
        .at = second->at,
        .offset_s = second->offset_s,
        .rate = (second->offset_s - first->offset_s) / gap_s,
        .uncertainty_s = second->uncertainty_s,
        .rate_uncertainty = (first->uncertainty_s + second->uncertainty_s) / gap_s,
        .contradicted = true,
    };
}

/* Of all lines, the one that is highest at the second moment and later has the highest rate that
 * both intervals admit, and the highest offset that this rate admits; likewise the lowest. */
struct clock_model clock_model_of_two(const struct clock_sync *first,
                                      const struct clock_sync *second)
{
    double gap_s = local_elapsed_s(first->at, second->at);
    assert(gap_s > 0);
    if (second->same_clock)
        return clock_model_of_one(second);
    const struct range assumed = {-CLOCK_DRIFT_MAX, CLOCK_DRIFT_MAX};
    double domain_s = domain_part_s(first, second);
    struct range was = around(first->offset_s, first->uncertainty_s - domain_s);
    struct range is = around(second->offset_s, second->uncertainty_s - domain_s);
    struct range rate =
        common(assumed, (struct range){(is.low - was.high) / gap_s, (is.high - was.low) / gap_s});
    if (first->contradicted || second->contradicted || rate.low > rate.high)
        return through_middles(first, second, gap_s);
    struct range offset =
        common(is, (struct range){was.low + rate.low * gap_s, was.high + rate.high * gap_s});
    struct range later = common(
        assumed, (struct range){rate.low - 2 * CLOCK_WANDER_MAX, rate.high + 2 * CLOCK_WANDER_MAX});
    return (struct clock_model){.at = second->at,
                                .offset_s = middle_of(offset),
                                .rate = middle_of(later),
                                .uncertainty_s = half_width_of(offset) + domain_s,
                                .rate_uncertainty = half_width_of(later)};
}

static struct range range_at(const struct clock_model *model, struct local_time local)
{
    double offset_s = model->offset_s + model->rate * local_elapsed_s(model->at, local);
    return around(offset_s, clock_uncertainty_s(model, local));
}

bool clock_model_admits(const struct clock_model *model, const struct clock_sync *sync)
{
    struct range both = common(range_at(model, sync->at), range_of(sync));
    return both.low <= both.high;
}

/* Between its ends a curve whose rate wanders leaves the chord by at most half the wander times the
 * length. */
struct clock_model clock_model_between(const struct clock_model *before,
                                       const struct clock_sync *after)
{
    double length_s = local_elapsed_s(before->at, after->at);
    struct range end = common(range_at(before, after->at), range_of(after));
    if (before->contradicted || after->contradicted || end.low > end.high || length_s <= 0 ||
        before->rate_uncertainty == 0)
        return *before;
    return (struct clock_model){
        .at = before->at,
        .offset_s = before->offset_s,
        .rate = (middle_of(end) - before->offset_s) / length_s,
        .uncertainty_s =
            fmax(before->uncertainty_s, half_width_of(end)) + CLOCK_WANDER_MAX * length_s / 2,
    };
}

struct global_time clock_to_global(const struct clock_model *model, struct local_time local)
{
    double offset_s = model->offset_s + model->rate * local_elapsed_s(model->at, local);
    return (struct global_time){local.s + offset_s};
}

struct local_time clock_to_local(const struct clock_model *model, struct global_time global)
{
    double elapsed_s = global.s - model->offset_s - model->at.s;
    return local_after(model->at, elapsed_s / (1 + model->rate));
}

/* ---- its error ---- */

double clock_uncertainty_s(const struct clock_model *model, struct local_time local)
{
    return model->uncertainty_s + model->rate_uncertainty * fabs(local_elapsed_s(model->at, local));
}

struct clock_bound clock_bound_of(const struct clock_model *model, const struct clock_sync *sync)
{
    return (struct clock_bound){.at = clock_to_global(model, model->at),
                                .uncertainty_s = model->uncertainty_s,
                                .rate_uncertainty = model->rate_uncertainty,
                                .domain_uncertainty_s = sync->domain_uncertainty_s,
                                .domain = sync->domain};
}

static double bound_at_s(const struct clock_bound *bound, struct global_time at)
{
    return bound->uncertainty_s + bound->rate_uncertainty * fabs(global_elapsed_s(bound->at, at));
}

double clock_pair_uncertainty_s(const struct clock_bound *a, const struct clock_bound *b,
                                struct global_time at)
{
    if (a->domain == b->domain)
        return a->domain_uncertainty_s + b->domain_uncertainty_s;
    return bound_at_s(a, at) + bound_at_s(b, at);
}
