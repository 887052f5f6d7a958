#ifndef MPIDRIFT_REPORT_H
#define MPIDRIFT_REPORT_H

#include "config.h"
#include "record/recorder.h"

/* What node 0 prints. stdout: three lines before the run; after it `key: value` lines in a fixed
 * order, the first badge, provenance as # lines. stderr: warnings. */

struct report {
    const struct config *config;
    const char *path; /* of the run file */
    const char *mpi_library;
    const struct machine *machine;
    int yield_when_idle; /* as found; -1: not told */
};

void report_start(const struct report *report, uint32_t nodes);
/* Warnings that can be given before the window: what the clocks cannot carry. */
void report_clocks(const struct report *report, const struct pair_clocks *clocks);
void report_summary(const struct report *report, const struct run_summary *summary);
/* Conditions that a reader of the result should know; silent when there are none. */
void report_warnings(const struct report *report, const struct run_summary *summary);
/* The summary as JSON to config.json ("-": stdout). False after filling in `failure`. */
bool report_json(const struct report *report, const struct run_summary *summary,
                 struct failure *failure);
/* Every resolved option and limit, for --dry-run, and the memory that each node's trace takes. */
void report_options(const struct config *config, uint32_t nodes, uint64_t trace_node_bytes);

#endif
