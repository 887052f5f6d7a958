#include "record/spool_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A spool being read. */
struct loading {
    const char *path;
    struct failure *failure;
    struct spool_header header;
    struct spool_layout layout;
    size_t file_bytes;
    int file;
};

__attribute__((format(printf, 2, 3))) static enum spool_found refuse(const struct loading *loading,
                                                                     const char *format, ...)
{
    char sentence[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    (void)failure_set(loading->failure, EXIT_BAD_INPUT, "%s %s", loading->path, sentence);
    return SPOOL_REFUSED;
}

/* The same without a fault in the file. */
static enum spool_found empty(const struct loading *loading, const char *why)
{
    (void)refuse(loading, "holds no record: %s", why);
    return SPOOL_EMPTY;
}

static enum spool_found read_at(const struct loading *loading, void *bytes, size_t size, size_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t got =
            pread(loading->file, (unsigned char *)bytes + done, size - done, (off_t)(at + done));
        if (got > 0)
            done += (size_t)got;
        else if (got == 0)
            return refuse(loading, "shrank while it was read");
        else if (errno != EINTR)
            return refuse(loading, "cannot be read: %s", strerror(errno));
    }
    return SPOOL_USABLE;
}

/* ---- the header ---- */

static bool header_is_sane(const struct spool_header *header)
{
    return header->nodes >= 1 && header->nodes <= SPOOL_NODES_MAX && header->node < header->nodes &&
           header->badges_max >= 1 && header->badges_max <= SPOOL_BADGES_MAX &&
           header->text_bytes <= SPOOL_TEXT_MAX && header->facts_bytes <= SPOOL_FACTS_MAX &&
           header->state_bytes <= SPOOL_STATE_MAX && header->state_bytes % sizeof(uint64_t) == 0;
}

