#include "system/system.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Each node believes that the leader is the lowest rank it has heard within the time-out, itself
 * included. Beliefs ride on heartbeats. Nobody is elected and nobody steps down: a belief is all
 * there is. The start counts as a heartbeat of everybody, so that the launch is no change of
 * leader. */

enum { BELIEFS_MAX = 16384 };

/* One row per change of belief; the first is the belief at the start. */
struct belief {
    double time_s; /* since the window opened */
    uint32_t node;
    uint32_t leader;
};

/* How well a node detects the silence of a peer, in the terms of Chen, Toueg, Aguilera, On the
 * quality of service of failure detectors, IEEE Trans. Comput. 51(5), 2002, over suspicions that
 * began inside the window. Means are sum ÷ count. */
struct detection {
    uint64_t suspicions;
    uint64_t recurrences;    /* suspicions that had one before: samples of T_MR */
    uint64_t mistakes;       /* suspicions that ended: the peer was alive; samples of T_M */
    double recurrence_sum_s; /* from one suspicion to the next */
    double mistake_sum_s;    /* from suspicion to trust */
    double detection_sum_s;  /* T_D of a peer that died just after its last heartbeat heard: from */
    double detection_max_s;  /* the stamp of that heartbeat to the suspicion */
    uint32_t node;
    uint32_t peer;
};

static const struct system_column belief_columns[] = {
    SYSTEM_COLUMN(belief, time_s, COLUMN_REAL, "s"),
    SYSTEM_COLUMN(belief, node, COLUMN_NODE, NULL),
    SYSTEM_COLUMN(belief, leader, COLUMN_NODE, NULL),
};
static const struct system_column detection_columns[] = {
    SYSTEM_COLUMN(detection, suspicions, COLUMN_UNSIGNED, NULL),
    SYSTEM_COLUMN(detection, recurrences, COLUMN_UNSIGNED, NULL),
    SYSTEM_COLUMN(detection, mistakes, COLUMN_UNSIGNED, NULL),
    SYSTEM_COLUMN(detection, recurrence_sum_s, COLUMN_REAL, "s"),
    SYSTEM_COLUMN(detection, mistake_sum_s, COLUMN_REAL, "s"),
    SYSTEM_COLUMN(detection, detection_sum_s, COLUMN_REAL, "s"),
    SYSTEM_COLUMN(detection, detection_max_s, COLUMN_REAL, "s"),
    SYSTEM_COLUMN(detection, node, COLUMN_NODE, NULL),
    SYSTEM_COLUMN(detection, peer, COLUMN_NODE, NULL),
};
enum { TABLE_BELIEFS, TABLE_DETECTION, TABLES };
static const struct system_table tables[TABLES] = {
    SYSTEM_TABLE("beliefs", belief, belief_columns),
    SYSTEM_TABLE("detection", detection, detection_columns),
};

struct peer {
    struct local_time heard;     /* last heartbeat */
    double delay_s;              /* of that heartbeat */
    struct local_time suspected; /* NaN: never inside the window */
    bool is_suspected;
    bool counts; /* the suspicion began inside the window */
    struct detection *quality;
};

struct system {
    struct system_setup setup;
    uint32_t leader;
    struct local_time suspicion_due; /* nobody's time-out can be over before */
    struct row_store stores[TABLES];
    struct peer peers[]; /* [nodes] */
};

/* ---- life ---- */

static void destroy(struct system *system)
{
    for (int t = 0; t < TABLES; t++)
        row_store_close(&system->stores[t]);
    free(system);
}

static void note_belief(struct system *system, uint32_t leader, struct local_time at)
{
    struct belief row = {local_elapsed_s(system->setup.begin, at), system->setup.mailbox->self,
                         leader};
    system->leader = leader;
    (void)row_store_add(&system->stores[TABLE_BELIEFS], &row);
}

static struct system *create(const struct system_setup *setup)
{
    uint32_t nodes = setup->mailbox->nodes, self = setup->mailbox->self;
    struct system *system = calloc(1, sizeof *system + nodes * sizeof system->peers[0]);
    if (system == NULL)
        return NULL;
    system->setup = *setup;
    system->suspicion_due = local_after(setup->start, setup->leader_timeout_s);
    bool beliefs =
        row_store_open(&system->stores[TABLE_BELIEFS], sizeof(struct belief), BELIEFS_MAX);
    if (!row_store_open(&system->stores[TABLE_DETECTION], sizeof(struct detection), nodes - 1) ||
        !beliefs) {
        destroy(system);
        return NULL;
    }
    for (uint32_t peer = 0; peer < nodes; peer++) {
        struct detection row = {.node = self, .peer = peer};
        system->peers[peer] = (struct peer){.heard = setup->start, .suspected = {(double)NAN}};
        if (peer != self)
            system->peers[peer].quality = row_store_add(&system->stores[TABLE_DETECTION], &row);
    }
    note_belief(system, 0, setup->start);
    return system;
}

