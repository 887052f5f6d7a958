#ifndef MPIDRIFT_GATHER_H
#define MPIDRIFT_GATHER_H

#include <stddef.h>
#include <stdint.h>

/* Records of all ranks to node 0, rank after rank, in chunks: node 0 holds one at a time, and the
 * rank whose turn it is two, so that one is made while the other is under way. Ranks that wait
 * sleep. */

struct world;

enum { GATHER_CHUNK_BYTES = 512 * 1024 };

struct gather {
    size_t record_bytes; /* at most a chunk */
    uint64_t count;      /* of this rank's records */
    /* Copy records [first, first + count) of this rank to `records`. */
    void (*give)(void *self, uint64_t first, size_t count, void *records);
    /* Node 0 only: take the next chunk of that rank. Called in the order of ranks and records. It
     * must go on taking after a failure of its own, or the other ranks would wait for ever. */
    void (*take)(void *self, uint32_t rank, const void *records, size_t count);
    void *self;
};

/* Collective; the caller begins the next step of patience. A rank without memory for its chunks
 * ends the run. */
void gather_records(const struct world *world, const struct gather *gather);
/* The same in chunks of at most that many bytes, equal on all ranks, at least one record. */
void gather_in_chunks(const struct world *world, const struct gather *gather, size_t chunk_bytes);

#endif
