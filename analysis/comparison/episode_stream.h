#ifndef MPIDRIFT_EPISODE_STREAM_H
#define MPIDRIFT_EPISODE_STREAM_H

#include "record/run_file.h"

/* All badges of a run in the order in which their episodes began, on the global clock, however many
 * there are: a merge of the nodes' badges, each node with a small buffer.
 *
 * A node's badges stand in the order of emission, which is nearly the order of beginning: a silence
 * is noticed late and its badge carries the earlier moment of leaving. So each buffer is sorted
 * and looks at least EPISODE_LOOKAHEAD_MIN badges ahead. A badge that comes out of order all the
 * same is delivered late and counted; consumers treat it as documented there. */

enum { EPISODE_LOOKAHEAD_MIN = 64, EPISODE_LOOKAHEAD_MAX = 8192, EPISODES_BUFFERED = 262144 };

struct episode {
    double begin_s;       /* global, since T0 */
    double local_begin_s; /* node's clock since its window opened */
    double local_end_s;   /* likewise; still outside at the end: how long the node watched */
    uint64_t sequence;    /* of the message that led out, on its link */
    uint32_t node;
    uint32_t peer;
    uint16_t context;
    uint16_t flags; /* enum badge_flag */
};

struct episode_sink {
    void (*take)(void *self, const struct episode *episode);
    void *self;
};

/* Deliver every badge of the run. `late`, if not NULL, becomes the number of those out of order.
 * False after filling in `failure`. */
bool episode_stream(struct run_reader *reader, struct episode_sink sink, uint64_t *late,
                    struct failure *failure);

#endif
