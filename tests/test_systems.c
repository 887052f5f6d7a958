/* Each system: what it sends is its schedule, what its boundaries show is the truth, and what it
 * records besides is what happened. */

#include "cunit_main.h"
#include "planted.h"
#include "recorded.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

/* ---- what is sent ---- */

/* Moments of a Poisson schedule before `activity_s`, drawn here again from the node's seed. */
static size_t arrivals_planned(const struct fake_run_setup *setup, uint32_t node)
{
    double activity_s = setup->warmup_s + setup->duration_s;
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, setup->seed * 1000003UL + node * 1009UL + 1);
    size_t count = 0;
    for (double at_s = gsl_ran_exponential(rng, 1 / setup->rate_per_s); at_s < activity_s; count++)
        at_s += gsl_ran_exponential(rng, 1 / setup->rate_per_s);
    gsl_rng_free(rng);
    return count;
}

/* Messages beside heartbeats that a node's schedule asks for. */
static size_t messages_planned(const struct fake_run_setup *setup, uint32_t node)
{
    double activity_s = setup->warmup_s + setup->duration_s;
    uint32_t peers = setup->nodes - 1;
    if (strcmp(setup->system, "leader") == 0)
        return 0;
    if (strcmp(setup->system, "consensus") == 0)
        return peers * (size_t)round(activity_s / setup->round_s);
    size_t actions = arrivals_planned(setup, node);
    return strcmp(setup->system, "messaging") == 0 ? actions : peers * actions;
}

static void check_sends(const struct fake_run *run, uint32_t node)
{
    const struct fake_run_setup *setup = &run->setup;
    double activity_s = setup->warmup_s + setup->duration_s;
    size_t events, heartbeats = 0, others = 0;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++) {
        bool own = log[i].kind != FAKE_TAKEN && log[i].from == node;
        bool heartbeat = log[i].message.kind == MESSAGE_HEARTBEAT;
        heartbeats += own && heartbeat;
        others += own && !heartbeat;
    }
    size_t planned = messages_planned(setup, node);
    CU_ASSERT_EQUAL(others, planned);
    CU_ASSERT_EQUAL(heartbeats,
                    (setup->nodes - 1) * (size_t)round(activity_s / setup->heartbeat_s));
    CU_ASSERT_EQUAL(mailbox_totals(&run->node[node].mailbox).attempted, heartbeats + others);
}

/* Stalls, losses, silences: late if it must be, but each once. */
static void test_attempted_sends_equal_the_schedule(void)
{
    static const char *const systems[] = {"replication", "messaging", "leader", "consensus"};
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++) {
        struct planted_net net = planted_wild_net();
        struct fake_run_setup setup = planted_setup(4, 17, &net);
        net.loss_share = net.silence_share = 0.5;
        setup.system = systems[i];
        setup.stalls[0] = (struct fake_stall){.node = 1, .from_s = 1, .to_s = 1.7};
        setup.stalls[1] = (struct fake_stall){.node = 2, .from_s = 4.9, .to_s = 5.4};
        setup.stall_count = 2;
        struct fake_run *run = fake_run(&setup);
        for (uint32_t node = 0; node < setup.nodes; node++)
            check_sends(run, node);
        fake_run_free(run);
    }
}

static void test_letters_go_to_all_peers_alike(void)
{
    enum { NODES = 5 };
    struct planted_net net = {.delay_s = 100e-6};
    struct fake_run_setup setup = planted_setup(NODES, 2, &net);
    setup.system = "messaging";
    setup.duration_s = 20;
    struct fake_run *run = fake_run(&setup);
    size_t events, letters[NODES][NODES] = {{0}};
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++)
        if (log[i].kind == FAKE_SENT && log[i].message.kind == MESSAGE_LETTER)
            letters[log[i].from][log[i].to]++;
    for (uint32_t from = 0; from < NODES; from++)
        for (uint32_t to = 0; to < NODES; to++) {
            double expected = from == to ? 0 : 100 * 21.0 / (NODES - 1);
            CU_ASSERT(fabs((double)letters[from][to] - expected) <= 4 * sqrt(expected));
        }
    fake_run_free(run);
}

/* ---- truth: each planted exit is found once and nothing else ---- */

static void find_planted(const char *system, uint64_t found[CONTEXT_COUNT])
{
    static const uint32_t scales[] = {2, 3, 5, 8};
    for (uint32_t seed = 1; seed <= 3; seed++)
        for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
            struct planted_net net = planted_wild_net();
            struct fake_run_setup setup = planted_setup(scales[i], seed, &net);
            setup.system = system;
            setup.log = FAKE_LOG_INBOXES;
            struct fake_run *run = fake_run(&setup);
            CU_ASSERT_EQUAL(planted_differences(run, found), 0);
            CU_ASSERT_EQUAL(oracle_wrong_words(run), 0);
            fake_run_free(run);
        }
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        if (system_find(system)->contexts & 1U << c) {
            printf("  %s: %llu", context_table[c].name, (unsigned long long)found[c]);
            CU_ASSERT(found[c] > 50);
        }
    printf("\n");
}

