#ifndef MPIDRIFT_PASS_CLOCKS_H
#define MPIDRIFT_PASS_CLOCKS_H

#include "config.h"

struct world;
struct clock_peer;
struct clock_star;

/* The clocks of one pass: what is known of them before the window, how far each pair can be apart
 * when it ends, and whether they kept to it. */

enum link_class { LINK_SAME_HOST, LINK_CROSS_HOST, LINK_CLASSES };

/* Of the directed pairs that watch each other: this rank's, or summed up those of all. */
struct pair_clocks {
    double pairs[LINK_CLASSES];
    double below[LINK_CLASSES]; /* whose delay limit is finer than their uncertainty */
    double uncertainty_max_s[LINK_CLASSES];
    double domains;      /* clocks that are not proven to be one with another rank's */
    double contradicted; /* nodes */
};

struct pass_clocks {
    const struct world *world;
    const struct config *config;
    struct clock_source clock; /* sleeps while it waits */
    struct clock_star *star;
    struct clock_sync sync[CLOCK_SYNCS];
    bool has_second;
    bool is_checked;            /* there is one after the window … */
    bool has_jumped;            /* … and it lies outside what the model admits */
    struct clock_model model;   /* inside the window */
    struct clock_model record;  /* afterwards: the same, refined by the last synchronisation */
    uint32_t host;              /* lowest rank on this rank's host */
    struct clock_peer *peers;   /* [nodes] of the group */
    double *pair_uncertainty_s; /* [nodes] at the end of the window; of itself: 0 */
    double own_uncertainty_s;   /* of this clock against node 0's, at that moment */
    struct pair_clocks pairs;
    double wall_s; /* all synchronisations, without the gap between them */
    uint32_t rounds;
};

/* What they keep for each peer. */
size_t pass_clocks_peer_bytes(void);

/* Collective, like all but one that follow. Ends all ranks when memory is short. */
void pass_clocks_open(struct pass_clocks *clocks, const struct world *world,
                      const struct config *config);
/* Synchronise once, and a second time config.sync_gap_s later if not all clocks are proven to be
 * one. */
void pass_clocks_before(struct pass_clocks *clocks);
/* Fill in what depends on the end of the window. Not collective; may be called again. */
void pass_clocks_weigh(struct pass_clocks *clocks, struct global_time end);
/* Collective: make `pairs` speak of all ranks. Once after each pass_clocks_weigh. */
void pass_clocks_sum_up(struct pass_clocks *clocks);
/* Synchronise again, and check and refine the model. */
void pass_clocks_after(struct pass_clocks *clocks);
void pass_clocks_close(struct pass_clocks *clocks);

#endif
