#include "record/spool_file.h"

#include "touch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- the file ---- */

enum { PAGE_BYTES = 4096 };

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

struct spool_layout spool_layout_of(const struct spool_header *header)
{
    struct spool_layout layout = {.text = round_up(sizeof *header, 64)};
    layout.facts = round_up(layout.text + header->text_bytes, 64);
    layout.state =
        round_up(layout.facts + SPOOL_STAGES * (spool_words(header->facts_bytes) + 8), PAGE_BYTES);
    layout.slots = round_up(layout.state + header->state_bytes, PAGE_BYTES);
    layout.end = layout.slots + header->badges_max * sizeof(struct spool_slot);
    return layout;
}

uint64_t spool_header_checksum(const struct spool_header *header, const void *text)
{
    const unsigned char *from = (const unsigned char *)&header->version;
    size_t size = offsetof(struct spool_header, checksum) - offsetof(struct spool_header, version);
    uint64_t own = spool_checksum(from, size, spool_seed(RECORD_HEADER, 0));
    return spool_checksum(text, spool_words(header->text_bytes), own);
}

static bool refuse(const struct spool_setup *setup, struct failure *failure, enum exit_code code,
                   const char *doing, const char *call, int error)
{
    return failure_set(failure, code, "cannot %s the spool %s: %s: %s", doing, setup->path, call,
                       strerror(error));
}

/* The room is taken from the file system before anything is stored: later there would be nobody to
 * tell but a signal. */
static int create_file(const struct spool_setup *setup, size_t size, struct failure *failure)
{
    int file = open(setup->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) {
        (void)refuse(setup, failure, EXIT_CANNOT_CREATE, "create", "open", errno);
        return -1;
    }
    int error = posix_fallocate(file, 0, (off_t)size);
    if (error == 0)
        return file;
    (void)failure_set(failure, EXIT_WRITE_FAILED,
                      "cannot reserve %.1f MiB for the spool %s: posix_fallocate: %s; --spool DIR "
                      "names another place",
                      (double)size / 0x1p20, setup->path, strerror(error));
    (void)close(file);
    (void)unlink(setup->path);
    return -1;
}

