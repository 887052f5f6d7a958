#ifndef MPIDRIFT_METRICS_REPLICAS_H
#define MPIDRIFT_METRICS_REPLICAS_H

#include "analysis/metrics/merged_event.h"

/* Which replicas are truly behind, followed event by event: who holds which version of each key,
 * and which version is the newest. In memory for nodes × keys. */

struct replicas; /* owned */

/* A replica is beyond the limit if it is more than `lag_max` versions behind. NULL when memory is
 * short. */
struct replicas *replicas_new(uint32_t nodes, uint32_t keys, double lag_max);
void replicas_free(struct replicas *replicas);

/* A write or delivery; one without a key changes nothing. */
void replicas_take(struct replicas *replicas, const struct merged_event *event);

/* Is any replica beyond the limit? */
bool replicas_beyond(const struct replicas *replicas);
/* For how long any was, until `until_s`, which lies not before the last event. */
double replicas_beyond_s(const struct replicas *replicas, double until_s);

#endif
