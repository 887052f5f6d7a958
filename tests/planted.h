#ifndef MPIDRIFT_PLANTED_H
#define MPIDRIFT_PLANTED_H

#include "fake_run.h"
#include "oracle.h"

/* Networks with planted faults, and the judgement of a run against the oracle. */

/* Delays, losses and silences at stated shares, drawn anew for each message from its own numbers,
 * so that the plan is the same however the messages interleave. */
struct planted_net {
    uint32_t seed;
    double delay_s;    /* constant part */
    double jitter_s;   /* mean of the exponential part */
    double late_share; /* of messages that get late_s besides */
    double late_s;
    double loss_share;    /* of messages that are lost, heartbeats excepted */
    double silence_share; /* of half seconds in which a link carries no heartbeat */
};
double planted_delay(void *plan, uint32_t from, uint32_t to, const struct message *message,
                     double now_s);

/* A net that leads out of the corridor in every way, often. */
struct planted_net planted_wild_net(void);

/* A setup with limits that such faults exceed: delay 2 ms, heartbeats 50 ms, lag 1. */
struct fake_run_setup planted_setup(uint32_t nodes, uint32_t seed, struct planted_net *net);
/* Add conditions, in the words of perturb.h, to what the run's layer shall do. */
void planted_declare(struct fake_run_setup *setup, const char *conditions);

/* How badges and expectation differ: 0 when each expected badge is there once, with the right node,
 * peer, context, key, limit, entry, peak and end, and nothing else is. Prints the first
 * differences. `found` [CONTEXT_COUNT] is increased by the badges found. */
size_t planted_differences(const struct fake_run *run, uint64_t *found);

/* Badges of that context, by one node and by all. */
size_t planted_badges_of(const struct fake_run *run, uint32_t node, enum context context);
size_t planted_badges_in_run(const struct fake_run *run, enum context context);

/* Had node `to` taken or written what the update builds on before event `before` of the log? */
bool planted_had_base(const struct fake_event *log, size_t before, uint32_t to,
                      const struct message *update);
/* Causal badges of the node for updates whose base it had all the same, by the log alone. */
size_t planted_false_causal_badges(const struct fake_run *run, uint32_t node);

#endif