static bool map_file(struct spool *spool, const struct spool_setup *setup, struct failure *failure)
{
    int file = create_file(setup, spool->size, failure);
    if (file < 0)
        return false;
    void *bytes = mmap(NULL, spool->size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    int error = errno;
    if (bytes != MAP_FAILED) {
        /* Ends with the process; a file system without locks does without. */
        (void)flock(file, LOCK_EX | LOCK_NB);
        spool->bytes = bytes;
        spool->file = file;
        return true;
    }
    (void)close(file);
    (void)unlink(setup->path);
    return refuse(setup, failure, EXIT_WRITE_FAILED, "map", "mmap", error);
}

static bool take_memory(struct spool *spool, const struct spool_setup *setup,
                        struct failure *failure)
{
    void *bytes =
        mmap(NULL, spool->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return failure_set(failure, EXIT_INTERNAL,
                           "node %u has no memory for %llu badges: lower --rate, --duration or the "
                           "number of ranks on this host",
                           setup->node, (unsigned long long)setup->badges_max);
    spool->bytes = bytes;
    return true;
}

/* ---- life ---- */

static struct spool_header header_of(const struct spool_setup *setup)
{
    return (struct spool_header){
        .version = SPOOL_VERSION,
        .byte_order = SPOOL_BYTE_ORDER,
        .node = setup->node,
        .nodes = setup->nodes,
        .badges_max = setup->badges_max,
        .text_bytes = setup->text_bytes,
        .facts_bytes = setup->facts_bytes,
        .state_bytes = round_up(setup->state_bytes, sizeof(uint64_t)),
    };
}

static void begin(struct spool *spool, const struct spool_setup *setup,
                  const struct spool_header *header)
{
    struct spool_layout layout = spool_layout_of(header);
    assert(spool->bytes != NULL);
    spool->header = (void *)spool->bytes;
    spool->facts = spool->bytes + layout.facts;
    spool->state = spool->bytes + layout.state;
    spool->slots = (void *)(spool->bytes + layout.slots);
    spool->slots_max = setup->badges_max;
    touch_pages(spool->bytes, spool->size);
    *spool->header = *header;
    if (setup->text_bytes > 0)
        memcpy(spool->bytes + layout.text, setup->text, setup->text_bytes);
    spool->header->checksum = spool_header_checksum(spool->header, spool->bytes + layout.text);
    atomic_store_explicit(&spool->header->magic, SPOOL_MAGIC, memory_order_release);
}

struct spool *spool_open(const struct spool_setup *setup, struct failure *failure)
{
    assert(setup->badges_max > 0 && setup->badges_max <= SPOOL_BADGES_MAX);
    assert(setup->text_bytes <= SPOOL_TEXT_MAX && setup->facts_bytes <= SPOOL_FACTS_MAX);
    struct spool_header header = header_of(setup);
    struct spool *spool = calloc(1, sizeof *spool);
    if (spool == NULL || (setup->path != NULL && (spool->path = strdup(setup->path)) == NULL)) {
        free(spool);
        (void)failure_set(failure, EXIT_INTERNAL, "no memory for a spool");
        return NULL;
    }
    spool->size = spool_layout_of(&header).end;
    spool->file = -1;
    if (header.state_bytes > SPOOL_STATE_MAX)
        (void)failure_set(failure, EXIT_INTERNAL, "%u nodes are more than a spool can hold",
                          setup->nodes);
    else if (setup->path != NULL ? map_file(spool, setup, failure)
                                 : take_memory(spool, setup, failure)) {
        begin(spool, setup, &header);
        return spool;
    }
    free(spool->path);
    free(spool);
    return NULL;
}

void spool_close(struct spool *spool)
{
    if (spool == NULL)
        return;
    if (spool->is_copy)
        free(spool->bytes);
    else
        (void)munmap(spool->bytes, spool->size);
    if (spool->file >= 0)
        (void)close(spool->file);
    free(spool->path);
    free(spool);
}

/* ---- badges ---- */

/* Badges arrive with ascending numbers, so the number is the place until the spool is full. */
static void opened(void *self, uint64_t number, const struct badge *badge)
{
    struct spool *spool = self;
    if (number >= spool->slots_max) {
        uint64_t lost = atomic_load_explicit(&spool->header->lost, memory_order_relaxed);
        atomic_store_explicit(&spool->header->lost, lost + 1, memory_order_relaxed);
        return;
    }
    assert(number == spool->count);
    struct spool_slot *slot = &spool->slots[number];
    slot->badge = *badge;
    atomic_store_explicit(&slot->opened, spool_opened_checksum(slot, number), memory_order_release);
    spool->count++;
}

static void closed(void *self, uint64_t number, const struct badge_end *end)
{
    struct spool *spool = self;
    if (number >= spool->slots_max)
        return;
    struct spool_slot *slot = &spool->slots[number];
    assert(number < spool->count && slot->closed == 0);
    slot->end = *end;
    atomic_store_explicit(&slot->closed, spool_closed_checksum(slot, number), memory_order_release);
}

struct badge_sink spool_sink(struct spool *spool)
{
    return (struct badge_sink){opened, closed, spool};
}

uint64_t spool_bytes(const struct spool *spool)
{
    return spool->size;
}

uint64_t spool_count(const struct spool *spool)
{
    return spool->count;
}

uint64_t spool_lost(const struct spool *spool)
{
    return atomic_load_explicit(&spool->header->lost, memory_order_relaxed);
}

struct badge spool_read(const struct spool *spool, uint64_t place)
{
    assert(place < spool->count);
    const struct spool_slot *slot = &spool->slots[place];
    struct badge badge = slot->badge;
    bool is_closed = slot->closed != 0;
    badge.end_s = is_closed ? slot->end.end_s : (double)NAN;
    badge.peak = is_closed ? slot->end.peak : badge.peak;
    if (isnan(badge.end_s))
        badge.flags |= BADGE_CENSORED;
    return badge;
}

/* ---- text, facts, state ---- */

const void *spool_text(const struct spool *spool, size_t *bytes)
{
    *bytes = spool->header->text_bytes;
    return spool->bytes + spool_layout_of(spool->header).text;
}

static _Atomic uint64_t *facts_commit(const struct spool *spool, enum spool_stage stage)
{
    return (void *)(spool_facts_place(spool, stage) + spool_words(spool->header->facts_bytes));
}

static uint64_t facts_checksum(const struct spool *spool, enum spool_stage stage)
{
    return spool_checksum(spool_facts_place(spool, stage), spool_words(spool->header->facts_bytes),
                          spool_seed(RECORD_FACTS, (uint64_t)stage));
}

void spool_put_facts(struct spool *spool, enum spool_stage stage, const void *facts)
{
    assert(*facts_commit(spool, stage) == 0);
    memcpy(spool_facts_place(spool, stage), facts, spool->header->facts_bytes);
    atomic_store_explicit(facts_commit(spool, stage), facts_checksum(spool, stage),
                          memory_order_release);
}

const void *spool_facts(const struct spool *spool, enum spool_stage stage)
{
    if (*facts_commit(spool, stage) != facts_checksum(spool, stage))
        return NULL;
    return spool_facts_place(spool, stage);
}

void *spool_state(struct spool *spool)
{
    return spool->state;
}

void spool_seal(struct spool *spool)
{
    uint64_t seal =
        spool_checksum(spool->state, spool->header->state_bytes, spool_seed(RECORD_STATE, 0));
    atomic_store_explicit(&spool->header->seal, seal, memory_order_release);
}

/* ---- what a loaded spool is asked ---- */

uint32_t spool_node(const struct spool *spool)
{
    return spool->header->node;
}

uint32_t spool_nodes(const struct spool *spool)
{
    return spool->header->nodes;
}

size_t spool_facts_bytes(const struct spool *spool)
{
    return spool->header->facts_bytes;
}

size_t spool_state_bytes(const struct spool *spool)
{
    return spool->header->state_bytes;
}

bool spool_is_sealed(const struct spool *spool)
{
    return spool->header->seal != 0;
}

uint64_t spool_torn(const struct spool *spool)
{
    return spool->torn;
}

uint64_t spool_missing(const struct spool *spool)
{
    return spool->header->badges_max - spool->slots_max;
}
