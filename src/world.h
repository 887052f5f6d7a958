#ifndef MPIDRIFT_WORLD_H
#define MPIDRIFT_WORLD_H

#include "failure.h"

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

/* All ranks, and the group of them that forms this node's system. */
struct world {
    MPI_Comm comm;  /* of all ranks, ours alone */
    MPI_Comm group; /* of this node's system */
    uint32_t rank;
    uint32_t ranks;
    uint32_t group_number;
    uint32_t first_rank; /* of the group */
    uint32_t self;       /* within the group */
    uint32_t nodes;      /* of the group */
};

/* After MPI_Init; one group that holds all ranks. */
struct world world_open(void);
/* Split into isolated groups of `nodes` ranks, a divisor of the number of ranks; 0: one group. */
void world_split(struct world *world, uint32_t nodes);
void world_close(struct world *world);

/* Collective: how many ranks share this rank's host. */
uint32_t world_ranks_on_host(const struct world *world);

/* What a rank is built like. Messages and configuration travel as bytes, so all must be alike. */
struct build_mark {
    uint32_t byte_order; /* 0x01020304 as this machine stores it */
    uint32_t wire_version;
    uint32_t message_bytes;
    uint32_t config_bytes;
    uint64_t version; /* FNV-1a of program version and commit */
};
struct build_mark build_mark_own(void);
/* Index of the first mark that differs from the first one; `count` if all are alike. */
uint32_t build_mark_odd(const struct build_mark *marks, uint32_t count);
/* Collective: are all ranks built alike, `own` being this one's mark? The same answer on every
 * rank.
 */
bool world_is_uniform(const struct world *world, const struct build_mark *own,
                      struct failure *failure);

/* Collective: if any rank failed, the lowest such rank prints its sentence, if it has one, on
 * stderr and every rank gets its exit code; EXIT_DONE if none did. */
enum exit_code world_agree(const struct world *world, const struct failure *failure);

/* Collective: the bytes of node 0 on every rank. */
void world_share(const struct world *world, void *bytes, size_t size);

/* Collective: the largest value. */
double world_max(const struct world *world, double value);
/* Collective: the sum of all values. */
double world_sum(const struct world *world, double value);

#endif
