/* Offsets from ping-pongs, and what is claimed of them: the truth must lie inside. */

#include "clock/clock_model.h"
#include "cunit_main.h"

#include <gsl/gsl_randist.h>
#include <math.h>

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static struct local_time local(double s)
{
    return (struct local_time){s};
}

static struct global_time global(double s)
{
    return (struct global_time){s};
}

/* ---- one interval ---- */

static void test_each_ping_pong_narrows_the_interval(void)
{
    struct offset_interval interval = offset_interval_all();
    CU_ASSERT(interval.low_s < -1e300 && interval.high_s > 1e300);
    offset_interval_add(&interval, local(10), global(15.25), local(11));
    CU_ASSERT(near(interval.low_s, 4.25) && near(interval.high_s, 5.25));
    offset_interval_add(&interval, local(12), global(17.125), local(12.5)); /* within */
    CU_ASSERT(near(interval.low_s, 4.625) && near(interval.high_s, 5.125));
    offset_interval_add(&interval, local(13), global(19), local(15)); /* wider: says nothing new */
    CU_ASSERT(near(interval.low_s, 4.625) && near(interval.high_s, 5.125));
    CU_ASSERT(near(interval.round_trip_min_s, .5));
}

static void test_the_result_is_the_middle(void)
{
    struct offset_interval interval = {4.625, 5.125, .5};
    struct clock_sync sync = offset_interval_result(&interval, local(10), local(16));
    CU_ASSERT(near(sync.at.s, 13) && near(sync.offset_s, 4.875));
    CU_ASSERT(near(sync.uncertainty_s, .25 + 100e-6 * 3));
    CU_ASSERT(near(sync.round_trip_min_s, .5));
    CU_ASSERT(!sync.contradicted && !sync.same_clock);
}

static void test_ping_pongs_that_exclude_each_other(void)
{
    struct offset_interval interval = offset_interval_all();
    offset_interval_add(&interval, local(10), global(15), local(10.5));    /* 4.5 … 5 */
    offset_interval_add(&interval, local(11), global(16.5), local(11.25)); /* 5.25 … 5.5 */
    struct clock_sync sync = offset_interval_result(&interval, local(10), local(11));
    CU_ASSERT(sync.contradicted);
    CU_ASSERT(near(sync.offset_s, 5.125) && near(sync.uncertainty_s, .125 + 50e-6));
    interval = (struct offset_interval){5, 5, .5}; /* exact, not contradicted */
    CU_ASSERT(!offset_interval_result(&interval, local(10), local(11)).contradicted);
}

/* ---- the claim of one clock ---- */

static const struct clock_sync measured = {
    .at = {13}, .offset_s = 5, .uncertainty_s = 50e-6, .round_trip_min_s = 80e-6};

static void test_a_claim_inside_is_taken(void)
{
    const double claims_s[] = {5, 5 + 49e-6, 5 - 49e-6};
    for (int i = 0; i < 3; i++) {
        struct clock_sync sync = measured;
        CU_ASSERT(clock_sync_accept_claim(&sync, claims_s[i], 50e-9));
        CU_ASSERT(sync.same_clock && sync.offset_s == claims_s[i] && sync.uncertainty_s == 50e-9);
        CU_ASSERT(sync.at.s == 13 && sync.round_trip_min_s == 80e-6);
    }
}

static void test_a_claim_outside_is_refused(void)
{
    const struct {
        double claimed_s;
        double uncertainty_s;
    } claims[] = {{5 + 51e-6, 50e-9},
                  {5 - 51e-6, 50e-9},
                  {1000, 50e-9},
                  /* Vaguer than the measurement: it would prove nothing and blunt it. */
                  {5, 51e-6},
                  {5, (double)INFINITY},
                  {(double)NAN, 50e-9}};
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        struct clock_sync sync = measured;
        CU_ASSERT(!clock_sync_accept_claim(&sync, claims[i].claimed_s, claims[i].uncertainty_s));
        CU_ASSERT(!sync.same_clock && sync.offset_s == 5 && sync.uncertainty_s == 50e-6);
    }
    struct clock_sync broken = measured;
    broken.contradicted = true; /* an empty interval contains no claim */
    CU_ASSERT(!clock_sync_accept_claim(&broken, 5, 50e-9));
}

