#ifndef MPIDRIFT_MADE_NODE_H
#define MPIDRIFT_MADE_NODE_H

#include "made_run.h"

/* Write what each node gives, counted from its episodes. False after the writer failed. */
bool made_nodes_write(const struct made_run *run, struct run_writer *writer);

/* The limit that has edges in the histograms of that kind; 0: none. */
double made_limit(const struct made_run *run, enum histogram_kind kind);

#endif
