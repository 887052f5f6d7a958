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

/* ---- places ---- */

/* Where ranks are said to be: `ranks_per_host` on each host; all hosts on one kernel clock, each on
 * its own, or with nothing known of them. */
enum kernel { KERNEL_OF_ALL, KERNEL_OF_HOST, KERNEL_UNKNOWN };

static struct clock_star *star_open(const struct clock_source *clock, int ranks_per_host,
                                    enum kernel kernel)
{
    uint64_t host = 1 + (uint64_t)(rank_here() / ranks_per_host);
    const uint64_t clocks[] = {77, 100 + host, 0};
    struct clock_star_setup setup = {MPI_COMM_WORLD, clock, {clocks[kernel], host}};
    return clock_star_open(&setup);
}

static struct clock_sync synchronise_once(const struct clock_source *clock)
{
    struct clock_star *star = star_open(clock, 1000, KERNEL_OF_ALL);
    struct clock_sync sync = clock_star_synchronise(star, CLOCKS_ALL);
    clock_star_close(star);
    return sync;
}

/* One rank comes so late that the others, when they have made their claims, wait for it. */
static struct clock_sync synchronise_late(struct planted *planted, int late_rank)
{
    struct clock_source clock = {planted_now, never_waits, planted};
    struct clock_star *star = star_open(&clock, 1000, KERNEL_OF_ALL);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank_here() == late_rank)
        (void)usleep((useconds_t)(2 * UNSEEN_S * 1e6));
    struct clock_sync sync = clock_star_synchronise(star, CLOCKS_ALL);
    clock_star_close(star);
    return sync;
}

/* ---- tests ---- */

