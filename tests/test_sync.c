/* Offsets between the clocks of ranks, real ones and planted ones, against the kernel clock that
 * all ranks of one host share. */

#include "clock/sync.h"
#include "cunit_mpi.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <time.h>
#include <unistd.h>

static int rank_here(void)
{
    int rank = 0;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static double kernel_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- planted clocks ---- */

static const double STEP_S = 0.75, UNSEEN_S = 0.15;

/* The kernel's clock at another rate, from another origin, and, if so planted, with one step after
 * it has not been read for UNSEEN_S. */
struct planted {
    double origin_s; /* of the kernel's clock: here the planted one began */
    double offset_s;
    double rate;
    double step_s;
    double step_after_s;
    double read_last_s;
};

static struct local_time planted_now(void *self)
{
    struct planted *planted = self;
    double at_s = kernel_s();
    if (at_s - planted->read_last_s > planted->step_after_s) {
        planted->offset_s += planted->step_s;
        planted->step_after_s = HUGE_VAL;
    }
    planted->read_last_s = at_s;
    return (struct local_time){planted->offset_s +
                               (1 + planted->rate) * (at_s - planted->origin_s)};
}

static void never_waits(void *self, struct local_time until)
{
    (void)self, (void)until;
}

static struct planted planted_on(int rank, bool steps)
{
    double at_s = kernel_s();
    MPI_Bcast(&at_s, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return (struct planted){.origin_s = at_s,
                            .offset_s = 1000.25 * rank,
                            .rate = rank % 2 == 0 ? 45e-6 : -45e-6,
                            .step_s = steps && rank > 0 ? STEP_S : 0,
                            .step_after_s = UNSEEN_S,
                            .read_last_s = at_s + 1e9};
}

/* What (node 0's clock - this one) was when this one read `at`. */
static double planted_offset_s(const struct planted *planted, struct local_time at)
{
    struct planted node_0 = *planted;
    MPI_Bcast(&node_0, (int)sizeof node_0, MPI_BYTE, 0, MPI_COMM_WORLD);
    double elapsed_s = (at.s - planted->offset_s) / (1 + planted->rate);
    return node_0.offset_s + (1 + node_0.rate) * elapsed_s - at.s;
}

/* One rank comes so late that the others, when they have made their claims, wait for it. */
static struct clock_sync synchronise_late(struct planted *planted, int late_rank)
{
    struct clock_source clock = {planted_now, never_waits, planted};
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank_here() == late_rank)
        (void)usleep((useconds_t)(2 * UNSEEN_S * 1e6));
    return clock_synchronise(MPI_COMM_WORLD, &clock);
}

/* ---- tests ---- */

static void test_node_0_is_the_global_clock(void)
{
    struct clock_source clock = clock_mpi(IDLE_SLEEP);
    struct local_time before = clock.now(clock.self);
    struct clock_sync sync = clock_synchronise(MPI_COMM_WORLD, &clock);
    struct local_time after = clock.now(clock.self);
    CU_ASSERT(sync.at.s >= before.s && sync.at.s <= after.s);
    CU_ASSERT_FALSE(sync.contradicted);
    if (rank_here() == 0) {
        CU_ASSERT_EQUAL(sync.offset_s, 0);
        CU_ASSERT_EQUAL(sync.uncertainty_s, 0);
    } else {
        CU_ASSERT(sync.uncertainty_s > 0);
        CU_ASSERT(sync.round_trip_min_s > 0);
    }
}

/* Where MPI_Wtime has its zero on the kernel's clock lies between these two. */
struct origin {
    double low_s;
    double high_s;
};

static struct origin origin_of(const struct clock_source *clock)
{
    struct origin origin = {-HUGE_VAL, HUGE_VAL};
    for (int i = 0; i < 1000; i++) {
        double before_s = kernel_s();
        double local_s = clock->now(clock->self).s;
        origin.low_s = fmax(origin.low_s, before_s - local_s);
        origin.high_s = fmin(origin.high_s, kernel_s() - local_s);
    }
    return origin;
}

static void test_the_clocks_of_one_host_are_the_same(void)
{
    struct clock_source clock = clock_mpi(IDLE_SLEEP);
    struct clock_sync sync = clock_synchronise(MPI_COMM_WORLD, &clock);
    struct origin here = origin_of(&clock), node_0 = here;
    MPI_Bcast(&node_0, (int)sizeof node_0, MPI_BYTE, 0, MPI_COMM_WORLD);
    CU_ASSERT_TRUE(sync.same_clock);
    CU_ASSERT(sync.offset_s + sync.uncertainty_s >= here.low_s - node_0.high_s);
    CU_ASSERT(sync.offset_s - sync.uncertainty_s <= here.high_s - node_0.low_s);
}

static void test_a_planted_offset_is_found(void)
{
    struct planted planted = planted_on(rank_here(), false);
    planted.rate = 0;
    struct clock_source clock = {planted_now, never_waits, &planted};
    struct clock_sync sync = clock_synchronise(MPI_COMM_WORLD, &clock);
    double error_s = sync.offset_s - planted_offset_s(&planted, sync.at);
    CU_ASSERT_TRUE(sync.same_clock);
    CU_ASSERT(fabs(error_s) <= sync.uncertainty_s + 1e-9); /* a double's last digits */
}

/* Nobody steps, but the rates differ: which claims are refused is a matter of how long it took. */
static void test_drifting_clocks_stay_within_their_bounds(void)
{
    for (int i = 0; i < 10; i++) {
        struct planted planted = planted_on(rank_here(), false);
        struct clock_source clock = {planted_now, never_waits, &planted};
        struct clock_sync sync = clock_synchronise(MPI_COMM_WORLD, &clock);
        double error_s = sync.offset_s - planted_offset_s(&planted, sync.at);
        CU_ASSERT(fabs(error_s) <= sync.uncertainty_s + 1e-9);
    }
}

static void test_a_claim_that_measurement_contradicts_is_refused(void)
{
    struct planted planted = planted_on(rank_here(), true);
    struct clock_sync sync = synchronise_late(&planted, 0);
    double error_s = sync.offset_s - planted_offset_s(&planted, sync.at);
    CU_ASSERT_EQUAL(sync.same_clock, rank_here() == 0);
    CU_ASSERT_FALSE(sync.contradicted);
    CU_ASSERT(fabs(error_s) <= sync.uncertainty_s + 1e-9);
}

/* All run alike, but not like the kernel's clock: what the claims say of it is no longer so. */
static void test_a_claim_that_did_not_last_is_refused(void)
{
    struct planted planted = planted_on(rank_here(), false);
    planted.rate = 45e-6;
    struct clock_sync sync = synchronise_late(&planted, 1);
    double error_s = sync.offset_s - planted_offset_s(&planted, sync.at);
    CU_ASSERT_EQUAL(sync.same_clock, rank_here() == 0);
    CU_ASSERT(fabs(error_s) <= sync.uncertainty_s + 1e-9);
}

/* Two clocks that drift from each other by 90 ppm, seen before and after half a second. */
static void test_a_line_through_two_follows_drifting_clocks(void)
{
    struct planted planted = planted_on(rank_here(), true);
    struct clock_source clock = {planted_now, never_waits, &planted};
    struct clock_model model = {.sync = {synchronise_late(&planted, 0)}, .syncs = 2};
    (void)usleep(500000);
    struct local_time half_way = planted_now(&planted);
    model.sync[1] = clock_synchronise(MPI_COMM_WORLD, &clock);
    double error_s =
        clock_to_global(&model, half_way).s - half_way.s - planted_offset_s(&planted, half_way);
    CU_ASSERT(fabs(error_s) <= clock_uncertainty_s(&model, half_way) + 1e-9);
    if (rank_here() % 2 == 1) /* against node 0's 45 ppm, if it were ignored */
        CU_ASSERT(model.sync[1].offset_s - model.sync[0].offset_s > 0);
}

/* A clock that steps in the middle of the ping-pongs. */
static void test_ping_pongs_that_exclude_each_other_are_flagged(void)
{
    struct offset_interval interval = offset_interval_all();
    struct local_time sent = {10}, back = {10.001};
    offset_interval_add(&interval, sent, (struct global_time){20.0005}, back);
    offset_interval_add(&interval, sent, (struct global_time){20.5005}, back);
    struct clock_sync sync = offset_interval_result(&interval, sent, back);
    CU_ASSERT_TRUE(sync.contradicted);
    CU_ASSERT(fabs(sync.offset_s - 10.25) < 1e-9);
    CU_ASSERT_FALSE(clock_sync_accept_claim(&sync, 10.25, 1e-6));
    CU_ASSERT_FALSE(sync.same_clock);
}

int main(int argc, char **argv)
{
    const CU_TestInfo tests[] = {
        {"node 0 is the global clock", test_node_0_is_the_global_clock},
        {"the clocks of one host are the same", test_the_clocks_of_one_host_are_the_same},
        {"a planted offset is found", test_a_planted_offset_is_found},
        {"drifting clocks stay within their bounds", test_drifting_clocks_stay_within_their_bounds},
        {"a claim that measurement contradicts is refused",
         test_a_claim_that_measurement_contradicts_is_refused},
        {"a claim that did not last is refused", test_a_claim_that_did_not_last_is_refused},
        {"a line through two follows drifting clocks",
         test_a_line_through_two_follows_drifting_clocks},
        {"ping-pongs that exclude each other are flagged",
         test_ping_pongs_that_exclude_each_other_are_flagged},
        CU_TEST_INFO_NULL,
    };
    return cunit_mpi_main(&argc, &argv, "clock synchronisation", tests);
}
