#ifndef MPIDRIFT_ROWS_H
#define MPIDRIFT_ROWS_H

#include "machine.h"
#include "observe/observer.h"
#include "observe/trace.h"
#include "pass.h"
#include "record/run_facts.h"
#include "record/spool.h"

/* The rows that one node gives, made of what it observed and of what it knows about itself. Both
 * outlive it in its spool, so the rows are the same whether a run ends or is recovered. */

/* What a node knows besides its observations. Flat, so that its bytes can lie in a spool; a change
 * is another SPOOL_VERSION. */
struct node_facts {
    struct run_node row;      /* what is not known yet is RUN_UNKNOWN or NaN; nothing observed */
    double begin_s;           /* this node's clock when its window opens */
    double t0_s;              /* the same moment on node 0's clock, as planned */
    double begin_utc_s;       /* and in the calendar */
    uint64_t links_wrong;     /* whose books do not add up */
    struct clock_model model; /* the best there is: what the window went by, later refined */
};
static_assert(sizeof(struct node_facts) == 584, "other facts are another SPOOL_VERSION");

struct node_identity {
    uint32_t rank;
    uint32_t group;
    const struct machine *machine;
};
/* Nothing is known of the node but its number. */
struct run_node node_row_unknown(uint32_t node);
/* Before the window opens. */
struct node_facts node_facts_planned(const struct node_identity *identity, const struct pass *pass);
/* The same when all is over. */
struct node_facts node_facts_finished(const struct node_facts *planned, const struct pass *pass);

/* All that is known of one node. */
struct node_view {
    const struct run_facts *run;
    const struct node_facts *facts;
    const struct observer *observer; /* finished */
    const struct spool *spool;
    const struct trace *trace; /* NULL: off */
};

/* The spool's state: the observer's block, then the trace's. */
size_t state_bytes(const struct run_facts *run, const struct observer_setup *observer);
void *state_of_trace(void *state, const struct observer_setup *observer);

struct run_node row_of_node(const struct node_view *view);
struct run_trace row_of_trace(const struct node_view *view);

/* Number of this node's pair rows, and the row of that place. */
uint64_t row_pairs(const struct run_facts *run);
struct run_pair row_of_pair(const struct node_view *view, uint64_t place);

/* The badge of that place in the spool, with its global time by the model as refined by
 * the last synchronisation: local detection used what was known before. */
struct badge row_of_badge(const struct node_view *view, uint64_t place);

/* The trace's event of that place, with its times likewise. */
struct trace_event row_of_trace_event(const struct node_view *view, uint64_t place);
uint64_t row_trace_events(const struct node_view *view);

/* Copy rows that the system keeps in a table of its own, with ranks for indices in the group. */
struct row_range {
    uint64_t first;
    size_t count;
};
void system_rows_fill(const struct system_table *table, const struct row_store *store,
                      uint32_t first_rank, struct row_range range, void *records);

/* One histogram as numbers: bins counts, underflow, overflow. */
size_t histogram_record_bytes(const struct histogram *histogram);
void histogram_record_fill(const struct histogram *histogram, uint64_t *record);

/* One node's windows as bytes: first the doubles, then the counts. */
size_t windows_record_bytes(const struct run_facts *run);
/* Where in such a record each array stands. */
struct run_windows windows_record_view(const struct run_facts *run, void *record);
void windows_record_fill(const struct node_view *view, void *record);

/* ---- what all nodes together give ---- */

/* Each node's badges and events follow those of the one before. */
void rows_place(struct run_node *rows, struct run_trace *traces, uint32_t nodes);

/* The header of the file; its settings and histograms point to memory of the caller. */
struct run_header header_of_run(const struct run_facts *run, const char *end_time_utc,
                                struct run_setting settings[RUN_SETTINGS_MAX],
                                struct histogram histograms[HISTOGRAM_KINDS]);

#endif
