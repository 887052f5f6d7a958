#ifndef MPIDRIFT_SPOOL_FILE_H
#define MPIDRIFT_SPOOL_FILE_H

#include "record/spool.h"

#include <stdatomic.h>
#include <string.h>

/* The spool as it lies in its file: header, text, facts per stage, state, slots. It is read by the
 * program that wrote it, or one of the same SPOOL_VERSION on a machine of the same byte order.
 *
 * Every record is checksummed alone. Its checksum is stored last and is its commit word: 0 means
 * that the record is not there, any other value must fit the bytes. */

#define SPOOL_MAGIC UINT64_C(0x314c4f4f50534450) /* "PDSPOOL1" */
enum { SPOOL_VERSION = 2, SPOOL_BYTE_ORDER = 0x01020304 };

/* Nobody needs more; a file that claims more is none of ours. */
enum {
    SPOOL_TEXT_MAX = 1 << 20,
    SPOOL_FACTS_MAX = 1 << 16,
    SPOOL_STATE_MAX = 1 << 30,
    SPOOL_BADGES_MAX = 1 << 24,
    SPOOL_NODES_MAX = 1 << 20,
};

struct spool_header {
    _Atomic uint64_t magic; /* stored last */
    uint32_t version;
    uint32_t byte_order;
    uint32_t node;
    uint32_t nodes;
    uint64_t badges_max;
    uint64_t text_bytes;
    uint64_t facts_bytes;
    uint64_t state_bytes;
    uint64_t checksum; /* of what stands between magic and here, and of the text */
    /* what changes while the node lives */
    _Atomic uint64_t lost;
    _Atomic uint64_t seal; /* checksum of the state; 0: not sealed */
};

/* A badge and the place reserved for its end: what is known at the exit is never rewritten. */
struct spool_slot {
    struct badge badge;
    _Atomic uint64_t opened; /* commit word of the badge */
    struct badge_end end;
    _Atomic uint64_t closed; /* commit word of the end */
};
static_assert(sizeof(struct spool_slot) == 144, "another slot is another SPOOL_VERSION");

struct spool {
    unsigned char *bytes; /* the mapped file, or a copy of it */
    size_t size;
    char *path; /* of the mapped file; NULL: none */
    int file;   /* likewise, held open for its lock; -1: none */
    bool is_copy;
    struct spool_header *header;
    unsigned char *facts; /* [SPOOL_STAGES], each followed by its commit word */
    unsigned char *state;
    struct spool_slot *slots;
    uint64_t slots_max; /* that are there */
    uint64_t count;
    uint64_t torn;
};

/* Where each part begins. */
struct spool_layout {
    size_t text;
    size_t facts;
    size_t state;
    size_t slots;
    size_t end;
};
struct spool_layout spool_layout_of(const struct spool_header *header);

/* FNV-1a's step on eight bytes at a time, the high bits folded down. Each step is a bijection, so
 * damage to one word always shows. `bytes` is a multiple of 8; never 0. */
static inline uint64_t spool_checksum(const void *bytes, size_t size, uint64_t seed)
{
    const unsigned char *byte = bytes;
    uint64_t hash = UINT64_C(14695981039346656037) ^ seed;
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, byte + at, sizeof word);
        hash = (hash ^ word) * UINT64_C(1099511628211);
        hash ^= hash >> 32;
    }
    return hash != 0 ? hash : 1;
}

/* A record in another record's place is none. */
enum spool_record { RECORD_OPENED = 1, RECORD_CLOSED, RECORD_FACTS, RECORD_STATE, RECORD_HEADER };
static inline uint64_t spool_seed(enum spool_record kind, uint64_t number)
{
    return number << 8 | (uint64_t)kind;
}
static inline uint64_t spool_opened_checksum(const struct spool_slot *slot, uint64_t number)
{
    return spool_checksum(&slot->badge, sizeof slot->badge, spool_seed(RECORD_OPENED, number));
}
static inline uint64_t spool_closed_checksum(const struct spool_slot *slot, uint64_t number)
{
    return spool_checksum(&slot->end, sizeof slot->end, spool_seed(RECORD_CLOSED, number));
}
uint64_t spool_header_checksum(const struct spool_header *header, const void *text);

/* Facts are kept in whole words. */
static inline size_t spool_words(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}
static inline unsigned char *spool_facts_place(const struct spool *spool, enum spool_stage stage)
{
    return spool->facts + (size_t)stage * (spool_words(spool->header->facts_bytes) + 8);
}

#endif