static void test_messaging_finds_what_is_planted(void)
{
    uint64_t found[CONTEXT_COUNT] = {0};
    find_planted("messaging", found);
}

static void test_leader_finds_what_is_planted(void)
{
    uint64_t found[CONTEXT_COUNT] = {0};
    find_planted("leader", found);
}

static void test_consensus_finds_what_is_planted(void)
{
    uint64_t found[CONTEXT_COUNT] = {0};
    find_planted("consensus", found);
}

/* ---- leader: one node falls silent ---- */

/* Nothing that node_A says arrives from 2 s to 2.5 s after T0, nor for a while of the warm-up; it
 * hears the others all the while. */
static double silent_node(void *plan, uint32_t from, uint32_t to, const struct message *message,
                          double now_s)
{
    const double *t0_s = plan;
    double since_t0_s = now_s - *t0_s;
    (void)to, (void)message;
    bool silent = (since_t0_s >= 2 && since_t0_s < 2.5) || (since_t0_s > -0.7 && since_t0_s < -0.3);
    return from == 0 && silent ? -1 : 100e-6;
}

enum { SILENT_NODES = 5 };

static struct fake_run *run_silent(void)
{
    static double t0_s = 1.25; /* of fake_run, with a second of warm-up */
    struct planted_net unused = {.seed = 0};
    struct fake_run_setup setup = planted_setup(SILENT_NODES, 3, &unused);
    setup.system = "leader";
    setup.delay = silent_node;
    setup.plan = &t0_s;
    setup.log = FAKE_LOG_INBOXES;
    struct fake_run *run = fake_run(&setup);
    CU_ASSERT_EQUAL(run->t0_s, t0_s);
    return run;
}

/* When a node took node_A's last heartbeat before the silence and its first after it. */
static void heartbeats_around(const struct fake_run *run, uint32_t node, double *last_s,
                              double *first_s)
{
    size_t events;
    const struct fake_event *log = fake_net_log(run->net, &events);
    *last_s = *first_s = 0;
    for (size_t i = 0; i < events; i++) {
        double at_s = log[i].at_s - run->t0_s;
        if (log[i].kind != FAKE_TAKEN || log[i].from != 0 || log[i].to != node)
            continue;
        if (at_s < 2.01)
            *last_s = at_s;
        if (at_s > 2.4 && *first_s == 0)
            *first_s = at_s;
    }
}

/* node_B becomes the lowest heard, and node_A believes in itself all the while: two leaders, seen
 * by node_A as long as node_B says so, and by node_B when node_A is heard again until the next
 * heartbeat. Views split between node_A and each other, and between no others. */
static void check_dual(const struct badge *badge, double from_s, double until_s, double first_s)
{
    CU_ASSERT((badge->node == 0 && badge->peer == 1) || (badge->node == 1 && badge->peer == 0));
    CU_ASSERT(badge->time_s > from_s - 1e-9 && badge->time_s < until_s);
    CU_ASSERT(badge->end_s > first_s && badge->end_s < first_s + 0.022);
    CU_ASSERT(badge->version_known == badge->node && badge->version_received == badge->peer);
}

static void test_a_silenced_node_splits_views_where_theory_puts_it(void)
{
    struct fake_run *run = run_silent();
    double last_s, first_s, suspected_s;
    size_t dual = 0, split[SILENT_NODES][SILENT_NODES] = {{0}};
    heartbeats_around(run, 1, &last_s, &first_s);
    suspected_s = last_s + run->setup.leader_timeout_s;
    for (uint32_t node = 0; node < SILENT_NODES; node++)
        for (uint64_t place = 0; place < spool_count(run->node[node].spool); place++) {
            struct badge badge = spool_read(run->node[node].spool, place);
            double from_s = node == 0 ? suspected_s : first_s;
            if (badge.context == CONTEXT_DUAL_LEADER_OBSERVED) {
                check_dual(&badge, from_s, from_s + run->setup.heartbeat_s + 1e-3, first_s);
                dual++;
            }
            if (badge.context == CONTEXT_LEADER_VIEW_SPLIT)
                split[badge.node][badge.peer]++;
        }
    CU_ASSERT_EQUAL(dual, 2);
    for (uint32_t node = 0; node < SILENT_NODES; node++)
        for (uint32_t peer = 0; peer < SILENT_NODES; peer++)
            CU_ASSERT_EQUAL(split[node][peer], node != peer && (node == 0 || peer == 0));
    CU_ASSERT_EQUAL(oracle_wrong_words(run), 0);
    fake_run_free(run);
}

