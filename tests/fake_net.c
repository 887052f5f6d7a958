#include "fake_net.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct parcel {
    double release_s;
    struct message message;
};

/* One directed link: a growing queue, taken from the front. */
struct queue {
    struct parcel *parcels;
    size_t first;
    size_t count; /* begins anew when all are taken */
    size_t room;
    double last_release_s;
};

struct port {
    struct fake_net *net;
    uint32_t node;
    const struct carrier_ops *watched_ops; /* what the node's mailbox stood on */
    void *watched;
};

struct fake_net {
    uint32_t nodes;
    const struct true_time *time;
    fake_delay delay;
    void *plan;
    struct queue *queues; /* [from][to] */
    double *heads_s;      /* [to][from] release of the first in each queue; HUGE_VAL: empty */
    uint32_t *next;       /* [to] whose is the earliest of these */
    struct port *ports;
    enum fake_log log_kind;
    struct fake_event *log;
    size_t log_count;
    size_t log_room;
};

static void *grow(void *array, size_t count, size_t *room, size_t element_bytes)
{
    if (count < *room)
        return array;
    *room = *room == 0 ? 16 : 2 * *room;
    void *larger = realloc(array, *room * element_bytes);
    assert(larger != NULL);
    return larger;
}

static void write_down(struct fake_net *net, enum fake_event_kind kind, uint32_t from, uint32_t to,
                       const struct message *message)
{
    if (net->log_kind == FAKE_LOG_NOTHING ||
        (kind == FAKE_EMPTY && net->log_kind != FAKE_LOG_INBOXES))
        return;
    net->log = grow(net->log, net->log_count, &net->log_room, sizeof *net->log);
    net->log[net->log_count++] = (struct fake_event){kind, net->time->s, from, to, *message};
}

static double *heads_of(const struct fake_net *net, uint32_t to)
{
    return &net->heads_s[(size_t)to * net->nodes];
}

/* The first message of an empty link has been put in. */
static void note_sent(struct fake_net *net, uint32_t from, uint32_t to, double release_s)
{
    double *heads_s = heads_of(net, to);
    heads_s[from] = release_s;
    double earliest_s = heads_s[net->next[to]];
    if (release_s < earliest_s || (release_s == earliest_s && from < net->next[to]))
        net->next[to] = from;
}

/* The first message of a link has been taken. */
static void note_taken(struct fake_net *net, uint32_t from, uint32_t to)
{
    const struct queue *queue = &net->queues[from * net->nodes + to];
    double *heads_s = heads_of(net, to);
    heads_s[from] = queue->first < queue->count ? queue->parcels[queue->first].release_s : HUGE_VAL;
    uint32_t next = 0;
    for (uint32_t i = 1; i < net->nodes; i++)
        if (heads_s[i] < heads_s[next])
            next = i;
    net->next[to] = next;
}

static bool send(void *carrier, uint32_t to, const struct message *message)
{
    const struct port *port = carrier;
    struct fake_net *net = port->net;
    double delay_s = net->delay(net->plan, port->node, to, message, net->time->s);
    write_down(net, delay_s < 0 ? FAKE_LOST : FAKE_SENT, port->node, to, message);
    if (delay_s < 0)
        return true; /* a network does not tell the sender what it loses */
    struct queue *queue = &net->queues[port->node * net->nodes + to];
    if (queue->first == queue->count)
        queue->first = queue->count = 0;
    queue->parcels = grow(queue->parcels, queue->count, &queue->room, sizeof *queue->parcels);
    queue->last_release_s = fmax(queue->last_release_s, net->time->s + delay_s);
    queue->parcels[queue->count++] = (struct parcel){queue->last_release_s, *message};
    if (queue->count == 1)
        note_sent(net, port->node, to, queue->last_release_s);
    return true;
}

