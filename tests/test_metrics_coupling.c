#include "analysis/metrics/coupling.h"
#include "cunit_main.h"

#include <math.h>

static const struct step_times short_times = {1e-4, 5e-3}, long_times = {0.1, 1};

static void check_near(double value, double expected, double within)
{
    CU_ASSERT_DOUBLE_EQUAL(value, expected, within);
}

/* ---- three nulls, told what to draw ---- */

/* Things 0 … things - 1, the first `forward` of them seen forward, the others backward. */
struct told {
    size_t things;
    size_t forward;
    size_t per_block;
    size_t runs;
    int shift_hits; /* so many draws reach what was seen, and the rest are 0 */
    int jitter_hits;
};

static void observe_told(void *self, struct block_count *blocks)
{
    const struct told *told = self;
    for (size_t i = 0; i < told->things; i++) {
        size_t block = i / told->runs / told->per_block;
        blocks[i] = (struct block_count){i % told->runs, (double)block, i < told->forward,
                                         i >= told->forward};
    }
}

static double shifted_told(void *self, gsl_rng *rng)
{
    struct told *told = self;
    (void)rng;
    return told->shift_hits-- > 0 ? (double)told->forward : 0;
}

static double jittered_told(void *self, gsl_rng *rng)
{
    struct told *told = self;
    (void)rng;
    return told->jitter_hits-- > 0 ? (double)told->forward : 0;
}

static struct null_test run_told(struct told told, size_t units)
{
    struct null_test test;
    struct null_subject subject = {told.things, observe_told, shifted_told, jittered_told, &told};
    CU_ASSERT_FATAL(null_test_run(&subject, units, 1, &test));
    return test;
}

static void test_null_outcomes(void)
{
    const struct told clear = {20, 20, 1, 1, 4, 4},
                      one_more[] = {{20, 20, 1, 1, 5, 4}, {20, 20, 1, 1, 4, 5}};
    struct null_test test = run_told(clear, 100);
    CU_ASSERT_EQUAL(test.outcome, NULL_DIRECTED);
    check_near(test.p_shift, 5.0 / 500, 1e-12);
    check_near(test.p_jitter, 5.0 / 500, 1e-12);
    check_near(test.p_direction, 1.0 / 500, 1e-12);
    check_near(test.p, 5.0 / 500, 1e-12);
    check_near(test.expected, 4 * 20.0 / NULL_DRAWS, 1e-12);
    check_near(test.effect, (20 - 4 * 20.0 / NULL_DRAWS) / 100, 1e-12);
    CU_ASSERT_EQUAL(run_told(clear, 396).outcome, NULL_DIRECTED);  /* an effect of .0501 … */
    CU_ASSERT_EQUAL(run_told(clear, 397).outcome, NULL_CLUSTERED); /* … and .0500 less a little */
    for (int i = 0; i < 2; i++) {
        test = run_told(one_more[i], 100);
        CU_ASSERT_EQUAL(test.outcome, NULL_NOT_REJECTED);
        check_near(test.p, 6.0 / 500, 1e-12);
    }
}

static void test_null_direction(void)
{
    /* All in one block: that could as well have been backward. */
    struct null_test test = run_told((struct told){20, 20, 20, 1, 0, 0}, 100);
    CU_ASSERT_EQUAL(test.outcome, NULL_CLUSTERED);
    check_near(test.p_direction, 0.5, 0.12); /* five standard errors */
    CU_ASSERT_EQUAL(test.p, test.p_direction);
    /* The same blocks of ten runs are ten blocks. */
    test = run_told((struct told){20, 20, 20, 10, 0, 0}, 100);
    CU_ASSERT_EQUAL(test.outcome, NULL_DIRECTED);
    /* Backward counts against forward, block by block and in the effect. */
    test = run_told((struct told){60, 40, 1, 1, 0, 0}, 100);
    CU_ASSERT_EQUAL(test.forward, 40);
    CU_ASSERT_EQUAL(test.backward, 20);
    CU_ASSERT_EQUAL(test.expected, 20);
    check_near(test.effect, 0.2, 1e-12);
    /* P(Bin(60, 1/2) >= 40) = .0067 */
    check_near(test.p_direction, 0.0067 + 0.002, 5 * sqrt(0.0067 / NULL_DRAWS));
}