/* ---- the model ---- */

static void test_one_synchronisation_is_a_constant(void)
{
    struct clock_model model = {.sync = {measured}, .syncs = 1};
    CU_ASSERT(near(clock_to_global(&model, local(0)).s, 5));
    CU_ASSERT(near(clock_to_global(&model, local(1000)).s, 1005));
    CU_ASSERT(near(clock_to_local(&model, global(1005)).s, 1000));
    CU_ASSERT(near(clock_uncertainty_s(&model, local(13)), 50e-6));
    CU_ASSERT(near(clock_uncertainty_s(&model, local(23)), 50e-6 + 1e-3));
    CU_ASSERT(near(clock_uncertainty_s(&model, local(3)), 50e-6 + 1e-3));
    model.sync[0].same_clock = true; /* cannot drift */
    CU_ASSERT(near(clock_uncertainty_s(&model, local(1000)), 50e-6));
}

static void test_two_synchronisations_are_a_line(void)
{
    struct clock_model model = {.sync = {{.at = {10}, .offset_s = 5, .uncertainty_s = 20e-6},
                                         {.at = {20}, .offset_s = 5.001, .uncertainty_s = 60e-6}},
                                .syncs = 2};
    const double locals_s[] = {10, 12, 15, 20, 30, 0};
    const double offsets_s[] = {5, 5.0002, 5.0005, 5.001, 5.002, 4.999};
    for (int i = 0; i < 6; i++) {
        double global_s = locals_s[i] + offsets_s[i];
        CU_ASSERT(near(clock_to_global(&model, local(locals_s[i])).s, global_s));
        CU_ASSERT(near(clock_to_local(&model, global(global_s)).s, locals_s[i]));
    }
    CU_ASSERT(near(clock_uncertainty_s(&model, local(10)), 20e-6));
    CU_ASSERT(near(clock_uncertainty_s(&model, local(20)), 60e-6));
    CU_ASSERT(near(clock_uncertainty_s(&model, local(15)), 40e-6 + 500e-6));
    CU_ASSERT(near(clock_uncertainty_s(&model, local(12.5)), 30e-6 + 375e-6));
    model.sync[0].same_clock = model.sync[1].same_clock = true;
    CU_ASSERT(near(clock_uncertainty_s(&model, local(15)), 40e-6));
}

/* ---- planted clocks ---- */

/* A clock that wanders: its rate against node 0's stays within the assumed bound, but changes. */
struct planted_clock {
    double offset_s;
    double rate;
    double swing_s;
    double swing_per_s;
    double phase;
};

static struct global_time true_global(const struct planted_clock *clock, struct local_time at)
{
    double swing_s = clock->swing_s * sin(clock->swing_per_s * at.s + clock->phase);
    return global(at.s + clock->offset_s + clock->rate * at.s + swing_s);
}

/* A constant part and a swing share `rate_max` between them. */
static struct planted_clock plant_clock(gsl_rng *rng, double rate_max)
{
    double constant = gsl_rng_uniform(rng), swing_per_s = gsl_ran_flat(rng, .1, 30);
    return (struct planted_clock){.offset_s = gsl_ran_flat(rng, -1000, 1000),
                                  .rate =
                                      (gsl_rng_uniform(rng) < .5 ? -1 : 1) * rate_max * constant,
                                  .swing_s = rate_max * (1 - constant) / swing_per_s,
                                  .swing_per_s = swing_per_s,
                                  .phase = gsl_ran_flat(rng, 0, 6.28)};
}

/* How a clock is measured: ping-pongs whose ways differ at random, the way there by `skew_s`
 * longer, with a pause after each. */
struct path {
    double way_s;
    double skew_s;
    double pause_s;
};

static struct clock_sync measure(gsl_rng *rng, const struct planted_clock *clock,
                                 struct local_time begin, struct path path)
{
    struct offset_interval interval = offset_interval_all();
    struct local_time now = begin;
    for (int i = 0; i < 20; i++) {
        struct local_time before = now;
        now = local_after(now, path.skew_s + path.way_s + gsl_ran_exponential(rng, path.way_s));
        struct global_time remote = true_global(clock, now);
        now = local_after(now, path.way_s + gsl_ran_exponential(rng, path.way_s));
        offset_interval_add(&interval, before, remote, now);
        now = local_after(now, path.pause_s);
    }
    return offset_interval_result(&interval, begin, now);
}

