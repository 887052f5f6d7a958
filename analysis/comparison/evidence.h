#ifndef MPIDRIFT_EVIDENCE_H
#define MPIDRIFT_EVIDENCE_H

#include "analysis/comparison/figure.h"
#include "analysis/metrics/awareness.h"
#include "analysis/metrics/enforcement.h"
#include "analysis/metrics/precedence.h"
#include "analysis/metrics/stability.h"

/* What a column's episodes and traces say about the lab's questions, beyond counts and rates. */

/* Does drift stabilise or cascade? The metrics page, section 3. Coupling is looked for among the
 * episodes that are not marked self-stalled, always: with them a node that is late itself passes
 * for propagation. All else is judged as its row says. */
struct stability_figures {
    const char *unknown;
    struct stability stability;
    char text[96];
    const char *no_coupling; /* why coupling was not looked for; NULL: it was */
    struct step_times times; /* in which one thing may lead to another */
    uint64_t left_out;       /* self-stalled */
    struct coupling coupling;
    struct trend trend;
    struct figure slope; /* Theil-Sen, episodes per window of 1/20 of the run; between the runs */
};

/* Does time drift come before state drift? Self-stalled episodes are left out. */
struct precedence_figures {
    const char *unknown;
    double reach_s;
    struct precedence found;
};

/* The corridor's sensitivity: the share of the observations beyond other limits, exact at each. */
struct curve_figures {
    const char *unknown;
    const char *unit;      /* of the limits */
    const char *limit_key; /* in the corridor file … */
    double per_key_unit;   /* … and how much of the unit one of its units is */
    double declared;       /* 0: none */
    size_t count;
    double *limits; /* [count] ascending; owned */
    double *shares; /* [count] */
};

/* The limit that --what-if asks for. */
struct what_if {
    const char *key; /* NULL: nothing is asked */
    double value;    /* in the key's unit */
    enum context context;
    double limit; /* in the unit of the measure */
};

/* What the histograms say about it. Where the limit lies inside a bin, value is NaN, and low and
 * high are what the share can be in any run. */
struct what_if_figures {
    bool is_asked; /* of this context */
    const char *unknown;
    double limit;
    struct figure share; /* of the observations, between the runs */
    struct figure share_declared;
    struct figure ratio;
};

/* ---- from the traces; figures without another word are between the runs ---- */

/* Did any node know? The metrics page, section 5.4. */
struct awareness_figures {
    const char *unknown;
    double limit;         /* versions */
    double uncertainty_s; /* by which an interval is widened; largest of the runs */
    double reaction_s;    /* after its end, in which a badge still belongs to it; likewise */
    struct awareness sum; /* counts and times over the runs */
    struct figure none;   /* shares of the intervals, Clopper-Pearson */
    struct figure some;
    struct figure all;
    struct figure unmatched; /* share of the badges, likewise */
    struct figure first_badge_mean_s;
    struct figure first_badge_median_s;
};

/* What one rule of enforcement would have cost. */
struct wait_figures {
    uint64_t writes;
    uint64_t delay_episodes; /* that would have turned into waiting */
    double longest_s;
    struct figure mean_s;
    struct figure median_s;
    struct figure cap_per_s;   /* writes that the slowest key could take … */
    struct figure asked_per_s; /* … and was asked to take */
};

/* Would enforcement have helped, or hidden it? The metrics page, section 5.5: an estimate without
 * queueing. */
struct enforcement_figures {
    const char *unknown;
    struct enforcement sum; /* counts over the runs */
    struct wait_figures all;
    struct wait_figures majority;
};

/* What the replicas lacked, to set beside theory: the metrics page, section 4. */
struct backlog_figures {
    const char *unknown;
    double limit; /* writes; NaN: none */
    struct figure mean;
    struct figure share_above_limit;
    struct figure rises_per_node_s;
    struct figure stale_writes; /* share of the writes */
    struct figure visible_median_s;
    struct figure visible_p99_s;
    struct figure late_somewhere; /* share of the writes, beyond the delay limit at some peer */
    uint64_t forgotten;
};

struct trace_figures {
    const char *unknown;
    size_t runs;    /* with a trace that says something */
    size_t systems; /* of one run */
    uint64_t events;
    uint64_t out_of_order;
    struct figure covered_s;
    struct awareness_figures awareness;
    struct enforcement_figures enforcement;
    struct backlog_figures backlog;
};

#endif