/* Forty steps in five blocks: what comes together has its direction once. */
static void test_steps_in_few_blocks(void)
{
    enum { BLOCKS = 5, CHAINS = 8, NODES = 3 * CHAINS, STEPS = BLOCKS * CHAINS };
    struct episode_start episodes[2 * STEPS];
    struct coupling found;
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t block = i / CHAINS, chain = i % CHAINS, source = 3 * chain;
        double begin_s = block + 0.005 * (1 + chain);
        episodes[i] = (struct episode_start){begin_s, source + 1, source};
        episodes[STEPS + i] = (struct episode_start){begin_s + 0.002, source + 2, source + 1};
    }
    struct episode_run run = {episodes, sizeof episodes / sizeof episodes[0]};
    CU_ASSERT_FATAL(coupling_of(&run, 1, NODES, 5, short_times, 1, &found));
    CU_ASSERT_EQUAL(found.test.forward, STEPS);
    CU_ASSERT(found.test.p_shift <= 0.01 && found.test.p_jitter <= 0.01);
    check_near(found.test.p_direction, 1 / 32.0, 0.04); /* all five one way */
    CU_ASSERT_EQUAL(found.verdict, COUPLING_CLUSTERED);
}

/* ---- beside metrics.py ---- */

struct sample {
    struct episode_start episodes[256];
    struct episode_run run;
};

static double next(uint32_t *state)
{
    *state = (1103515245 * *state + 12345) & 0x7fffffff;
    return *state / 2147483648.0;
}

static uint32_t next_other(uint32_t *state, uint32_t than)
{
    return (than + 1 + (uint32_t)(next(state) * 4)) % 5;
}

/* def episodes(x, follow, N=5):
 *     out = []
 *     def u():
 *         nonlocal x
 *         x = (1103515245 * x + 12345) % 2**31
 *         return x / 2**31
 *     for _ in range(60):
 *         t = u() * 4.9; i = int(u() * N); k = (i + 1 + int(u() * (N - 1))) % N
 *         out.append((t, i, k))
 *         if u() < .3:
 *             j = (k + 1 + int(u() * (N - 1))) % N; out.append((t + u() * .004, j, k))
 *         if u() < follow:
 *             j = (i + 1 + int(u() * (N - 1))) % N; out.append((t + .0005 + u() * .003, j, i))
 *     return out */
static void make_sample(struct sample *sample, uint32_t seed, double follow)
{
    size_t count = 0;
    for (int n = 0; n < 60; n++) {
        double at_s = next(&seed) * 4.9;
        uint32_t node = (uint32_t)(next(&seed) * 5), peer = next_other(&seed, node);
        sample->episodes[count++] = (struct episode_start){at_s, node, peer};
        if (next(&seed) < 0.3) {
            uint32_t other = next_other(&seed, peer);
            double later_s = at_s + next(&seed) * 0.004;
            sample->episodes[count++] = (struct episode_start){later_s, other, peer};
        }
        if (next(&seed) < follow) {
            uint32_t other = next_other(&seed, node);
            double later_s = at_s + 0.0005 + next(&seed) * 0.003;
            sample->episodes[count++] = (struct episode_start){later_s, other, node};
        }
    }
    sample->run = (struct episode_run){sample->episodes, count};
}

/* Figures of metrics.coupling([episodes(r + 1, follow) for r in range(6)], 5, 5, .005, .0001,
 * draws=9999, rng=random.Random(1)). */
struct reference {
    double follow;
    size_t episodes;
    size_t events;
    double observers;
    double dropped;
    double forward;
    double backward;
    double p_shift;
    double p_jitter;
    double p_direction;
    double effect;
    enum coupling_verdict verdict;
};
static const struct reference references[] = {
    {0, 471, 353, 1.2407932011331444, 0.01698513800424628, 2, 3, 0.9064, 0.9126, 0.8151,
     -0.005614159149626011, COUPLING_NONE_FOUND},
    {0.1, 502, 379, 1.2216358839050132, 0.02589641434262946, 25, 6, 0.0001, 0.0001, 0.0005,
     0.0472786064886172, COUPLING_CLUSTERED},
    {0.3, 588, 449, 1.1692650334075725, 0.056122448979591844, 76, 12, 0.0001, 0.0001, 0.0001,
     0.14108292789189833, COUPLING_COUPLED},
};

/* A p of 499 draws, beside one of 9,999: within five standard errors and the grain of 1/500. */
static void check_p(double p, double expected)
{
    check_near(p, expected, 5 * sqrt(expected * (1 - expected) / NULL_DRAWS) + 1.0 / 500);
}

