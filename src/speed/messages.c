#include "speed/speed.h"

#include "record/spool.h"
#include "speed/flood.h"
#include "speed/raw_loop.h"
#include "world.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Room for what a loop may bring: this many times what the raw loop has reached, and a floor, as
 * the first rounds may be slow. */
static const double ROOM = 1.5, ROOM_LEAST_PER_S = 4e6;
static const double WARMUP_S = 0.02;

enum loop { LOOP_RAW, LOOP_ENGINE, LOOP_OBSERVED, LOOP_TRACED, LOOP_BADGES, LOOPS };

struct messages {
    struct speed *speed;
    double per_s[LOOPS][FIGURE_SAMPLES_MAX];
    uint64_t lost; /* badges and events that found no room: then a loop did too little */
};

static uint64_t room(const struct speed *speed)
{
    double per_s = fmax(ROOM_LEAST_PER_S, ROOM * speed->raw_per_s);
    return (uint64_t)ceil(per_s * (speed->options->seconds + WARMUP_S));
}

static struct activity *new_activity(const struct speed *speed, enum loop loop)
{
    struct activity *activity =
        activity_new(speed, loop == LOOP_BADGES ? &flood_badges_system : &flood_system);
    if (activity == NULL)
        return NULL;
    activity->config.duration_s = speed->options->seconds;
    activity->config.warmup_s = WARMUP_S;
    activity->config.observe = loop != LOOP_ENGINE;
    activity->config.trace = loop == LOOP_TRACED;
    activity->facts.trace_capacity = room(speed);
    activity->badges_max = loop == LOOP_BADGES ? room(speed) : 0;
    return activity;
}

static enum exit_code run_engine(struct messages *messages, enum loop loop, double *per_s)
{
    const struct speed *speed = messages->speed;
    struct activity *activity = new_activity(speed, loop);
    struct failure failure = {0};
    if (activity == NULL)
        (void)failure_set(&failure, EXIT_INTERNAL, "no memory for one activity");
    enum exit_code code = world_agree(speed->world, &failure);
    if (code == EXIT_DONE)
        code = activity_run(speed, activity);
    if (code == EXIT_DONE) {
        double received = (double)flood_received(activity->pass.system);
        double lost = (double)spool_lost(activity->watch.spool);
        if (activity->watch.trace != NULL)
            lost += (double)trace_dropped(activity->watch.trace);
        *per_s = world_sum(speed->world, received) / speed->options->seconds;
        messages->lost += (uint64_t)world_sum(speed->world, lost);
    }
    activity_free(activity);
    return code;
}

/* Each round begins with another loop, lest one of them always follow the same. */
static enum exit_code run_round(struct messages *messages, uint32_t round)
{
    struct speed *speed = messages->speed;
    enum exit_code code = EXIT_DONE;
    for (uint32_t i = 0; code == EXIT_DONE && i < LOOPS; i++) {
        enum loop loop = (enum loop)((round + i) % LOOPS);
        double *per_s = &messages->per_s[loop][round];
        if (loop != LOOP_RAW) {
            code = run_engine(messages, loop, per_s);
            continue;
        }
        *per_s = raw_loop_run(speed->world->group, &speed->clock, speed->options->seconds);
        speed->raw_per_s = fmax(speed->raw_per_s, *per_s);
    }
    return code;
}

static void add_ratio(struct messages *messages, const char *key, enum loop loop, enum loop base)
{
    uint32_t rounds = messages->speed->options->rounds;
    double samples[FIGURE_SAMPLES_MAX];
    for (uint32_t round = 0; round < rounds; round++)
        samples[round] = messages->per_s[loop][round] / messages->per_s[base][round];
    figures_add(&messages->speed->figures, key, samples, rounds);
}

/* What a message takes longer. All pairs together have that many messages in a second, each pair
 * its share of them. */
