#include "net/net_mpi.h"

#include "mpi_check.h"
#include "mpi_library.h"
#include "patience.h"
#include "touch.h"

#include <stdlib.h>
#include <string.h>

/* A ring of 64 receives. MPI matches them in the order in which they were started, so each sender's
 * order is kept by handing them out in that order, whatever completes first. One look finds up to 8
 * messages, and starts again what the looks before have emptied: both in one call each, because
 * what MPI does in every call costs more than what it does for a message. */
enum { RING = 64, LOOK_MAX = 8, RECENT_MAX = 8, TAG_MESSAGE = 7 };
static const uint32_t NONE = UINT32_MAX;
static const int32_t NOBODY = -1;

/* Sends under way to one peer, oldest first, as a list through send_next. */
struct send_queue {
    uint32_t oldest;
    uint32_t newest;
    uint32_t count;  /* in the list */
    uint32_t recent; /* among the recent ones, which may be complete or not */
};

struct recent_send {
    uint32_t peer;
    uint32_t place;
};

struct net_mpi {
    struct net_mpi_setup setup;
    MPI_Comm comm;
    MPI_Comm counts_comm;
    uint32_t nodes;
    uint32_t self;
    struct message ring_message[RING];
    MPI_Request ring_request[RING];
    int32_t ring_peer[RING]; /* who sent what has arrived there; NOBODY: nothing has */
    uint32_t ring_head;      /* handed out next */
    uint32_t ring_start;     /* from here to the head they wait to be started again */
    uint64_t looks;
    uint32_t pool_size;
    struct message *send_message; /* [pool_size] */
    MPI_Request *send_request;    /* [pool_size] */
    uint32_t *send_next;          /* [pool_size] */
    uint32_t send_free;           /* head of the list of free places */
    struct send_queue *queues;    /* [nodes] */
    MPI_Request recent_request[RECENT_MAX];
    struct recent_send recent[RECENT_MAX];
    uint32_t recent_count;
    uint64_t *told;      /* [nodes] sent to each peer */
    uint64_t *announced; /* [nodes] what each peer sent here */
    MPI_Request announcement;
    bool announcement_complete;
};

/* ---- receiving ---- */

static void ring_open(struct net_mpi *net)
{
    for (uint32_t i = 0; i < RING; i++) {
        MPI_CHECK(MPI_Recv_init(&net->ring_message[i], (int)sizeof net->ring_message[i], MPI_BYTE,
                                MPI_ANY_SOURCE, TAG_MESSAGE, net->comm, &net->ring_request[i]));
        MPI_CHECK(MPI_Start(&net->ring_request[i]));
        net->ring_peer[i] = NOBODY;
    }
}

static void ring_close(struct net_mpi *net)
{
    for (uint32_t i = 0; i < RING; i++)
        mpi_library_cancel(&net->ring_request[i]);
}

/* Start again all that has been handed out: one piece of the ring, or two. */
static void ring_restart(struct net_mpi *net)
{
    while (net->ring_start != net->ring_head) {
        uint32_t start = net->ring_start;
        uint32_t end = net->ring_head > start ? net->ring_head : RING;
        MPI_CHECK(MPI_Startall((int)(end - start), &net->ring_request[start]));
        net->ring_start = end % RING;
    }
}

/* The next ones after the head, as far as they lie beside it in the array. They say what is there
 * without a further look at the network. */
static void ring_look_behind(struct net_mpi *net, uint32_t head)
{
    uint32_t first = head + 1, last = head + LOOK_MAX < RING ? head + LOOK_MAX : RING;
    int count = 0, places[LOOK_MAX];
    MPI_Status statuses[LOOK_MAX];
    if (first == last)
        return;
    MPI_CHECK(
        MPI_Testsome((int)(last - first), &net->ring_request[first], &count, places, statuses));
    for (int i = 0; i < count; i++) /* MPI_UNDEFINED, all inactive, is negative */
        net->ring_peer[first + (uint32_t)places[i]] = statuses[i].MPI_SOURCE;
}

static bool ring_look(struct net_mpi *net)
{
    uint32_t head = net->ring_head;
    MPI_Status status;
    int arrived = 0;
    ring_restart(net);
    MPI_CHECK(MPI_Test(&net->ring_request[head], &arrived, &status));
    net->looks++;
    if (!arrived)
        return false;
    net->ring_peer[head] = status.MPI_SOURCE;
    ring_look_behind(net, head);
    return true;
}

static bool receive(void *carrier, uint32_t *peer, struct message *message)
{
    struct net_mpi *net = carrier;
    uint32_t head = net->ring_head;
    if (net->ring_peer[head] == NOBODY && !ring_look(net))
        return false;
    *message = net->ring_message[head];
    *peer = (uint32_t)net->ring_peer[head];
    net->ring_peer[head] = NOBODY;
    net->ring_head = (head + 1) % RING;
    return true;
}

