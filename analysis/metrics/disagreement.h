#ifndef MPIDRIFT_METRICS_DISAGREEMENT_H
#define MPIDRIFT_METRICS_DISAGREEMENT_H

#include <stdint.h>

/* How often nodes that judge by what they have heard come to different results, if what each hears
 * is independent. All are shares in [0, 1] and 0 at one node. */

/* At a moment not all nodes believe in the same leader, each peer being suspected with this
 * probability: every follower must trust the lowest rank. */
double split_views_share(uint32_t nodes, double suspected);

/* At a moment two nodes believe in themselves: some node suspects all below it. Hardly depends on
 * the number of nodes, because rank i does so with probability suspected^i. */
double dual_leaders_share(uint32_t nodes, double suspected);

/* In a round of fair bits two nodes decide differently: each takes the majority of its own bit and
 * of those that came in time, each with this probability; ties are 0. Sum over the number of ones,
 * exact. */
double majority_disagrees_share(uint32_t nodes, double in_time);

#endif
