#ifndef MPIDRIFT_PERTURB_H
#define MPIDRIFT_PERTURB_H

#include "clock/clock.h"
#include "net/net.h"

#include <signal.h>

/* Declared conditions of an experiment: what the network, the nodes' loops and their clocks shall
 * do besides what they do by themselves. Off by default; the layer is then not there at all.
 *
 * A condition is one line of words, KIND KEY=VALUE …:
 *
 *   delay link=FROM>TO [constant_us=X] [exponential_us=X] [WHEN]   X on top of nothing, a mean X
 *   loss  link=FROM>TO share=P [WHEN]                              each message with probability P
 *   stall node=NODE [WHEN]                                         its loop stands still
 *   clock node=NODE [offset_us=X] [rate_ppm=X] [WHEN]              its stamps are off
 *
 * FROM, TO, NODE: a name (A or node_A), an index (0), * for every node, even or odd for every
 * second one. Nodes are counted within the group, so that each group of a control is the same
 * system under the same conditions; a link leads from one node to another, so *>* has no loops.
 * WHEN: [from_s=T] [until_s=T | for_s=T], seconds since T0, from_s <= t < until_s; without it the
 * whole activity, warm-up and drain included. Conditions add up. Nodes that a run does not have are
 * passed over.
 *
 * A message belongs to the moment of its send stamp. Its declared delay counts from that stamp: the
 * receiver lets it go at max(release of the one before on its link, sent + delay), in true time, or
 * when it arrives if the real network is slower. So the delay has the declared law, with nothing of
 * the machine's on top, and needs no timer at the sender. It is taken at the first poll after that:
 * a release wakes nobody, as no arrival does on the real network. A lost message is sent and
 * received by MPI, too, and dropped here: a sender's work does not depend on what becomes of it.
 * Each number belongs to (seed, condition, link, sequence number) alone, so the fate of a message
 * depends neither on how messages interleave nor on what the others meet.
 *
 * MESSAGE_END is of no system and keeps the order of its link, but nothing is declared for it: a
 * run that is told to end ends.
 *
 * A stalled node neither acts nor polls, and its turn comes when the stall is over, at the latest
 * with the end of the activity or when the node is told to stop. A perturbed clock shows t + offset
 * + rate × (t - from_s), from T0 where from_s is not given; plan, window and the wire stay true,
 * only what system and observer see is changed. */

enum condition_kind {
    CONDITION_DELAY,
    CONDITION_LOSS,
    CONDITION_STALL,
    CONDITION_CLOCK,
    CONDITION_KINDS
};

enum node_choice { NODE_EVERY, NODE_EVEN, NODE_ODD, NODE_ONE };

struct node_set {
    enum node_choice choice;
    uint32_t node; /* of NODE_ONE, within the group */
};

struct condition {
    enum condition_kind kind;
    struct node_set from; /* of a stall or a clock: the node */
    struct node_set to;   /* of a link */
    double from_s;        /* since T0; -INFINITY: always was */
    double until_s;       /* INFINITY: to the end */
    double constant_us;
    double exponential_us; /* mean */
    double share;
    double offset_us;
    double rate_ppm;
};

enum { CONDITIONS_MAX = 32 };

/* All that is declared for a run. Holds no pointers: it is broadcast whole. */
struct perturbation {
    struct condition conditions[CONDITIONS_MAX];
    uint32_t count;
};

/* Can it ever hold among that many nodes? */
bool condition_applies(const struct condition *condition, uint32_t nodes);

/* What a message meets. */
struct fate {
    bool lost;
    double delay_s;
};
struct fate perturbation_fate(const struct perturbation *perturbation, uint64_t seed, uint32_t from,
                              uint32_t to, uint64_t sequence, double sent_since_t0_s);

/* ---- the layer of one node ---- */

struct perturb;

struct perturb_setup {
    const struct perturbation *perturbation; /* outlives the layer */
    struct mailbox *mailbox;     /* open; the layer puts itself between it and its carrier */
    struct clock_source clock;   /* the node's */
    struct clock_source sleeper; /* how it stands still in a stall, whatever it does when idle */
    uint64_t seed;               /* the same on all nodes of a system */
    uint32_t held_per_link_max;  /* all links share at most PERTURB_HELD_MAX */
    const volatile sig_atomic_t *stop; /* not 0: told to stop; NULL: never */
};
enum { PERTURB_HELD_MAX = 65536 };

/* NULL after filling in `failure` when memory is short. All memory is taken here. */
struct perturb *perturb_open(const struct perturb_setup *setup, struct failure *failure);
/* After mailbox_close. */
void perturb_close(struct perturb *perturb);

/* The plan is known: T0 and the last activity. Before the first message. The model must outlive
 * the drain. */
void perturb_begin(struct perturb *perturb, const struct clock_model *model,
                   struct global_time begin, struct global_time end);

/* After perturb_begin: the node's clock, waiting through the node's stalls. */
struct clock_source perturb_clock(struct perturb *perturb);
/* When a turn that is due at that moment comes: then, or at the end of a stall. */
struct local_time perturb_awake(const struct perturb *perturb, struct local_time due);

/* How the declared clocks of the nodes show a moment; { NULL } where no clock is perturbed. */
struct clock_view perturb_view(const struct perturb *perturb);

#endif
