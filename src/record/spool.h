#ifndef MPIDRIFT_SPOOL_H
#define MPIDRIFT_SPOOL_H

#include "failure.h"
#include "observe/badge.h"

/* One spool per node holds what it knows until that is in the run file: a mapped file, so that it
 * outlives a killed process. All of it is taken and touched when it opens; afterwards a commit is a
 * few stores into memory, and what does not fit is counted, never waited for.
 *
 * It does not outlive a power loss: nothing is synchronised to the disk. A file system that
 * promises room and does not keep it (some network and copy-on-write file systems) ends the node by
 * a signal that main turns into a message. */
struct spool;

struct spool_setup {
    uint32_t node;       /* rank */
    uint64_t badges_max; /* bound of the spool, at least 1 */
    const char *path; /* of a file that does not exist; NULL: memory that dies with the process */
    uint32_t nodes;   /* of the run */
    const void *text; /* what all nodes share; copied. May be NULL when empty */
    size_t text_bytes;
    size_t facts_bytes; /* of this node's facts */
    size_t state_bytes; /* of memory for the observer */
};

/* NULL after filling in `failure`: 73 when the file cannot be created, 74 when there is no room for
 * it; no file is left then. */
struct spool *spool_open(const struct spool_setup *setup, struct failure *failure);
/* The file stays. NULL is let pass. */
void spool_close(struct spool *spool);

/* The observer's sink: episode_opened commits the badge at once; its end finds its place reserved.
 * Neither allocates nor fails; badges beyond badges_max are counted as lost. */
struct badge_sink spool_sink(struct spool *spool);

uint64_t spool_bytes(const struct spool *spool); /* memory that all of it takes */
uint64_t spool_count(const struct spool *spool); /* badges held */
uint64_t spool_lost(const struct spool *spool);  /* badges emitted that did not fit */

/* The badge of that place, 0 … count - 1 in the order of emission, joined with its end: end_s, peak
 * and, where none was recorded, the flag BADGE_CENSORED. */
struct badge spool_read(const struct spool *spool, uint64_t place);

/* ---- what else a run file needs ---- */

/* What a node knows about itself is committed twice: when its window is planned, and when all is
 * over. */
enum spool_stage { SPOOL_PLANNED, SPOOL_FINISHED, SPOOL_STAGES };
/* facts_bytes bytes; once per stage. */
void spool_put_facts(struct spool *spool, enum spool_stage stage, const void *facts);
/* NULL when they were not committed. */
const void *spool_facts(const struct spool *spool, enum spool_stage stage);

const void *spool_text(const struct spool *spool, size_t *bytes);

/* state_bytes zeroed bytes, aligned for any type. */
void *spool_state(struct spool *spool);
/* Take the checksum of the state: it will not change any more. Safe in a signal handler. */
void spool_seal(struct spool *spool);

/* ---- after the run died ---- */

enum spool_found {
    SPOOL_USABLE,
    SPOOL_EMPTY, /* no record can be in it: its node died while it was opened, or it is cut there */
    SPOOL_REFUSED /* no spool, of another version, or damaged */
};

/* Whether a process has it open. False also where the file system keeps no locks. */
bool spool_is_in_use(const char *path);

/* Read a spool into memory of its own; the file is not changed. Unless it is usable, `failure` is
 * filled in (65) and *spool is NULL. The size of the file, all sizes in it, every checksum and
 * every number that somebody will use as an index are checked. */
enum spool_found spool_load(const char *path, struct spool **spool, struct failure *failure);

uint32_t spool_node(const struct spool *spool);
uint32_t spool_nodes(const struct spool *spool);
size_t spool_facts_bytes(const struct spool *spool);
size_t spool_state_bytes(const struct spool *spool);
/* Whether the state was sealed; a node that was killed could not. */
bool spool_is_sealed(const struct spool *spool);
/* Records that were begun and not committed whole; they are left out. */
uint64_t spool_torn(const struct spool *spool);
/* Places that the file should have and has not: it is cut. */
uint64_t spool_missing(const struct spool *spool);

#endif
