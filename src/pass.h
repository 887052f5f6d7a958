#ifndef MPIDRIFT_PASS_H
#define MPIDRIFT_PASS_H

#include "config.h"
#include "engine.h"
#include "machine.h"
#include "pass_clocks.h"

struct pass;

/* Who watches a pass. The engine reports to `boundary`; the other calls frame it. */
struct watcher {
    /* Take all memory. [nodes] uncertainties between this node's clock and each peer's, at the end
     * of the window. */
    bool (*prepare)(void *self, const double *pair_uncertainty_s, bool clock_suspect,
                    struct failure *failure);
    /* The window is agreed on; activity has not begun. */
    void (*window)(void *self, const struct pass *pass);
    struct boundary (*boundary)(void *self);
    /* The drain is over. */
    void (*finish)(void *self);
    void *self;
};

/* Watches nothing: --observe off. */
extern const struct watcher watcher_none;

struct pass_setup {
    const struct world *world;
    const struct config *config;
    double duration_s;
    double rate_per_s;            /* of this node */
    const struct system_ops *ops; /* NULL: the config's */
    struct watcher watcher;
    const volatile sig_atomic_t *stop; /* not 0: end the window now; NULL: never */
    /* Called on node 0 before the activity, with the clocks of all pairs. NULL: not. */
    void (*tell_clocks)(const void *teller, const struct pass_clocks *clocks);
    const void *teller;
};

/* What a pass leaves behind on each node. */
struct pass {
    struct pass_clocks clocks;
    struct run_plan plan;
    struct local_time begin; /* this node's window, by the model that stood before it */
    struct local_time end;   /* as planned, afterwards as it was */
    double begin_utc_s;      /* the same begin in the calendar */
    double late_start_s;
    double open_wall_s;         /* how long it took to open the network, and … */
    double drain_wall_s;        /* … from the end of the window until all had arrived */
    struct machine_usage usage; /* of the activity, warm-up included */
    struct link_totals links;
    uint64_t in_flight;    /* announced by peers, not received when the drain ended */
    uint64_t links_wrong;  /* whose books do not add up */
    uint64_t state_digest; /* 0: the system has no final state */
    const struct system_ops *ops;
    struct system *system; /* at rest; owned. Only its rows may still be asked for */
};

/* Memory of its own that a node takes for each further peer: books of links, clocks, and what the
 * observer counts; without the pool of sends, which has a bound, and without MPI's. */
size_t pass_peer_bytes(void);

/* One activity from clocks to clocks: synchronise, agree on T0, run, drain, synchronise.
 * Collective. The same exit code on every rank; EXIT_DONE: `pass` is filled in. */
enum exit_code pass_run(struct pass *pass, const struct pass_setup *setup);
/* Also after a pass that failed. */
void pass_close(struct pass *pass);

#endif
