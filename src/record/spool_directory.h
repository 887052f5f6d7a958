#ifndef MPIDRIFT_SPOOL_DIRECTORY_H
#define MPIDRIFT_SPOOL_DIRECTORY_H

#include "failure.h"

#include <stddef.h>
#include <stdint.h>

/* The folder that holds the spools of one run, node_A.spool and so on. It lies beside the run file
 * by default: what must outlive the job cannot lie where jobs are cleaned up. */

enum { SPOOL_PATH_BYTES = 1152 };

/* Beside a run file NAME.h5: NAME.spool. */
void spool_directory_beside(const char *run_path, char directory[SPOOL_PATH_BYTES]);
void spool_path(const char *directory, uint32_t node, char path[SPOOL_PATH_BYTES]);
/* Whether the folder holds a spool. */
bool spool_directory_is_used(const char *directory);

/* Node 0, before the others: make the folder and the mark in it. Spools of a run that never came to
 * its file are refused (73), with `replace` they are removed. */
bool spool_directory_make(const char *directory, bool replace, struct failure *failure);
/* The others, where it may be the folder of another host: true also if it is there. */
bool spool_directory_enter(const char *directory, struct failure *failure);
/* After every node has removed its spool: remove mark and folder, which other files keep. */
void spool_directory_leave(const char *directory);

/* Of all nodes that call it, true for one: whoever removes the mark speaks for all. Safe in a
 * signal handler, and needs no room on the disk. */
void spool_mark_path(const char *directory, char path[SPOOL_PATH_BYTES]);
bool spool_mark_take(const char *mark_path);

#endif
