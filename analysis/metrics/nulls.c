#include "analysis/metrics/nulls.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static const double P_MOST = 0.01, EFFECT_LEAST = 0.05;

/* ---- direction ---- */

static int by_block(const void *a, const void *b)
{
    const struct block_count *x = a, *y = b;
    if (x->run != y->run)
        return x->run > y->run ? 1 : -1;
    return (x->block > y->block) - (x->block < y->block);
}

/* Put the entries of a block together, in place, and leave out blocks that have no direction.
 * Returns how many are left. */
static size_t merge_blocks(struct block_count *blocks, size_t count)
{
    size_t merged = 0, kept = 0;
    if (count > 0)
        qsort(blocks, count, sizeof *blocks, by_block);
    for (size_t i = 0; i < count; i++)
        if (i > 0 && by_block(&blocks[merged - 1], &blocks[i]) == 0) {
            blocks[merged - 1].forward += blocks[i].forward;
            blocks[merged - 1].backward += blocks[i].backward;
        } else {
            blocks[merged++] = blocks[i];
        }
    for (size_t i = 0; i < merged; i++)
        if (fabs(blocks[i].forward - blocks[i].backward) > 0)
            blocks[kept++] = blocks[i];
    return kept;
}

/* Forward minus backward if in each block either could as well have been the other. */
static double random_signs(const struct block_count *blocks, size_t count, gsl_rng *rng)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = blocks[i].forward - blocks[i].backward;
        sum += gsl_rng_uniform(rng) < 0.5 ? difference : -difference;
    }
    return sum;
}

/* ---- all three ---- */

static void judge(struct null_test *test, double by_chance, size_t units)
{
    double clustered = fmax(test->p_shift, test->p_jitter);
    test->p = fmax(clustered, test->p_direction);
    test->expected = fmax(test->backward, by_chance);
    test->effect = (test->forward - test->expected) / (double)units;
    if (test->p <= P_MOST && test->effect >= EFFECT_LEAST)
        test->outcome = NULL_DIRECTED;
    else if (clustered <= P_MOST)
        test->outcome = NULL_CLUSTERED;
}

static void run(const struct null_subject *subject, struct block_count *blocks, gsl_rng *rng,
                size_t units, struct null_test *test)
{
    double shift_sum = 0, jitter_sum = 0, shift_hits = 1, jitter_hits = 1, sign_hits = 1;
    subject->observe(subject->self, blocks);
    for (size_t i = 0; i < subject->things; i++) {
        test->forward += blocks[i].forward;
        test->backward += blocks[i].backward;
    }
    size_t left = merge_blocks(blocks, subject->things);
    for (int i = 0; i < NULL_DRAWS; i++) {
        double shifted = subject->shifted(subject->self, rng);
        double jittered = subject->jittered(subject->self, rng);
        shift_sum += shifted;
        jitter_sum += jittered;
        shift_hits += shifted >= test->forward;
        jitter_hits += jittered >= test->forward;
        sign_hits += random_signs(blocks, left, rng) >= test->forward - test->backward;
    }
    test->p_shift = shift_hits / (NULL_DRAWS + 1);
    test->p_jitter = jitter_hits / (NULL_DRAWS + 1);
    test->p_direction = sign_hits / (NULL_DRAWS + 1);
    judge(test, fmax(shift_sum, jitter_sum) / NULL_DRAWS, units);
}

bool null_test_run(const struct null_subject *subject, size_t units, unsigned seed,
                   struct null_test *test)
{
    assert(units > 0);
    struct block_count *blocks = calloc(subject->things + 1, sizeof *blocks);
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    bool done = blocks != NULL && rng != NULL;
    *test = (struct null_test){.outcome = NULL_NOT_REJECTED};
    if (done) {
        gsl_rng_set(rng, seed);
        run(subject, blocks, rng, units, test);
    }
    gsl_rng_free(rng);
    free(blocks);
    return done;
}
