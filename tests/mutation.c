#include "mutation.h"

#include "record/run_facts.h"
#include "record/spool_file.h"
#include "sample_run.h"

#include <stddef.h>

enum { BLOCK_MAX = 600, PLACE_TRIES = 64 };

/* Below `below`, which is at least 1. */
static size_t draw(uint64_t *seed, size_t below)
{
    return sample_random(seed) % below;
}

static size_t place(const unsigned char *bytes, size_t size, uint64_t *seed)
{
    size_t at = draw(seed, size), tries = draw(seed, 4) > 0 ? PLACE_TRIES : 0;
    for (size_t i = 0; i < tries && bytes[at] == 0; i++)
        at = draw(seed, size);
    return at;
}

/* Bytes from `at` on, at most `most`. */
static size_t block(size_t at, size_t size, size_t most, uint64_t *seed)
{
    size_t rest = size - at;
    return 1 + draw(seed, rest < most ? rest : most);
}

static size_t flip_bits(unsigned char *bytes, size_t size, uint64_t *seed)
{
    for (size_t i = 1 + draw(seed, 4); i > 0; i--)
        bytes[place(bytes, size, seed)] ^= (unsigned char)(1U << draw(seed, 8));
    return size;
}

static size_t set_bytes(unsigned char *bytes, size_t size, uint64_t *seed)
{
    size_t at = place(bytes, size, seed);
    for (size_t i = block(at, size, 8, seed); i > 0; i--)
        bytes[at + i - 1] = (unsigned char)sample_random(seed);
    return size;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): all ways of damage have one form */
static size_t cut(unsigned char *bytes, size_t size, uint64_t *seed)
{
    (void)bytes;
    return draw(seed, size);
}

static size_t zero_block(unsigned char *bytes, size_t size, uint64_t *seed)
{
    size_t at = place(bytes, size, seed);
    memset(bytes + at, 0, block(at, size, BLOCK_MAX, seed));
    return size;
}

static size_t swap_blocks(unsigned char *bytes, size_t size, uint64_t *seed)
{
    unsigned char kept[BLOCK_MAX];
    size_t a = place(bytes, size, seed), b = place(bytes, size, seed);
    size_t length = block(a > b ? a : b, size, BLOCK_MAX, seed);
    memcpy(kept, bytes + a, length);
    memmove(bytes + a, bytes + b, length);
    memcpy(bytes + b, kept, length);
    return size;
}

static size_t copy_block(unsigned char *bytes, size_t size, uint64_t *seed)
{
    size_t from = place(bytes, size, seed), to = draw(seed, size);
    memmove(bytes + to, bytes + from, block(from > to ? from : to, size, BLOCK_MAX, seed));
    return size;
}

/* What lengths, counts and indices are, or NaN and infinity, at a place where one may stand. */
static size_t set_number(unsigned char *bytes, size_t size, uint64_t *seed)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       2,
                                       0x7f,
                                       0xff,
                                       0x7fff,
                                       0xffff,
                                       0x10000,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       0x100000000,
                                       0x7fffffffffffffff,
                                       0x8000000000000000,
                                       0xffffffffffffffff,
                                       0x7ff0000000000000,  /* infinity */
                                       0x7ff8000000000000,  /* NaN */
                                       0x7fefffffffffffff,  /* the largest double */
                                       0x43e0000000000000,  /* 2 to the 63 */
                                       0x40f0000000000000,  /* 65536.0 */
                                       0xbff0000000000000}; /* -1.0 */
    size_t bytes_wide = (size_t)1 << draw(seed, 4);
    size_t at = place(bytes, size, seed) / bytes_wide * bytes_wide;
    uint64_t number = numbers[draw(seed, sizeof numbers / sizeof numbers[0])];
    if (at + bytes_wide <= size)
        memcpy(bytes + at, &number, bytes_wide);
    return size;
}

