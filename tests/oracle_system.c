#include "oracle.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Beliefs and decisions, told from the log: who heard what until when. */

static const struct fake_event *events_of(const struct fake_run *run, size_t *count)
{
    return fake_net_log(run->net, count);
}

static double *untold(size_t count)
{
    double *told = calloc(count + 1, sizeof *told);
    assert(told != NULL);
    for (size_t i = 0; i < count; i++)
        told[i] = (double)NAN;
    return told;
}

/* ---- beliefs ---- */

/* Whom each node had heard when, and whom its last empty inbox made it give up. */
struct hearing {
    double heard_s[FAKE_NODES_MAX][FAKE_NODES_MAX];
    bool given_up[FAKE_NODES_MAX][FAKE_NODES_MAX];
};

static struct hearing *hearing_at_start(const struct fake_run *run)
{
    struct hearing *hearing = calloc(1, sizeof *hearing);
    assert(hearing != NULL);
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        for (uint32_t peer = 0; peer < run->setup.nodes; peer++)
            hearing->heard_s[node][peer] = run->t0_s - run->setup.warmup_s;
    return hearing;
}

static uint32_t leader_of(const struct hearing *hearing, uint32_t node)
{
    for (uint32_t peer = 0; peer < node; peer++)
        if (!hearing->given_up[node][peer])
            return peer;
    return node;
}

/* What the event changes for the node at which it happened. */
static void hear(const struct fake_run *run, struct hearing *hearing,
                 const struct fake_event *event)
{
    uint32_t node = event->to;
    if (event->kind == FAKE_TAKEN && event->message.kind == MESSAGE_HEARTBEAT) {
        hearing->heard_s[node][event->from] = event->at_s;
        hearing->given_up[node][event->from] = false;
    }
    if (event->kind != FAKE_EMPTY || event->at_s >= run->t0_s + run->setup.duration_s)
        return;
    for (uint32_t peer = 0; peer < run->setup.nodes; peer++)
        if (event->at_s - hearing->heard_s[node][peer] > run->setup.leader_timeout_s)
            hearing->given_up[node][peer] = true;
}

static double *tell_beliefs(const struct fake_run *run, enum context context)
{
    size_t count;
    const struct fake_event *log = events_of(run, &count);
    double *told = untold(count);
    struct hearing *hearing = hearing_at_start(run);
    for (size_t i = 0; i < count; i++) {
        const struct message *message = &log[i].message;
        if (log[i].kind == FAKE_TAKEN && message->kind == MESSAGE_HEARTBEAT) {
            uint64_t mine = leader_of(hearing, log[i].to), theirs = message->payload[0];
            bool dual = mine == log[i].to && theirs == log[i].from;
            told[i] = context == CONTEXT_DUAL_LEADER_OBSERVED ? dual : mine != theirs;
        }
        hear(run, hearing, &log[i]);
    }
    free(hearing);
    return told;
}

static size_t wrong_beliefs(const struct fake_run *run)
{
    size_t count, wrong = 0;
    const struct fake_event *log = events_of(run, &count);
    struct hearing *hearing = hearing_at_start(run);
    for (size_t i = 0; i < count; i++) {
        bool sent = log[i].kind == FAKE_SENT || log[i].kind == FAKE_LOST;
        if (sent && log[i].message.kind == MESSAGE_HEARTBEAT)
            wrong += log[i].message.payload[0] != leader_of(hearing, log[i].from);
        hear(run, hearing, &log[i]);
    }
    free(hearing);
    return wrong;
}

/* ---- decisions ---- */

static struct oracle_round *round_of(const struct oracle_rounds *all, uint32_t node, int64_t round)
{
    int64_t place = round - all->first;
    bool known = place >= 0 && (size_t)place < all->count;
    return known ? &all->rounds[node * all->count + (size_t)place] : NULL;
}

static double deadline_s(const struct fake_run *run, int64_t round)
{
    return run->t0_s + (double)round * run->setup.round_s + run->setup.deadline_s;
}