static void test_node_0_is_the_global_clock(void)
{
    struct clock_source clock = clock_mpi(IDLE_SLEEP);
    struct local_time before = clock.now(clock.self);
    struct clock_sync sync = synchronise_once(&clock);
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
    struct clock_sync sync = synchronise_once(&clock);
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
    struct clock_sync sync = synchronise_once(&clock);
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
        struct clock_sync sync = synchronise_once(&clock);
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

static double error_s(const struct planted *planted, const struct clock_sync *sync)
{
    return sync->offset_s - planted_offset_s(planted, sync->at);
}

/* Ranks in pairs on hosts; what is behind a host's leader shares its clock, hosts share none. */
static void test_ranks_go_by_their_leader(void)
{
    struct planted planted = planted_on(rank_here(), false);
    struct clock_source clock = {planted_now, never_waits, &planted};
    uint32_t rank = (uint32_t)rank_here(), leader = rank - rank % 2;
    planted.rate = 0;
    struct clock_star *star = star_open(&clock, 2, KERNEL_OF_HOST);
    struct clock_sync sync = clock_star_synchronise(star, CLOCKS_ALL);
    int ranks;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    CU_ASSERT(fabs(error_s(&planted, &sync)) <= sync.uncertainty_s + 1e-9);
    CU_ASSERT_EQUAL(clock_star_host(star), leader);
    CU_ASSERT_EQUAL(sync.domain, leader);
    CU_ASSERT_EQUAL(sync.same_clock, leader == 0);
    CU_ASSERT_FALSE(sync.contradicted);
    CU_ASSERT_EQUAL(clock_star_is_one_clock(star), ranks == 2);
    CU_ASSERT(sync.domain_uncertainty_s <= sync.uncertainty_s);
    CU_ASSERT_EQUAL(sync.domain_uncertainty_s > 0, rank != leader);
    clock_star_close(star);
}

/* Hosts of other names on one kernel, as containers are: one clock after all. */
static void test_hosts_may_share_a_clock(void)
{
    struct clock_source clock = clock_mpi(IDLE_SLEEP);
    struct clock_star *star = star_open(&clock, 2, KERNEL_OF_ALL);
    struct clock_sync sync = clock_star_synchronise(star, CLOCKS_ALL);
    CU_ASSERT_TRUE(sync.same_clock);
    CU_ASSERT_EQUAL(sync.domain, 0);
    CU_ASSERT_TRUE(clock_star_is_one_clock(star));
    clock_star_close(star);
}

/* Nothing is known, so every clock is measured, though in truth all are one. */
static void test_without_a_claim_all_are_measured(void)
{
    struct clock_source clock = clock_mpi(IDLE_SLEEP);
    struct clock_star *star = star_open(&clock, 2, KERNEL_UNKNOWN);
    struct clock_sync sync = clock_star_synchronise(star, CLOCKS_ALL);
    CU_ASSERT_EQUAL(sync.domain, (uint32_t)rank_here());
    CU_ASSERT_EQUAL(sync.same_clock, rank_here() == 0);
    CU_ASSERT_FALSE(clock_star_is_one_clock(star));
    struct origin here = origin_of(&clock), node_0 = here;
    MPI_Bcast(&node_0, (int)sizeof node_0, MPI_BYTE, 0, MPI_COMM_WORLD);
    CU_ASSERT(sync.offset_s + sync.uncertainty_s >= here.low_s - node_0.high_s);
    CU_ASSERT(sync.offset_s - sync.uncertainty_s <= here.high_s - node_0.low_s);
    clock_star_close(star);
}

/* Clocks that drift from each other by 90 ppm, one rank per host: seen twice, a third of a second
 * apart, and followed as long again; the third synchronisation finds them there. */
static void test_a_line_through_two_follows_drifting_clocks(void)
{
    struct planted planted = planted_on(rank_here(), false);
    struct clock_source clock = {planted_now, never_waits, &planted};
    struct clock_star *star = star_open(&clock, 1, KERNEL_OF_HOST);
    struct clock_sync first = clock_star_synchronise(star, CLOCKS_ALL);
    (void)usleep(300000);
    struct clock_sync second = clock_star_synchronise(star, CLOCKS_NOT_PROVEN);
    struct clock_model model = clock_model_of_two(&first, &second);
    (void)usleep(300000);
    struct local_time later = planted_now(&planted);
    double offset_s = clock_to_global(&model, later).s - later.s;
    double rate = rank_here() % 2 == 0 ? 0 : 90e-6; /* of node 0's against this one */
    CU_ASSERT(fabs(offset_s - planted_offset_s(&planted, later)) <=
              clock_uncertainty_s(&model, later) + 1e-9);
    CU_ASSERT(fabs(model.rate - rate) <= model.rate_uncertainty + 1e-8);
    struct clock_sync third = clock_star_synchronise(star, CLOCKS_ALL);
    CU_ASSERT_TRUE(clock_model_admits(&model, &third));
    planted.offset_s += rank_here() % 2 == 0 ? 0 : 0.02; /* and a jump */
    third = clock_star_synchronise(star, CLOCKS_ALL);
    CU_ASSERT_EQUAL(clock_model_admits(&model, &third), rank_here() % 2 == 0);
    clock_star_close(star);
}

/* What was proven need not be measured again; where a clock has moved from its claim by more than
 * claims agree, it is one clock no longer, and flagged. */
static void test_a_claim_must_stand(void)
{
    const double steps_s[] = {3e-6, STEP_S}; /* inside of what ping-pongs tell, and outside */
    for (int i = 0; i < 2; i++) {
        struct planted planted = planted_on(rank_here(), false);
        struct clock_source clock = {planted_now, never_waits, &planted};
        bool steps = rank_here() == 1;
        planted.rate = 0;
        struct clock_star *star = star_open(&clock, 1000, KERNEL_OF_ALL);
        struct clock_sync first = clock_star_synchronise(star, CLOCKS_ALL);
        struct clock_sync again = clock_star_synchronise(star, CLOCKS_NOT_PROVEN);
        CU_ASSERT_TRUE(first.same_clock && again.same_clock);
        CU_ASSERT_EQUAL(again.offset_s, first.offset_s);
        again = clock_star_synchronise(star, CLOCKS_ALL);
        CU_ASSERT_TRUE(again.same_clock && !again.contradicted);
        CU_ASSERT_EQUAL(again.offset_s, first.offset_s);
        planted.offset_s += steps ? steps_s[i] : 0;
        again = clock_star_synchronise(star, CLOCKS_ALL);
        CU_ASSERT_EQUAL(again.same_clock, !steps);
        CU_ASSERT_EQUAL(again.contradicted, steps);
        CU_ASSERT_EQUAL(again.domain, steps ? 1 : 0);
        CU_ASSERT_EQUAL(clock_star_is_one_clock(star), false);
        clock_star_close(star);
    }
}

/* A measurement of 50 us could not tell: the claims themselves must agree. */
static void test_later_claims_must_agree(void)
{
    const struct clock_sync measured = {.offset_s = 5, .uncertainty_s = 50e-6, .domain = 1};
    const struct claimed_offset claimed = {true, 5, 1e-7};
    const struct {
        struct claimed_offset later;
        double measured_s;
        bool stands;
    } cases[] = {{{true, 5 + 0.4e-6, 1e-7}, 5, true},
                 {{true, 5 + 3e-6, 1e-7}, 5, false},
                 {{true, 5 - 3e-6, 1e-7}, 5, false},
                 {{true, 5 + 3e-6, 2e-6}, 5, true}, /* too vague to say anything */
                 {{false, 0, 0}, 5, true},
                 {{true, 5, 1e-7}, 5.001, false},
                 {{false, 0, 0}, 5.001, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct claimed_offset first = {.is_made = false};
        struct clock_sync sync = measured;
        clock_claim_judge(&first, &sync, &claimed);
        CU_ASSERT_TRUE(sync.same_clock && first.is_made);
        sync = measured;
        sync.offset_s = cases[i].measured_s;
        clock_claim_judge(&first, &sync, &cases[i].later);
        CU_ASSERT_EQUAL(sync.same_clock, cases[i].stands);
        CU_ASSERT_EQUAL(sync.contradicted, !cases[i].stands);
        CU_ASSERT_EQUAL(first.is_made, cases[i].stands);
        CU_ASSERT_EQUAL(sync.offset_s, cases[i].stands ? 5 : cases[i].measured_s);
    }
}

static void test_places_tell_hosts_and_clocks_apart(void)
{
    struct clock_place place = clock_place_of("boot-1", "time:[1]", "host");
    struct clock_place rebooted = clock_place_of("boot-2", "time:[1]", "host");
    struct clock_place container = clock_place_of("boot-1", "time:[1]", "other");
    struct clock_place shifted = clock_place_of("boot-1", "time:[2]", "host");
    struct clock_place silent = clock_place_of("", "", "host");
    CU_ASSERT(rebooted.host != place.host && rebooted.clock != place.clock);
    CU_ASSERT(container.host != place.host && container.clock == place.clock);
    CU_ASSERT(shifted.host == place.host && shifted.clock != place.clock);
    CU_ASSERT(silent.clock == 0 && silent.host != 0);
    struct clock_place here = clock_place_here(), node_0 = here;
    MPI_Bcast(&node_0, (int)sizeof node_0, MPI_BYTE, 0, MPI_COMM_WORLD);
    CU_ASSERT(here.host == node_0.host && here.clock == node_0.clock);
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
        {"ranks go by their leader", test_ranks_go_by_their_leader},
        {"hosts may share a clock", test_hosts_may_share_a_clock},
        {"without a claim all are measured", test_without_a_claim_all_are_measured},
        {"later claims must agree", test_later_claims_must_agree},
        {"a claim must stand", test_a_claim_must_stand},
        {"places tell hosts and clocks apart", test_places_tell_hosts_and_clocks_apart},
        {"a line through two follows drifting clocks",
         test_a_line_through_two_follows_drifting_clocks},
        {"ping-pongs that exclude each other are flagged",
         test_ping_pongs_that_exclude_each_other_are_flagged},
        CU_TEST_INFO_NULL,
    };
    return cunit_mpi_main(&argc, &argv, "clock synchronisation", tests);
}
