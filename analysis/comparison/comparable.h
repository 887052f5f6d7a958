#ifndef MPIDRIFT_COMPARABLE_H
#define MPIDRIFT_COMPARABLE_H

#include "analysis/comparison/run.h"

/* Do these runs of one scene belong together? Only the node count, seed and repetition may differ.
 * What must be equal is the canonical text in each file, compared key by key. Runs that differ from
 * the main series in `groups` or `load` alone are controls. The main series is the one without
 * groups and with the load per node; if no run is of that kind, the most frequent kind.
 *
 * A total load may be that of two nodes of the main series: then its rate is twice theirs, and this
 * is no difference. */

/* One key with more than one value, and who has which. */
struct difference {
    char *text; /* "version_lag_max: 1 in a.h5; 2 in b.h5 and 2 more" */
};

struct differences {
    struct difference *rows;
    size_t count;
};

/* Which of the runs is the reference of the main series. */
size_t main_series(const struct run *runs, size_t count);

/* Is it of another kind than the reference in groups or load? */
bool is_control(const struct run *run, const struct run *reference);

/* Set total_of_two in each run. */
void find_total_of_two(struct run *runs, size_t count, const struct run *reference);

/* Add each key of the canonical text that differs between the runs, save groups and load, sorted by
 * key. After find_total_of_two. False when memory is short. */
bool find_differences(const struct run *runs, size_t count, struct differences *found);

/* The same for what was found on the machine: attributes of /provenance, and the nodes' bindings.
 * They confound a comparison and do not forbid it. differences_free in either case. */
bool find_machine_differences(const struct run *runs, size_t count, struct differences *found);

void differences_free(struct differences *differences);

/* False, with 65, if one run was given twice: same node count, seed, repetition and run_id. */
bool refuse_twice(const struct run *runs, size_t count, struct failure *failure);

/* Runs that share node count, kind, seed and repetition with another: the same random numbers, so
 * they are no independent repetitions. */
size_t count_same_draws(const struct run *runs, size_t count);

#endif
