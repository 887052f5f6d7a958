#ifndef MPIDRIFT_WATCH_H
#define MPIDRIFT_WATCH_H

#include "pass.h"
#include "record/rows.h"

struct world;

/* What watches a run on one node: observer, spool and, unless --trace off, trace. All that they
 * learn lies in the spool's file at once. With --observe off they exist and see nothing, so that
 * both ways take the same memory. */

struct watch_setup {
    const struct world *world;
    const struct config *config;
    const struct run_facts *run;
    const struct machine *machine;
    const char *spool_directory;
    const char *run_path; /* what the spools are to become */
    uint64_t badges_max;  /* of the spool; 0: what the config's rates can bring */
};

struct watch {
    struct watch_setup setup;
    struct observer *observer;
    struct spool *spool;
    struct trace *trace; /* NULL: off */
    struct node_facts facts;
};

struct watcher watch_watcher(struct watch *watch);

/* After the pass: the spool holds all that this node will ever know, under a checksum. */
struct node_view watch_conclude(struct watch *watch, const struct pass *pass);

/* The spool's file stays. */
void watch_close(struct watch *watch);

/* Events that each rank's trace makes room for; all ranks have the same load. Calibration traces
 * nothing. */
uint64_t watch_trace_capacity(const struct config *config, uint32_t ranks);

#endif
