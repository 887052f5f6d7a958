/* What goes into a spool comes out of it, in the order of emission, or is counted. */

#include "cunit_main.h"
#include "record/spool.h"

#include <math.h>
#include <string.h>

enum { BADGES_MAX = 8 };

static struct spool *spool;
static struct badge_sink sink;

static void open_spool(void)
{
    struct failure failure = {EXIT_DONE, ""};
    struct spool_setup setup = {.node = 3, .badges_max = BADGES_MAX};
    spool = spool_open(&setup, &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(spool);
    CU_ASSERT_EQUAL(failure.code, EXIT_DONE);
    sink = spool_sink(spool);
}

/* Every member differs from badge to badge. */
static struct badge badge_of(uint64_t number)
{
    double n = (double)number;
    return (struct badge){.time_s = 1 + n,
                          .global_s = 2 + n,
                          .uncertainty_s = 3 + n,
                          .end_s = (double)NAN,
                          .observed = -4 - n,
                          .limit = 5 + n,
                          .peak = -6 - n,
                          .own_stall_s = 7 + n,
                          .version_known = 8 + number,
                          .version_received = 9 + number,
                          .sequence = 10 + number,
                          .node = 3,
                          .peer = 11 + (uint32_t)number,
                          .key = -1 + (int32_t)number,
                          .flags = BADGE_SELF_STALLED,
                          .context = (uint16_t)(number % CONTEXT_COUNT),
                          .boundary = (uint16_t)(number % BOUNDARY_COUNT),
                          .class = (uint16_t)(number % CLASS_COUNT),
                          .type = BADGE_COHERENCE_DRIFT};
}

static void emit(uint64_t number)
{
    struct badge badge = badge_of(number);
    sink.episode_opened(sink.self, number, &badge);
}

static void end_at(uint64_t number, double end_s, double peak)
{
    struct badge_end end = {end_s, peak};
    sink.episode_closed(sink.self, number, &end);
}

static void test_badges_come_back_with_their_ends(void)
{
    open_spool();
    for (uint64_t number = 0; number < 3; number++)
        emit(number);
    CU_ASSERT_EQUAL(spool_count(spool), 3);
    end_at(2, 12.5, -20); /* the last one first */
    end_at(0, 14.5, -30);
    struct badge found[3], expected[3];
    for (uint64_t number = 0; number < 3; number++) {
        found[number] = spool_read(spool, number);
        expected[number] = badge_of(number);
    }
    expected[0].end_s = 14.5, expected[0].peak = -30;
    expected[1].flags |= BADGE_CENSORED; /* no end was recorded */
    expected[2].end_s = 12.5, expected[2].peak = -20;
    /* No padding, so the bytes tell; the NaN of the open end is the same on both sides. */
    CU_ASSERT_EQUAL(memcmp(found, expected, spool_count(spool) * sizeof found[0]), 0);
    CU_ASSERT_EQUAL(spool_lost(spool), 0);
    spool_close(spool);
}

static void test_an_end_that_never_came_is_censored(void)
{
    open_spool();
    emit(0);
    end_at(0, (double)NAN, -40);
    struct badge found = spool_read(spool, 0);
    CU_ASSERT(isnan(found.end_s) && found.peak == -40);
    CU_ASSERT_EQUAL(found.flags, BADGE_SELF_STALLED | BADGE_CENSORED);
    spool_close(spool);
}

static void test_what_does_not_fit_is_counted(void)
{
    open_spool();
    for (uint64_t number = 0; number < BADGES_MAX + 3; number++)
        emit(number);
    for (uint64_t number = 0; number < BADGES_MAX + 3; number++)
        end_at(number, 100, -100);
    CU_ASSERT_EQUAL(spool_count(spool), BADGES_MAX);
    CU_ASSERT_EQUAL(spool_lost(spool), 3);
    CU_ASSERT_EQUAL(spool_read(spool, BADGES_MAX - 1).sequence, 10 + BADGES_MAX - 1);
    spool_close(spool);
}

static void test_an_empty_spool(void)
{
    open_spool();
    CU_ASSERT_EQUAL(spool_count(spool) + spool_lost(spool), 0);
    spool_close(spool);
    spool_close(NULL); /* as after a failure */
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"badges come back with their ends", test_badges_come_back_with_their_ends},
        {"an end that never came is censored", test_an_end_that_never_came_is_censored},
        {"what does not fit is counted", test_what_does_not_fit_is_counted},
        {"an empty spool", test_an_empty_spool},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("spool", tests);
}
