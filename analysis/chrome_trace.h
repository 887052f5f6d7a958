#ifndef MPIDRIFT_CHROME_TRACE_H
#define MPIDRIFT_CHROME_TRACE_H

#include "record/run_file.h"

/* A run in the Trace Event Format (JSON) that Perfetto and chrome://tracing load: each node is a
 * process; its episodes are slices, on as many tracks as overlap; writes and deliveries are slices
 * of at most 1 us, and a flow leads from each write to each of its deliveries. All on the global
 * clock, in us since the window opened. */

enum {
    CHROME_EPISODES_MAX = 100000, /* unless a limit is given */
    CHROME_MESSAGES_MAX = 100000, /* writes and deliveries, the earliest of the run */
    CHROME_LANES_MAX = 64,        /* overlapping episodes of one node */
};

struct chrome_setup {
    bool (*passes)(const void *self, const struct badge *badge);
    const void *self;
    double from_s; /* of writes and deliveries; badges are chosen by `passes` */
    double to_s;
    uint64_t limit; /* episodes; UINT64_MAX: CHROME_EPISODES_MAX */
    uint32_t first_node;
    uint32_t end_node;
    bool with_messages;
};

/* What was left out. */
struct chrome_left_out {
    uint64_t episodes;      /* that pass, but are beyond the limit or CHROME_LANES_MAX */
    double messages_from_s; /* later writes and deliveries; INFINITY: none */
};

/* False after filling in `failure`; a failed write shows on `out`. */
bool chrome_trace_print(FILE *out, struct run_reader *reader, const struct chrome_setup *setup,
                        struct chrome_left_out *left_out, struct failure *failure);

#endif
