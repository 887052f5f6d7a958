#ifndef MPIDRIFT_METRICS_LINK_DELAYS_H
#define MPIDRIFT_METRICS_LINK_DELAYS_H

#include <stdint.h>

/* Running medians of the delays of all directed links, in about 160 bytes per link (P² algorithm,
 * Jain and Chlamtac, Comm. ACM 28, 1985). */

struct link_delays; /* owned */

/* NULL when memory is short. */
struct link_delays *link_delays_new(uint32_t nodes);
void link_delays_free(struct link_delays *delays);

void link_delays_add(struct link_delays *delays, uint32_t from, uint32_t to, double delay_s);

/* Median so far of that link; of all links together if it has carried nothing; 0 if none has. */
double link_delays_median_s(struct link_delays *delays, uint32_t from, uint32_t to);

#endif