static bool holds(const struct clock_model *model, const struct planted_clock *clock,
                  struct local_time at)
{
    double error_s = global_elapsed_s(true_global(clock, at), clock_to_global(model, at));
    return fabs(error_s) <= clock_uncertainty_s(model, at);
}

/* From a tenth of a microsecond to 0.1 ms; the skew cannot be seen by any ping-pong. */
static struct path random_path(gsl_rng *rng)
{
    return (struct path){.way_s = pow(10, gsl_ran_flat(rng, -7, -4)),
                         .skew_s = gsl_rng_uniform(rng) < .5 ? 0 : gsl_ran_flat(rng, 0, 1e-3)};
}

/* Of 20 moments around the window, how many stray from the truth by more than is stated. */
static int strays(gsl_rng *rng, const struct clock_model *model, const struct planted_clock *clock,
                  struct local_time begin, struct local_time end)
{
    int count = 0;
    for (int i = 0; i < 20; i++) {
        struct local_time at = local(gsl_ran_flat(rng, begin.s - .1, end.s + .1));
        struct local_time back = clock_to_local(model, clock_to_global(model, at));
        count += !holds(model, clock, at) || fabs(local_elapsed_s(at, back)) > 1e-11;
    }
    return count;
}

/* Two synchronisations, each fine or coarse, around a window of 10 ms to 10 s. */
static void test_the_truth_lies_in_the_stated_interval(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    int strays_one = 0, strays_two = 0, contradicted = 0;
    gsl_rng_set(rng, 20);
    for (int run = 0; run < 5000; run++) {
        struct planted_clock clock = plant_clock(rng, CLOCK_DRIFT_MAX);
        struct clock_model model = {.syncs = 1};
        struct local_time begin = local(gsl_ran_flat(rng, 0, 100));
        model.sync[0] = measure(rng, &clock, begin, random_path(rng));
        struct local_time end = local_after(model.sync[0].at, pow(10, gsl_ran_flat(rng, -2, 1)));
        strays_one += strays(rng, &model, &clock, begin, end);
        model.sync[1] = measure(rng, &clock, end, random_path(rng));
        model.syncs = 2;
        strays_two += strays(rng, &model, &clock, begin, end);
        contradicted += model.sync[0].contradicted || model.sync[1].contradicted;
    }
    CU_ASSERT_EQUAL(strays_one, 0);
    CU_ASSERT_EQUAL(strays_two, 0);
    CU_ASSERT_EQUAL(contradicted, 0);
    gsl_rng_free(rng);
}

/* The offset runs away by 0.4 ms while each ping-pong is some microseconds wide. */
static void test_a_rate_beyond_the_assumption_is_flagged(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, 21);
    struct path path = {.way_s = 1e-6, .pause_s = .1};
    struct planted_clock fast = {.offset_s = 3, .rate = 200e-6}, slow = {.rate = -200e-6};
    CU_ASSERT(measure(rng, &fast, local(5), path).contradicted);
    CU_ASSERT(measure(rng, &slow, local(5), path).contradicted);
    gsl_rng_free(rng);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"each ping-pong narrows the interval", test_each_ping_pong_narrows_the_interval},
        {"the result is the middle", test_the_result_is_the_middle},
        {"ping-pongs that exclude each other", test_ping_pongs_that_exclude_each_other},
        {"a claim inside is taken", test_a_claim_inside_is_taken},
        {"a claim outside is refused", test_a_claim_outside_is_refused},
        {"one synchronisation is a constant", test_one_synchronisation_is_a_constant},
        {"two synchronisations are a line", test_two_synchronisations_are_a_line},
        {"the truth lies in the stated interval", test_the_truth_lies_in_the_stated_interval},
        {"a rate beyond the assumption is flagged", test_a_rate_beyond_the_assumption_is_flagged},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("clock model", tests);
}