static void add_cost(struct messages *messages, const char *key, enum loop loop, enum loop base)
{
    uint32_t rounds = messages->speed->options->rounds, pairs = messages->speed->world->ranks / 2;
    double samples[FIGURE_SAMPLES_MAX];
    for (uint32_t round = 0; round < rounds; round++)
        samples[round] = 1e9 * (double)pairs *
                         (1 / messages->per_s[loop][round] - 1 / messages->per_s[base][round]);
    figures_add(&messages->speed->figures, key, samples, rounds);
}

static void add_figures(struct messages *messages)
{
    static const char *const keys[LOOPS] = {"raw_messages_per_s", "engine_messages_per_s",
                                            "observed_messages_per_s", "trace_messages_per_s",
                                            "badges_messages_per_s"};
    double lost = (double)messages->lost;
    add_ratio(messages, "ratio_engine_to_raw", LOOP_ENGINE, LOOP_RAW);
    add_ratio(messages, "ratio_observed_to_raw", LOOP_OBSERVED, LOOP_RAW);
    add_ratio(messages, "ratio_observed_to_engine", LOOP_OBSERVED, LOOP_ENGINE);
    add_ratio(messages, "ratio_trace_to_observed", LOOP_TRACED, LOOP_OBSERVED);
    add_ratio(messages, "ratio_badges_to_observed", LOOP_BADGES, LOOP_OBSERVED);
    add_cost(messages, "engine_adds_ns", LOOP_ENGINE, LOOP_RAW);
    add_cost(messages, "observer_adds_ns", LOOP_OBSERVED, LOOP_ENGINE);
    add_cost(messages, "trace_adds_ns", LOOP_TRACED, LOOP_OBSERVED);
    add_cost(messages, "badge_adds_ns", LOOP_BADGES, LOOP_OBSERVED);
    for (int loop = 0; loop < LOOPS; loop++)
        figures_add(&messages->speed->figures, keys[loop], messages->per_s[loop],
                    messages->speed->options->rounds);
    figures_add(&messages->speed->figures, "not_recorded", &lost, 1);
}

/* How long ago a message was stamped when it is taken, at saturation: what one stamp for several
 * puts on its time. Takes a clock reading for each, so it stands apart. */
static enum exit_code measure_ages(struct speed *speed)
{
    struct counter counter;
    struct failure failure = {0};
    struct activity *activity = new_activity(speed, LOOP_ENGINE);
    if (!counter_open(&counter, room(speed)) || activity == NULL)
        (void)failure_set(&failure, EXIT_INTERNAL, "no memory for one activity");
    enum exit_code code = world_agree(speed->world, &failure);
    if (code == EXIT_DONE) {
        assert(activity != NULL);
        counter.ages = true;
        counter.clock = &speed->clock;
        activity->counter = &counter;
        code = activity_run(speed, activity);
    }
    if (code == EXIT_DONE) {
        double median_s = counter_delay_quantile_s(&counter, 0.5);
        double high_s = counter_delay_quantile_s(&counter, 0.99);
        double median_us = 1e6 * world_max(speed->world, isnan(median_s) ? 0 : median_s);
        double high_us = 1e6 * world_max(speed->world, isnan(high_s) ? 0 : high_s);
        figures_add(&speed->figures, "stamp_age_median_us", &median_us, 1);
        figures_add(&speed->figures, "stamp_age_p99_us", &high_us, 1);
    }
    activity_free(activity);
    counter_close(&counter);
    return code;
}

enum exit_code speed_messages(struct speed *speed)
{
    struct messages *messages = calloc(1, sizeof *messages);
    struct failure failure = {0};
    if (messages == NULL)
        (void)failure_set(&failure, EXIT_INTERNAL, "no memory for the samples");
    enum exit_code code = world_agree(speed->world, &failure);
    if (code == EXIT_DONE) {
        assert(messages != NULL);
        messages->speed = speed;
        for (uint32_t round = 0; code == EXIT_DONE && round < speed->options->rounds; round++)
            code = run_round(messages, round);
        if (code == EXIT_DONE)
            add_figures(messages);
        if (code == EXIT_DONE)
            code = measure_ages(speed);
    }
    free(messages);
    return code;
}
