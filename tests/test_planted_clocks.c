/* Clocks whose offset, rate, wander and jumps are planted, over paths with planted jitter and
 * asymmetry: the truth must lie inside of what is stated, and what breaks it must be found. */

#include "clock/clock_model.h"
#include "cunit_main.h"

#include <gsl/gsl_randist.h>
#include <math.h>

static struct local_time local(double s)
{
    return (struct local_time){s};
}

static struct global_time global(double s)
{
    return (struct global_time){s};
}

/* A clock that wanders: its rate against node 0's has a mean and swings around it. */
struct planted_clock {
    double offset_s;
    double rate;
    double swing_s;
    double swing_per_s;
    double phase;
    double jump_s; /* at this local time … */
    double jump_at_s;
};

static struct global_time true_global(const struct planted_clock *clock, struct local_time at)
{
    double swing_s = clock->swing_s * sin(clock->swing_per_s * at.s + clock->phase);
    double jump_s = at.s > clock->jump_at_s ? clock->jump_s : 0;
    return global(at.s + clock->offset_s + clock->rate * at.s + swing_s + jump_s);
}

/* Within CLOCK_DRIFT_MAX in all, of which up to `swing_max` is the swing. */
static struct planted_clock plant_clock(gsl_rng *rng, double swing_max)
{
    double swing_rate = swing_max * gsl_rng_uniform(rng), swing_per_s = gsl_ran_flat(rng, .1, 30);
    double rate = gsl_ran_flat(rng, -1, 1) * (CLOCK_DRIFT_MAX - swing_rate);
    if (gsl_rng_uniform(rng) < .2) /* as fast or slow as can be */
        rate = copysign(CLOCK_DRIFT_MAX - swing_rate, rate);
    return (struct planted_clock){.offset_s = gsl_ran_flat(rng, -1000, 1000),
                                  .rate = rate,
                                  .swing_s = swing_rate / swing_per_s,
                                  .swing_per_s = swing_per_s,
                                  .phase = gsl_ran_flat(rng, 0, 6.28),
                                  .jump_at_s = HUGE_VAL};
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
    struct clock_sync sync = offset_interval_result(&interval, begin, now);
    sync.domain = 1;
    CU_ASSERT(sync.contradicted ||
              sync.uncertainty_s <= sync.round_trip_min_s / 2 +
                                        CLOCK_DRIFT_MAX * local_elapsed_s(begin, now) / 2 + 1e-12);
    return sync;
}

static bool holds(const struct clock_model *model, const struct planted_clock *clock,
                  struct local_time at)
{
    double error_s = global_elapsed_s(true_global(clock, at), clock_to_global(model, at));
    return fabs(error_s) <= clock_uncertainty_s(model, at) + 1e-12; /* a double's last digits */
}

/* From a tenth of a microsecond to 0.1 ms; the skew cannot be seen by any ping-pong. */
static struct path random_path(gsl_rng *rng)
{
    return (struct path){.way_s = pow(10, gsl_ran_flat(rng, -7, -4)),
                         .skew_s = gsl_rng_uniform(rng) < .5 ? 0 : gsl_ran_flat(rng, 0, 1e-3)};
}

/* Of 20 moments in the window, how many stray from the truth by more than is stated. */
static int strays(gsl_rng *rng, const struct clock_model *model, const struct planted_clock *clock,
                  struct local_time begin, struct local_time end)
{
    int count = 0;
    for (int i = 0; i < 20; i++) {
        struct local_time at = local(gsl_ran_flat(rng, begin.s, end.s));
        struct local_time back = clock_to_local(model, clock_to_global(model, at));
        count += !holds(model, clock, at) || fabs(local_elapsed_s(at, back)) > 1e-11;
    }
    return count;
}

/* Whatever the rate does within the assumption. */
static void test_the_truth_lies_around_the_constant(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    int strays_one = 0;
    gsl_rng_set(rng, 19);
    for (int run = 0; run < 3000; run++) {
        struct planted_clock clock = plant_clock(rng, CLOCK_DRIFT_MAX);
        struct local_time begin = local(gsl_ran_flat(rng, 0, 100));
        struct clock_sync sync = measure(rng, &clock, begin, random_path(rng));
        struct clock_model model = clock_model_of_one(&sync);
        strays_one += strays(rng, &model, &clock, begin, local_after(begin, 30));
    }
    CU_ASSERT_EQUAL(strays_one, 0);
    gsl_rng_free(rng);
}

/* How much narrower the line makes it, and the third synchronisation; how often each found fault.
 */
struct line_outcome {
    int strays;
    int strays_of_record;
    int rates_missed;
    int contradicted;
    int jumps;
    int finer; /* than from one synchronisation */
};

