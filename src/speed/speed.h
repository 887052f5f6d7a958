#ifndef MPIDRIFT_SPEED_H
#define MPIDRIFT_SPEED_H

#include "record/recorder.h"
#include "record/spool_directory.h"
#include "speed/figures.h"
#include "speed/options.h"
#include "watch.h"

/* What mpidrift-speed knows while it measures, the same on every rank but for the figures, which
 * are node 0's. All its parts are collective. */
struct speed {
    const struct world *world;
    const struct speed_options *options;
    struct clock_source clock; /* never sleeps */
    struct machine machine;
    struct config config;   /* the default, but for idling: a loop at saturation does not sleep */
    struct run_facts facts; /* of a run of the flood */
    char run_path[CONFIG_PATH_BYTES + 64];
    char spool_directory[SPOOL_PATH_BYTES];
    double raw_per_s; /* messages, fastest so far: what bounds the memory that a loop needs */
    struct figures figures;
};

/* The plainest way to count, the same whether somebody observes or not: each value in a row. */
struct counter {
    double *delays_s; /* [room] */
    double *lags;     /* [room] versions behind, of updates */
    size_t room;
    size_t delay_count;
    size_t lag_count;
    bool ages; /* of stamps instead of delays: how long ago the message was stamped */
    const struct clock_source *clock;
    struct boundary next;
};
bool counter_open(struct counter *counter, size_t room);
void counter_close(struct counter *counter);
struct boundary counter_boundary(struct counter *counter, struct boundary next);
/* NaN: nothing was counted. The values are sorted. */
double counter_delay_quantile_s(struct counter *counter, double quantile);
double counter_lag_quantile(struct counter *counter, double quantile);

/* One activity of the engine under a watch, as mpidrift does it. */
struct activity {
    struct config config;
    struct run_facts facts;
    uint64_t badges_max;
    const struct system_ops *ops;
    struct watch watch;
    struct watcher watcher;  /* the watch's; its spool has no name on the disk from its first day */
    struct counter *counter; /* counts in front of what watches; NULL: nothing does */
    struct pass pass;
};
/* `observe`, `trace`, duration and so on are taken from the config. */
struct activity *activity_new(const struct speed *speed, const struct system_ops *ops);
enum exit_code activity_run(const struct speed *speed, struct activity *activity);
/* After a run: gather, run file, verification, and how long that took; the file does not stay. */
enum exit_code activity_record(const struct speed *speed, struct activity *activity,
                               double *seconds);
void activity_free(struct activity *activity);

/* Messages per second through raw loop and engine; what each further thing adds. */
enum exit_code speed_messages(struct speed *speed);
/* What single steps cost: clock, histogram, corridor, trace, badge. Node 0 works, the others sleep.
 */
enum exit_code speed_steps(struct speed *speed);
/* Gather and verified run file against writing and syncing the same bytes. */
enum exit_code speed_file(struct speed *speed);
/* A run of the lab with and without observer: what observing does to what is observed. */
enum exit_code speed_quiet(struct speed *speed);
/* Start, synchronisation, drain, gather and file of one run of the lab, and its memory. */
enum exit_code speed_phases(struct speed *speed);

#endif
