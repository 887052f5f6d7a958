#include "analysis/metrics/precedence.h"
#include "cunit_main.h"
#include "drawn_episodes.h"

#include <gsl/gsl_randist.h>
#include <math.h>

/* ---- by hand ---- */

static void test_by_hand(void)
{
    const struct episode_start time[] = {{1, 0, 1}, {3, 1, 0}};
    const struct episode_start state[] = {{0.9, 0, 1}, {1, 0, 2},   {1.3, 0, 1},
                                          {1.5, 0, 1}, {1.6, 0, 1}, {3.2, 0, 1}};
    const struct precedence_run runs[] = {{{time, 2}, {state, 6}}, {{time, 2}, {NULL, 0}}};
    struct precedence found;
    CU_ASSERT_FATAL(precedence_of(runs, 2, 2, 5, 0.5, 1, &found));
    CU_ASSERT_EQUAL(found.time_episodes, 4);
    CU_ASSERT_EQUAL(found.state_episodes, 6);
    CU_ASSERT_DOUBLE_EQUAL(found.share, 2 / 6.0, 1e-12); /* 1.3 and 1.5 */
    CU_ASSERT_DOUBLE_EQUAL(found.simultaneous, 1 / 6.0, 1e-12);
    CU_ASSERT_EQUAL(found.state_events, 3); /* 0.9 … 1.3, 1.5 … 1.6, 3.2 */
    CU_ASSERT_EQUAL(found.verdict, PRECEDENCE_TOO_FEW);
}

static void test_not_judged(void)
{
    struct episode_start state[40];
    for (uint32_t i = 0; i < 40; i++)
        state[i] = (struct episode_start){i * 0.1, 0, 1};
    const struct precedence_run alone = {{NULL, 0}, {state, 40}};
    const struct precedence_run many = {{NULL, COUPLING_EPISODES_MAX}, {NULL, 1}};
    struct precedence found;
    CU_ASSERT_FATAL(precedence_of(&alone, 1, 2, 5, 0.005, 1, &found));
    CU_ASSERT_EQUAL(found.verdict, PRECEDENCE_TOO_FEW); /* no time episode */
    CU_ASSERT_EQUAL(found.share, 0);
    CU_ASSERT_EQUAL(found.state_events, 40);
    CU_ASSERT_FATAL(precedence_of(&many, 1, 2, 5, 0.005, 1, &found));
    CU_ASSERT_EQUAL(found.verdict, PRECEDENCE_TOO_MANY);
    CU_ASSERT(isnan(found.share));
    CU_ASSERT_FATAL(precedence_of(NULL, 0, 2, 5, 0.005, 1, &found));
    CU_ASSERT_EQUAL(found.verdict, PRECEDENCE_TOO_FEW);
    CU_ASSERT(isnan(found.share));
}

/* All numbers are known: the times of node 0 are regular, each state event follows by 4 ms. */
static void test_counts(void)
{
    struct episode_start time[30], state[30];
    for (uint32_t i = 0; i < 30; i++) {
        time[i] = (struct episode_start){0.1 + i * 0.16, 0, 1};
        state[i] = (struct episode_start){0.104 + i * 0.16, 0, 1};
    }
    const struct precedence_run run = {{time, 30}, {state, 30}};
    const struct precedence_run reversed = {{state, 30}, {time, 30}};
    struct precedence found;
    CU_ASSERT_FATAL(precedence_of(&run, 1, 2, 5, 0.005, 1, &found));
    CU_ASSERT_EQUAL(found.test.forward, 30);
    CU_ASSERT_EQUAL(found.test.backward, 0);
    CU_ASSERT_EQUAL(found.share, 1);
    CU_ASSERT_EQUAL(found.verdict, PRECEDENCE_TIME_FIRST);
    CU_ASSERT_FATAL(precedence_of(&reversed, 1, 2, 5, 0.005, 1, &found));
    CU_ASSERT_EQUAL(found.test.forward, 0);
    CU_ASSERT_EQUAL(found.test.backward, 30);
    CU_ASSERT_EQUAL(found.verdict, PRECEDENCE_NONE_FOUND);
    for (int i = 0; i < 30; i++)
        state[i].node = 1; /* on another node it says nothing */
    CU_ASSERT_FATAL(precedence_of(&run, 1, 2, 5, 0.005, 1, &found));
    CU_ASSERT_EQUAL(found.test.forward, 0);
    CU_ASSERT_EQUAL(found.verdict, PRECEDENCE_NONE_FOUND);
}

