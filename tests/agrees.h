#ifndef MPIDRIFT_AGREES_H
#define MPIDRIFT_AGREES_H

#include <math.h>
#include <stdbool.h>

/* Figures copied from metrics.py stand with 15 digits, and its series end at 1e-15; what is left is
 * the rounding of two different ways to the same number. */
#define AGREES_RELATIVE 1e-9

/* NaN ("not supported") agrees with NaN only, infinity with itself. */
static inline bool agrees(double found, double expected)
{
    if (isnan(expected))
        return isnan(found);
    return found == expected || fabs(found - expected) <= AGREES_RELATIVE * fabs(expected);
}

#define UNSUPPORTED ((double)NAN)

#endif
