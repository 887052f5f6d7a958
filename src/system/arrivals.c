#include "system/arrivals.h"

#include <gsl/gsl_randist.h>
#include <math.h>

struct local_time arrivals_next(const struct system_setup *setup, struct local_time from)
{
    if (!(setup->rate_per_s > 0))
        return (struct local_time){HUGE_VAL};
    double interval_s = 1 / setup->rate_per_s;
    if (setup->arrivals == ARRIVALS_POISSON)
        interval_s = gsl_ran_exponential(setup->schedule, interval_s);
    return local_after(from, interval_s);
}

struct local_time arrivals_first(const struct system_setup *setup)
{
    struct local_time from = setup->start;
    if (setup->arrivals == ARRIVALS_PERIODIC && setup->rate_per_s > 0)
        from = local_after(from, (gsl_rng_uniform(setup->schedule) - 1) / setup->rate_per_s);
    return arrivals_next(setup, from);
}