/* Each null protects where the others do not. */

/* Every 0.1 s, as a timer would: a shift that hits once hits always, one in twenty. */
static void test_periodic(void)
{
    enum { COUNT = 50 };
    struct episode_start time[COUNT], state[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        time[i] = (struct episode_start){0.01 + i * 0.1, 0, 1};
        state[i] = (struct episode_start){0.014 + i * 0.1, 0, 1};
    }
    const struct precedence_run run = {{time, COUNT}, {state, COUNT}};
    struct precedence found;
    CU_ASSERT_FATAL(precedence_of(&run, 1, 2, 5, 0.005, 1, &found));
    CU_ASSERT_DOUBLE_EQUAL(found.test.p_shift, 0.05, 0.05); /* five standard errors */
    CU_ASSERT(found.test.p_shift > 0.01);
    CU_ASSERT(found.test.p_jitter <= 0.01 && found.test.p_direction <= 0.01);
    CU_ASSERT_EQUAL(found.verdict, PRECEDENCE_NONE_FOUND);
}

/* Both only where a fifth of the blocks is busy, without order inside: a shift takes them apart, a
 * jitter does not. */
static void test_busy_blocks(void)
{
    enum { BLOCKS = 100, BUSY = 20, EACH = 6, COUNT = BUSY * EACH };
    const double block_s = 0.05;
    struct episode_start time[COUNT], state[COUNT];
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    double begin_s = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        if (i % EACH == 0)
            begin_s = block_s * (double)gsl_rng_uniform_int(rng, BLOCKS);
        time[i] = (struct episode_start){begin_s + gsl_rng_uniform(rng) * block_s, 0, 1};
        state[i] = (struct episode_start){begin_s + gsl_rng_uniform(rng) * block_s, 0, 1};
    }
    gsl_rng_free(rng);
    const struct precedence_run run = {{time, COUNT}, {state, COUNT}};
    struct precedence found;
    CU_ASSERT_FATAL(precedence_of(&run, 1, 2, 5, 0.005, 1, &found));
    CU_ASSERT(found.test.p_shift <= 0.01);
    CU_ASSERT(found.test.p_jitter > 0.01);
    CU_ASSERT_EQUAL(found.verdict, PRECEDENCE_NONE_FOUND);
}

/* Many in few blocks: what comes together has its direction once. */
static void test_few_blocks(void)
{
    enum { BLOCKS = 5, NODES = 8, COUNT = BLOCKS * NODES };
    struct episode_start time[COUNT], state[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t block = i / NODES;
        double begin_s = 0.02 + block;
        time[i] = (struct episode_start){begin_s, i % NODES, 0};
        state[i] = (struct episode_start){begin_s + 0.004, i % NODES, 0};
    }
    const struct precedence_run run = {{time, COUNT}, {state, COUNT}};
    struct precedence found;
    CU_ASSERT_FATAL(precedence_of(&run, 1, NODES, 5.5, 0.005, 1, &found));
    CU_ASSERT_EQUAL(found.test.forward, COUNT);
    CU_ASSERT_DOUBLE_EQUAL(found.test.p_direction, 1 / 32.0, 0.04); /* all five one way */
    CU_ASSERT(found.test.p_direction > 0.01);
}

/* ---- drawn episodes ---- */

enum { RUNS = 6 };

/* How the state episodes come about. */
enum relation { INDEPENDENT, AFTER_TIME, BEFORE_TIME, SAME_BURSTS };

