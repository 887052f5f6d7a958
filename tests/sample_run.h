#ifndef MPIDRIFT_SAMPLE_RUN_H
#define MPIDRIFT_SAMPLE_RUN_H

#include "record/run_file.h"

/* A run whose every field is drawn from a seed: the same seed and size give the same run. */
struct sample_size {
    uint32_t nodes;
    size_t badges;
    uint32_t contexts;
    uint32_t windows;
};

enum { SAMPLE_SETTINGS = 8 };

/* A row of the table that the sample's system keeps besides, with a column of each kind. */
struct sample_row {
    double real_s;
    uint64_t large;
    uint32_t node;
    int32_t number;
};

struct sample {
    struct run_header header;
    struct histogram histograms[HISTOGRAM_KINDS];
    struct run_setting settings[SAMPLE_SETTINGS];
    struct run_node *nodes; /* [header.nodes] */
    struct badge *badges;   /* [badge_count] */
    size_t badge_count;
    struct run_pair *pairs; /* [pair_count] */
    size_t pair_count;
    struct trace_event *trace; /* [trace_count], twice as many as badges */
    size_t trace_count;
    struct run_trace *trace_index; /* [nodes]; NULL: no trace is written */
    struct sample_row *system;     /* [system_count] */
    size_t system_count;
    uint64_t *counts[HISTOGRAM_KINDS]; /* [nodes][bins] */
    uint64_t *underflow;               /* [HISTOGRAM_KINDS][nodes] */
    uint64_t *overflow;
    struct run_windows windows; /* of all nodes, one after the other */
};

void sample_make(struct sample *sample, struct sample_size size, uint64_t seed);
void sample_free(struct sample *sample);
/* The windows of one node. */
struct run_windows sample_windows(const struct sample *sample, uint32_t node);

/* Create the file and append everything; the writer is returned unfinished, NULL after a failure.
 */
struct run_writer *sample_write(const struct sample *sample, const char *path,
                                struct failure *failure);

/* The generator: splitmix64. */
uint64_t sample_random(uint64_t *state);

#endif
