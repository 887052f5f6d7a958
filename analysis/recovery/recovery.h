#ifndef MPIDRIFT_RECOVERY_H
#define MPIDRIFT_RECOVERY_H

#include "record/run_facts.h"

/* From the spools of a run that did not come to its file to that file. */

/* What is left of one node. */
struct node_remains {
    char *path; /* of its spool; NULL: none that can be used */
    bool is_finished;
    bool is_sealed;   /* its counts and its trace were found as their checksum says */
    uint64_t torn;    /* records that were not whole */
    uint64_t missing; /* places that its cut spool lacks */
    struct run_node row;
    struct run_trace trace;
};

struct recovery {
    struct run_facts run;
    struct node_remains *nodes; /* [run.nodes] */
    uint32_t spools;            /* used; 0: nothing else is filled in */
    char **left_out;            /* [left_out_count] sentences: spools without a record */
    size_t left_out_count;
    uint64_t links_wrong;
    double end_utc_s;
};

/* Read every spool in the folder, once its run has ended. False after filling in `failure` (65):
 * there is none, one is damaged or of another version, or they are of several runs. A spool that is
 * missing, cut, or was never begun is no failure. recovery_free in either case. */
bool recovery_read(struct recovery *recovery, const char *directory, struct failure *failure);
void recovery_free(struct recovery *recovery);

/* Nothing is missing: the file will be the one that the run would have written. Never so for a
 * system that keeps rows of its own: those died with it. */
bool recovery_is_complete(const struct recovery *recovery);

/* Write the run file: 73, 74. The spools are read once more, a node at a time. */
bool recovery_write(struct recovery *recovery, const char *path, struct failure *failure);

#endif
