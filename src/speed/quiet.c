#include "speed/speed.h"

#include "world.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>

static const double DURATION_S = 1, WARMUP_S = 0.3, HIGH = 0.99;
/* Of values that a node counts: many times what the default load brings to 64 nodes. */
enum { ROOM = 1 << 16 };

/* Means over the nodes. */
enum quantity { DELAY_MEDIAN, DELAY_HIGH, LAG_MEAN, LAG_HIGH, CPU, SWITCHES, QUANTITIES };
static const struct {
    const char *off;
    const char *on;
    const char *difference; /* on less off, within a round */
} keys[QUANTITIES] = {
    {"delay_median_us_off", "delay_median_us_on", "delay_median_us_difference"},
    {"delay_p99_us_off", "delay_p99_us_on", "delay_p99_us_difference"},
    {"lag_mean_off", "lag_mean_on", "lag_mean_difference"},
    {"lag_p99_off", "lag_p99_on", "lag_p99_difference"},
    {"cpu_ms_per_s_off", "cpu_ms_per_s_on", "cpu_ms_per_s_difference"},
    {"switches_per_s_off", "switches_per_s_on", "switches_per_s_difference"},
};

struct quiet {
    double values[2][QUANTITIES][FIGURE_SAMPLES_MAX]; /* [observed] */
};

static double switches(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return (double)NAN;
    return (double)usage.ru_nvcsw + (double)usage.ru_nivcsw;
}

static double mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count > 0 ? sum / (double)count : (double)NAN;
}

static enum exit_code run_activity(const struct speed *speed, struct activity *activity,
                                   double values[QUANTITIES])
{
    struct counter *counter = activity->counter;
    double length_s = WARMUP_S + DURATION_S, before = switches();
    enum exit_code code = activity_run(speed, activity);
    if (code != EXIT_DONE)
        return code;
    values[DELAY_MEDIAN] = counter_delay_quantile_s(counter, 0.5) * 1e6;
    values[DELAY_HIGH] = counter_delay_quantile_s(counter, HIGH) * 1e6;
    values[LAG_MEAN] = mean(counter->lags, counter->lag_count);
    values[LAG_HIGH] = counter_lag_quantile(counter, HIGH);
    values[CPU] = activity->pass.usage.cpu_s / length_s * 1e3;
    values[SWITCHES] = (switches() - before) / length_s;
    for (int i = 0; i < QUANTITIES; i++)
        values[i] = world_sum(speed->world, values[i]) / speed->world->ranks;
    return code;
}

static enum exit_code run_once(const struct speed *speed, bool observed, double values[QUANTITIES])
{
    struct counter counter;
    struct failure failure = {0};
    struct activity *activity = activity_new(speed, system_find("replication"));
    if (!counter_open(&counter, ROOM) || activity == NULL)
        (void)failure_set(&failure, EXIT_INTERNAL, "no memory for one activity");
    enum exit_code code = world_agree(speed->world, &failure);
    if (code == EXIT_DONE) {
        assert(activity != NULL);
        struct config *config = &activity->config;
        config->duration_s = DURATION_S;
        config->warmup_s = WARMUP_S;
        config->idle = IDLE_SLEEP;
        config->observe = observed;
        config->trace = true;
        activity->facts.trace_capacity = watch_trace_capacity(config, speed->world->ranks);
        activity->counter = &counter;
        code = run_activity(speed, activity, values);
    }
    activity_free(activity);
    counter_close(&counter);
    return code;
}

static void add_figures(struct speed *speed, struct quiet *quiet)
{
    uint32_t rounds = speed->options->rounds;
    for (int i = 0; i < QUANTITIES; i++) {
        double difference[FIGURE_SAMPLES_MAX];
        for (uint32_t round = 0; round < rounds; round++)
            difference[round] = quiet->values[1][i][round] - quiet->values[0][i][round];
        figures_add(&speed->figures, keys[i].off, quiet->values[0][i], rounds);
        figures_add(&speed->figures, keys[i].on, quiet->values[1][i], rounds);
        figures_add(&speed->figures, keys[i].difference, difference, rounds);
    }
}

/* On first in every second round. */
static enum exit_code run_rounds(const struct speed *speed, struct quiet *quiet)
{
    enum exit_code code = EXIT_DONE;
    for (uint32_t round = 0; code == EXIT_DONE && round < speed->options->rounds; round++)
        for (uint32_t turn = 0; code == EXIT_DONE && turn < 2; turn++) {
            uint32_t observed = (round + turn) % 2;
            double values[QUANTITIES];
            code = run_once(speed, observed == 1, values);
            for (int i = 0; code == EXIT_DONE && i < QUANTITIES; i++)
                quiet->values[observed][i][round] = values[i];
        }
    return code;
}

enum exit_code speed_quiet(struct speed *speed)
{
    struct failure failure = {0};
    struct quiet *quiet = calloc(1, sizeof *quiet);
    if (quiet == NULL)
        (void)failure_set(&failure, EXIT_INTERNAL, "no memory for the samples");
    enum exit_code code = world_agree(speed->world, &failure);
    if (code == EXIT_DONE) {
        assert(quiet != NULL);
        code = run_rounds(speed, quiet);
        if (code == EXIT_DONE)
            add_figures(speed, quiet);
    }
    free(quiet);
    return code;
}
