#ifndef MPIDRIFT_COMPARISON_RUN_H
#define MPIDRIFT_COMPARISON_RUN_H

#include "analysis/comparison/kept_episodes.h"
#include "analysis/comparison/run_clocks.h"
#include "analysis/comparison/tally.h"
#include "analysis/comparison/trace_pass.h"

/* One run as the comparison needs it: read and counted once, memory in proportion to its nodes. */
struct run {
    struct run_reader *reader; /* settings stay readable */
    const char *path;          /* as given by the user */
    const char *name;          /* its last component */
    uint32_t nodes;
    uint32_t keys;        /* of the replicas */
    uint32_t groups;      /* nodes per isolated group; 0: all are one system */
    uint32_t group_nodes; /* nodes that see each other: groups, or all */
    bool load_total;
    bool total_of_two; /* … and the total is what two nodes of the main series write together */
    const char *scene; /* owned by the reader */
    double planned_s;  /* length of the window as declared */
    double window_s;   /* as watched: shorter when the run was ended early or died */
    double watched_s;  /* node-seconds */
    double links;      /* directed pairs that are watched */
    uint64_t messages; /* observed, all nodes */
    bool watched[CONTEXT_ROWS];
    uint64_t observations[CONTEXT_ROWS];
    uint64_t beyond[CONTEXT_ROWS];
    uint64_t episodes[CONTEXT_ROWS]; /* judged ones, lost badges included */
    uint64_t most_seen_episodes;     /* about the peer that most episodes are about */
    uint32_t most_seen_peer;
    uint64_t already_outside; /* streams */
    double outside_node_s[CONTEXT_ROWS];
    uint64_t badges_lost;
    uint64_t suppressed;
    uint64_t in_flight;
    uint64_t trace_dropped; /* events that did not fit, all nodes */
    double longest_stall_s;
    uint32_t longest_stall_node;
    double cpu_s;
    double late_start_s;
    double clock_uncertainty_s; /* largest of any pair; of any node where pairs were not told */
    struct run_clocks clocks;
    bool clock_suspect;
    bool clock_perturbed; /* by declaration: the stamps are wrong on purpose */
    bool counts_unknown;  /* of a run that died: what was sent, what the replicas hold */
    bool has_final_state;
    bool converged;         /* final replicas agree within each group */
    double same_host_share; /* of the watched pairs */
    struct tally tally;
    struct kept_episodes kept;
    struct trace_found trace;
    struct run_histogram histograms[HISTOGRAM_KINDS];
};

/* Open and check the file only, so that what must be equal can be compared before anything is
 * counted. False after filling in `failure`; run_close in either case. */
bool run_open(struct run *run, const char *path, struct failure *failure);
/* Read and count everything. */
bool run_load(struct run *run, struct failure *failure);
void run_close(struct run *run);

#endif
