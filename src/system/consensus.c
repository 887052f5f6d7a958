#include "system/system.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Rounds of equal length, one of which begins at T0; those before belong to the warm-up. At its
 * beginning each node proposes a bit to all; at the deadline into the round it decides by the
 * majority of what it has heard, its own bit included, ties for 0. Proposals that come later are
 * counted and dropped. The decision rides on the next round's message, and nobody waits for anybody
 * or changes its mind: that is what makes it a simulation of consensus without enforcing it. */

/* Rounds are numbered from T0 on; those of the warm-up are negative, on the wire in two's
 * complement. A proposal or decision that is this many rounds away from the current one counts as
 * never heard. */
enum { ROUNDS_KEPT = 1024, ROUND_ROWS_MAX = 65536, NO_DECISION = 2 };

/* One row per round that this node decided. */
struct round_row {
    double time_s; /* of the decision, since the window opened */
    uint32_t node;
    int32_t round;
    uint32_t proposal;
    uint32_t heard; /* proposals of peers that counted */
    uint32_t late;  /* those that came after the decision */
    uint32_t decision;
};

static const struct system_column round_columns[] = {
    SYSTEM_COLUMN(round_row, time_s, COLUMN_REAL, "s"),
    SYSTEM_COLUMN(round_row, node, COLUMN_NODE, NULL),
    SYSTEM_COLUMN(round_row, round, COLUMN_SIGNED, NULL),
    SYSTEM_COLUMN(round_row, proposal, COLUMN_UNSIGNED, NULL),
    SYSTEM_COLUMN(round_row, heard, COLUMN_UNSIGNED, NULL),
    SYSTEM_COLUMN(round_row, late, COLUMN_UNSIGNED, NULL),
    SYSTEM_COLUMN(round_row, decision, COLUMN_UNSIGNED, NULL),
};
static const struct system_table tables[] = {SYSTEM_TABLE("rounds", round_row, round_columns)};

/* What is known of one round. */
struct tally {
    int64_t round;
    uint32_t heard[2]; /* proposals of peers for 0 and 1 */
    uint32_t proposal; /* own */
    uint32_t decision; /* NO_DECISION: not yet */
    struct round_row *row;
};

struct system {
    struct system_setup setup;
    int64_t round; /* the current one … */
    bool proposed; /* … and whether its deadline is what comes next */
    struct row_store rows;
    struct tally tallies[ROUNDS_KEPT];
};

static bool is_near(const struct system *system, int64_t round)
{
    return llabs(round - system->round) <= ROUNDS_KEPT / 2;
}

/* Of a round that is near; begun anew when its place still holds an older one. */
static struct tally *tally_of(struct system *system, int64_t round)
{
    assert(is_near(system, round));
    struct tally *tally = &system->tallies[(uint64_t)round % ROUNDS_KEPT];
    if (tally->round != round)
        *tally = (struct tally){.round = round, .decision = NO_DECISION};
    return tally;
}

/* ---- life ---- */

static void destroy(struct system *system)
{
    row_store_close(&system->rows);
    free(system);
}

static struct system *create(const struct system_setup *setup)
{
    /* A round that begins with the warm-up, but for a rounding error, belongs to it. */
    static const double ROUNDING = 1e-6;
    struct system *system = calloc(1, sizeof *system);
    if (system == NULL)
        return NULL;
    double before = local_elapsed_s(setup->start, setup->begin) / setup->round_s;
    double after = local_elapsed_s(setup->begin, setup->end) / setup->round_s;
    system->setup = *setup;
    system->round = -(int64_t)floor(before + ROUNDING);
    for (int i = 0; i < ROUNDS_KEPT; i++)
        system->tallies[i].round = INT64_MIN;
    size_t rows_max = (size_t)fmin(ROUND_ROWS_MAX, before + after + 2);
    if (row_store_open(&system->rows, sizeof(struct round_row), rows_max))
        return system;
    destroy(system);
    return NULL;
}

