#ifndef MPIDRIFT_FAKE_NET_H
#define MPIDRIFT_FAKE_NET_H

#include "fake_clock.h"
#include "net/net.h"

/* A network of queues in memory. Each directed link keeps its order: a message is released at
 * max(previous release, now + delay). All that happens is written down for an oracle: what is put
 * in here, and what a mailbox takes out, above whatever lies between. */

/* An empty inbox is written down only if that is asked for: `from` and `to` are the node. */
enum fake_event_kind { FAKE_SENT, FAKE_LOST, FAKE_TAKEN, FAKE_EMPTY };

enum fake_log { FAKE_LOG_MESSAGES, FAKE_LOG_INBOXES, FAKE_LOG_NOTHING };

struct fake_event {
    enum fake_event_kind kind;
    double at_s; /* true time */
    uint32_t from;
    uint32_t to;
    struct message message;
};

struct fake_net;

/* What becomes of a message now: its delay in seconds; negative: it is lost. */
typedef double (*fake_delay)(void *plan, uint32_t from, uint32_t to, const struct message *message,
                             double now_s);

struct fake_net *fake_net_create(uint32_t nodes, const struct true_time *time, fake_delay delay,
                                 void *plan, enum fake_log log);
void fake_net_free(struct fake_net *net);

extern const struct carrier_ops fake_net_ops;
/* The carrier of that node; owned by the net. */
void *fake_net_port(struct fake_net *net, uint32_t node);
/* From now on what this mailbox takes is written down. */
void fake_net_watch(struct fake_net *net, uint32_t node, struct mailbox *mailbox);

/* When the next message for that node is released; HUGE_VAL: none is under way. */
double fake_net_due_s(const struct fake_net *net, uint32_t node);

/* All events so far, in the order in which they happened. */
const struct fake_event *fake_net_log(const struct fake_net *net, size_t *count);
/* Whether the same happened at the same time on both. */
bool fake_net_same(const struct fake_net *one, const struct fake_net *other);

#endif
