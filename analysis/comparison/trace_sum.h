#ifndef MPIDRIFT_TRACE_SUM_H
#define MPIDRIFT_TRACE_SUM_H

#include "analysis/comparison/trace_pass.h"

/* What the listeners of one system found. */
struct system_found {
    struct awareness awareness; /* all 0 where it is not judged */
    struct enforcement enforcement;
    struct backlog_found backlog;
};

/* What adds up over systems or runs: counts and seconds. Means, medians and greatest values do not,
 * and stay as they are. */
void awareness_add(struct awareness *sum, const struct awareness *one);
void enforcement_add(struct enforcement *sum, const struct enforcement *one);

/* Fill in the three parts of `found` from its systems[found->systems], as trace_pass.h says. */
void trace_sum(const struct system_found *systems, struct trace_found *found);

#endif
