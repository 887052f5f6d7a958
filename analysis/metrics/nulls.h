#ifndef MPIDRIFT_METRICS_NULLS_H
#define MPIDRIFT_METRICS_NULLS_H

#include <gsl/gsl_rng.h>
#include <stdbool.h>
#include <stddef.h>

/* Does one thing follow another more often than chance, and in one direction? What is counted
 * forward is set against three nulls: circular shift, jitter inside a grid, and random signs of
 * forward minus backward per block of time. The metrics page, section 3, steps 4 and 5. */

enum { NULL_DRAWS = 499 };

/* Forward and backward of one thing seen, and the block of time in which it was seen; blocks of
 * different runs are different blocks. */
struct block_count {
    size_t run;
    double block; /* whole number */
    double forward;
    double backward;
};

/* What is tested. `observe` fills in `blocks` [things], one entry per thing. The other two draw
 * from a null, over all runs, and return what is then counted forward. */
struct null_subject {
    size_t things;
    void (*observe)(void *self, struct block_count *blocks);
    double (*shifted)(void *self, gsl_rng *rng);
    double (*jittered)(void *self, gsl_rng *rng);
    void *self;
};

enum null_outcome {
    NULL_NOT_REJECTED,
    NULL_CLUSTERED, /* p at most .01 against shift and jitter, but in no direction */
    NULL_DIRECTED,  /* p at most .01 against all three, and an effect of at least .05 */
};

struct null_test {
    enum null_outcome outcome;
    double forward;
    double backward;
    double p_shift;
    double p_jitter;
    double p_direction;
    double p;        /* the largest of the three */
    double expected; /* the largest of backward, mean shift, mean jitter */
    double effect;   /* (forward - expected) / units */
};

/* NULL_DRAWS draws of each null from `seed`; each p is (hits + 1) / (draws + 1) (Davison and
 * Hinkley, Bootstrap Methods and Their Application, 1997, section 4.2). `units`, at least 1: what
 * the effect is a share of. False when memory is short. */
bool null_test_run(const struct null_subject *subject, size_t units, unsigned seed,
                   struct null_test *test);

#endif
