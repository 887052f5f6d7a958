/* The carrier over MPI: order, bounds, counts, and nets that do not mix. */

#include "cunit_mpi.h"
#include "net/net_mpi.h"

#include <CUnit/CUnit.h>

enum { PEERS_MOST = 16, RING_MOST = 64 };

/* ---- a node ---- */

struct node {
    struct net_mpi *net;
    struct mailbox mailbox;
    uint64_t mark;                /* of this net */
    uint64_t missing[PEERS_MOST]; /* numbers skipped on the link from each peer */
    uint64_t last[PEERS_MOST];    /* number of its last message */
    uint64_t wrong;               /* messages that are not what was planted, or out of order */
};

static struct node node_open(MPI_Comm group, uint32_t inflight, bool synchronous, uint64_t mark)
{
    struct node node = {.mark = mark};
    struct net_mpi_setup setup = {group, inflight, synchronous};
    struct failure failure = {0};
    int self = 0, nodes = 0;
    MPI_Comm_rank(group, &self);
    MPI_Comm_size(group, &nodes);
    node.net = net_mpi_open(&setup, &failure);
    if (nodes > PEERS_MOST || node.net == NULL ||
        !mailbox_open(&node.mailbox, &net_mpi_ops, node.net, (uint32_t)self, (uint32_t)nodes,
                      &failure))
        MPI_Abort(MPI_COMM_WORLD, 1);
    return node;
}

static void node_close(struct node *node)
{
    net_mpi_close(node->net);
    mailbox_close(&node->mailbox);
}

/* A message tells on which net it was sent by whom to whom, and as which of that link. */
static struct message planted(uint64_t mark, uint32_t from, uint32_t to, uint64_t number)
{
    return (struct message){.kind = MESSAGE_UPDATE,
                            .origin = from,
                            .version = number * PEERS_MOST + to,
                            .payload = {mark, ~number}};
}

static void send_to(struct node *node, uint32_t peer, uint64_t count)
{
    struct mailbox *mailbox = &node->mailbox;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = mailbox->links[peer].attempted + 1;
        struct message message = planted(node->mark, mailbox->self, peer, number);
        mailbox_send(mailbox, peer, &message);
    }
}

static void send_to_all(struct node *node, uint64_t count)
{
    for (uint32_t peer = 0; peer < node->mailbox.nodes; peer++)
        if (peer != node->mailbox.self)
            send_to(node, peer, count);
}

static void take_all(struct node *node)
{
    struct message message;
    uint32_t peer;
    uint64_t missing;
    while (mailbox_receive(&node->mailbox, &peer, &message, &missing)) {
        struct message expected = planted(node->mark, peer, node->mailbox.self, message.sequence);
        node->wrong += message.sequence != node->last[peer] + missing + 1 ||
                       message.origin != expected.origin || message.kind != expected.kind ||
                       message.version != expected.version ||
                       message.payload[0] != expected.payload[0] ||
                       message.payload[1] != expected.payload[1];
        node->last[peer] = message.sequence;
        node->missing[peer] += missing;
    }
}

static void drain(struct node *node)
{
    net_mpi_announce(node->net, &node->mailbox);
    while (!net_mpi_is_drained(node->net, &node->mailbox))
        take_all(node);
    CU_ASSERT_EQUAL(net_mpi_in_flight(node->net, &node->mailbox), 0);
    CU_ASSERT_EQUAL(node->wrong, 0);
}

/* That each peer's link brought `count` messages, none missing. */
static void expect_received(const struct node *node, uint64_t count)
{
    for (uint32_t peer = 0; peer < node->mailbox.nodes; peer++) {
        CU_ASSERT_EQUAL(node->mailbox.links[peer].received, peer == node->mailbox.self ? 0 : count);
        CU_ASSERT_EQUAL(node->missing[peer], 0);
    }
}

/* ---- order ---- */

static void exchange_thousands(bool synchronous)
{
    enum { MESSAGES = 4000, AT_ONCE = 10 };
    struct node node = node_open(MPI_COMM_WORLD, MESSAGES, synchronous, 1);
    for (int sent = 0; sent < MESSAGES; sent += AT_ONCE) {
        send_to_all(&node, AT_ONCE);
        take_all(&node);
    }
    drain(&node);
    CU_ASSERT_EQUAL(mailbox_totals(&node.mailbox).suppressed, 0);
    expect_received(&node, MESSAGES);
    node_close(&node);
}

