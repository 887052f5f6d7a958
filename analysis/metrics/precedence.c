#include "analysis/metrics/precedence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const precedence_words[PRECEDENCE_VERDICTS] = {
    [PRECEDENCE_TOO_MANY] = "unknown (too many)",
    [PRECEDENCE_TOO_FEW] = "too few",
    [PRECEDENCE_TIME_FIRST] = "time before state",
    [PRECEDENCE_TOGETHER] = "together, without direction",
    [PRECEDENCE_NONE_FOUND] = "no precedence found",
};

/* Episodes of one class and run as events of their observers. */
struct series {
    struct event_list list;
    struct arrangement arranged;
};

/* Both classes of one run, collapsed or one by one. */
struct two_series {
    struct series time;
    struct series state;
};

static bool series_make(struct series *series, const struct episode_run *run, uint32_t nodes,
                        double joined_within_s)
{
    struct episode_start *episodes = malloc((run->count + 1) * sizeof *episodes);
    bool done = episodes != NULL;
    for (size_t i = 0; done && i < run->count; i++) {
        const struct episode_start *e = &run->episodes[i];
        episodes[i] = (struct episode_start){e->begin_s, e->node, e->node};
    }
    done = done && events_collapse(&series->list, episodes, run->count, nodes, joined_within_s) &&
           arrangement_init(&series->arranged, &series->list);
    if (done)
        arrange_observed(&series->arranged);
    free(episodes);
    return done;
}

static void series_free(struct series *series)
{
    arrangement_free(&series->arranged);
    events_free(&series->list);
}

static bool two_series_make(struct two_series *both, const struct precedence_run *run,
                            uint32_t nodes, double joined_within_s)
{
    memset(both, 0, sizeof *both);
    return series_make(&both->time, &run->time, nodes, joined_within_s) &&
           series_make(&both->state, &run->state, nodes, joined_within_s);
}

static void two_series_free(struct two_series *both)
{
    series_free(&both->time);
    series_free(&both->state);
}

/* ---- counting ---- */

/* Is there a time event of that node before (backward) or after (forward) the moment? */
static bool has_time_event(const struct two_series *both, uint32_t node, double at_s,
                           double reach_s, enum step_direction direction)
{
    return steps_of(&both->time.arranged, node, NOBODY_ALONE, at_s, (struct step_times){0, reach_s},
                    direction) > 0;
}

static double count_preceded(const struct two_series *both, double reach_s)
{
    double preceded = 0;
    for (size_t i = 0; i < both->state.list.count; i++)
        preceded += has_time_event(both, both->state.list.events[i].source,
                                   both->state.arranged.begin_s[i], reach_s, STEP_BACKWARD);
    return preceded;
}

static double count_simultaneous(const struct two_series *both)
{
    double found = 0;
    for (size_t i = 0; i < both->state.list.count; i++) {
        uint32_t node = both->state.list.events[i].source;
        double at_s = both->state.arranged.begin_s[i];
        bool same = false;
        for (size_t t = both->time.list.of_source[node];
             t < both->time.list.of_source[node + 1] && both->time.arranged.begin_s[t] <= at_s; t++)
            same = both->time.arranged.begin_s[t] >= at_s;
        found += same;
    }
    return found;
}

/* Shares of the episodes as they are. */
static bool find_shares(const struct precedence_run *runs, size_t count, uint32_t nodes,
                        double reach_s, struct precedence *found)
{
    double preceded = 0, simultaneous = 0;
    for (size_t r = 0; r < count; r++) {
        struct two_series each;
        bool done = two_series_make(&each, &runs[r], nodes, -1);
        if (done) {
            preceded += count_preceded(&each, reach_s);
            simultaneous += count_simultaneous(&each);
        }
        two_series_free(&each);
        if (!done)
            return false;
    }
    if (found->state_episodes > 0) {
        found->share = preceded / (double)found->state_episodes;
        found->simultaneous = simultaneous / (double)found->state_episodes;
    }
    return true;
}

/* ---- the test ---- */

/* All runs of it. */
struct test {
    struct two_series *runs; /* [count] */
    size_t count;
    double window_s;
    double reach_s;
};

static double block_s(const struct test *test)
{
    return step_block_s((struct step_times){0, test->reach_s});
}

static void observe(void *self, struct block_count *blocks)
{
    const struct test *test = self;
    size_t filled = 0;
    for (size_t r = 0; r < test->count; r++) {
        const struct two_series *run = &test->runs[r];
        for (size_t i = 0; i < run->state.list.count; i++) {
            uint32_t node = run->state.list.events[i].source;
            double at_s = run->state.arranged.begin_s[i];
            bool before = has_time_event(run, node, at_s, test->reach_s, STEP_BACKWARD);
            bool after = has_time_event(run, node, at_s, test->reach_s, STEP_FORWARD);
            blocks[filled++] = (struct block_count){r, floor(at_s / block_s(test)), before, after};
        }
    }
}

static double count_shifted(void *self, gsl_rng *rng)
{
    const struct test *test = self;
    double preceded = 0;
    for (size_t r = 0; r < test->count; r++) {
        arrange_shifted_together(&test->runs[r].state.arranged, test->window_s, rng);
        preceded += count_preceded(&test->runs[r], test->reach_s);
    }
    return preceded;
}

static double count_jittered(void *self, gsl_rng *rng)
{
    const struct test *test = self;
    double preceded = 0;
    for (size_t r = 0; r < test->count; r++) {
        arrange_jittered(&test->runs[r].state.arranged, block_s(test), rng);
        preceded += count_preceded(&test->runs[r], test->reach_s);
    }
    return preceded;
}

static bool judge(struct test *test, unsigned seed, struct precedence *found)
{
    static const enum precedence_verdict verdicts[] = {[NULL_NOT_REJECTED] = PRECEDENCE_NONE_FOUND,
                                                       [NULL_CLUSTERED] = PRECEDENCE_TOGETHER,
                                                       [NULL_DIRECTED] = PRECEDENCE_TIME_FIRST};
    struct null_subject subject = {found->state_events, observe, count_shifted, count_jittered,
                                   test};
    if (!null_test_run(&subject, found->state_events, seed, &found->test))
        return false;
    found->verdict = verdicts[found->test.outcome];
    return true;
}

bool precedence_of(const struct precedence_run *runs, size_t count, uint32_t nodes, double window_s,
                   double reach_s, unsigned seed, struct precedence *found)
{
    size_t time_events = 0;
    *found = (struct precedence){.share = (double)NAN, .simultaneous = (double)NAN};
    for (size_t r = 0; r < count; r++) {
        found->time_episodes += runs[r].time.count;
        found->state_episodes += runs[r].state.count;
    }
    if (found->time_episodes + found->state_episodes > COUPLING_EPISODES_MAX)
        return true;
    found->verdict = PRECEDENCE_TOO_FEW;
    struct two_series *all = calloc(count + 1, sizeof *all);
    struct test test = {all, count, window_s, reach_s};
    bool done = all != NULL && find_shares(runs, count, nodes, reach_s, found);
    for (size_t r = 0; done && r < count; r++) {
        done = two_series_make(&all[r], &runs[r], nodes, reach_s);
        found->state_events += all[r].state.list.count;
        time_events += all[r].time.list.count;
    }
    if (done && found->state_events >= COUPLING_EVENTS_LEAST && time_events > 0)
        done = judge(&test, seed, found);
    for (size_t r = 0; all != NULL && r < count; r++)
        two_series_free(&all[r]);
    free(all);
    return done;
}
