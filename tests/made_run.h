#ifndef MPIDRIFT_MADE_RUN_H
#define MPIDRIFT_MADE_RUN_H

#include "config.h"
#include "record/run_file.h"

/* A run file made from a declared scenario. All that it says follows from the scenario: rows of
 * /pairs, /windows, /nodes and the histograms are counted from the same episodes as the badges. So
 * the truth of each figure of a comparison is known by hand. */

struct made_episode {
    double begin_s; /* since the node's window opened; below 0: outside already, so no badge */
    double end_s;   /* NaN: still outside at the end */
    uint32_t node;
    uint32_t peer;
    enum context context;
    uint32_t flags; /* enum badge_flag, or-ed; BADGE_CENSORED follows from end_s */
    bool lost;      /* counted everywhere, but its badge did not reach the file */
};

/* Where the episodes come from: all those of node 0, then all of node 1, …, each node's in the
 * order of emission. False when the node has no more. */
struct made_source {
    bool (*next)(void *self, uint32_t node, struct made_episode *episode);
    void *self;
};

/* What each node measured, instead of what follows from the counts. */
struct made_value {
    double value;
    uint64_t count;
};
struct made_values {
    const struct made_value *values; /* NULL: follows from the counts */
    size_t count;
};

/* What happened to the replicas: rows of the file but for global_s, which follows from time_s. */
struct made_trace {
    const struct trace_event *events; /* in the order of the nodes, each node's by time */
    size_t count;
    const double *covered_until_s; /* [nodes]; NULL: the whole window */
};

struct made_run {
    struct config config; /* options and corridor; they give settings and canonical text */
    uint32_t nodes;
    struct made_source source; /* without `next`: no episode */
    uint64_t observations;     /* of each pair in each watched context, at least those beyond */
    uint32_t beyond;           /* observations beyond the limit in each episode */
    struct made_values values[HISTOGRAM_KINDS];
    struct made_trace trace;
    uint32_t windows;
    uint32_t hosts; /* host-0, host-1, …, the nodes in turn */
    uint32_t cores;
    double uncertainty_s;         /* of each clock */
    double pair_uncertainty_s[2]; /* of two clocks, on one host and between hosts */
    const double *shift_s;        /* [nodes] global less local time; NULL: none */
    const char *git_commit;
    const char *start_time_utc; /* NULL: by repetition and node count, scales interleaved */
    const char *run_id;         /* NULL: by node count, groups, load, seed and repetition */
    /* Changes a finished row; NULL: nothing to change. */
    void (*adjust)(struct run_node *row);
};

/* What mpidrift resolves without any option, plus 5 s, 1000 observations per pair and context, one
 * beyond the limit per episode, 60 windows, one host with 16 cores. */
struct made_run made_run_default(uint32_t nodes, uint32_t repetition);

/* Write the run. Memory grows with the badges of one node, 24 bytes for each. False after filling
 * in `failure`. */
bool made_run_write(const struct made_run *run, const char *path, struct failure *failure);

/* ---- sources ---- */

/* Episodes of a list. */
struct made_list {
    const struct made_episode *episodes;
    size_t count;
    size_t at;
};
struct made_source made_list_source(struct made_list *list);

/* Episodes from a seed: each node emits as a Poisson process about peers of its group and in
 * contexts that the corridor watches, all equally likely. One that would begin while its stream is
 * outside is left out. */
struct made_poisson_setup {
    uint64_t seed;
    double episodes_per_node_s;
    double mean_s;      /* of an episode, exponential */
    double busy_factor; /* the busy node emits so many times as often; 1: as all */
    uint32_t busy_node;
    double stalled_share; /* of the episodes that are self-stalled */
};
struct made_poisson;
/* NULL when memory is short. `run` is read while episodes are drawn. */
struct made_poisson *made_poisson_create(const struct made_run *run,
                                         const struct made_poisson_setup *setup);
struct made_source made_poisson_source(struct made_poisson *poisson);
void made_poisson_free(struct made_poisson *poisson);

/* Nodes that see each other: a group, or all. */
uint32_t made_group_nodes(const struct made_run *run);
/* Codes of the system's contexts, ascending; returns how many. */
uint32_t made_contexts(const struct made_run *run, uint32_t contexts[CONTEXT_COUNT]);

#endif
