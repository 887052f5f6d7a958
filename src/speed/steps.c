#include "speed/speed.h"

#include "clock/sync.h"
#include "patience.h"
#include "record/spool.h"
#include "touch.h"
#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = 1 << 17, VALUES = 1 << 10, NODES = 2 };

/* As much room as a slot of the spool takes, for the plain copy. */
struct copy_slot {
    struct badge badge;
    unsigned char rest[32];
};

struct steps {
    struct speed *speed;
    struct spool *spool;
    struct observer *observer;
    struct trace *trace;
    struct histogram histogram;
    struct copy_slot *copies; /* [CALLS] */
    struct badge badge;
    struct clock_model model;
    double delays_s[VALUES]; /* over three decades, evenly by their logarithm */
    double sum;              /* of what was computed: nothing may be left out as unused */
};

/* ---- what is measured: CALLS times each ---- */

static void read_clock(struct steps *steps)
{
    const struct clock_source *clock = &steps->speed->clock;
    for (int i = 0; i < CALLS; i++)
        steps->sum += clock->now(clock->self).s;
}

static void make_global(struct steps *steps)
{
    for (int i = 0; i < CALLS; i++)
        steps->sum += clock_to_global(&steps->model, (struct local_time){steps->sum}).s;
}

static void count_in_histogram(struct steps *steps)
{
    for (int i = 0; i < CALLS; i++)
        histogram_add(&steps->histogram, steps->delays_s[i % VALUES]);
}

static void report(struct boundary boundary, enum measure measure, const double values[VALUES])
{
    struct boundary_event event = {
        .measure = measure, .phase = PHASE_WINDOW, .peer = 1, .at = {0.5}, .sent = {0.5}};
    for (int i = 0; i < CALLS; i++) {
        event.value = values == NULL ? 0 : values[i % VALUES];
        boundary_report(&boundary, &event);
    }
}

/* One context that has no histogram. */
static void check_corridor(struct steps *steps)
{
    report(observer_boundary(steps->observer), MEASURE_MISSING, NULL);
}

static void observe_message(struct steps *steps)
{
    struct boundary boundary = observer_boundary(steps->observer);
    report(boundary, MEASURE_DELAY_S, steps->delays_s);
    report(boundary, MEASURE_MISSING, NULL);
    report(boundary, MEASURE_VERSION_GAP, NULL);
}

static void trace_event(struct steps *steps)
{
    struct boundary nobody = {boundary_ignore, NULL};
    report(trace_boundary(steps->trace, nobody), MEASURE_VERSION_GAP, steps->delays_s);
}

static void commit_badges(struct steps *steps)
{
    struct badge_sink sink = spool_sink(steps->spool);
    for (uint64_t i = 0; i < CALLS; i++) {
        steps->badge.sequence = i;
        sink.episode_opened(sink.self, i, &steps->badge);
    }
}

static void commit_ends(struct steps *steps)
{
    struct badge_sink sink = spool_sink(steps->spool);
    struct badge_end end = {1, 2};
    for (uint64_t i = 0; i < CALLS; i++)
        sink.episode_closed(sink.self, i, &end);
}

static void copy_badges(struct steps *steps)
{
    for (uint64_t i = 0; i < CALLS; i++) {
        steps->badge.sequence = i;
        memcpy(&steps->copies[i].badge, &steps->badge, sizeof steps->badge);
    }
    steps->sum += steps->copies[CALLS - 1].badge.time_s;
}

static const struct step {
    const char *key;
    void (*run)(struct steps *steps);
} steps_table[] = {
    {"clock_ns", read_clock},
    {"clock_to_global_ns", make_global},
    {"histogram_ns", count_in_histogram},
    {"corridor_check_ns", check_corridor},
    {"observe_message_ns", observe_message},
    {"trace_event_ns", trace_event},
    {"badge_commit_ns", commit_badges},
    {"badge_end_ns", commit_ends},
    {"badge_memcpy_ns", copy_badges},
};
enum { STEPS = sizeof steps_table / sizeof steps_table[0] };

/* ---- what they work on, new in each round ---- */

