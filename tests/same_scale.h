#ifndef MPIDRIFT_SAME_SCALE_H
#define MPIDRIFT_SAME_SCALE_H

#include "analysis/comparison/comparison.h"

/* The A/A control: runs made at one and the same node count are dealt into two groups, one group
 * stands in the column of two nodes, the other in that of N, and what the comparison then claims is
 * a false alarm. The runs are dealt at random, so the groups differ by chance alone, whatever the
 * machine did in the meantime. Comparisons are independent only if they share no runs.
 *
 * What counts as a claim is taken from the figures that the comparison prints, at the level that it
 * uses throughout, p <= .01:
 *
 *   First drift observed  the p beside "risk per observation" is at most .01: drift comes earlier
 *                         than exposure alone explains. That it comes later is claimed by nobody.
 *   Badge frequency       the exact rank statement, in either direction.
 *   Drift symmetry        both groups have a verdict that says something (symmetric, always node_X,
 *                         mostly node_X, another node each run) and it is not the same.
 *   Time sensitivity      the exact rank statement of a context's growth, in either direction.
 *
 * A row may hold several such statements (with and without self-stalled badges, one per context):
 * it claims a difference if any of them does, and they share the level, so that the smallest
 * two-sided p times their number is what is held against .01. A row is able to claim if a figure
 * that could have said so is known; a comparison without drift is able to claim nothing. */

struct same_scale_row {
    size_t able;
    size_t claimed;
};
struct same_scale {
    size_t comparisons;
    struct same_scale_row rows[ASPECTS_OF_THE_LAB];
};

/* Deal the `count` runs, an even number and at least four, `deals` times into two groups, compare
 * them and add what is claimed; with 0 deals the first half stands beside the second as they are.
 * `seed` deals. False after filling in `failure`: 65 also if these are not runs of one kind at one
 * node count. */
struct same_scale_deal {
    size_t deals;
    unsigned long seed;
};
bool same_scale_add(struct same_scale *sum, char *const *paths, size_t count,
                    struct same_scale_deal deal, struct failure *failure);

/* At most 5 % of the comparisons claim a difference, and at least half were able to. */
bool same_scale_holds(const struct same_scale *sum, enum aspect aspect);

/* A table of the rows, and how much so many comparisons can tell. */
void same_scale_print(FILE *out, const struct same_scale *sum);

#endif
