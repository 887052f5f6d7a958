#ifndef MPIDRIFT_THEORY_RUN_H
#define MPIDRIFT_THEORY_RUN_H

#include "analysis/metrics/theory.h"

/* A run on the fake net under conditions that theory can be told of, and what its traces say. */

struct theory_case {
    uint32_t nodes;
    struct delay_law law; /* of each message, independent; each link delivers in order */
    double load;          /* rate × mean delay as drawn, of one link */
    double writes;        /* of all nodes inside the window, on average */
};

/* What is read off the traces. */
enum theory_quantity {
    UNSEEN_MEAN,
    UNSEEN_ABOVE_0, /* share of the time */
    UNSEEN_ABOVE_1,
    UNSEEN_ABOVE_2,
    UNSEEN_ABOVE_3,
    UNSEEN_RISES_ABOVE_1, /* per node and mean delay */
    WRITTEN_ON_STALE,     /* share of the writes */
    VISIBLE_TO_HALF,      /* time until all peers have half of the writes, over the mean delay */
    VISIBLE_TO_MOST,      /* nine tenths */
    VERSION_LAG_ABOVE_0,  /* share of the updates whose writer was that far behind */
    VERSION_LAG_ABOVE_1,
    THEORY_QUANTITIES
};
extern const char *const theory_quantity_names[THEORY_QUANTITIES];

double theory_case_delay_s(const struct theory_case *theory_case);
double theory_case_rate_per_s(const struct theory_case *theory_case);

void theory_run(const struct theory_case *theory_case, uint32_t seed,
                double found[THEORY_QUANTITIES]);

#endif