static void add_related(const struct drawn_plan *plan, gsl_rng *rng, enum relation relation,
                        struct drawn_episodes *time, struct drawn_episodes *state)
{
    size_t kept = 0;
    drawn_run(plan, rng, time);
    drawn_run(plan, rng, state);
    if (relation == AFTER_TIME || relation == BEFORE_TIME)
        for (size_t i = 0; i < state->count && i < time->count; i++) {
            double apart_s = gsl_rng_uniform(rng) * plan->times.reach_s;
            if (gsl_rng_uniform(rng) > 0.3)
                continue;
            state->items[i] = time->items[i];
            state->items[i].begin_s += relation == AFTER_TIME ? apart_s : -apart_s;
        }
    if (relation != SAME_BURSTS)
        return;
    /* The same bursts make both: each episode is of either class. */
    for (size_t i = 0; i < time->count; i++)
        if (gsl_rng_uniform(rng) < 0.5)
            time->items[kept++] = time->items[i];
        else if (i - kept < state->count)
            state->items[i - kept] = time->items[i];
    time->count = kept;
}

static enum precedence_verdict judge(const struct drawn_plan *plan, gsl_rng *rng,
                                     enum relation relation, unsigned seed)
{
    struct drawn_episodes time[RUNS] = {{NULL, 0, 0}}, state[RUNS] = {{NULL, 0, 0}};
    struct precedence_run runs[RUNS];
    struct precedence found;
    for (int r = 0; r < RUNS; r++) {
        add_related(plan, rng, relation, &time[r], &state[r]);
        runs[r] = (struct precedence_run){{time[r].items, time[r].count},
                                          {state[r].items, state[r].count}};
    }
    CU_ASSERT_FATAL(
        precedence_of(runs, RUNS, plan->nodes, plan->window_s, plan->times.reach_s, seed, &found));
    for (int r = 0; r < RUNS; r++) {
        drawn_free(&time[r]);
        drawn_free(&state[r]);
    }
    return found.verdict;
}

static int count_time_first(enum drawn_kind kind, uint32_t nodes, enum relation relation, int sets)
{
    struct drawn_plan plan = drawn_plan_of(kind, nodes);
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    int found = 0;
    for (int set = 0; set < sets; set++)
        found += judge(&plan, rng, relation, (unsigned)set + 1) == PRECEDENCE_TIME_FIRST;
    gsl_rng_free(rng);
    return found;
}

static void test_planted(void)
{
    CU_ASSERT_EQUAL(count_time_first(DRAWN_POISSON, 2, AFTER_TIME, 10), 10);
    CU_ASSERT_EQUAL(count_time_first(DRAWN_POISSON, 16, AFTER_TIME, 10), 10);
    CU_ASSERT_EQUAL(count_time_first(DRAWN_POISSON, 5, BEFORE_TIME, 10), 0);
}

static void test_no_false_alarm(void)
{
    const uint32_t node_counts[] = {2, 5, 16};
    for (int n = 0; n < 3; n++) {
        for (enum drawn_kind kind = DRAWN_POISSON; kind < DRAWN_CHAINS; kind++)
            CU_ASSERT_EQUAL(count_time_first(kind, node_counts[n], INDEPENDENT, 6), 0);
        CU_ASSERT_EQUAL(count_time_first(DRAWN_SHARED_BURSTS, node_counts[n], SAME_BURSTS, 10), 0);
        CU_ASSERT_EQUAL(count_time_first(DRAWN_MACHINE_STALLS, node_counts[n], SAME_BURSTS, 10), 0);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"shares by hand", test_by_hand},
                           {"what is not judged", test_not_judged},
                           {"counts, and which comes first", test_counts},
                           {"a timer's rhythm is no precedence", test_periodic},
                           {"nor is a busy time", test_busy_blocks},
                           {"what comes at once has one direction", test_few_blocks},
                           {"planted precedence is found", test_planted},
                           {"none is found where there is none", test_no_false_alarm},
                           CU_TEST_INFO_NULL};
    return cunit_main("precedence", tests);
}