/* ---- rounds ---- */

static struct local_time due(const struct system *system)
{
    const struct system_setup *setup = &system->setup;
    double into_s = system->proposed ? setup->deadline_s : 0;
    return local_after(setup->begin, (double)system->round * setup->round_s + into_s);
}

static void propose(struct system *system, struct global_time due_at, struct global_time sent)
{
    struct mailbox *mailbox = system->setup.mailbox;
    struct tally *tally = tally_of(system, system->round);
    tally->proposal = (uint32_t)gsl_rng_uniform_int(system->setup.choice, 2);
    struct message proposal = {
        .kind = MESSAGE_PROPOSAL,
        .origin = mailbox->self,
        .version = (uint64_t)system->round,
        .due = due_at,
        .sent = sent,
        .payload = {tally->proposal, tally_of(system, system->round - 1)->decision}};
    mailbox_send_all(mailbox, &proposal);
    system->proposed = true;
}

static void decide(struct system *system, struct local_time at)
{
    struct tally *tally = tally_of(system, system->round);
    uint32_t heard = tally->heard[0] + tally->heard[1];
    uint32_t ones = tally->heard[1] + tally->proposal;
    tally->decision = 2 * ones > heard + 1 ? 1 : 0;
    struct round_row row = {
        .time_s = local_elapsed_s(system->setup.begin, at),
        .node = system->setup.mailbox->self,
        .round = (int32_t)system->round,
        .proposal = tally->proposal,
        .heard = heard,
        .decision = tally->decision,
    };
    tally->row = row_store_add(&system->rows, &row);
    system->proposed = false;
    system->round++;
}

static void act(struct system *system, struct global_time due_at,
                const struct boundary_event *action)
{
    if (system->proposed)
        decide(system, action->at);
    else
        propose(system, due_at, action->sent);
}

/* ---- what peers say ---- */

static void count_proposal(struct tally *tally, bool is_over, uint64_t bit)
{
    assert(bit < 2);
    if (!is_over)
        tally->heard[bit]++;
    else if (tally->row != NULL)
        tally->row->late++;
}

static void compare_decision(const struct system *system, const struct tally *tally,
                             uint64_t theirs, const struct boundary_event *arrival)
{
    if (theirs == NO_DECISION || tally->decision == NO_DECISION)
        return;
    struct boundary_event event = *arrival;
    event.measure = MEASURE_DECISIONS;
    event.version_known = tally->decision;
    event.version_received = theirs;
    event.value = theirs != tally->decision ? 1 : 0;
    boundary_report(system->setup.boundary, &event);
}

static void receive(struct system *system, const struct message *proposal,
                    const struct boundary_event *arrival)
{
    int64_t round = (int64_t)proposal->version;
    if (is_near(system, round))
        count_proposal(tally_of(system, round), round < system->round, proposal->payload[0]);
    if (is_near(system, round - 1))
        compare_decision(system, tally_of(system, round - 1), proposal->payload[1], arrival);
}

static const struct row_store *rows(const struct system *system, size_t table)
{
    assert(table == 0);
    (void)table;
    return &system->rows;
}

const struct system_ops consensus_system = {
    .name = "consensus",
    .assumes = "Every node decides each round as the others do.",
    .observes = "decision: the decision that comes with a peer's next proposal; receive: message "
                "delay, missing messages; timeout: silence between heartbeats.",
    .drifts = "a peer that decided otherwise, a late proposal, a peer silent for too long.",
    .contexts = 1U << CONTEXT_MESSAGE_DELAY_EXCEEDED | 1U << CONTEXT_HEARTBEAT_MISSED |
                1U << CONTEXT_MESSAGE_MISSING | 1U << CONTEXT_DECISION_SPLIT,
    .create = create,
    .destroy = destroy,
    .due = due,
    .act = act,
    .receive = receive,
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .rows = rows,
};
