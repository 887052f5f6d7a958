#ifndef MPIDRIFT_COMPARISON_H
#define MPIDRIFT_COMPARISON_H

#include "analysis/comparison/comparable.h"
#include "analysis/comparison/evidence.h"

/* Every figure of a comparison, computed once; printers only print. What the data cannot support
 * carries the reason in `unknown` and no number. Definitions: the metrics page, sections 1, 2, 6.
 */

/* First drift over the repetitions; runs without drift are censored at the end of the window. */
struct first_drift_figures {
    const char *unknown;
    bool reached; /* the Kaplan-Meier median is; else it lies beyond window_s */
    double median_s;
    double window_s;
    size_t drifted; /* runs with drift */
    size_t runs;
    uint32_t node; /* that saw it first in the most runs */
    size_t node_runs;
    struct figure exposure_s; /* what exposure alone predicts from two nodes; Garwood's interval */
    uint64_t trains_at_two;   /* … from this many trains */
    double observations_at_risk; /* … in this many observations */
    struct figure hazard_ratio;  /* per observation, over two nodes; Clopper-Pearson */
    double hazard_p;             /* one-sided: that it is not higher */
};

/* The ratio of the rate per node-second to two nodes, and its factors. */
struct growth {
    const char *unknown;
    double ratio;
    double links;      /* peers watched per node */
    double activity;   /* observations per link and second */
    double tail;       /* beyond the limit, per observation */
    double clustering; /* episodes per observation beyond */
};

struct rank_statement {
    const char *unknown;
    char text[96];
    double pairs_above;
    double p_above; /* exact, one-sided */
    double p_below;
};

struct symmetry_figures {
    const char *unknown;
    char verdict[64];  /* over the repetitions */
    uint32_t top_node; /* busiest observer in the most runs */
    size_t top_runs;
    struct figure top_share; /* of the busiest node of each run */
    struct figure emitting;  /* nodes with at least one episode */
    struct figure jain;
    struct figure jain_expected; /* for symmetric nodes */
    struct figure dispersion;
    struct figure variation; /* CV beyond chance */
    struct figure episodes;
    size_t asymmetric; /* runs judged so */
    size_t symmetric;
    size_t too_few;
    size_t silent;
};

/* How the exceedance of one context reacts to the scale and to the limit. The first three are NaN
 * where growth is unknown. */
struct sensitivity {
    double limit; /* in the context's unit: two nodes exceed it in the share `at_two` */
    double at_two;
    double here;          /* share beyond the same limit in this column */
    struct figure growth; /* here / at_two; low and high: least and greatest of the single runs,
                             which is no interval of the growth: at_two has an error, too */
    struct rank_statement rank; /* of the single runs' shares beyond the same limit, both columns */
    struct figure elasticity; /* d ln(exceedance) / d ln(limit) at the declared limit ±10 %, 95 % */
};

/* What one column says about one context, or about all of them together. */
struct context_figures {
    bool watched;
    uint64_t observations; /* sums over the runs */
    uint64_t beyond;
    uint64_t episodes;
    uint64_t self_stalled;
    uint64_t below_clock;
    struct figure outside_messages;
    struct figure per_message; /* episodes per observation */
    struct figure per_pair_s;
    struct figure outside_node[VARIANT_COUNT];
    struct figure outside_system[VARIANT_COUNT];
    struct figure per_node_s[VARIANT_COUNT];
    struct figure counting; /* rate of the run with the (lower) median rate; counting error only */
    double counting_dispersion;
    double time_share; /* of the episodes that are of class time; NaN: no episode */
    struct growth growth;
    struct rank_statement rank[VARIANT_COUNT];
    struct first_drift_figures first[VARIANT_COUNT];
    struct symmetry_figures symmetry[VARIANT_COUNT];
    struct sensitivity sensitivity;
    struct stability_figures stability[VARIANT_COUNT];
    struct curve_figures curve;
    struct what_if_figures what_if;
};

