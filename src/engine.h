#ifndef MPIDRIFT_ENGINE_H
#define MPIDRIFT_ENGINE_H

#include "clock/clock.h"
#include "system/system.h"

#include <signal.h>

/* The loop of one node: it does what is due at its due time on the state as it is, polls its inbox
 * every idle_s, and reports at its boundaries. It knows neither MPI nor the observer. */

/* One plan for all nodes, in global time; each node meets it on its own clock. */
struct run_plan {
    struct global_time start; /* first activity: T0 - warm-up */
    struct global_time begin; /* T0: the window opens */
    struct global_time end;   /* last activity */
};

/* The clock is not read for each message; on the machines at hand that takes as long as a quarter
 * of a message. What one look at the network found gets one stamp, taken after it, so that no
 * message is stamped before it was there. And a burst of actions that are due at once, as after a
 * stall, gets one stamp for at most this many messages: fewer than one write sends to many nodes
 * under one stamp. A loop that finds one message at a time, or has one action due, stamps each. */
enum { ENGINE_STAMP_SENDS_MAX = 8 };

struct engine_setup {
    const struct clock_source *clock;
    const struct clock_model *model; /* as known before the window */
    struct mailbox *mailbox;
    const struct boundary *boundary;
    const struct system_ops *ops;
    struct system *system;
    struct run_plan plan;
    double heartbeat_s;
    double heartbeat_phase_s; /* of the first one, after start */
    double idle_s;
    /* Not 0: end the window now. The other nodes learn of it by this node's last message and end
     * theirs; nothing is agreed on while anybody watches. NULL: never. */
    const volatile sig_atomic_t *stop;
    struct clock_view view; /* how system and observer see stamps; the plan goes by the true ones */
};

struct engine {
    struct engine_setup setup;
    struct local_time end;
    struct local_time heartbeat_due;
    struct local_time poll_due;
    struct local_time last_alive; /* last time that the loop read the clock */
    uint64_t attempted;           /* messages, until then */
    double stall_min_s;
    bool has_heard_end; /* of another node's window */
};

void engine_init(struct engine *engine, const struct engine_setup *setup);

/* One turn: what is due, then the inbox if its poll is due. Returns when the next turn is due. */
struct local_time engine_step(struct engine *engine);

/* The end is past and all that was due before it has been done. */
bool engine_finished(const struct engine *engine);

/* Turn after turn until finished. */
void engine_run(struct engine *engine);

/* Empty the inbox; for the drain. */
void engine_drain(struct engine *engine);

#endif
