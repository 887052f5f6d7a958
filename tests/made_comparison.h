#ifndef MPIDRIFT_MADE_COMPARISON_H
#define MPIDRIFT_MADE_COMPARISON_H

#include "analysis/comparison/comparison.h"
#include "made_run.h"

/* Runs that a test declares one after the other, and their comparison. */
enum { MADE_RUNS_MAX = 80 };

struct made_comparison {
    struct comparison comparison;
    struct failure failure;
    char *paths[MADE_RUNS_MAX];
    size_t count;
};

/* Write the run as the next file of a directory of this program's own. A failure to write ends the
 * program: it is none of the comparison. */
void made_add(struct made_comparison *made, const struct made_run *run);
/* The same with the episodes of a list instead of the run's source. */
void made_add_list(struct made_comparison *made, struct made_run run,
                   const struct made_episode *episodes, size_t count);
/* The same with `count` episodes of 1 ms in one context, spread evenly over the window from node to
 * node; each node watches the next of its group. */
void made_add_even(struct made_comparison *made, struct made_run run, enum context context,
                   size_t count);

#define DELAY CONTEXT_MESSAGE_DELAY_EXCEEDED
#define HEARTBEAT CONTEXT_HEARTBEAT_MISSED
#define MISSING CONTEXT_MESSAGE_MISSING
#define LAG CONTEXT_VERSION_LAG_EXCEEDED
#define CAUSAL CONTEXT_CAUSAL_ORDER_VIOLATED
#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* Episodes of two nodes in 5 s with all that can happen to one: streams that overlap, one that is
 * outside already when the window opens, one that is still outside when it ends, one self-stalled.
 * Node A is outside in [1, 1.75), [2, 2.25) and [4.5, 5), node B in [0, 0.25) and [1.4, 1.6). */
enum { MADE_MIXED = 6 };
extern const struct made_episode made_mixed[MADE_MIXED];

/* Compare all that was added; what comparison_make returns. */
bool made_compare(struct made_comparison *made, bool force);
/* Free everything and delete the files. The directory goes with the last program that uses it. */
void made_reset(struct made_comparison *made);

/* The column of that label; without one the program ends. */
const struct column *made_column(const struct made_comparison *made, const char *label);

/* What a column says about a context. */
const struct context_figures *made_row(const struct made_comparison *made, size_t column,
                                       size_t context);

/* Is it known from one run, so that there is no interval, and the number itself? */
bool made_is_single(const struct figure *figure, double value);
/* Is it unknown for this reason, and no number? */
bool made_is_unknown(const struct figure *figure, const char *why);

/* What a printer prints, as memory of the caller. */
typedef bool made_printer(FILE *out, const struct comparison *comparison);
char *made_print(const struct made_comparison *made, made_printer *printer);

#endif
