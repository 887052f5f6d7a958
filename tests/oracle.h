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

/* ---- what leader and consensus add ---- */

/* What each event of the log shows in that context: NaN where it is no observation. NULL for a
 * context that another part of the oracle knows. To be freed by the caller. Beliefs need a log with
 * empty inboxes, because silence is judged there. */
double *oracle_told(const struct fake_run *run, enum context context);

/* Heartbeats and proposals that say something else than what their sender must believe or have
 * decided. */
size_t oracle_wrong_words(const struct fake_run *run);

struct oracle_round {
    bool is_proposed;
    bool is_decided;
    uint32_t proposal;
    uint32_t heard; /* proposals of peers taken before the deadline, by bit in ones */
    uint32_t ones;
    uint32_t late;
    uint32_t decision;
};
/* Rounds [first, first + count) of every node. */
struct oracle_rounds {
    int64_t first;
    size_t count;
    struct oracle_round *rounds; /* [nodes][count]; to be freed by the caller */
};
struct oracle_rounds oracle_rounds(const struct fake_run *run);

#endif
