#ifndef MPIDRIFT_ROWS_H
#define MPIDRIFT_ROWS_H

#include "record/recorder.h"

/* The rows that one node gives. */

/* A node's row and what node 0 must know of it besides. */
struct node_record {
    struct run_node row;
    struct run_trace trace;
    uint64_t trace_reserved_bytes;
    uint32_t cores; /* of its host */
    uint32_t reserved;
};

struct node_record row_of_node(const struct record_setup *setup);

/* Number of this node's pair rows, and the row of that place. */
uint64_t row_pairs(const struct record_setup *setup);
struct run_pair row_of_pair(const struct record_setup *setup, uint64_t place);

/* The badge of that place in the spool, with its global time by the line through both
 * synchronisations: local detection used only the first. */
struct badge row_of_badge(const struct record_setup *setup, uint64_t place);

/* The trace's event of that place, with its times likewise. */
struct trace_event row_of_trace_event(const struct record_setup *setup, uint64_t place);

/* Contexts of the system, ascending. Returns how many. */
uint32_t system_contexts(const struct system_ops *ops, uint32_t contexts[CONTEXT_COUNT]);

/* One histogram as numbers: bins counts, underflow, overflow. */
size_t histogram_record_bytes(const struct histogram *histogram);
void histogram_record_fill(const struct histogram *histogram, uint64_t *record);

/* One node's windows as bytes: first the doubles, then the counts. */
struct windows_shape {
    uint32_t context_count;
    uint32_t windows;
};
size_t windows_record_bytes(struct windows_shape shape);
/* Where in such a record each array stands. */
struct run_windows windows_record_view(struct windows_shape shape, void *record);
void windows_record_fill(const struct record_setup *setup, struct windows_shape shape,
                         void *record);

#endif