static void open_trace(struct steps *steps, struct failure *failure)
{
    struct trace_setup setup = {.capacity = CALLS};
    steps->trace = trace_create(&setup, failure);
    if (steps->trace != NULL)
        trace_set_window(steps->trace, (struct local_time){0}, (struct local_time){1});
}

static void open_spool(struct steps *steps, struct failure *failure)
{
    char path[SPOOL_PATH_BYTES];
    spool_path(steps->speed->spool_directory, 0, path);
    struct spool_setup setup = {.badges_max = CALLS, .path = path, .nodes = NODES};
    if (!spool_directory_make(steps->speed->spool_directory, true, failure))
        return;
    steps->spool = spool_open(&setup, failure);
    (void)unlink(path);
    spool_directory_leave(steps->speed->spool_directory);
}

static void open_observer(struct steps *steps, struct failure *failure)
{
    static const double pair_uncertainty_s[NODES];
    struct observer_setup setup = {.self = 0,
                                   .nodes = NODES,
                                   .corridor = &steps->speed->config.corridor,
                                   .pair_uncertainty_s = pair_uncertainty_s,
                                   .windows = 60,
                                   .sink = spool_sink(steps->spool)};
    for (int c = 0; c < CONTEXT_COUNT; c++)
        setup.contexts[c] = true;
    steps->observer = observer_create(&setup, failure);
    if (steps->observer != NULL)
        observer_set_window(steps->observer, (struct local_time){0}, (struct local_time){0},
                            (struct local_time){1});
}

static bool open_round(struct steps *steps, struct failure *failure)
{
    open_trace(steps, failure);
    open_spool(steps, failure);
    if (steps->spool == NULL)
        return false;
    open_observer(steps, failure);
    return failure->code == EXIT_DONE;
}

static void close_round(struct steps *steps)
{
    observer_free(steps->observer);
    trace_free(steps->trace);
    spool_close(steps->spool);
    steps->observer = NULL;
    steps->trace = NULL;
    steps->spool = NULL;
}

/* ---- rounds ---- */

static bool measure_rounds(struct steps *steps, double samples[][FIGURE_SAMPLES_MAX],
                           struct failure *failure)
{
    const struct clock_source *clock = &steps->speed->clock;
    for (uint32_t round = 0; round < steps->speed->options->rounds; round++) {
        bool is_open = open_round(steps, failure);
        for (int i = 0; is_open && i < STEPS; i++) {
            struct local_time before = clock->now(clock->self);
            steps_table[i].run(steps);
            double elapsed_s = local_elapsed_s(before, clock->now(clock->self));
            samples[i][round] = elapsed_s / CALLS * 1e9;
        }
        close_round(steps);
        if (!is_open)
            return false;
    }
    return true;
}

static void prepare_values(struct steps *steps)
{
    for (int i = 0; i < VALUES; i++)
        steps->delays_s[i] = 1e-6 * pow(1000, (double)(i * 389 % VALUES) / VALUES);
    steps->model = (struct clock_model){.rate = 1e-6};
}

static void measure(struct speed *speed, struct failure *failure)
{
    struct steps *steps = calloc(1, sizeof *steps);
    double(*samples)[FIGURE_SAMPLES_MAX] = calloc(STEPS, sizeof *samples);
    if (steps != NULL)
        steps->copies = calloc(CALLS, sizeof *steps->copies);
    if (samples == NULL || steps == NULL || steps->copies == NULL ||
        !histogram_init(&steps->histogram, HISTOGRAM_DELAY, 1e-3)) {
        (void)failure_set(failure, EXIT_INTERNAL, "no memory for the steps");
    } else {
        steps->speed = speed;
        touch_pages(steps->copies, CALLS * sizeof *steps->copies);
        prepare_values(steps);
        if (measure_rounds(steps, samples, failure))
            for (int i = 0; i < STEPS; i++)
                figures_add(&speed->figures, steps_table[i].key, samples[i],
                            speed->options->rounds);
        histogram_free(&steps->histogram);
    }
    if (steps != NULL)
        free(steps->copies);
    free(steps);
    free(samples);
}

enum exit_code speed_steps(struct speed *speed)
{
    struct failure failure = {0};
    patience_begin("measure single steps", 10, 0);
    if (speed->world->rank == 0)
        measure(speed, &failure);
    return world_agree(speed->world, &failure);
}