static void test_thousands_keep_the_order_of_their_link(void)
{
    exchange_thousands(false);
    exchange_thousands(true);
}

/* More than the ring holds, all there before the first is taken. */
static void test_a_burst_keeps_its_order(void)
{
    enum { MESSAGES = 20 * RING_MOST };
    struct node node = node_open(MPI_COMM_WORLD, MESSAGES, false, 1);
    send_to_all(&node, MESSAGES);
    MPI_Barrier(MPI_COMM_WORLD);
    drain(&node);
    expect_received(&node, MESSAGES);
    node_close(&node);
}

/* ---- bounds ---- */

/* Until one is really sent: then every gap before it shows. */
static void send_one_for_certain(struct node *node, uint32_t peer)
{
    const struct link *link = &node->mailbox.links[peer];
    for (uint64_t suppressed = link->suppressed + 1; suppressed != link->suppressed;) {
        suppressed = link->suppressed;
        send_to(node, peer, 1);
    }
}

/* What the others' books say of their links to node 0, on node 0. */
static void links_to_node_0(const struct node *node, struct link links[PEERS_MOST])
{
    MPI_Gather(&node->mailbox.links[0], (int)sizeof links[0], MPI_BYTE, links, (int)sizeof links[0],
               MPI_BYTE, 0, MPI_COMM_WORLD);
}

/* Node 0 takes nothing, so only what found a place in its ring is complete: many attempts are made,
 * until that is full. */
