#ifndef MPIDRIFT_OBSERVE_TEMPLATE_H
#define MPIDRIFT_OBSERVE_TEMPLATE_H

#include "observe/badge.h"

/* An observation of your own: one callback at one boundary, which hands out a badge when a stream
 * leaves the corridor, and its end when it comes back. tests/test_template.c holds it against
 * planted truth. The observer of a run (observe/observer.c) does the same for all contexts at once,
 * and counts besides. */

enum { OWN_PEERS_MAX = 64 };

/* What one node knows of one peer. All of it is zero at the start. */
struct own_stream {
    bool is_outside;
    bool has_badge;  /* false: it left before the window opened */
    uint64_t number; /* of that badge */
    double peak;
};

struct own_observation {
    uint32_t node;
    struct local_time begin; /* when the window opened */
    double limit;            /* in the unit of the measure */
    struct badge_sink sink;  /* where badges go */
    uint64_t badges;         /* so far */
    struct own_stream streams[OWN_PEERS_MAX];
};

/* What leaves the corridor here. */
extern const enum context own_context;

/* The callback; `self` is a struct own_observation. */
void own_report(void *self, const struct boundary_event *event);

#endif
