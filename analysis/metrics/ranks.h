#ifndef MPIDRIFT_METRICS_RANKS_H
#define MPIDRIFT_METRICS_RANKS_H

#include <stdbool.h>
#include <stddef.h>

/* Exact comparison of two small groups of runs by ranks (Wilcoxon, Mann and Whitney), ties by
 * midranks. A first drift that was not seen enters as INFINITY. */
struct rank_comparison {
    double pairs; /* of the count_2 × count_n pairs, those with the value at N above; ties half */
    double p_above; /* one-sided: a rank sum at N at least this high by chance */
    double p_below;
    double arrangements; /* how many there are: the smallest p is 1 / arrangements */
    bool all_above;      /* each value at N above each at two */
    bool all_below;
    char text[96]; /* "all 6 runs above all 6 at two (p = 1/924)" or "31 of 36 pairs above (p = …)"
                    */
};

enum { RANKS_MAX = 64 };

/* False if a group is empty or both together have more than RANKS_MAX values. */
bool rank_compare(const double *at_two, size_t count_two, const double *at_n, size_t count_n,
                  struct rank_comparison *found);

#endif
