#include "analysis/metrics/assumption.h"

const char *const assumption_words[ASSUMPTION_VERDICTS] = {
    [ASSUMPTION_HELD] = "held",
    [ASSUMPTION_FAILED] = "failed",
    [ASSUMPTION_CANNOT_TELL] = "cannot tell",
};

enum assumption_verdict assumption_of(double outside_low, double outside_high,
                                      double outside_fraction_max)
{
    if (outside_high <= outside_fraction_max)
        return ASSUMPTION_HELD;
    return outside_low > outside_fraction_max ? ASSUMPTION_FAILED : ASSUMPTION_CANNOT_TELL;
}
