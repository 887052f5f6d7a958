#ifndef MPIDRIFT_PLACEMENT_H
#define MPIDRIFT_PLACEMENT_H

#include "machine.h"
#include "world.h"

/* On how many hosts the ranks are, and how evenly. That is part of what must be equal between runs:
 * ranks packed onto one host and ranks spread over several are not the same system at another
 * scale. */

struct placement {
    uint32_t hosts;
    uint32_t cores;          /* of all of them */
    uint32_t ranks_most;     /* on one host */
    uint32_t ranks_least;    /* on one host */
    uint32_t hosts_not_full; /* with fewer than ranks_most */
};

/* Collective. The placement on node 0, and the exit code on every rank. */
enum exit_code placement_find(const struct world *world, const struct machine *machine,
                              struct placement *placement);

/* Does it agree with what was declared: `per_host` ranks on each host, the last one may hold fewer?
 * 0: nothing was declared. False after filling in `failure`: 64. */
bool placement_check(const struct placement *placement, uint32_t per_host, uint32_t ranks,
                     struct failure *failure);

enum { PLACEMENT_TEXT_BYTES = 40 };
/* As it stands in the canonical text: the number that was declared; else "all" (one host), the
 * number on each host but perhaps the last, or "uneven, 1 to 13". */
void placement_text(const struct placement *placement, uint32_t per_host,
                    char text[PLACEMENT_TEXT_BYTES]);

#endif
