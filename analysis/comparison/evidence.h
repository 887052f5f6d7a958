#ifndef MPIDRIFT_EVIDENCE_H
#define MPIDRIFT_EVIDENCE_H

#include "analysis/comparison/figure.h"
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

#endif
