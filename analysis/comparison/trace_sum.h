#ifndef MPIDRIFT_TRACE_SUM_H
#define MPIDRIFT_TRACE_SUM_H

#include "analysis/comparison/trace_pass.h"

/* What the listeners of one system found. */
struct system_found {
    struct awareness awareness; /* all 0 where it is not judged */
    struct enforcement enforcement;
    struct backlog_found backlog;
};

/* Fill in the three parts of `found` from its systems[found->systems], as trace_pass.h says. */
void trace_sum(const struct system_found *systems, struct trace_found *found);

#endif