/* Of all links to this node the message that was released first. */
static bool receive(void *carrier, uint32_t *peer, struct message *message)
{
    const struct port *port = carrier;
    struct fake_net *net = port->net;
    uint32_t from = net->next[port->node];
    if (fake_net_due_s(net, port->node) > net->time->s)
        return false;
    struct queue *queue = &net->queues[from * net->nodes + port->node];
    *peer = from;
    *message = queue->parcels[queue->first++].message;
    note_taken(net, from, port->node);
    return true;
}

const struct carrier_ops fake_net_ops = {.send = send, .receive = receive};

static bool send_watched(void *carrier, uint32_t to, const struct message *message)
{
    const struct port *port = carrier;
    return port->watched_ops->send(port->watched, to, message);
}

static bool receive_watched(void *carrier, uint32_t *peer, struct message *message)
{
    const struct port *port = carrier;
    if (!port->watched_ops->receive(port->watched, peer, message)) {
        const struct message none = {.kind = 0};
        write_down(port->net, FAKE_EMPTY, port->node, port->node, &none);
        return false;
    }
    write_down(port->net, FAKE_TAKEN, *peer, port->node, message);
    return true;
}

void fake_net_watch(struct fake_net *net, uint32_t node, struct mailbox *mailbox)
{
    static const struct carrier_ops watch_ops = {.send = send_watched, .receive = receive_watched};
    struct port *port = &net->ports[node];
    port->watched_ops = mailbox->ops;
    port->watched = mailbox->carrier;
    mailbox->ops = &watch_ops;
    mailbox->carrier = port;
}

struct fake_net *fake_net_create(uint32_t nodes, const struct true_time *time, fake_delay delay,
                                 void *plan, enum fake_log log)
{
    struct fake_net *net = calloc(1, sizeof *net);
    assert(net != NULL);
    *net = (struct fake_net){
        .nodes = nodes, .time = time, .delay = delay, .plan = plan, .log_kind = log};
    net->queues = calloc((size_t)nodes * nodes, sizeof *net->queues);
    net->ports = calloc(nodes, sizeof *net->ports);
    net->heads_s = calloc((size_t)nodes * nodes, sizeof *net->heads_s);
    net->next = calloc(nodes, sizeof *net->next);
    assert(net->queues && net->ports && net->heads_s && net->next);
    for (uint32_t i = 0; i < nodes; i++)
        net->ports[i] = (struct port){.net = net, .node = i};
    for (size_t i = 0; i < (size_t)nodes * nodes; i++)
        net->heads_s[i] = HUGE_VAL;
    return net;
}

void fake_net_free(struct fake_net *net)
{
    for (size_t i = 0; i < (size_t)net->nodes * net->nodes; i++)
        free(net->queues[i].parcels);
    free(net->queues);
    free(net->heads_s);
    free(net->next);
    free(net->ports);
    free(net->log);
    free(net);
}

void *fake_net_port(struct fake_net *net, uint32_t node)
{
    return &net->ports[node];
}

double fake_net_due_s(const struct fake_net *net, uint32_t node)
{
    return net->heads_s[(size_t)node * net->nodes + net->next[node]];
}

const struct fake_event *fake_net_log(const struct fake_net *net, size_t *count)
{
    *count = net->log_count;
    return net->log;
}

static bool same_message(const struct message *a, const struct message *b)
{
    return a->kind == b->kind && a->origin == b->origin && a->sequence == b->sequence &&
           a->version == b->version && a->due.s == b->due.s && a->sent.s == b->sent.s &&
           a->key == b->key && a->base_origin == b->base_origin;
}

bool fake_net_same(const struct fake_net *one, const struct fake_net *other)
{
    bool same = one->log_count == other->log_count;
    for (size_t i = 0; same && i < one->log_count; i++) {
        const struct fake_event *a = &one->log[i], *b = &other->log[i];
        same = a->kind == b->kind && a->at_s == b->at_s && a->from == b->from && a->to == b->to &&
               same_message(&a->message, &b->message);
    }
    return same;
}
