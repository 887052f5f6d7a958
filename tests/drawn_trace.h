#ifndef MPIDRIFT_DRAWN_TRACE_H
#define MPIDRIFT_DRAWN_TRACE_H

#include "analysis/metrics/merged_event.h"

#include <gsl/gsl_rng.h>
#include <stddef.h>

/* Merged events of a replicated system, by hand or drawn from a seed. Whoever uses them ends the
 * program when memory is short. */

struct merged_list {
    struct merged_event *items;
    size_t count;
    size_t capacity;
};
void merged_add(struct merged_list *list, struct merged_event event);
void merged_free(struct merged_list *list);
/* By time; at equal times as they were added, badges last. */
void merged_sort(struct merged_list *list);

/* One event each; key -1: a message without a version. */
struct merged_event wrote(double at_s, uint32_t node, int32_t key, uint64_t version);
struct merged_event took(double at_s, uint32_t node, uint32_t from, int32_t key, uint64_t version,
                         double sent_s);
struct merged_event opened(double at_s, uint32_t node, uint32_t peer, enum context context);

struct drawn_system {
    uint32_t nodes;
    uint32_t keys;
    double writes_per_s; /* of each node */
    double until_s;
    double (*delay_s)(gsl_rng *rng, uint32_t from, uint32_t to);
    double lost_share; /* of the messages */
};

/* Each write sends the next version of its key to every peer; links keep the order. Sorted. */
void drawn_trace(const struct drawn_system *system, gsl_rng *rng, struct merged_list *list);

#endif
