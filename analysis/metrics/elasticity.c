#include "analysis/metrics/elasticity.h"

#include <assert.h>
#include <math.h>

bool elasticity(uint64_t above_upper, uint64_t above_lower, double step, struct elasticity *found)
{
    enum { ABOVE_LEAST = 5 };
    assert(above_lower >= above_upper && step > 0 && step < 1);
    if (above_upper < ABOVE_LEAST)
        return false;
    double width = log(1 + step) - log(1 - step);
    double upper = (double)above_upper, lower = (double)above_lower;
    double error = sqrt(1 / upper - 1 / lower) / width;
    found->value = (log(upper) - log(lower)) / width;
    found->low = found->value - 1.96 * error;
    found->high = found->value + 1.96 * error;
    return true;
}
