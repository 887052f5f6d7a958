#ifndef MPIDRIFT_METRICS_ELASTICITY_H
#define MPIDRIFT_METRICS_ELASTICITY_H

#include <stdbool.h>
#include <stdint.h>

struct elasticity {
    double value; /* negative: a wider limit is exceeded less often */
    double low;   /* 95 % */
    double high;
};

/* Δln(exceedance) / Δln(limit) from the numbers of observations above limit × (1 + step) and above
 * limit × (1 - step), by the delta method for nested counts. False with fewer than 5 above the
 * upper limit. */
bool elasticity(uint64_t above_upper, uint64_t above_lower, double step, struct elasticity *found);

#endif
