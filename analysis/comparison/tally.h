#ifndef MPIDRIFT_TALLY_H
#define MPIDRIFT_TALLY_H

#include "analysis/comparison/episode_stream.h"

/* One pass over a run's badges: what can be counted from single episodes only. Memory grows with
 * the nodes, not with the badges. Badges below the clocks' resolution are left out of everything
 * here and counted apart. */

/* Every verdict stands twice: with all badges, and without those whose observer stalled itself. */
enum variant { WITH_STALLED, WITHOUT_STALLED, VARIANT_COUNT };

/* A row per context, and one for all of them together. */
enum { ALL_CONTEXTS = CONTEXT_COUNT, CONTEXT_ROWS };

enum { TALLY_WINDOWS = 60 };

/* Episodes that follow within this time of the one before are one train. */
#define TRAIN_GAP_S 0.1

struct tally_row {
    uint64_t episodes;
    uint64_t trains;
    double at_risk_s; /* time in which a new train could begin */
    double first_s;   /* first drift since the node's window opened; NaN: none */
    uint32_t first_node;
    double outside_system_s; /* some node outside: union over the nodes, on the global clock */
    double outside_node_s;   /* summed over the nodes: time with at least one stream outside */
    uint64_t windows[TALLY_WINDOWS];
    uint32_t *node_windows; /* [nodes][TALLY_WINDOWS], by observer */
};

struct tally {
    struct tally_row rows[VARIANT_COUNT][CONTEXT_ROWS];
    uint64_t below_clock[CONTEXT_ROWS]; /* left out: the limit is finer than the clocks */
    uint64_t self_stalled[CONTEXT_ROWS];
    uint64_t late; /* badges out of order beyond the look-ahead */
    uint32_t *node_counts;
};

/* Windows are `window_s` long. `already` [nodes][CONTEXT_ROWS]: until when a node was outside since
 * its window opened, 0 where it was not. Every episode goes on to `also`, too. False after filling
 * in `failure`. */
bool tally_run(struct tally *tally, struct run_reader *reader, double window_s,
               const double *already, struct episode_sink also, struct failure *failure);
void tally_free(struct tally *tally);

#endif
