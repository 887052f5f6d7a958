#include "analysis/metrics/disagreement.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

double split_views_share(uint32_t nodes, double suspected)
{
    return 1 - pow(1 - suspected, nodes - 1.0);
}

double dual_leaders_share(uint32_t nodes, double suspected)
{
    double single = 1;
    for (uint32_t rank = 1; rank < nodes; rank++)
        single *= 1 - pow(suspected, rank);
    return 1 - single;
}

/* A node with that bit of its own decides 1: ones heard + own > zeros heard + (1 - own). */
static double decides_one(uint32_t own, uint32_t other_ones, uint32_t other_zeros, double in_time)
{
    double share = 0;
    for (uint32_t ones = 0; ones <= other_ones; ones++) {
        uint32_t beats = ones + 2 * own; /* zeros heard must be at most this - 2 */
        if (beats >= 2)
            share += gsl_ran_binomial_pdf(ones, in_time, other_ones) *
                     gsl_cdf_binomial_P(beats - 2, in_time, other_zeros);
    }
    return share;
}

double majority_disagrees_share(uint32_t nodes, double in_time)
{
    double share = 0;
    for (uint32_t ones = 0; ones <= nodes; ones++) {
        uint32_t zeros = nodes - ones;
        double one = ones > 0 ? decides_one(1, ones - 1, zeros, in_time) : 1;
        double zero = zeros > 0 ? decides_one(0, ones, zeros - 1, in_time) : 1;
        double all_one = pow(one, ones) * pow(zero, zeros);
        double all_zero = pow(1 - one, ones) * pow(1 - zero, zeros);
        share += gsl_ran_binomial_pdf(ones, 0.5, nodes) * (1 - all_one - all_zero);
    }
    return share;
}