static void test_what_exceeds_the_bound_is_counted_and_missed(void)
{
    enum { INFLIGHT = 8, MESSAGES = 20000 };
    struct node node = node_open(MPI_COMM_WORLD, INFLIGHT, true, 1);
    struct link links[PEERS_MOST];
    uint64_t sent = 0, sent_by_all;
    if (node.mailbox.self > 0) {
        send_to(&node, 0, MESSAGES);
        sent = MESSAGES - node.mailbox.links[0].suppressed;
        CU_ASSERT(sent >= INFLIGHT);
    }
    MPI_Allreduce(&sent, &sent_by_all, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    CU_ASSERT(sent_by_all <= (node.mailbox.nodes - 1) * INFLIGHT + RING_MOST);
    if (node.mailbox.self > 0)
        send_one_for_certain(&node, 0);
    drain(&node);
    links_to_node_0(&node, links);
    for (uint32_t peer = 1; node.mailbox.self == 0 && peer < node.mailbox.nodes; peer++) {
        CU_ASSERT_EQUAL(node.missing[peer], links[peer].suppressed);
        CU_ASSERT_EQUAL(node.mailbox.links[peer].received,
                        links[peer].attempted - links[peer].suppressed);
    }
    node_close(&node);
}

/* Node 0 sends and nobody takes; each peer's share alone would not fill the pool. */
static void test_all_peers_share_one_pool(void)
{
    enum { ATTEMPTS = 80000 };
    struct node node = node_open(MPI_COMM_WORLD, NET_POOL_MAX, true, 1);
    uint32_t peers = node.mailbox.nodes - 1;
    if (node.mailbox.self == 0) {
        for (uint32_t round = 0; round < ATTEMPTS / peers; round++)
            send_to_all(&node, 1);
        struct link_totals totals = mailbox_totals(&node.mailbox);
        uint64_t sent = totals.attempted - totals.suppressed;
        CU_ASSERT(sent >= NET_POOL_MAX && sent <= NET_POOL_MAX + peers * RING_MOST);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    drain(&node);
    node_close(&node);
}

/* ---- the drain ---- */

static void test_a_drain_ends_when_the_counts_match(void)
{
    struct node node = node_open(MPI_COMM_WORLD, 1024, false, 1);
    uint32_t self = node.mailbox.self;
    for (uint32_t peer = 0; peer < node.mailbox.nodes; peer++)
        if (peer != self)
            send_to(&node, peer, 10 * self + peer);
    net_mpi_announce(node.net, &node.mailbox);
    while (!net_mpi_is_announced(node.net))
        ;
    uint64_t expected = 0;
    for (uint32_t peer = 0; peer < node.mailbox.nodes; peer++)
        expected += peer != self ? 10 * peer + self : 0;
    CU_ASSERT_EQUAL(net_mpi_in_flight(node.net, &node.mailbox), expected);
    CU_ASSERT_EQUAL(net_mpi_is_drained(node.net, &node.mailbox), expected == 0);
    while (!net_mpi_is_drained(node.net, &node.mailbox))
        take_all(&node);
    for (uint32_t peer = 0; peer < node.mailbox.nodes; peer++)
        CU_ASSERT_EQUAL(node.mailbox.links[peer].received, peer != self ? 10 * peer + self : 0);
    node_close(&node);
}

/* Node 0 is behind: until it says how many it sent, nobody knows what is still to come. */
static void test_nothing_is_drained_before_all_have_announced(void)
{
    struct node node = node_open(MPI_COMM_WORLD, 1024, false, 1);
    if (node.mailbox.self > 0) {
        net_mpi_announce(node.net, &node.mailbox);
        CU_ASSERT_FALSE(net_mpi_is_announced(node.net));
        CU_ASSERT_FALSE(net_mpi_is_drained(node.net, &node.mailbox));
        MPI_Send(NULL, 0, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
        while (!net_mpi_is_drained(node.net, &node.mailbox))
            take_all(&node);
        CU_ASSERT_EQUAL(node.mailbox.links[0].received, 5);
    } else {
        for (uint32_t peer = 1; peer < node.mailbox.nodes; peer++)
            MPI_Recv(NULL, 0, MPI_BYTE, (int)peer, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        send_to_all(&node, 5);
        drain(&node);
    }
    node_close(&node);
}

/* A drain has its limit. What it leaves under way must not reach freed memory or the next net. */
static void test_a_net_that_was_not_drained_can_be_closed(void)
{
    for (uint64_t mark = 1; mark <= 2; mark++) {
        struct node node = node_open(MPI_COMM_WORLD, 1000, true, mark);
        send_to_all(&node, 1000);
        net_mpi_announce(node.net, &node.mailbox);
        node_close(&node);
    }
    struct node node = node_open(MPI_COMM_WORLD, 1000, true, 3);
    send_to_all(&node, 1000);
    drain(&node);
    expect_received(&node, 1000);
    node_close(&node);
}

/* ---- several nets ---- */

static void test_nets_and_groups_do_not_mix(void)
{
    enum { MESSAGES = 500, NETS = 3 };
    int rank = 0;
    MPI_Comm group;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &group);
    struct node nodes[NETS] = {
        node_open(MPI_COMM_WORLD, MESSAGES, false, 1),
        node_open(MPI_COMM_WORLD, MESSAGES, false, 2),
        node_open(group, MESSAGES, false, 10 + (uint64_t)rank % 2),
    };
    for (int round = 0; round < MESSAGES / 10; round++)
        for (int n = 0; n < NETS; n++)
            send_to_all(&nodes[n], 10);
    for (int n = 0; n < NETS; n++)
        drain(&nodes[n]);
    for (int n = 0; n < NETS; n++) {
        expect_received(&nodes[n], MESSAGES);
        node_close(&nodes[n]);
    }
    MPI_Comm_free(&group);
}

int main(int argc, char **argv)
{
    const CU_TestInfo tests[] = {
        {"thousands keep the order of their link", test_thousands_keep_the_order_of_their_link},
        {"a burst keeps its order", test_a_burst_keeps_its_order},
        {"what exceeds the bound is counted and missed",
         test_what_exceeds_the_bound_is_counted_and_missed},
        {"all peers share one pool", test_all_peers_share_one_pool},
        {"a drain ends when the counts match", test_a_drain_ends_when_the_counts_match},
        {"nothing is drained before all have announced",
         test_nothing_is_drained_before_all_have_announced},
        {"a net that was not drained can be closed", test_a_net_that_was_not_drained_can_be_closed},
        {"nets and groups do not mix", test_nets_and_groups_do_not_mix},
        CU_TEST_INFO_NULL,
    };
    return cunit_mpi_main(&argc, &argv, "net over MPI", tests);
}