static uint64_t looks(const void *carrier)
{
    const struct net_mpi *net = carrier;
    return net->looks;
}

/* ---- sending ---- */

static void give_back(struct net_mpi *net, uint32_t place)
{
    net->send_next[place] = net->send_free;
    net->send_free = place;
}

static void enqueue(struct net_mpi *net, struct send_queue *queue, uint32_t place)
{
    if (queue->count == 0)
        queue->oldest = place;
    else
        net->send_next[queue->newest] = place;
    queue->newest = place;
    net->send_next[place] = NONE;
    queue->count++;
}

/* Small messages have mostly gone when the call that sends them returns, so the recent ones are
 * tested together; those that have not join the list of their peer. */
static void settle(struct net_mpi *net)
{
    int count = 0, indices[RECENT_MAX];
    bool complete[RECENT_MAX] = {false};
    if (net->recent_count == 0)
        return;
    MPI_CHECK(MPI_Testsome((int)net->recent_count, net->recent_request, &count, indices,
                           MPI_STATUSES_IGNORE));
    for (int i = 0; i < count; i++)
        complete[indices[i]] = true;
    for (uint32_t i = 0; i < net->recent_count; i++) {
        uint32_t place = net->recent[i].place;
        struct send_queue *queue = &net->queues[net->recent[i].peer];
        queue->recent--;
        net->send_request[place] = net->recent_request[i];
        if (complete[i])
            give_back(net, place);
        else
            enqueue(net, queue, place);
    }
    net->recent_count = 0;
}

/* Take back the places of sends to this peer that are complete, oldest first. */
static void reap(struct net_mpi *net, struct send_queue *queue)
{
    while (queue->count > 0) {
        uint32_t place = queue->oldest;
        int complete = 0;
        MPI_CHECK(MPI_Test(&net->send_request[place], &complete, MPI_STATUS_IGNORE));
        if (!complete)
            return;
        queue->oldest = net->send_next[place];
        queue->count--;
        give_back(net, place);
    }
}

static void reap_all(struct net_mpi *net)
{
    settle(net);
    for (uint32_t peer = 0; peer < net->nodes; peer++)
        reap(net, &net->queues[peer]);
}

/* NONE: neither this peer nor all together may have more under way. */
static uint32_t take_place(struct net_mpi *net, struct send_queue *queue)
{
    reap(net, queue);
    if (net->recent_count == RECENT_MAX || queue->count + queue->recent >= net->setup.inflight)
        settle(net);
    if (queue->count + queue->recent >= net->setup.inflight)
        return NONE;
    if (net->send_free == NONE)
        reap_all(net);
    uint32_t place = net->send_free;
    if (place != NONE)
        net->send_free = net->send_next[place];
    return place;
}

static bool send(void *carrier, uint32_t peer, const struct message *message)
{
    struct net_mpi *net = carrier;
    struct send_queue *queue = &net->queues[peer];
    uint32_t place = take_place(net, queue);
    if (place == NONE)
        return false;
    int bytes = (int)sizeof *message;
    MPI_Request *request = &net->recent_request[net->recent_count];
    net->send_message[place] = *message;
    net->recent[net->recent_count++] = (struct recent_send){peer, place};
    queue->recent++;
    if (net->setup.synchronous)
        MPI_CHECK(MPI_Issend(&net->send_message[place], bytes, MPI_BYTE, (int)peer, TAG_MESSAGE,
                             net->comm, request));
    else
        MPI_CHECK(MPI_Isend(&net->send_message[place], bytes, MPI_BYTE, (int)peer, TAG_MESSAGE,
                            net->comm, request));
    return true;
}

const struct carrier_ops net_mpi_ops = {.send = send, .receive = receive, .looks = looks};

/* ---- life ---- */

static void release(struct net_mpi *net)
{
    free(net->send_message);
    free(net->send_request);
    free(net->send_next);
    free(net->queues);
    free(net->told);
    free(net->announced);
    free(net);
}

size_t net_mpi_peer_bytes(void)
{
    const struct net_mpi *net = NULL;
    return sizeof *net->queues + sizeof *net->told + sizeof *net->announced;
}

static uint32_t pool_size(const struct net_mpi_setup *setup, uint32_t nodes)
{
    uint64_t wanted = (uint64_t)setup->inflight * (nodes > 1 ? nodes - 1 : 1);
    return wanted < NET_POOL_MAX ? (uint32_t)wanted : NET_POOL_MAX;
}

static void open_communicators(struct net_mpi *net)
{
    MPI_Request request;
    mpi_library_duplicate(net->setup.group, &net->comm, &request);
    patience_wait(&request);
    mpi_library_duplicate(net->setup.group, &net->counts_comm, &request);
    patience_wait(&request);
}