static enum spool_found load_header(struct loading *loading)
{
    struct spool_header *header = &loading->header;
    struct stat status;
    if (fstat(loading->file, &status) != 0)
        return refuse(loading, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(loading, "is no regular file");
    loading->file_bytes = (size_t)status.st_size;
    if (loading->file_bytes < sizeof *header)
        return empty(loading, "the file is cut, or its node died while it was opened");
    enum spool_found found = read_at(loading, header, sizeof *header, 0);
    if (found != SPOOL_USABLE)
        return found;
    if (header->magic == 0)
        return empty(loading, "its node died while it was opened");
    if (header->magic != SPOOL_MAGIC)
        return refuse(loading, "is no spool of mpidrift");
    if (header->byte_order != SPOOL_BYTE_ORDER)
        return refuse(loading, "was written on a machine of other byte order: recover it there");
    if (header->version != SPOOL_VERSION)
        return refuse(loading,
                      "has format %u, this reads %d: recover it with the mpidrift that "
                      "wrote it",
                      header->version, SPOOL_VERSION);
    if (!header_is_sane(header))
        return refuse(loading, "is damaged: its header claims what cannot be");
    loading->layout = spool_layout_of(header);
    return SPOOL_USABLE;
}

/* ---- all of it ---- */

/* Slots that lie in the file as a whole. */
static uint64_t slots_there(const struct loading *loading)
{
    size_t bytes = loading->file_bytes - loading->layout.slots;
    uint64_t slots = bytes / sizeof(struct spool_slot);
    return slots < loading->header.badges_max ? slots : loading->header.badges_max;
}

/* Memory is taken for what the file really has. */
static enum spool_found load_bytes(const struct loading *loading, struct spool *spool)
{
    if (loading->file_bytes < loading->layout.slots)
        return empty(loading, "the file is cut");
    spool->slots_max = slots_there(loading);
    spool->size = loading->layout.slots + spool->slots_max * sizeof(struct spool_slot);
    assert(spool->size > 0); /* a header, at least */
    spool->bytes = malloc(spool->size);
    if (spool->bytes == NULL) {
        (void)failure_set(loading->failure, EXIT_INTERNAL, "no memory to read %s", loading->path);
        return SPOOL_REFUSED;
    }
    spool->header = (void *)spool->bytes;
    spool->facts = spool->bytes + loading->layout.facts;
    spool->state = spool->bytes + loading->layout.state;
    spool->slots = (void *)(spool->bytes + loading->layout.slots);
    enum spool_found found = read_at(loading, spool->bytes, spool->size, 0);
    if (found != SPOOL_USABLE)
        return found;
    /* What was checked before is what is used: the file may have changed in between. */
    if (memcmp(spool->header, &loading->header, offsetof(struct spool_header, lost)) != 0 ||
        spool->header->checksum !=
            spool_header_checksum(spool->header, spool->bytes + loading->layout.text))
        return refuse(loading, "is damaged: its header has another checksum");
    return SPOOL_USABLE;
}

static bool facts_are_whole(const struct spool *spool, enum spool_stage stage)
{
    uint64_t commit;
    memcpy(&commit, spool_facts_place(spool, stage) + spool_words(spool->header->facts_bytes),
           sizeof commit);
    return commit == 0 || spool_facts(spool, stage) != NULL;
}

static bool seal_is_whole(struct spool *spool)
{
    uint64_t seal = spool->header->seal;
    if (seal != 0)
        spool_seal(spool);
    return seal == spool->header->seal;
}

/* ---- badges ---- */

static bool badge_is_sane(const struct spool *spool, const struct badge *badge)
{
    const uint32_t flags =
        BADGE_SELF_STALLED | BADGE_BELOW_CLOCK_RESOLUTION | BADGE_CENSORED | BADGE_CLOCK_SUSPECT;
    return badge->node == spool->header->node && badge->peer < spool->header->nodes &&
           badge->context < CONTEXT_COUNT && badge->boundary < BOUNDARY_COUNT &&
           badge->class < CLASS_COUNT && badge->type == BADGE_COHERENCE_DRIFT &&
           (badge->flags & ~flags) == 0 && badge->key >= -1 && badge->key < 64 &&
           seconds_are_possible(badge->time_s);
}

/* An end that was not committed whole is none. A node that came to its end has given one to each
 * badge. */
static void join_end(struct spool *spool, struct spool_slot *slot, uint64_t number,
                     bool is_finished)
{
    if (slot->closed == 0 ? !is_finished : slot->closed == spool_closed_checksum(slot, number))
        return;
    slot->closed = 0;
    spool->torn++;
}

/* Whole records move together, so that places have no gaps. They were committed in turn: one that
 * is not there although a later one is, has been lost. */
static enum spool_found load_badges(const struct loading *loading, struct spool *spool)
{
    bool is_finished = spool_facts(spool, SPOOL_FINISHED) != NULL;
    uint64_t blank = 0; /* since the last that is there */
    for (uint64_t number = 0; number < spool->slots_max; number++) {
        struct spool_slot *slot = &spool->slots[number];
        blank += slot->opened == 0;
        if (slot->opened == 0)
            continue;
        spool->torn += blank;
        blank = 0;
        if (slot->opened != spool_opened_checksum(slot, number)) {
            spool->torn++;
            continue;
        }
        if (!badge_is_sane(spool, &slot->badge))
            return refuse(loading, "is damaged: badge %llu claims what cannot be",
                          (unsigned long long)number);
        join_end(spool, slot, number, is_finished);
        memmove(&spool->slots[spool->count++], slot, sizeof *slot);
    }
    return SPOOL_USABLE;
}

static enum spool_found load(struct loading *loading, struct spool *spool)
{
    enum spool_found found = load_header(loading);
    if (found == SPOOL_USABLE)
        found = load_bytes(loading, spool);
    if (found != SPOOL_USABLE)
        return found;
    for (enum spool_stage stage = 0; stage < SPOOL_STAGES; stage++)
        if (!facts_are_whole(spool, stage))
            return refuse(loading, "is damaged: its facts have another checksum");
    if (!seal_is_whole(spool))
        return refuse(loading, "is damaged: its counts have another checksum");
    return load_badges(loading, spool);
}

bool spool_is_in_use(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return false;
    bool in_use = flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    (void)close(file);
    return in_use;
}

enum spool_found spool_load(const char *path, struct spool **spool, struct failure *failure)
{
    struct loading loading = {.path = path, .failure = failure};
    *spool = NULL;
    loading.file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (loading.file < 0)
        return refuse(&loading, "cannot be opened: %s", strerror(errno));
    struct spool *loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL) {
        (void)close(loading.file);
        (void)failure_set(failure, EXIT_INTERNAL, "no memory to read %s", path);
        return SPOOL_REFUSED;
    }
    loaded->is_copy = true;
    loaded->file = -1;
    enum spool_found found = load(&loading, loaded);
    (void)close(loading.file);
    if (found == SPOOL_USABLE)
        *spool = loaded;
    else
        spool_close(loaded);
    return found;
}
