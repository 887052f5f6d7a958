#ifndef MPIDRIFT_CLOCK_MODEL_H
#define MPIDRIFT_CLOCK_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* MPI_Wtime starts at zero in each process, so a stamp means nothing on another node. Two types
 * keep the compiler between them: a local time belongs to one node and never leaves it; a global
 * time is on node 0's clock and is what messages carry. Only a clock model turns one into the
 * other. */
struct local_time {
    double s;
};
struct global_time {
    double s;
};

static inline double local_elapsed_s(struct local_time from, struct local_time to)
{
    return to.s - from.s;
}
static inline struct local_time local_after(struct local_time start, double elapsed_s)
{
    return (struct local_time){start.s + elapsed_s};
}
static inline struct local_time local_earlier(struct local_time a, struct local_time b)
{
    return a.s < b.s ? a : b;
}
static inline struct local_time local_later(struct local_time a, struct local_time b)
{
    return a.s > b.s ? a : b;
}
static inline double global_elapsed_s(struct global_time from, struct global_time to)
{
    return to.s - from.s;
}
static inline struct global_time global_after(struct global_time start, double elapsed_s)
{
    return (struct global_time){start.s + elapsed_s};
}

/* What is known of (global - local) from ping-pongs: it lies in [low_s, high_s]. */
struct offset_interval {
    double low_s;
    double high_s;
    double round_trip_min_s;
};

/* The interval before any ping-pong: everything is possible. */
struct offset_interval offset_interval_all(void);

/* Intersect with one ping-pong: sent at `before`, answered at `remote`, back at `after`. The answer
 * was given between the two, so low = remote - after, high = remote - before. Assumes nothing about
 * the symmetry of the path. */
void offset_interval_add(struct offset_interval *interval, struct local_time before,
                         struct global_time remote, struct local_time after);

/* One synchronisation as it stands in the run file. */
struct clock_sync {
    struct local_time at;    /* middle of the measurement */
    double offset_s;         /* global = local + offset */
    double uncertainty_s;    /* the true offset lies within offset ± this, at `at` */
    double round_trip_min_s; /* smallest round trip seen */
    bool same_clock;         /* proven to be node 0's own clock: it cannot drift from it */
    bool contradicted;       /* the ping-pongs excluded each other: drift beyond the assumption */
};

/* Middle and half width of the interval, widened by CLOCK_DRIFT_MAX over half the length of the
 * measurement. An empty interval is flagged as contradicted, its gap counted as uncertainty. */
struct clock_sync offset_interval_result(const struct offset_interval *interval,
                                         struct local_time begin, struct local_time end);

/* Assumed bound on the rate of two unrelated quartz clocks against each other. */
#define CLOCK_DRIFT_MAX 100e-6

/* Accept a claim that the offset is claimed_s ± claim_uncertainty_s (both processes read one and
 * the same clock) if the measured interval contains it: measurement proves, the claim only
 * sharpens; one that is vaguer than the measurement is refused, and an interval that contradicts
 * itself contains nothing. Returns whether it was accepted and, if so, has replaced the offset and
 * set same_clock. */
bool clock_sync_accept_claim(struct clock_sync *sync, double claimed_s, double claim_uncertainty_s);

/* From one synchronisation: constant offset; from two: the line through both. */
struct clock_model {
    struct clock_sync sync[2];
    int syncs; /* 1 or 2 */
};

struct global_time clock_to_global(const struct clock_model *model, struct local_time local);
struct local_time clock_to_local(const struct clock_model *model, struct global_time global);

/* How nodes' clocks show a moment where their errors are declared as part of an experiment; `seen`
 * NULL: as it is. */
struct clock_view {
    struct global_time (*seen)(const void *self, uint32_t node, struct global_time truth);
    const void *self;
};

/* Bound on the error of clock_to_global at that moment, for clocks whose rate may change but stays
 * within CLOCK_DRIFT_MAX. From one synchronisation: its own bound, plus CLOCK_DRIFT_MAX times the
 * distance. From two, a and b away: the mean of both bounds with the weights of the line, plus
 * CLOCK_DRIFT_MAX times 2ab/(a + b), the most by which the offset can leave the line through two
 * of its points. The same clock does not drift. */
double clock_uncertainty_s(const struct clock_model *model, struct local_time local);

#endif
