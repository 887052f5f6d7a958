#ifndef MPIDRIFT_FIGURE_H
#define MPIDRIFT_FIGURE_H

#include <stddef.h>

enum { VALUES_KEPT = 5 };

/* A number with what is known about its error. What `low` and `high` are is said where the figure
 * stands; over the repetitions they are the exact order-statistic interval of the median (from six
 * runs on; below that all values are kept). */
struct figure {
    const char *unknown; /* NULL: known; else why not. Static text */
    double value;        /* NaN: only the bound in low is known */
    double low;          /* NaN: none */
    double high;         /* NaN: none */
    size_t value_count;  /* 0: there is an interval */
    double values[VALUES_KEPT];
};

#endif
