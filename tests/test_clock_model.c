/* Offsets from ping-pongs, and what is claimed of them: the truth must lie inside. */

#include "clock/clock_model.h"
#include "cunit_main.h"

#include <math.h>
#include <string.h>

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
    struct clock_model model = clock_model_of_one(&measured);
    CU_ASSERT(near(clock_to_global(&model, local(0)).s, 5));
    CU_ASSERT(near(clock_to_global(&model, local(1000)).s, 1005));
    CU_ASSERT(near(clock_to_local(&model, global(1005)).s, 1000));
    CU_ASSERT(near(clock_uncertainty_s(&model, local(13)), 50e-6));
    CU_ASSERT(near(clock_uncertainty_s(&model, local(23)), 50e-6 + 1e-3));
    CU_ASSERT(near(clock_uncertainty_s(&model, local(3)), 50e-6 + 1e-3));
    struct clock_sync same = measured;
    same.same_clock = true; /* cannot drift */
    model = clock_model_of_one(&same);
    CU_ASSERT(near(clock_uncertainty_s(&model, local(1000)), 50e-6));
}

static struct clock_sync sync_at(double at_s, double offset_s, double uncertainty_s)
{
    return (struct clock_sync){
        .at = {at_s}, .offset_s = offset_s, .uncertainty_s = uncertainty_s, .domain = 1};
}

static void test_two_synchronisations_are_a_line(void)
{
    struct clock_sync first = sync_at(10, 5, 20e-6), second = sync_at(20, 5.0005, 60e-6);
    struct clock_model model = clock_model_of_two(&first, &second);
    const double locals_s[] = {20, 22, 30, 120};
    for (int i = 0; i < 4; i++) {
        double global_s = locals_s[i] + 5.0005 + 50e-6 * (locals_s[i] - 20);
        CU_ASSERT(near(clock_to_global(&model, local(locals_s[i])).s, global_s));
        CU_ASSERT(near(clock_to_local(&model, global(global_s)).s, locals_s[i]));
        /* The envelope: 80 us over 10 s, and the wander twice. */
        CU_ASSERT(near(clock_uncertainty_s(&model, local(locals_s[i])),
                       60e-6 + (8e-6 + 2e-6) * (locals_s[i] - 20)));
    }
    CU_ASSERT(!model.contradicted);
}

/* Two coarse ones close together say less of the rate than the assumption does. */
static void test_the_assumed_drift_bounds_the_slope(void)
{
    struct clock_sync first = sync_at(10, 5, 500e-6), second = sync_at(11, 5.0004, 500e-6);
    struct clock_model model = clock_model_of_two(&first, &second);
    CU_ASSERT(near(model.rate, 0) && near(model.rate_uncertainty, CLOCK_DRIFT_MAX));
    /* From 5.0005 at the highest, 100 ppm on: 5.0006 is as high as the line can be. */
    CU_ASSERT(near(model.offset_s + model.uncertainty_s, 5.0006));
    CU_ASSERT(near(model.offset_s - model.uncertainty_s, 4.9999));
    second.offset_s = 5.0012; /* 1200 us in a second, of which 1000 may be error: not 100 ppm */
    CU_ASSERT_EQUAL(clock_model_of_two(&first, &second).contradicted, 1);
    second.offset_s = 5.00109;
    CU_ASSERT_EQUAL(clock_model_of_two(&first, &second).contradicted, 0);
}

static void test_one_clock_needs_no_line(void)
{
    struct clock_sync first = sync_at(10, 5, 1e-7), second = sync_at(11, 5.0000001, 1e-7);
    first.same_clock = second.same_clock = true;
    struct clock_model model = clock_model_of_two(&first, &second);
    CU_ASSERT(model.rate == 0 && model.rate_uncertainty == 0);
    CU_ASSERT(near(clock_uncertainty_s(&model, local(1000)), 1e-7));
}

/* ---- hosts ---- */

