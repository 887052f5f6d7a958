#ifndef MPIDRIFT_BADGE_H
#define MPIDRIFT_BADGE_H

#include "observe/corridor.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

enum badge_type { BADGE_COHERENCE_DRIFT = 0 };

enum badge_flag {
    BADGE_SELF_STALLED = 1,           /* the observer's own loop stood still while it waited */
    BADGE_BELOW_CLOCK_RESOLUTION = 2, /* the limit is finer than the clocks of this pair */
    BADGE_CENSORED = 4,               /* still outside at the end of the run */
    BADGE_CLOCK_SUSPECT = 8,          /* the clock synchronisation contradicted itself */
};

/* One episode, in memory, in the spool and as a row of /badges. Members are ordered by size: there
 * is no padding, so the bytes are the row. */
struct badge {
    double time_s;        /* node's own clock since its window opened, when it left the corridor */
    double global_s;      /* the same moment on node 0's clock since T0 */
    double uncertainty_s; /* bound on the error between the clocks of node and peer */
    double end_s;         /* when it came back, as time_s; NaN: still outside */
    double observed;      /* signed, as measured at the exit */
    double limit;
    double peak;        /* the value farthest outside during the episode, signed as observed */
    double own_stall_s; /* longest own stall that overlaps the wait; 0: none */
    uint64_t version_known;
    uint64_t version_received;
    uint64_t sequence; /* of the message that led out, on its link; 0 for silence */
    uint32_t node;     /* rank */
    uint32_t peer;     /* rank */
    int32_t key;       /* -1: none */
    uint32_t flags;    /* enum badge_flag, or-ed */
    uint16_t context;  /* enum context */
    uint16_t boundary; /* enum boundary_kind */
    uint16_t class;    /* enum context_class */
    uint16_t type;     /* enum badge_type */
};
static_assert(sizeof(struct badge) == 112, "a badge row has no padding");

/* What becomes of an episode. Both calls return nothing: whoever keeps badges counts its own
 * losses. `number` counts a node's episodes from 0; each is opened once and closed at most once. */
struct badge_end {
    double end_s; /* NaN: still outside at the end of the run */
    double peak;
};
struct badge_sink {
    void (*episode_opened)(void *self, uint64_t number, const struct badge *badge);
    void (*episode_closed)(void *self, uint64_t number, const struct badge_end *end);
    void *self;
};

enum { NODE_NAME_BYTES = 16 };

/* node_A … node_Z, node_AA …, as in spreadsheets. */
void node_name(uint32_t node, char name[NODE_NAME_BYTES]);
/* The rank of that name, or -1. A plain number is taken as rank. */
long node_from_name(const char *name);

/* timestamp of the lab's form: whole microseconds since the node's window opened. */
long long badge_timestamp_us(const struct badge *badge);

/* Exactly the five lines of the lab. */
void badge_print_lab(FILE *out, const struct badge *badge);
/* The lab's lines, then module, peer, boundary and all that was measured. `module` is the system's
 * name, `run` the run's identity. */
void badge_print_full(FILE *out, const struct badge *badge, const char *module, const char *run);

/* Flags as words joined by `separator`, "none" if empty. */
void badge_flags_text(uint32_t flags, char separator, char text[96]);

#endif
