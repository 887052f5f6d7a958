#ifndef MPIDRIFT_FIGURES_H
#define MPIDRIFT_FIGURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* What was measured, in the order in which it was added: each figure is the median of its samples
 * with their quartiles as spread, because single rounds on a shared machine mean little. */

enum { FIGURES_MAX = 96, FIGURE_SAMPLES_MAX = 1000 };

struct figure {
    const char *key; /* the unit stands at its end, unless it is a ratio */
    double median;
    double low; /* quartiles */
    double high;
    double median_low;  /* interval of the median: order statistics, at least 95 %; */
    double median_high; /* NaN: fewer than six samples carry none */
};

struct figures {
    struct figure rows[FIGURES_MAX];
    size_t count;
};

/* `samples` [count], 1 … FIGURE_SAMPLES_MAX; they are sorted. The key is kept, not copied. */
void figures_add(struct figures *figures, const char *key, double *samples, size_t count);
/* The median of a figure that was added; NaN: it was not. */
double figures_median(const struct figures *figures, const char *key);

/* One line each: key, median, quartiles. */
void figures_print(FILE *out, const struct figures *figures);
/* key: median for each; `spread`: key: [low, high]; `interval`: the same of the median. False when
 * memory is short. */
bool figures_json(json_t *object, const struct figures *figures);

#endif