/* What confounds the reading of one column. */
struct column_conditions {
    double nodes_per_core; /* NaN: cores not recorded */
    double cores;
    double longest_stall_s;
    uint32_t longest_stall_node;
    double clock_uncertainty_s;
    double class_uncertainty_s[PAIR_CLASSES]; /* NaN: no such pair, or not told */
    double class_late_share[PAIR_CLASSES];    /* delays beyond the limit; NaN: none observed */
    double same_host_share;
    double writes_per_s; /* of all nodes together */
    double late_start_s;
    double cpus_used;
    uint64_t badges_lost;
    uint64_t suppressed;
    uint64_t in_flight;
    uint64_t trace_dropped;
    uint64_t late_badges;
    uint64_t messages_early;
    uint64_t messages_impossible;
    uint32_t clock_flags;
    size_t clock_told; /* runs */
    size_t clock_unchecked;
    size_t clock_suspect;
    size_t clock_perturbed;
    size_t incomplete;     /* runs */
    size_t counts_unknown; /* runs that died before they could count what they sent */
    size_t final_states;   /* runs whose system has replicas that could agree … */
    size_t converged;      /* … and those where they did */
    size_t already_outside;
    uint64_t already_outside_streams;
    double most_seen_share; /* largest share of episodes about one peer, all runs; NaN: none */
    uint32_t most_seen_peer;
};

/* The runs of one declared network. Only within a scene are runs set beside two nodes; several
 * scenes stand side by side, because what they share tells scale from the machine. */
struct scene {
    const char *name;
    struct run *runs; /* a slice of the comparison's */
    size_t run_count;
    const struct run *reference; /* of the main series */
    size_t two;                  /* column of two nodes */
    size_t largest;              /* column of the largest N of the main series; `two`: none above */
};

/* One kind of run at one node count. The first column of a scene is two nodes, with or without
 * runs. */
struct column {
    char label[80];
    size_t scene; /* index */
    uint32_t nodes;
    uint32_t group_nodes;
    bool control;
    bool load_total;
    bool total_of_two; /* the total load is that of two nodes of the main series */
    size_t run_count;
    const struct run **runs;
    struct context_figures rows[CONTEXT_ROWS];
    struct column_conditions conditions;
    struct precedence_figures precedence;
    struct trace_figures trace;
};

enum aspect {
    ASPECT_FIRST_DRIFT,
    ASPECT_FREQUENCY,
    ASPECT_SYMMETRY,
    ASPECT_SENSITIVITY,
    ASPECT_STABILISES,
    ASPECT_COUNT
};
extern const char *const aspect_names[ASPECT_COUNT];
enum { ASPECTS_OF_THE_LAB = ASPECT_STABILISES };

struct text_list {
    char **items;
    size_t count;
};

struct comparison {
    struct run *runs; /* scene after scene */
    size_t run_count;
    struct scene *scenes; /* those with declared delays first, the machine's own network last */
    size_t scene_count;
    const struct run *reference;    /* of the first scene */
    struct differences differences; /* printed above the table; only with --force */
    struct differences machine;
    struct column *columns; /* scene after scene */
    size_t column_count;
    struct what_if what_if;
    struct scene_answers *answers; /* [scene_count], answers.h */
    char *(*cells)[ASPECT_COUNT];  /* [column_count], sentences */
    struct text_list first_lines;  /* what must stand right under the table */
    struct text_list notes;        /* confounds, one sentence each */
    struct text_list warnings;     /* for stderr */
};

/* Read, check and compare. False after filling in `failure` (65). `differences` holds what should
 * be equal and is not: the reason for a failure, or with `force` what is to be shown above the
 * table. comparison_free in either case. */
bool comparison_make(struct comparison *comparison, char *const *paths, size_t count, bool force,
                     struct failure *failure);
void comparison_free(struct comparison *comparison);

/* Append a sentence; false when memory is short. */
__attribute__((format(printf, 2, 3))) bool text_list_add(struct text_list *list, const char *format,
                                                         ...);
void text_list_free(struct text_list *list);

#endif
