#include "speed/speed.h"

#include "record/spool.h"
#include "world.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double DURATION_S = 1, WARMUP_S = 0.5;
enum { PHASE_ROUNDS_MAX = 3 };

enum phase {
    PHASE_OPEN,
    PHASE_SYNC,
    PHASE_DRAIN,
    PHASE_RECORD,
    PHASE_OWN_KIB,
    PHASE_PROCESS_KIB,
    PHASES
};
static const char *const phase_keys[PHASES] = {
    "open_s", "sync_s", "drain_s", "record_s", "own_kib_per_node", "process_kib_per_node"};

/* Memory that this process has for itself, shared pages left out: Pss would do, but is slow to
 * tell. NaN: the kernel does not say. */
static double private_kib(void)
{
    char line[128];
    double kib = (double)NAN;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL)
        return kib;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtod(line + 8, NULL);
    (void)fclose(file);
    return kib;
}

/* What observer, trace and spool take; the send pool and the mailbox besides. */
static double own_kib(const struct activity *activity)
{
    return (double)spool_bytes(activity->watch.spool) / 1024;
}

static enum exit_code run_phases(const struct speed *speed, struct activity *activity,
                                 double values[PHASES])
{
    enum exit_code code = activity_run(speed, activity);
    if (code != EXIT_DONE)
        return code;
    values[PHASE_OPEN] = activity->pass.open_wall_s;
    values[PHASE_SYNC] = activity->pass.clocks.wall_s / activity->pass.clocks.rounds;
    values[PHASE_DRAIN] = activity->pass.drain_wall_s;
    values[PHASE_OWN_KIB] = own_kib(activity);
    values[PHASE_PROCESS_KIB] = private_kib();
    return activity_record(speed, activity, &values[PHASE_RECORD]);
}

static enum exit_code run_once(const struct speed *speed, double values[PHASES])
{
    struct failure failure = {0};
    struct activity *activity = activity_new(speed, system_find("replication"));
    if (activity == NULL)
        (void)failure_set(&failure, EXIT_INTERNAL, "no memory for one activity");
    enum exit_code code = world_agree(speed->world, &failure);
    if (code == EXIT_DONE) {
        assert(activity != NULL);
        activity->config.duration_s = DURATION_S;
        activity->config.warmup_s = WARMUP_S;
        activity->config.idle = IDLE_SLEEP;
        activity->config.trace = true;
        activity->facts.trace_capacity =
            watch_trace_capacity(&activity->config, speed->world->ranks);
        code = run_phases(speed, activity, values);
    }
    activity_free(activity);
    for (int phase = 0; code == EXIT_DONE && phase < PHASES; phase++)
        values[phase] = world_max(speed->world, values[phase]);
    return code;
}

enum exit_code speed_phases(struct speed *speed)
{
    double samples[PHASES][PHASE_ROUNDS_MAX], values[PHASES];
    uint32_t wanted = speed->options->rounds;
    uint32_t rounds = wanted < PHASE_ROUNDS_MAX ? wanted : PHASE_ROUNDS_MAX;
    enum exit_code code = EXIT_DONE;
    for (uint32_t round = 0; code == EXIT_DONE && round < rounds; round++) {
        code = run_once(speed, values);
        for (int phase = 0; code == EXIT_DONE && phase < PHASES; phase++)
            samples[phase][round] = values[phase];
    }
    double peer_bytes = (double)pass_peer_bytes();
    if (code == EXIT_DONE)
        figures_add(&speed->figures, "own_bytes_per_peer", &peer_bytes, 1);
    for (int phase = 0; code == EXIT_DONE && phase < PHASES; phase++)
        figures_add(&speed->figures, phase_keys[phase], samples[phase], rounds);
    return code;
}