static size_t grow(unsigned char *bytes, size_t size, size_t room, uint64_t *seed)
{
    size_t more = room > size ? draw(seed, room - size < BLOCK_MAX ? room - size : BLOCK_MAX) : 0;
    for (size_t i = 0; i < more; i++)
        bytes[size + i] = (unsigned char)sample_random(seed);
    return size + more;
}

size_t mutate(unsigned char *bytes, size_t size, size_t room, uint64_t *seed)
{
    static size_t (*const kinds[])(unsigned char *bytes, size_t size, uint64_t *seed) = {
        flip_bits, set_bytes, set_number, cut, zero_block, swap_blocks, copy_block};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    size_t kind = draw(seed, KINDS + 1);
    if (size == 0 || kind == KINDS)
        return grow(bytes, size, room, seed);
    return kinds[kind](bytes, size, seed);
}

/* ---- spools ---- */

static bool header_fits(const struct spool_header *header, size_t size)
{
    return header->text_bytes <= SPOOL_TEXT_MAX && header->facts_bytes <= SPOOL_FACTS_MAX &&
           header->state_bytes <= SPOOL_STATE_MAX && header->badges_max <= SPOOL_BADGES_MAX &&
           header->state_bytes % sizeof(uint64_t) == 0 && spool_layout_of(header).slots <= size;
}

size_t mutate_spool(unsigned char *bytes, size_t size, size_t room, uint64_t *seed)
{
    const struct spool_header *header = (void *)bytes;
    if (draw(seed, 2) == 0 || size < sizeof *header || !header_fits(header, size))
        return mutate(bytes, size, room, seed);
    struct spool_layout layout = spool_layout_of(header);
    const struct {
        size_t from;
        size_t length;
    } parts[] = {{0, sizeof *header},
                 {layout.text + offsetof(struct run_facts, limit), 256},
                 {layout.facts, 1000},
                 {layout.state, 1000},
                 {layout.slots, 600}};
    size_t part = draw(seed, sizeof parts / sizeof parts[0]);
    size_t from = parts[part].from < size ? parts[part].from : 0, rest = size - from;
    size_t length = rest < parts[part].length ? rest : parts[part].length;
    if (draw(seed, 2) == 0)
        (void)set_number(bytes + from, length, seed);
    else
        (void)mutate(bytes + from, length, length, seed);
    return size;
}

static void reseal_facts(struct spool *spool)
{
    size_t words = spool_words(spool->header->facts_bytes);
    for (enum spool_stage stage = 0; stage < SPOOL_STAGES; stage++) {
        unsigned char *facts = spool_facts_place(spool, stage);
        uint64_t commit = 0;
        memcpy(&commit, facts + words, sizeof commit);
        if (commit != 0)
            commit = spool_checksum(facts, words, spool_seed(RECORD_FACTS, (uint64_t)stage));
        memcpy(facts + words, &commit, sizeof commit);
    }
}

void reseal_spool(unsigned char *bytes, size_t size)
{
    struct spool spool = {.bytes = bytes, .header = (void *)bytes};
    if (size < sizeof *spool.header || !header_fits(spool.header, size))
        return;
    struct spool_layout layout = spool_layout_of(spool.header);
    spool.header->magic = SPOOL_MAGIC;
    spool.header->version = SPOOL_VERSION;
    spool.header->byte_order = SPOOL_BYTE_ORDER;
    spool.header->checksum = spool_header_checksum(spool.header, bytes + layout.text);
    spool.facts = bytes + layout.facts;
    spool.state = bytes + layout.state;
    reseal_facts(&spool);
    if (spool.header->seal != 0)
        spool_seal(&spool);
    struct spool_slot *slots = (void *)(bytes + layout.slots);
    for (uint64_t i = 0; i < (size - layout.slots) / sizeof *slots; i++) {
        if (slots[i].opened != 0)
            slots[i].opened = spool_opened_checksum(&slots[i], i);
        if (slots[i].closed != 0)
            slots[i].closed = spool_closed_checksum(&slots[i], i);
    }
}
