#ifndef MPIDRIFT_SAMPLER_H
#define MPIDRIFT_SAMPLER_H

#include "calibrate.h"

/* Watches a pass for calibration: keeps delays and heartbeat gaps as they are. */
struct sampler;

/* NULL when memory is short. What exceeds samples_max is not kept. */
struct sampler *sampler_create(uint32_t nodes, size_t samples_max);
void sampler_free(struct sampler *sampler);
struct watcher sampler_watcher(struct sampler *sampler);
/* Owned by the sampler; the next pass begins anew. */
const struct sample *sampler_samples(const struct sampler *sampler, size_t *count);

#endif