/* What is recorded tells the same story: belief in node_A, then in node_B, then in node_A, and so
 * once more; but only the suspicion that began inside the window counts. */
static void test_leader_records_beliefs_and_detection(void)
{
    struct fake_run *run = run_silent();
    double last_s, first_s;
    double judged_s = run->setup.leader_timeout_s + run->setup.idle_s; /* by the next poll */
    for (uint32_t node = 1; node < SILENT_NODES; node++) {
        const struct fake_node *n = &run->node[node];
        heartbeats_around(run, node, &last_s, &first_s);
        const struct row_store *beliefs = n->ops->rows(n->system, 0);
        const struct recorded_belief *belief = (const void *)beliefs->rows;
        CU_ASSERT_EQUAL_FATAL(beliefs->count, 5);
        for (size_t i = 0; i < 5; i++)
            CU_ASSERT(belief[i].leader == i % 2 && belief[i].node == node);
        CU_ASSERT(fabs(belief[0].time_s + run->setup.warmup_s) < 1e-9);
        belief += 2; /* behind those of the warm-up */
        CU_ASSERT(belief[0].time_s < 0);
        CU_ASSERT(belief[1].time_s > last_s + run->setup.leader_timeout_s);
        CU_ASSERT(belief[1].time_s < last_s + judged_s + 1e-6);
        CU_ASSERT(fabs(belief[2].time_s - first_s) < 1e-6);
        const struct row_store *detections = n->ops->rows(n->system, 1);
        CU_ASSERT_EQUAL_FATAL(detections->count, SILENT_NODES - 1);
        for (size_t i = 0; i < detections->count; i++) {
            const struct recorded_detection *row =
                (const struct recorded_detection *)(const void *)detections->rows + i;
            CU_ASSERT_EQUAL(row->node, node);
            CU_ASSERT_EQUAL(row->suspicions, row->peer == 0);
            CU_ASSERT_EQUAL(row->mistakes, row->peer == 0);
            CU_ASSERT_EQUAL(row->recurrences, 0);
            if (row->peer != 0)
                continue;
            CU_ASSERT(fabs(row->mistake_sum_s - (belief[2].time_s - belief[1].time_s)) < 1e-9);
            CU_ASSERT(row->detection_max_s > run->setup.leader_timeout_s + 100e-6);
            CU_ASSERT(row->detection_max_s < judged_s + 300e-6);
            CU_ASSERT_EQUAL(row->detection_sum_s, row->detection_max_s);
        }
    }
    CU_ASSERT_EQUAL(run->node[0].ops->rows(run->node[0].system, 0)->count, 1);
    fake_run_free(run);
}

/* ---- consensus: which rounds split ---- */

static void test_consensus_records_every_round(void)
{
    struct planted_net net = planted_wild_net();
    struct fake_run_setup setup = planted_setup(5, 4, &net);
    setup.system = "consensus";
    setup.stalls[0] = (struct fake_stall){.node = 3, .from_s = 2, .to_s = 2.055};
    setup.stall_count = 1;
    struct fake_run *run = fake_run(&setup);
    struct oracle_rounds all = oracle_rounds(run);
    size_t late = 0;
    for (uint32_t node = 0; node < setup.nodes; node++) {
        const struct row_store *store = run->node[node].ops->rows(run->node[node].system, 0);
        CU_ASSERT_EQUAL_FATAL(store->count, all.count);
        for (size_t i = 0; i < store->count; i++) {
            const struct recorded_round *row =
                (const struct recorded_round *)(const void *)store->rows + i;
            const struct oracle_round *expected = &all.rounds[node * all.count + i];
            double due_s = row->round * setup.round_s + setup.deadline_s;
            CU_ASSERT(row->node == node && row->round == all.first + (int64_t)i);
            CU_ASSERT(row->heard == expected->heard && row->late == expected->late);
            CU_ASSERT(row->proposal == expected->proposal && row->decision == expected->decision);
            CU_ASSERT(row->time_s >= due_s - 1e-9);
            CU_ASSERT(node == 3 || row->time_s < due_s + 1e-6);
            late += row->late;
        }
    }
    CU_ASSERT(late > 100);
    free(all.rounds);
    fake_run_free(run);
}

/* Proposals of node_A reach node_C after the deadline in rounds 50 to 99. */
static double late_proposals(void *plan, uint32_t from, uint32_t to, const struct message *message,
                             double now_s)
{
    (void)plan, (void)now_s;
    int64_t round = (int64_t)message->version;
    bool late = message->kind == MESSAGE_PROPOSAL && from == 0 && to == 2;
    return late && round >= 50 && round < 100 ? 3e-3 : 100e-6;
}

