#ifndef MPIDRIFT_CORRIDOR_H
#define MPIDRIFT_CORRIDOR_H

#include "observe/boundary.h"

#include <stdbool.h>

enum context_class { CLASS_TIME = 0, CLASS_STATE = 1, CLASS_COUNT };

/* One row per context: all that observer, run file and analysis need to know about it. */
struct context_info {
    const char *name;
    enum context_class class;
    enum boundary_kind boundary;
    enum measure measure;  /* the events that it judges */
    int sign;              /* outside when sign × value > limit */
    bool keyed;            /* one state per key; the stream is outside while any key is */
    const char *limit_key; /* in the corridor file; NULL: the limit is 0 */
    double limit_unit;     /* one unit of limit_key in the unit of the measure */
    double limit_default;  /* in units of limit_key */
    const char *unit;      /* of limit and value in the run file */
};

extern const struct context_info context_table[CONTEXT_COUNT];

/* Code of the context called `name`; CONTEXT_COUNT if there is none. */
enum context context_find(const char *name);

const char *class_name(enum context_class class);

enum { ASSUMPTION_BYTES = 512 };

/* The declared limits, frozen before the scale changes. Holds no pointers: it is broadcast whole.
 */
struct corridor {
    char assumption[ASSUMPTION_BYTES];
    bool watched[CONTEXT_COUNT]; /* `watch =`; all by default */
    double limit[CONTEXT_COUNT]; /* in the measure's unit; INFINITY: off */
    double outside_fraction_max;
};

/* The built-in limits that stand when no file is given. The assumption is empty: it depends on the
 * system. */
struct corridor corridor_default(void);

#endif
