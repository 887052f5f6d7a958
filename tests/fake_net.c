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
    size_t count; /* ever put in */
    size_t room;
    double last_release_s;
};

struct port {
    struct fake_net *net;
    uint32_t node;
};

struct fake_net {
    uint32_t nodes;
    const struct true_time *time;
    fake_delay delay;
    void *plan;
    struct queue *queues; /* [from][to] */
    struct port *ports;
    struct fake_event *log;
    size_t log_count;
    size_t log_room;
};

static void *grow(void *array, size_t count, size_t *room, size_t element_bytes)
{
    if (count < *room)
        return array;
    *room = *room == 0 ? 1024 : 2 * *room;
    void *larger = realloc(array, *room * element_bytes);
    assert(larger != NULL);
    return larger;
}

static void write_down(struct fake_net *net, enum fake_event_kind kind, uint32_t from, uint32_t to,
                       const struct message *message)
{
    net->log = grow(net->log, net->log_count, &net->log_room, sizeof *net->log);
    net->log[net->log_count++] = (struct fake_event){kind, net->time->s, from, to, *message};
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
    queue->parcels = grow(queue->parcels, queue->count, &queue->room, sizeof *queue->parcels);
    queue->last_release_s = fmax(queue->last_release_s, net->time->s + delay_s);
    queue->parcels[queue->count++] = (struct parcel){queue->last_release_s, *message};
    return true;
}

/* Of all links to this node the message that was released first. */
static bool receive(void *carrier, uint32_t *peer, struct message *message)
{
    const struct port *port = carrier;
    struct fake_net *net = port->net;
    double earliest_s = HUGE_VAL;
    for (uint32_t from = 0; from < net->nodes; from++) {
        const struct queue *queue = &net->queues[from * net->nodes + port->node];
        if (queue->first == queue->count || queue->parcels[queue->first].release_s >= earliest_s)
            continue;
        earliest_s = queue->parcels[queue->first].release_s;
        *peer = from;
    }
    if (earliest_s > net->time->s)
        return false;
    struct queue *queue = &net->queues[*peer * net->nodes + port->node];
    *message = queue->parcels[queue->first++].message;
    write_down(net, FAKE_TAKEN, *peer, port->node, message);
    return true;
}

const struct carrier_ops fake_net_ops = {.send = send, .receive = receive};

struct fake_net *fake_net_create(uint32_t nodes, const struct true_time *time, fake_delay delay,
                                 void *plan)
{
    struct fake_net *net = calloc(1, sizeof *net);
    assert(net != NULL);
    *net = (struct fake_net){.nodes = nodes, .time = time, .delay = delay, .plan = plan};
    net->queues = calloc((size_t)nodes * nodes, sizeof *net->queues);
    net->ports = calloc(nodes, sizeof *net->ports);
    assert(net->queues != NULL && net->ports != NULL);
    for (uint32_t i = 0; i < nodes; i++)
        net->ports[i] = (struct port){net, i};
    return net;
}

void fake_net_free(struct fake_net *net)
{
    for (size_t i = 0; i < (size_t)net->nodes * net->nodes; i++)
        free(net->queues[i].parcels);
    free(net->queues);
    free(net->ports);
    free(net->log);
    free(net);
}

void *fake_net_port(struct fake_net *net, uint32_t node)
{
    return &net->ports[node];
}

const struct fake_event *fake_net_log(const struct fake_net *net, size_t *count)
{
    *count = net->log_count;
    return net->log;
}
