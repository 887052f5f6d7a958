#ifndef MPIDRIFT_RUN_CLOCKS_H
#define MPIDRIFT_RUN_CLOCKS_H

#include "record/run_file.h"

/* What a run says about its clocks, pairs on one host and between hosts apart. */

enum pair_class { PAIRS_SAME_HOST, PAIRS_CROSS_HOST, PAIR_CLASSES };

struct run_clocks {
    bool is_told; /* by a file of 1.2.0 or later; an older one tells hosts by name, and no counts */
    double
        class_uncertainty_s[PAIR_CLASSES]; /* the largest of a pair; NaN: no such pair, not told */
    uint64_t delays[PAIR_CLASSES];         /* observed */
    uint64_t beyond[PAIR_CLASSES];         /* the delay limit */
    uint64_t early;
    uint64_t impossible;
    uint32_t flags; /* of any node */
    uint32_t suspects;
};

struct run_clocks run_clocks_begin(const struct run_reader *reader);
void run_clocks_add_node(struct run_clocks *clocks, const struct run_node *node);
/* `nodes`: all rows of /nodes. */
void run_clocks_add_pair(struct run_clocks *clocks, const struct run_node *nodes,
                         const struct run_pair *pair);
/* Uncertainty of the worst pair; NaN: not told. */
double run_clocks_largest_s(const struct run_clocks *clocks);
enum pair_class run_clocks_class(const struct run_clocks *clocks, const struct run_node *a,
                                 const struct run_node *b);

#endif
