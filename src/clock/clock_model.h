#ifndef MPIDRIFT_CLOCK_MODEL_H
#define MPIDRIFT_CLOCK_MODEL_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether a number from a file can be a time in seconds, or an offset between clocks: a number, and
 * so far below the range of doubles that sums of such and microseconds as integers are safe. */
static inline bool seconds_are_possible(double seconds)
{
    return fabs(seconds) <= 1e12;
}

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

/* Assumed bound on the rate of two unrelated quartz clocks against each other, and on how far that
 * rate strays from its mean during one run: temperature, and a time service at rest. */
#define CLOCK_DRIFT_MAX 100e-6
#define CLOCK_WANDER_MAX 1e-6

/* One synchronisation: what is known of (reference - this clock). */
struct clock_sync {
    struct local_time at;    /* middle of the measurement */
    double offset_s;         /* reference = local + offset */
    double uncertainty_s;    /* the true offset lies within offset ± this, at `at` */
    double round_trip_min_s; /* smallest round trip seen */
    /* Lowest rank that is proven to read the same clock, and how well the distance to it is known:
     * all that is left between two nodes of one domain. */
    double domain_uncertainty_s;
    uint32_t domain;
    bool same_clock;   /* proven to be the reference's own clock: it cannot drift from it */
    bool contradicted; /* by itself, or by what had been proven before */
};

/* Those of a run, in the order of the run file: before the window one or, between clocks that are
 * not proven to be one, two; and one after it. */
enum { CLOCK_SYNC_FIRST, CLOCK_SYNC_AFTER, CLOCK_SYNC_SECOND, CLOCK_SYNCS };

/* Middle and half width of the interval, widened by CLOCK_DRIFT_MAX over half the length of the
 * measurement. An empty interval is flagged as contradicted, its gap counted as uncertainty. */
struct clock_sync offset_interval_result(const struct offset_interval *interval,
                                         struct local_time begin, struct local_time end);

/* Accept a claim that the offset is claimed_s ± claim_uncertainty_s (both processes read one and
 * the same clock) if the measured interval contains it: measurement proves, the claim only
 * sharpens; one that is vaguer than the measurement is refused, and an interval that contradicts
 * itself contains nothing. Returns whether it was accepted and, if so, has replaced the offset and
 * set same_clock. */
bool clock_sync_accept_claim(struct clock_sync *sync, double claimed_s, double claim_uncertainty_s);

/* Claims of one pair at different times agree within this, or they are not about one clock. */
#define CLAIMS_AGREE_S 0.5e-6
bool clock_claims_agree(double earlier_s, double later_s);

/* Node 0 by way of the host's leader: from this clock to the leader's and from there to node 0's.
 * Bounds and round trips add up; where both are not proven to be one clock, so does what they can
 * drift from each other between the two measurements. The result stands at the leader's moment,
 * unless the leader reads node 0's clock. */
struct clock_sync clock_sync_through(const struct clock_sync *to_leader,
                                     const struct clock_sync *leader);

/* A line: global = local + offset + rate × (local - at), and how far the truth can be from it. */
struct clock_model {
    struct local_time at;
    double offset_s;
    double rate;
    double uncertainty_s;    /* at `at`; … */
    double rate_uncertainty; /* … it grows by this for each second before and after */
    uint32_t contradicted;   /* 1: no line fits */
    uint32_t reserved;
};

/* From one synchronisation: a constant. The same clock does not drift, any other by up to
 * CLOCK_DRIFT_MAX. */
struct clock_model clock_model_of_one(const struct clock_sync *sync);

/* The middle of all lines through both intervals whose rate is within CLOCK_DRIFT_MAX, and the
 * envelope of these lines as uncertainty. Its slope holds what the two intervals leave open of the
 * rate, and CLOCK_WANDER_MAX for a rate that is not the same later. With more open than
 * CLOCK_DRIFT_MAX the assumption is the sharper bound, and is used. `second` is later than `first`.
 * No such line: contradicted; then it is the line through both middles. */
struct clock_model clock_model_of_two(const struct clock_sync *first,
                                      const struct clock_sync *second);

/* For the record, when all is over: the line from where `before` starts to what it and the later
 * synchronisation `after` both admit. It holds between the two. If they exclude each other there is
 * nothing better than `before`. */
struct clock_model clock_model_between(const struct clock_model *before,
                                       const struct clock_sync *after);

/* Can both be true? Otherwise a clock has jumped, or its rate has changed beyond the assumption. */
bool clock_model_admits(const struct clock_model *model, const struct clock_sync *sync);

struct global_time clock_to_global(const struct clock_model *model, struct local_time local);
struct local_time clock_to_local(const struct clock_model *model, struct global_time global);

/* Bound on the error of clock_to_global at that moment. */
double clock_uncertainty_s(const struct clock_model *model, struct local_time local);

/* What two nodes must know of each other to know how far their clocks can be apart. */
struct clock_bound {
    struct global_time at;
    double uncertainty_s;
    double rate_uncertainty;
    double domain_uncertainty_s;
    uint32_t domain;
    uint32_t reserved;
};
struct clock_bound clock_bound_of(const struct clock_model *model, const struct clock_sync *sync);

/* Bound on the error of (time on one clock - time on the other) at that moment: within a domain
 * what is left between its clocks, else the sum of both uncertainties. */
double clock_pair_uncertainty_s(const struct clock_bound *a, const struct clock_bound *b,
                                struct global_time at);

/* How nodes' clocks show a moment where their errors are declared as part of an experiment; `seen`
 * NULL: as it is. */
struct clock_view {
    struct global_time (*seen)(const void *self, uint32_t node, struct global_time truth);
    const void *self;
};

#endif
