#ifndef MPIDRIFT_ORACLE_H
#define MPIDRIFT_ORACLE_H

#include "fake_run.h"

/* What the badges of a fake run must be, told from the log of its network alone: who took which
 * message when. Shares no code with the observer and works the other way round: it first lists all
 * observations of a stream, then reads episodes off the list. */

struct expected {
    uint32_t node;
    uint32_t peer;
    enum context context;
    int32_t key;
    double entry_s; /* since T0 */
    double end_s;   /* NaN: still outside at the end */
    double peak;
    uint64_t sequence; /* 0 for silence */
    bool has_badge;    /* false: already outside when the window opened */
};

/* All episodes, sorted by node, peer, context and entry; to be freed by the caller. */
struct expected *oracle_episodes(const struct fake_run *run, size_t *count);

/* Length of the union of a node's episodes inside the window. */
double oracle_outside_s(const struct fake_run *run, const struct expected *episodes, size_t count,
                        uint32_t node);

#endif