static void note_proposal(const struct fake_run *run, const struct oracle_rounds *all,
                          const struct fake_event *event)
{
    int64_t round = (int64_t)event->message.version;
    uint32_t bit = (uint32_t)event->message.payload[0];
    bool taken = event->kind == FAKE_TAKEN;
    struct oracle_round *known = round_of(all, taken ? event->to : event->from, round);
    assert(known != NULL && bit < 2);
    if (!taken) {
        known->is_proposed = true;
        known->proposal = bit;
    } else if (event->at_s < deadline_s(run, round)) {
        known->heard++;
        known->ones += bit;
    } else {
        known->late++;
    }
}

struct oracle_rounds oracle_rounds(const struct fake_run *run)
{
    size_t count;
    const struct fake_event *log = events_of(run, &count);
    double before = round(run->setup.warmup_s / run->setup.round_s);
    double after = ceil(run->setup.duration_s / run->setup.round_s);
    struct oracle_rounds all = {-(int64_t)before, (size_t)(before + after), NULL};
    all.rounds = calloc(run->setup.nodes * all.count, sizeof *all.rounds);
    assert(all.rounds != NULL);
    for (size_t i = 0; i < count; i++)
        if (log[i].message.kind == MESSAGE_PROPOSAL)
            note_proposal(run, &all, &log[i]);
    for (size_t i = 0; i < run->setup.nodes * all.count; i++) {
        struct oracle_round *round = &all.rounds[i];
        double due_s = deadline_s(run, all.first + (int64_t)(i % all.count));
        uint32_t ones = round->ones + round->proposal, zeros = round->heard + 1 - ones;
        round->is_decided = round->is_proposed && due_s < run->t0_s + run->setup.duration_s;
        round->decision = ones > zeros;
    }
    return all;
}

static double *tell_decisions(const struct fake_run *run)
{
    size_t count;
    const struct fake_event *log = events_of(run, &count);
    double *told = untold(count);
    struct oracle_rounds all = oracle_rounds(run);
    for (size_t i = 0; i < count; i++) {
        int64_t before = (int64_t)log[i].message.version - 1;
        if (log[i].kind != FAKE_TAKEN || log[i].message.kind != MESSAGE_PROPOSAL)
            continue;
        const struct oracle_round *mine = round_of(&all, log[i].to, before);
        const struct oracle_round *theirs = round_of(&all, log[i].from, before);
        if (mine != NULL && mine->is_decided && theirs->is_decided)
            told[i] = mine->decision != theirs->decision;
    }
    free(all.rounds);
    return told;
}

static size_t wrong_decisions(const struct fake_run *run)
{
    enum { NONE = 2 };
    size_t count, wrong = 0;
    const struct fake_event *log = events_of(run, &count);
    struct oracle_rounds all = oracle_rounds(run);
    for (size_t i = 0; i < count; i++) {
        const struct oracle_round *before =
            round_of(&all, log[i].from, (int64_t)log[i].message.version - 1);
        bool sent = log[i].kind == FAKE_SENT || log[i].kind == FAKE_LOST;
        if (!sent || log[i].message.kind != MESSAGE_PROPOSAL)
            continue;
        wrong += log[i].message.payload[1] != (before != NULL ? before->decision : NONE);
    }
    free(all.rounds);
    return wrong;
}

/* ---- both ---- */

double *oracle_told(const struct fake_run *run, enum context context)
{
    if (context == CONTEXT_DUAL_LEADER_OBSERVED || context == CONTEXT_LEADER_VIEW_SPLIT)
        return tell_beliefs(run, context);
    return context == CONTEXT_DECISION_SPLIT ? tell_decisions(run) : NULL;
}

size_t oracle_wrong_words(const struct fake_run *run)
{
    uint32_t contexts = run->node[0].ops->contexts;
    size_t wrong = 0;
    if (contexts & 1U << CONTEXT_LEADER_VIEW_SPLIT)
        wrong += wrong_beliefs(run);
    if (contexts & 1U << CONTEXT_DECISION_SPLIT)
        wrong += wrong_decisions(run);
    return wrong;
}