struct net_mpi *net_mpi_open(const struct net_mpi_setup *setup, struct failure *failure)
{
    int nodes, self;
    MPI_CHECK(MPI_Comm_size(setup->group, &nodes));
    MPI_CHECK(MPI_Comm_rank(setup->group, &self));
    struct net_mpi *net = calloc(1, sizeof *net);
    if (net == NULL) {
        (void)failure_set(failure, EXIT_INTERNAL, "no memory for the network");
        return NULL;
    }
    net->setup = *setup;
    net->nodes = (uint32_t)nodes;
    net->self = (uint32_t)self;
    net->pool_size = pool_size(setup, net->nodes);
    net->send_message = calloc(net->pool_size, sizeof *net->send_message);
    net->send_request = calloc(net->pool_size, sizeof(MPI_Request));
    net->send_next = calloc(net->pool_size, sizeof *net->send_next);
    net->queues = calloc(net->nodes, sizeof *net->queues);
    net->told = calloc(net->nodes, sizeof *net->told);
    net->announced = calloc(net->nodes, sizeof *net->announced);
    if (!net->send_message || !net->send_request || !net->send_next || !net->queues || !net->told ||
        !net->announced) {
        release(net);
        (void)failure_set(failure, EXIT_INTERNAL,
                          "no memory for a pool of sends; lower --inflight");
        return NULL;
    }
    touch_pages(net->send_message, net->pool_size * sizeof *net->send_message);
    for (uint32_t place = 0; place < net->pool_size; place++)
        net->send_next[place] = place + 1 < net->pool_size ? place + 1 : NONE;
    net->announcement = MPI_REQUEST_NULL;
    open_communicators(net);
    ring_open(net);
    return net;
}

/* ---- the drain ---- */

void net_mpi_announce(struct net_mpi *net, const struct mailbox *mailbox)
{
    for (uint32_t peer = 0; peer < net->nodes; peer++)
        net->told[peer] = mailbox->links[peer].sent;
    MPI_CHECK(MPI_Ialltoall(net->told, 1, MPI_UINT64_T, net->announced, 1, MPI_UINT64_T,
                            net->counts_comm, &net->announcement));
    net->announcement_complete = false;
}

bool net_mpi_is_announced(struct net_mpi *net)
{
    int complete = net->announcement_complete;
    if (!complete)
        MPI_CHECK(MPI_Test(&net->announcement, &complete, MPI_STATUS_IGNORE));
    net->announcement_complete = complete;
    return complete;
}

uint64_t net_mpi_links_wrong(const struct net_mpi *net, const struct mailbox *mailbox)
{
    uint64_t wrong = 0;
    for (uint32_t peer = 0; peer < net->nodes; peer++) {
        const struct link *link = &mailbox->links[peer];
        wrong += link->attempted != link->sent + link->suppressed ||
                 link->received + link->lost + link->overflowed > net->announced[peer];
    }
    return wrong;
}

uint64_t net_mpi_in_flight(const struct net_mpi *net, const struct mailbox *mailbox)
{
    assert(net->announcement_complete);
    uint64_t missing = 0;
    for (uint32_t peer = 0; peer < net->nodes; peer++) {
        const struct link *link = &mailbox->links[peer];
        missing += net->announced[peer] - link->received - link->lost - link->overflowed;
    }
    return missing;
}

bool net_mpi_is_drained(struct net_mpi *net, const struct mailbox *mailbox)
{
    reap_all(net);
    return net_mpi_is_announced(net) && net_mpi_in_flight(net, mailbox) == 0;
}

/* ---- the end ---- */

static bool sends_under_way(struct net_mpi *net)
{
    reap_all(net);
    for (uint32_t peer = 0; peer < net->nodes; peer++)
        if (net->queues[peer].count > 0)
            return true;
    return false;
}

/* A drain that gave up leaves messages under way, and MPI still uses their memory. They are taken
 * and forgotten, until no rank has any. */
static void forget_rest(struct net_mpi *net)
{
    struct message message;
    uint32_t peer;
    MPI_Request barrier;
    int all_quiet = 0;
    for (bool quiet = false; !all_quiet;) {
        while (receive(net, &peer, &message))
            ;
        if (quiet) {
            MPI_CHECK(MPI_Test(&barrier, &all_quiet, MPI_STATUS_IGNORE));
        } else if (net_mpi_is_announced(net) && !sends_under_way(net)) {
            MPI_CHECK(MPI_Ibarrier(net->counts_comm, &barrier));
            quiet = true;
        }
        patience_nap();
    }
}

void net_mpi_close(struct net_mpi *net)
{
    forget_rest(net);
    ring_close(net);
    MPI_CHECK(MPI_Comm_free(&net->comm));
    MPI_CHECK(MPI_Comm_free(&net->counts_comm));
    release(net);
}
