#ifndef MPIDRIFT_METRICS_COUNTING_H
#define MPIDRIFT_METRICS_COUNTING_H

#include <stddef.h>
#include <stdint.h>

/* Fano factor of counts in equal windows: sample variance over mean (Fano, Phys. Rev. 72, 1947).
 * 1 for Poisson counts, larger for clustered ones. NaN below two windows or without any event. */
double fano(const uint64_t *counts, size_t windows);

/* Pooled Fano factor of counts [nodes][windows]: the variances within the nodes, added, over the
 * means, added; the largest over windows as they are and merged by 2 and by 4, so that clusters
 * longer than a window show. At least 1; 1 if there is nothing. */
double pooled_dispersion(const uint32_t *counts, size_t nodes, size_t windows);

#endif
