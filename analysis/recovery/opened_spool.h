#ifndef MPIDRIFT_OPENED_SPOOL_H
#define MPIDRIFT_OPENED_SPOOL_H

#include "record/rows.h"

/* One spool with all that it holds brought back: facts, observer, trace. */
struct opened_spool {
    struct spool *spool;
    struct observer *observer;
    struct trace *trace; /* NULL: off */
    struct node_facts facts;
    bool is_finished;
    uint32_t node;
};

/* Around a loaded spool, which then belongs to it. False after filling in `failure` (65) when what
 * it holds cannot be; everything is closed then. `path` is for the sentence. */
bool opened_spool_open(struct opened_spool *opened, struct spool *spool, const char *path,
                       const struct run_facts *run, struct failure *failure);
void opened_spool_close(struct opened_spool *opened);

struct node_view opened_spool_view(const struct opened_spool *opened, const struct run_facts *run);

/* "PATH is damaged: why", and what can be done; always false. */
bool spool_is_damaged(const char *path, const char *why, struct failure *failure);

#endif
