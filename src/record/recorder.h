#ifndef MPIDRIFT_RECORDER_H
#define MPIDRIFT_RECORDER_H

#include "record/rows.h"

struct world;

/* What heads the run file, agreed on before anything is observed. */
struct run_setup {
    const struct world *world;
    const struct config *config;
    const struct machine *machine;
    const struct placement *placement; /* of node 0 */
    const struct system_ops *ops;
    uint64_t trace_capacity;
    const char *command_line; /* this and the next: of node 0 */
    const char *mpi_library;
    int yield_when_idle; /* as found; -1: not told */
};
/* Collective; `facts` are the same on every rank. */
void record_prepare(const struct run_setup *setup, struct run_facts *facts);

/* From what each node holds after a pass to one run file: every node gives, node 0 writes. */
struct record_setup {
    const struct world *world;
    const struct node_view *view; /* of this node */
    const struct pass *pass;
    const struct system_ops *ops;
    const char *path; /* final name; used on node 0 only */
};

enum converged { CONVERGED_NOT_APPLICABLE, CONVERGED_YES, CONVERGED_NO };

/* What the run amounts to. On node 0 only. */
struct run_summary {
    char run_id[128];
    uint32_t nodes;
    uint32_t hosts;
    uint32_t cores;
    double node_seconds; /* watched */
    uint64_t messages_received;
    uint64_t episodes;
    double outside_node_fraction; /* NaN: nothing was watched */
    double first_drift_s;         /* NaN: none */
    uint32_t first_drift_node;
    uint64_t already_outside;
    uint64_t badges_lost;
    uint64_t suppressed;
    uint64_t lost; /* by declaration */
    uint64_t overflowed;
    uint64_t in_flight;
    double trace_reserved_bytes; /* of all nodes */
    uint64_t trace_events;
    uint64_t trace_dropped;
    double trace_covered_until_s; /* the earliest of any node */
    char books[160];              /* books_text */
    bool books_balance;
    struct pair_clocks clocks;
    double sync_s; /* per clock synchronisation, on node 0 */
    uint32_t clock_suspects;
    uint32_t clock_flags; /* of any node */
    uint64_t messages_early;
    uint64_t messages_impossible;
    double late_start_max_s;
    enum converged converged;
    bool has_first_badge;
    struct badge first_badge;
};

/* Collective. On every rank the same exit code; the sentence of a failure is printed. */
enum exit_code record_run(const struct record_setup *setup, struct run_summary *summary);

/* Text of `enum converged` as the summary prints it. */
const char *converged_text(enum converged converged);

#endif
