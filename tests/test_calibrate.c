/* What calibration makes of what it measured. */

#include "calibrate.h"
#include "cunit_main.h"

#include <math.h>

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

static void test_two_digits_and_never_down(void)
{
    CU_ASSERT(near(round_up(1234), 1300) && near(round_up(1300), 1300));
    CU_ASSERT(near(round_up(0.01201), 0.013) && round_up(0) == 0);
}

/* A limit that the clocks cannot resolve is not written; the next one that they can is. */
static void test_no_limit_is_finer_than_the_clocks(void)
{
    CU_ASSERT(near(resolved_limit_us(900, 123.4), 900));
    CU_ASSERT(near(resolved_limit_us(123.4, 123.4), 123.4));
    CU_ASSERT(near(resolved_limit_us(120, 123.4), 130));
    CU_ASSERT(near(resolved_limit_us(1, 0), 1));
}

static void test_the_load_that_matches(void)
{
    CU_ASSERT(near(matching_rate_per_s(0.02, 1e-3, IDLE_SLEEP), 20));
    CU_ASSERT(near(matching_rate_per_s(0.02, 1e-6, IDLE_SLEEP), 100));
    CU_ASSERT(near(matching_rate_per_s(0.02, 1e-6, IDLE_SPIN), 20000));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"two digits and never down", test_two_digits_and_never_down},
        {"no limit is finer than the clocks", test_no_limit_is_finer_than_the_clocks},
        {"the load that matches", test_the_load_that_matches},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("calibration", tests);
}
