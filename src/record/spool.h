#ifndef MPIDRIFT_SPOOL_H
#define MPIDRIFT_SPOOL_H

#include "failure.h"
#include "observe/badge.h"

/* One spool per node holds its badges until they are in the run file. All memory is taken and
 * touched when it opens; what does not fit is counted, never waited for. */
struct spool;

struct spool_setup {
    uint32_t node;       /* rank */
    uint64_t badges_max; /* bound of the spool, at least 1 */
};

/* NULL after filling in `failure` when the memory cannot be had. */
struct spool *spool_open(const struct spool_setup *setup, struct failure *failure);
void spool_close(struct spool *spool);

/* The observer's sink: episode_opened commits the badge at once; its end finds its place reserved.
 * Neither allocates nor fails; badges beyond badges_max are counted as lost. */
struct badge_sink spool_sink(struct spool *spool);

uint64_t spool_count(const struct spool *spool); /* badges held */
uint64_t spool_lost(const struct spool *spool);  /* badges emitted that did not fit */

/* The badge of that place, 0 … count - 1 in the order of emission, joined with its end: end_s, peak
 * and, where none was recorded, the flag BADGE_CENSORED. */
struct badge spool_read(const struct spool *spool, uint64_t place);

#endif