/* node_C then decides on two bits where the others decide on three. That makes a difference where
 * the two differ (a tie, so 0) and node_A's bit is 1: exactly there, and the next proposals of the
 * others tell node_C, and its tells them. */
static void test_late_proposals_split_exactly_these_rounds(void)
{
    struct planted_net unused = {.seed = 0};
    struct fake_run_setup setup = planted_setup(3, 12, &unused);
    setup.system = "consensus";
    setup.delay = late_proposals;
    struct fake_run *run = fake_run(&setup);
    struct oracle_rounds all = oracle_rounds(run);
    size_t split = 0, episodes = 0;
    bool splits_before = false;
    for (int64_t round = all.first; round < 250; round++) {
        uint32_t bits[3], decisions[3];
        size_t place = (size_t)(round - all.first);
        for (uint32_t node = 0; node < 3; node++) {
            const struct row_store *store = run->node[node].ops->rows(run->node[node].system, 0);
            const struct recorded_round *row =
                (const struct recorded_round *)(const void *)store->rows + place;
            bits[node] = all.rounds[node * all.count + place].proposal;
            decisions[node] = row->decision;
            CU_ASSERT_EQUAL(row->late, node == 2 && round >= 50 && round < 100);
        }
        bool splits = round >= 50 && round < 100 && bits[0] == 1 && bits[1] != bits[2];
        CU_ASSERT(decisions[0] == decisions[1]);
        CU_ASSERT_EQUAL(decisions[2] != decisions[0], splits);
        split += splits;
        episodes += splits && !splits_before;
        splits_before = splits;
    }
    CU_ASSERT(split > 5);
    CU_ASSERT_EQUAL(planted_badges_in_run(run, CONTEXT_DECISION_SPLIT), 4 * episodes);
    CU_ASSERT_EQUAL(planted_badges_of(run, 2, CONTEXT_DECISION_SPLIT), 2 * episodes);
    free(all.rounds);
    fake_run_free(run);
}

/* ---- tables ---- */

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static void check_table(const struct system_table *table)
{
    size_t bytes = 0, whose = 0;
    CU_ASSERT(table->column_count <= SYSTEM_COLUMNS_MAX);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct system_column *column = &table->columns[i];
        size_t size = column->kind == COLUMN_REAL                            ? sizeof(double)
                      : column->kind == COLUMN_UNSIGNED && column->size == 8 ? 8
                                                                             : 4;
        CU_ASSERT_EQUAL(column->size, size);
        CU_ASSERT_EQUAL(column->offset, bytes);
        CU_ASSERT(column->unit == NULL || ends_with(column->name, column->unit));
        whose += column->kind == COLUMN_NODE && strcmp(column->name, "node") == 0;
        bytes += column->size;
    }
    CU_ASSERT_EQUAL(bytes, table->row_bytes);
    CU_ASSERT_EQUAL(whose, 1);
}

static void test_tables_are_rows_without_padding(void)
{
    size_t tables = 0;
    for (const struct system_ops *const *system = system_list; *system != NULL; system++) {
        CU_ASSERT((*system)->table_count <= SYSTEM_TABLES_MAX);
        for (size_t t = 0; t < (*system)->table_count; t++, tables++)
            check_table(&(*system)->tables[t]);
    }
    CU_ASSERT(tables >= 3);
}

static void test_a_full_table_counts_what_it_drops(void)
{
    struct row_store store;
    CU_ASSERT_FATAL(row_store_open(&store, sizeof(uint32_t), 3));
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t *place = row_store_add(&store, &i);
        CU_ASSERT_EQUAL(place != NULL, i < 3);
        CU_ASSERT(place == NULL || *place == i);
    }
    CU_ASSERT_EQUAL(store.count, 3);
    CU_ASSERT_EQUAL(store.dropped, 2);
    row_store_close(&store);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"attempted sends equal the schedule", test_attempted_sends_equal_the_schedule},
        {"letters go to all peers alike", test_letters_go_to_all_peers_alike},
        {"messaging finds what is planted", test_messaging_finds_what_is_planted},
        {"leader finds what is planted", test_leader_finds_what_is_planted},
        {"consensus finds what is planted", test_consensus_finds_what_is_planted},
        {"a silenced node splits views where theory puts it",
         test_a_silenced_node_splits_views_where_theory_puts_it},
        {"leader records beliefs and detection", test_leader_records_beliefs_and_detection},
        {"consensus records every round", test_consensus_records_every_round},
        {"late proposals split exactly these rounds",
         test_late_proposals_split_exactly_these_rounds},
        {"tables are rows without padding", test_tables_are_rows_without_padding},
        {"a full table counts what it drops", test_a_full_table_counts_what_it_drops},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("systems", tests);
}