static void test_bounds_add_up_by_way_of_the_leader(void)
{
    /* The leader's clock is 1000 s ahead of this one, node 0's 300 s behind the leader's. */
    struct clock_sync leader = {.at = {2010},
                                .offset_s = -300,
                                .uncertainty_s = 20e-6,
                                .round_trip_min_s = 50e-6,
                                .domain = 4};
    struct clock_sync own = {.at = {1012},
                             .offset_s = 1000,
                             .uncertainty_s = 5e-6,
                             .round_trip_min_s = 10e-6,
                             .domain = 5};
    struct clock_sync sync = clock_sync_through(&own, &leader);
    CU_ASSERT(near(sync.at.s, 1010) && near(sync.offset_s, 700));
    CU_ASSERT(near(sync.uncertainty_s, 25e-6 + 2 * CLOCK_DRIFT_MAX));
    CU_ASSERT(near(sync.round_trip_min_s, 60e-6));
    CU_ASSERT(sync.domain == 5 && sync.domain_uncertainty_s == 0 && !sync.same_clock);
    own.same_clock = true; /* proven to be the leader's */
    sync = clock_sync_through(&own, &leader);
    CU_ASSERT(near(sync.uncertainty_s, 25e-6) && !sync.same_clock);
    CU_ASSERT(sync.domain == 4 && near(sync.domain_uncertainty_s, 5e-6));
    leader.same_clock = true; /* and that to be node 0's, on a host of another name */
    leader.domain = 0;
    leader.domain_uncertainty_s = 20e-6;
    sync = clock_sync_through(&own, &leader);
    CU_ASSERT(near(sync.at.s, 1012) && near(sync.offset_s, 700) && sync.same_clock);
    CU_ASSERT(sync.domain == 0 && near(sync.domain_uncertainty_s, 25e-6));
    leader.contradicted = true;
    CU_ASSERT_TRUE(clock_sync_through(&own, &leader).contradicted);
}

/* Far from node 0's clock, but close to each other. */
static void test_two_nodes_of_a_domain_know_each_other_well(void)
{
    struct clock_sync first[3], second[3];
    struct clock_bound bounds[3];
    for (uint32_t i = 0; i < 3; i++) {
        double own_s = i == 1 ? 1e-7 : 0, apart_s = 100.0 * i;
        first[i] = sync_at(10 + apart_s, 7 - apart_s, 80e-6 + own_s);
        second[i] = sync_at(11 + apart_s, 7.00009 - apart_s, 40e-6 + own_s);
        first[i].domain = second[i].domain = 1 + i / 2;
        first[i].domain_uncertainty_s = second[i].domain_uncertainty_s = own_s;
        struct clock_model model = clock_model_of_two(&first[i], &second[i]);
        bounds[i] = clock_bound_of(&model, &second[i]);
        if (i == 1) { /* the same line as the leader's */
            struct clock_model leader = clock_model_of_two(&first[0], &second[0]);
            CU_ASSERT(near(model.rate, leader.rate));
            CU_ASSERT(near(model.uncertainty_s, leader.uncertainty_s + 1e-7));
        }
    }
    struct global_time end = {bounds[0].at.s + 10};
    CU_ASSERT(near(clock_pair_uncertainty_s(&bounds[0], &bounds[1], end), 1e-7));
    double pair_s = clock_pair_uncertainty_s(&bounds[0], &bounds[2], end);
    CU_ASSERT(near(pair_s, bounds[0].uncertainty_s + bounds[2].uncertainty_s +
                               10 * (bounds[0].rate_uncertainty + bounds[2].rate_uncertainty)));
    CU_ASSERT(pair_s > 1e-3); /* 20 s of nearly 100 ppm */
}

static void test_claims_that_disagree(void)
{
    CU_ASSERT_TRUE(clock_claims_agree(7, 7 + 0.4e-6));
    CU_ASSERT_TRUE(clock_claims_agree(7, 7 - 0.4e-6));
    CU_ASSERT_FALSE(clock_claims_agree(7, 7 + 0.6e-6));
    CU_ASSERT_FALSE(clock_claims_agree(7, (double)NAN));
}

/* A run that died before the third: what the first two say holds as before. */
static void test_without_a_third_there_are_two(void)
{
    struct clock_sync first = sync_at(10, 5, 20e-6), second = sync_at(20, 5.0005, 60e-6);
    struct clock_model model = clock_model_of_two(&first, &second);
    struct clock_sync far_off = sync_at(30, 6, 1e-6); /* nothing better than the model */
    struct clock_model record = clock_model_between(&model, &far_off);
    CU_ASSERT_FALSE(clock_model_admits(&model, &far_off));
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    CU_ASSERT_EQUAL(memcmp(&record, &model, sizeof model), 0);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"each ping-pong narrows the interval", test_each_ping_pong_narrows_the_interval},
        {"the result is the middle", test_the_result_is_the_middle},
        {"ping-pongs that exclude each other", test_ping_pongs_that_exclude_each_other},
        {"a claim inside is taken", test_a_claim_inside_is_taken},
        {"a claim outside is refused", test_a_claim_outside_is_refused},
        {"claims that disagree", test_claims_that_disagree},
        {"one synchronisation is a constant", test_one_synchronisation_is_a_constant},
        {"two synchronisations are a line", test_two_synchronisations_are_a_line},
        {"the assumed drift bounds the slope", test_the_assumed_drift_bounds_the_slope},
        {"one clock needs no line", test_one_clock_needs_no_line},
        {"bounds add up by way of the leader", test_bounds_add_up_by_way_of_the_leader},
        {"two nodes of a domain know each other well",
         test_two_nodes_of_a_domain_know_each_other_well},
        {"without a third there are two", test_without_a_third_there_are_two},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("clock model", tests);
}