/* ---- suspicion and trust ---- */

static void suspect(struct system *system, struct peer *peer, struct local_time at)
{
    struct detection *quality = peer->quality;
    peer->is_suspected = true;
    peer->counts = at.s >= system->setup.begin.s;
    if (!peer->counts)
        return;
    double detection_s = peer->delay_s + local_elapsed_s(peer->heard, at);
    quality->suspicions++;
    quality->detection_sum_s += detection_s;
    quality->detection_max_s = fmax(quality->detection_max_s, detection_s);
    if (!isnan(peer->suspected.s)) {
        quality->recurrences++;
        quality->recurrence_sum_s += local_elapsed_s(peer->suspected, at);
    }
    peer->suspected = at;
}

static void trust(struct peer *peer, struct local_time at)
{
    peer->is_suspected = false;
    if (!peer->counts)
        return;
    peer->quality->mistakes++;
    peer->quality->mistake_sum_s += local_elapsed_s(peer->suspected, at);
}

static uint32_t lowest_heard(const struct system *system)
{
    uint32_t lowest = 0;
    while (lowest != system->setup.mailbox->self && system->peers[lowest].is_suspected)
        lowest++;
    return lowest;
}

static void believe(struct system *system, struct local_time at)
{
    uint32_t leader = lowest_heard(system);
    if (leader != system->leader)
        note_belief(system, leader, at);
}

/* Looks at the peers only when a time-out can be over. */
static void inbox_empty(struct system *system, struct local_time at)
{
    const struct system_setup *setup = &system->setup;
    if (at.s <= system->suspicion_due.s)
        return;
    struct local_time next = local_after(at, setup->leader_timeout_s);
    for (uint32_t i = 0; i < setup->mailbox->nodes; i++) {
        struct peer *peer = &system->peers[i];
        if (i == setup->mailbox->self || peer->is_suspected)
            continue;
        struct local_time over = local_after(peer->heard, setup->leader_timeout_s);
        if (at.s > over.s)
            suspect(system, peer, at);
        else
            next = local_earlier(next, over);
    }
    system->suspicion_due = next;
    believe(system, at);
}

/* ---- heartbeats ---- */

static void fill_heartbeat(const struct system *system, struct message *heartbeat)
{
    heartbeat->payload[0] = system->leader;
}

static void compare(const struct system *system, const struct boundary_event *arrival,
                    enum measure measure, bool differs)
{
    struct boundary_event event = *arrival;
    event.measure = measure;
    event.value = differs ? 1 : 0;
    boundary_report(system->setup.boundary, &event);
}

/* The peer's belief is held against this node's own as it was until now; only then does the
 * heartbeat count as heard. */
static void read_heartbeat(struct system *system, const struct message *heartbeat,
                           const struct boundary_event *arrival)
{
    uint32_t self = system->setup.mailbox->self;
    struct peer *peer = &system->peers[arrival->peer];
    struct boundary_event event = *arrival;
    event.version_known = system->leader;
    event.version_received = heartbeat->payload[0];
    compare(system, &event, MEASURE_DUAL_LEADERS,
            system->leader == self && heartbeat->payload[0] == arrival->peer);
    compare(system, &event, MEASURE_LEADER_VIEWS, heartbeat->payload[0] != system->leader);
    peer->heard = arrival->at;
    peer->delay_s = arrival->value;
    if (peer->is_suspected) {
        trust(peer, arrival->at);
        believe(system, arrival->at);
    }
}

static const struct row_store *rows(const struct system *system, size_t table)
{
    assert(table < TABLES);
    return &system->stores[table];
}

const struct system_ops leader_system = {
    .name = "leader",
    .assumes = "Only one node believes that it is the leader, and all nodes believe in it.",
    .observes = "leadership: the leader that each heartbeat names; receive: message delay, missing "
                "messages; timeout: silence between heartbeats.",
    .drifts = "a node that believes in itself and hears another that does, a peer that believes in "
              "another leader, a late heartbeat, a peer silent for too long.",
    .contexts = 1U << CONTEXT_MESSAGE_DELAY_EXCEEDED | 1U << CONTEXT_HEARTBEAT_MISSED |
                1U << CONTEXT_MESSAGE_MISSING | 1U << CONTEXT_DUAL_LEADER_OBSERVED |
                1U << CONTEXT_LEADER_VIEW_SPLIT,
    .create = create,
    .destroy = destroy,
    .fill_heartbeat = fill_heartbeat,
    .read_heartbeat = read_heartbeat,
    .inbox_empty = inbox_empty,
    .tables = tables,
    .table_count = TABLES,
    .rows = rows,
};
