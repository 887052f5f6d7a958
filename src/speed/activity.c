#include "speed/speed.h"

#include "clock/sync.h"
#include "patience.h"
#include "signals.h"
#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* The spool is a file, as always, but its name goes at once: whatever happens, none is left. */
static bool prepare(void *self, const double *pair_uncertainty_s, bool clock_suspect,
                    struct failure *failure)
{
    struct activity *activity = self;
    struct watch *watch = &activity->watch;
    char path[SPOOL_PATH_BYTES];
    struct watcher watcher = watch_watcher(watch);
    bool prepared = watcher.prepare(watcher.self, pair_uncertainty_s, clock_suspect, failure);
    spool_path(watch->setup.spool_directory, watch->setup.world->rank, path);
    (void)unlink(path);
    signals_clear_rescue();
    return prepared;
}

static void window(void *self, const struct pass *pass)
{
    struct activity *activity = self;
    struct watcher watcher = watch_watcher(&activity->watch);
    watcher.window(watcher.self, pass);
}

static struct boundary boundary(void *self)
{
    struct activity *activity = self;
    struct watcher watcher = watch_watcher(&activity->watch);
    struct boundary observed = watcher.boundary(watcher.self);
    return activity->counter == NULL ? observed : counter_boundary(activity->counter, observed);
}

static void finish(void *self)
{
    struct activity *activity = self;
    struct watcher watcher = watch_watcher(&activity->watch);
    watcher.finish(watcher.self);
}

struct activity *activity_new(const struct speed *speed, const struct system_ops *ops)
{
    struct activity *activity = calloc(1, sizeof *activity);
    if (activity == NULL)
        return NULL;
    activity->config = speed->config;
    activity->facts = speed->facts;
    activity->ops = ops;
    activity->config.trace = false;
    return activity;
}

/* What the facts say of a run follows from its config. */
static void settle(const struct speed *speed, struct activity *activity)
{
    const struct config *config = &activity->config;
    activity->facts.duration_s = config->duration_s;
    activity->facts.windows = run_windows_of(config->duration_s);
    activity->facts.is_observed = config->observe;
    activity->facts.has_trace = config->trace;
    activity->facts.has_final_state = activity->ops->digest != NULL;
    if (!config->trace)
        activity->facts.trace_capacity = 0;
    activity->watch.setup = (struct watch_setup){.world = speed->world,
                                                 .config = config,
                                                 .run = &activity->facts,
                                                 .machine = &speed->machine,
                                                 .spool_directory = speed->spool_directory,
                                                 .run_path = speed->run_path,
                                                 .badges_max = activity->badges_max};
    activity->watcher = (struct watcher){prepare, window, boundary, finish, activity};
}

enum exit_code activity_run(const struct speed *speed, struct activity *activity)
{
    struct failure failure = {0};
    settle(speed, activity);
    if (speed->world->rank == 0)
        (void)spool_directory_make(speed->spool_directory, true, &failure);
    enum exit_code code = world_agree(speed->world, &failure);
    if (code != EXIT_DONE)
        return code;
    struct pass_setup setup = {
        .world = speed->world,
        .config = &activity->config,
        .duration_s = activity->config.duration_s,
        .rate_per_s = config_node_rate_per_s(&activity->config, speed->world->nodes),
        .ops = activity->ops,
        .watcher = activity->watcher,
    };
    code = pass_run(&activity->pass, &setup);
    spool_directory_leave(speed->spool_directory);
    return code;
}

enum exit_code activity_record(const struct speed *speed, struct activity *activity,
                               double *seconds)
{
    struct run_summary summary;
    struct node_view view = watch_conclude(&activity->watch, &activity->pass);
    struct record_setup setup = {.world = speed->world,
                                 .view = &view,
                                 .pass = &activity->pass,
                                 .ops = activity->ops,
                                 .path = speed->run_path};
    patience_begin("begin to record", 1, 0);
    sleeping_barrier(speed->world->comm);
    struct local_time before = speed->clock.now(speed->clock.self);
    enum exit_code code = record_run(&setup, &summary);
    *seconds = local_elapsed_s(before, speed->clock.now(speed->clock.self));
    if (speed->world->rank == 0)
        (void)unlink(speed->run_path);
    return code;
}

void activity_free(struct activity *activity)
{
    if (activity == NULL)
        return;
    pass_close(&activity->pass);
    watch_close(&activity->watch);
    free(activity);
}