/* Two synchronisations, each fine or coarse, a window of 10 ms to 60 s, a third. */
static void run_line(gsl_rng *rng, struct line_outcome *outcome)
{
    struct planted_clock clock = plant_clock(rng, CLOCK_WANDER_MAX);
    struct local_time begin = local(gsl_ran_flat(rng, 0, 100));
    struct clock_sync first = measure(rng, &clock, begin, random_path(rng));
    begin = local_after(begin, gsl_ran_flat(rng, .1, 3));
    struct clock_sync second = measure(rng, &clock, begin, random_path(rng));
    struct clock_model model = clock_model_of_two(&first, &second);
    struct clock_model one = clock_model_of_one(&second);
    struct local_time end = local_after(second.at, pow(10, gsl_ran_flat(rng, -2, 1.8)));
    outcome->strays += strays(rng, &model, &clock, second.at, end);
    double rate = (true_global(&clock, end).s - true_global(&clock, second.at).s) /
                      local_elapsed_s(second.at, end) -
                  1;
    outcome->rates_missed += fabs(rate - model.rate) > model.rate_uncertainty + 1e-10;
    outcome->finer += clock_uncertainty_s(&model, end) < 0.5 * clock_uncertainty_s(&one, end);
    struct clock_sync after = measure(rng, &clock, end, random_path(rng));
    outcome->jumps += !clock_model_admits(&model, &after);
    struct clock_model record = clock_model_between(&model, &after);
    outcome->strays_of_record += strays(rng, &record, &clock, second.at, end);
    outcome->contradicted += model.contradicted || after.contradicted;
}

static void test_the_truth_lies_around_the_line(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    struct line_outcome outcome = {0};
    gsl_rng_set(rng, 20);
    for (int run = 0; run < 8000; run++)
        run_line(rng, &outcome);
    CU_ASSERT_EQUAL(outcome.strays, 0);
    CU_ASSERT_EQUAL(outcome.strays_of_record, 0);
    CU_ASSERT_EQUAL(outcome.rates_missed, 0);
    CU_ASSERT_EQUAL(outcome.contradicted, 0);
    CU_ASSERT_EQUAL(outcome.jumps, 0);
    CU_ASSERT(outcome.finer > 1000); /* or the line would be for nothing */
    gsl_rng_free(rng);
}

/* Jumps of more than both can leave open: each is found; none that is less than half of it. */
static void test_a_jump_in_the_window_is_found(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, 22);
    int found = 0, of_none = 0;
    for (int run = 0; run < 2000; run++) {
        struct planted_clock clock = plant_clock(rng, CLOCK_WANDER_MAX);
        struct clock_sync first = measure(rng, &clock, local(10), random_path(rng));
        struct clock_sync second = measure(rng, &clock, local(11), random_path(rng));
        struct clock_model model = clock_model_of_two(&first, &second);
        struct clock_sync unmoved = measure(rng, &clock, local(18), random_path(rng));
        clock.jump_at_s = 15;
        clock.jump_s = 2.5e-3 + 2 * clock_uncertainty_s(&model, local(18));
        if (gsl_rng_uniform(rng) < .5)
            clock.jump_s = -clock.jump_s;
        struct clock_sync after = measure(rng, &clock, local(18), random_path(rng));
        found += !clock_model_admits(&model, &after);
        of_none += !clock_model_admits(&model, &unmoved);
    }
    CU_ASSERT_EQUAL(found, 2000);
    CU_ASSERT_EQUAL(of_none, 0);
    gsl_rng_free(rng);
}

/* The offset runs away by 0.4 ms while each ping-pong is some microseconds wide. */
static void test_a_rate_beyond_the_assumption_is_flagged(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, 21);
    struct path slow_path = {.way_s = 1e-6, .pause_s = .1}, path = {.way_s = 1e-6};
    struct planted_clock fast = {.offset_s = 3, .rate = 200e-6, .jump_at_s = HUGE_VAL};
    struct planted_clock slow = {.rate = -200e-6, .jump_at_s = HUGE_VAL};
    CU_ASSERT(measure(rng, &fast, local(5), slow_path).contradicted);
    CU_ASSERT(measure(rng, &slow, local(5), slow_path).contradicted);
    /* Two short measurements do not see it, the line between them does. */
    struct clock_sync first = measure(rng, &fast, local(5), path);
    struct clock_sync second = measure(rng, &fast, local(6), path);
    CU_ASSERT_FALSE(first.contradicted || second.contradicted);
    CU_ASSERT_EQUAL(clock_model_of_two(&first, &second).contradicted, 1);
    gsl_rng_free(rng);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"the truth lies around the constant", test_the_truth_lies_around_the_constant},
        {"the truth lies around the line", test_the_truth_lies_around_the_line},
        {"a jump in the window is found", test_a_jump_in_the_window_is_found},
        {"a rate beyond the assumption is flagged", test_a_rate_beyond_the_assumption_is_flagged},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("planted clocks", tests);
}