static void check_reference(const struct reference *wanted)
{
    struct sample samples[6];
    struct episode_run runs[6];
    struct coupling found;
    for (uint32_t r = 0; r < 6; r++) {
        make_sample(&samples[r], r + 1, wanted->follow);
        runs[r] = samples[r].run;
    }
    CU_ASSERT_FATAL(coupling_of(runs, 6, 5, 5, short_times, 1, &found));
    CU_ASSERT_EQUAL(found.episodes, wanted->episodes);
    CU_ASSERT_EQUAL(found.events, wanted->events);
    check_near(found.observers, wanted->observers, 1e-12);
    check_near(found.left_out_share, wanted->dropped, 1e-12);
    CU_ASSERT_EQUAL(found.test.forward, wanted->forward);
    CU_ASSERT_EQUAL(found.test.backward, wanted->backward);
    check_p(found.test.p_shift, wanted->p_shift);
    check_p(found.test.p_jitter, wanted->p_jitter);
    check_p(found.test.p_direction, wanted->p_direction);
    check_near(found.test.effect, wanted->effect, 0.002);
    CU_ASSERT_EQUAL(found.verdict, wanted->verdict);
}

static void test_reference(void)
{
    for (size_t i = 0; i < sizeof references / sizeof references[0]; i++)
        check_reference(&references[i]);
}

static void test_seed(void)
{
    struct sample sample;
    struct coupling first, again, other;
    make_sample(&sample, 1, 0.1);
    CU_ASSERT_FATAL(coupling_of(&sample.run, 1, 5, 5, short_times, 1, &first));
    CU_ASSERT_FATAL(coupling_of(&sample.run, 1, 5, 5, short_times, 1, &again));
    CU_ASSERT_FATAL(coupling_of(&sample.run, 1, 5, 5, short_times, 2, &other));
    CU_ASSERT_EQUAL(first.test.p, again.test.p);
    CU_ASSERT_EQUAL(first.test.expected, again.test.expected);
    CU_ASSERT_NOT_EQUAL(first.test.expected, other.test.expected);
    CU_ASSERT_EQUAL(first.test.forward, other.test.forward);
}

/* ---- what is not judged ---- */

static void test_not_judged(void)
{
    struct coupling found;
    struct sample sample;
    make_sample(&sample, 1, 0.3);
    struct episode_run one_source = sample.run, many = {NULL, COUPLING_EPISODES_MAX + 1};
    CU_ASSERT(coupling_of(&sample.run, 1, 5, 5, long_times, 1, &found)); /* τ 1 s: few events */
    CU_ASSERT_EQUAL(found.verdict, COUPLING_TOO_FEW);
    CU_ASSERT(found.events > 0 && found.events < COUPLING_EVENTS_LEAST);
    for (size_t i = 0; i < one_source.count; i++)
        sample.episodes[i].peer = 4;
    CU_ASSERT(coupling_of(&one_source, 1, 5, 5, short_times, 1, &found));
    CU_ASSERT_EQUAL(found.verdict, COUPLING_TOO_FEW);
    CU_ASSERT(found.events >= COUPLING_EVENTS_LEAST);
    CU_ASSERT(coupling_of(&many, 1, 5, 5, long_times, 1, &found));
    CU_ASSERT_EQUAL(found.verdict, COUPLING_TOO_MANY);
    CU_ASSERT(coupling_of(&many, 1, 2, 5, long_times, 1, &found));
    CU_ASSERT_EQUAL(found.verdict, COUPLING_NOT_APPLICABLE);
    CU_ASSERT(coupling_of(NULL, 0, 5, 5, long_times, 1, &found));
    CU_ASSERT_EQUAL(found.verdict, COUPLING_TOO_FEW);
    CU_ASSERT(isnan(found.observers) && isnan(found.left_out_share));
    CU_ASSERT_STRING_EQUAL(coupling_words[COUPLING_NOT_APPLICABLE], "not applicable (two nodes)");
    CU_ASSERT_STRING_EQUAL(coupling_words[COUPLING_TOO_MANY], "unknown (too many)");
}

static void test_two_nodes(void)
{
    struct coupling found;
    struct episode_start episodes[40];
    for (uint32_t i = 0; i < 40; i++)
        episodes[i] = (struct episode_start){i * 0.1, i % 2, 1 - i % 2};
    struct episode_run run = {episodes, 40};
    CU_ASSERT(coupling_of(&run, 1, 2, 5, short_times, 1, &found));
    CU_ASSERT_EQUAL(found.verdict, COUPLING_NOT_APPLICABLE);
    CU_ASSERT_EQUAL(found.events, 40);
}

int main(void)
{
    CU_TestInfo tests[] = {{"outcomes of three nulls", test_null_outcomes},
                           {"the null of direction", test_null_direction},
                           {"steps that come together", test_steps_in_few_blocks},
                           {"figures of metrics.py", test_reference},
                           {"draws come from the seed", test_seed},
                           {"what is not judged", test_not_judged},
                           {"two nodes", test_two_nodes},
                           CU_TEST_INFO_NULL};
    return cunit_main("coupling", tests);
}
