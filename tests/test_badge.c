/* A badge as text, and the names of nodes, contexts and boundaries. */

#include "cunit_main.h"
#include "observe/badge.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* ---- names of nodes ---- */

static void test_node_names(void)
{
    static const struct {
        uint32_t node;
        const char *name;
    } rows[] = {{0, "node_A"},
                {1, "node_B"},
                {25, "node_Z"},
                {26, "node_AA"},
                {27, "node_AB"},
                {51, "node_AZ"},
                {52, "node_BA"},
                {701, "node_ZZ"},
                {702, "node_AAA"},
                {65535, "node_CRXP"},
                {INT_MAX, "node_FXSHRXX"},
                {UINT32_MAX, "node_MWLQKWV"}};
    char name[NODE_NAME_BYTES];
    for (size_t i = 0; i < LENGTH(rows); i++) {
        node_name(rows[i].node, name);
        CU_ASSERT_STRING_EQUAL(name, rows[i].name);
    }
}

static void test_names_lead_back_to_ranks(void)
{
    char name[NODE_NAME_BYTES];
    int wrong = 0;
    for (uint32_t node = 0; node < 100000; node++) {
        node_name(node, name);
        wrong += node_from_name(name) != (long)node;
        (void)snprintf(name, sizeof name, "%u", node);
        wrong += node_from_name(name) != (long)node;
    }
    node_name(INT_MAX, name);
    wrong += node_from_name(name) != INT_MAX;
    CU_ASSERT_EQUAL(wrong, 0);
    static const char *const none[] = {"",        "node_",   "node_a", "node_A1",
                                       "node_A ", "Node_A",  "A",      "-7",
                                       "1x",      "x1",      "1.5",    "node_AAAAAAAAAAAAAAAAAAAA",
                                       "node_1",  "node_AÄ", "node",   "99999999999999999999999"};
    for (size_t i = 0; i < LENGTH(none); i++)
        CU_ASSERT_EQUAL(node_from_name(none[i]), -1);
}

/* ---- text of a badge ---- */

static const struct badge lag = {.time_s = 0.0102345,
                                 .uncertainty_s = 12.5e-6,
                                 .end_s = 0.0209999,
                                 .observed = -3,
                                 .limit = 1,
                                 .peak = -5,
                                 .own_stall_s = 0.0007,
                                 .node = 0,
                                 .peer = 27,
                                 .key = 2,
                                 .flags = BADGE_SELF_STALLED | BADGE_CLOCK_SUSPECT,
                                 .context = CONTEXT_VERSION_LAG_EXCEEDED,
                                 .boundary = BOUNDARY_UPDATE};

typedef void print_badge(FILE *out, const struct badge *badge);

static void print_full(FILE *out, const struct badge *badge)
{
    badge_print_full(out, badge, "replication", "run-1");
}

static bool prints(print_badge *print, const struct badge *badge, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    print(out, badge);
    bool same = fclose(out) == 0 && strcmp(text, expected) == 0 && size == strlen(expected);
    if (!same)
        (void)fprintf(stderr, "%s", text);
    free(text);
    return same;
}

static void test_the_five_lines_of_the_lab(void)
{
    CU_ASSERT(prints(badge_print_lab, &lag,
                     "[BADGE]\n"
                     "type: COHERENCE_DRIFT\n"
                     "node: node_A\n"
                     "context: version_lag_exceeded\n"
                     "timestamp: 10234\n"));
    struct badge foreign = {.node = 701, .context = 77, .time_s = 0};
    CU_ASSERT(prints(badge_print_lab, &foreign,
                     "[BADGE]\ntype: COHERENCE_DRIFT\nnode: node_ZZ\ncontext: unknown\n"
                     "timestamp: 0\n"));
}

static void test_the_full_form(void)
{
    CU_ASSERT(prints(print_full, &lag,
                     "[BADGE]\n"
                     "type: COHERENCE_DRIFT\n"
                     "node: node_A\n"
                     "context: version_lag_exceeded\n"
                     "timestamp: 10234\n"
                     "module: replication\n"
                     "peer: node_AB\n"
                     "boundary: update\n"
                     "observed: -3\n"
                     "limit: 1\n"
                     "peak: -5\n"
                     "until: 20999\n"
                     "own_stall_us: 700\n"
                     "clock_uncertainty_us: 12.500\n"
                     "flags: self_stalled clock_suspect\n"
                     "run: run-1\n"));
    struct badge delay = lag;
    delay.context = CONTEXT_MESSAGE_DELAY_EXCEEDED;
    delay.boundary = BOUNDARY_RECEIVE;
    delay.observed = 1.25e-3, delay.limit = 1e-3, delay.peak = 2e-3;
    delay.end_s = (double)NAN, delay.flags = 0;
    CU_ASSERT(prints(print_full, &delay,
                     "[BADGE]\n"
                     "type: COHERENCE_DRIFT\n"
                     "node: node_A\n"
                     "context: message_delay_exceeded\n"
                     "timestamp: 10234\n"
                     "module: replication\n"
                     "peer: node_AB\n"
                     "boundary: receive\n"
                     "observed: 1250.0 us\n"
                     "limit: 1000.0 us\n"
                     "peak: 2000.0 us\n"
                     "until: still outside at the end\n"
                     "own_stall_us: 700\n"
                     "clock_uncertainty_us: 12.500\n"
                     "flags: none\n"
                     "run: run-1\n"));
}

static void test_timestamps_are_whole_microseconds(void)
{
    static const struct {
        double time_s;
        long long timestamp_us;
    } rows[] = {{0, 0},        {0.9999e-6, 0},       {1.5e-6, 1},
                {0.5, 500000}, {86400, 86400000000}, {0.0102349999, 10234},
                {-0.5e-6, -1}}; /* before the window opened is never 0 */
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct badge badge = {.time_s = rows[i].time_s};
        CU_ASSERT_EQUAL(badge_timestamp_us(&badge), rows[i].timestamp_us);
    }
}

static void test_flags(void)
{
    static const struct {
        uint32_t flags;
        char separator;
        const char *text;
    } rows[] = {
        {0, ' ', "none"},
        {1, ' ', "self_stalled"},
        {2, ' ', "below_clock_resolution"},
        {4, ' ', "censored"},
        {8, ' ', "clock_suspect"},
        {5, '|', "self_stalled|censored"},
        {15, ',', "self_stalled,below_clock_resolution,censored,clock_suspect"},
        {16, ' ', "none"}, /* of a newer minor version */
    };
    char text[96];
    for (size_t i = 0; i < LENGTH(rows); i++) {
        badge_flags_text(rows[i].flags, rows[i].separator, text);
        CU_ASSERT_STRING_EQUAL(text, rows[i].text);
    }
}

/* ---- codes and names that stand in run files ---- */

static void test_codes_keep_their_names(void)
{
    static const struct {
        const char *name;
        enum context_class class;
        enum boundary_kind boundary;
        const char *limit_key;
    } rows[] = {
        {"message_delay_exceeded", CLASS_TIME, BOUNDARY_RECEIVE, "message_delay_max_us"},
        {"heartbeat_missed", CLASS_TIME, BOUNDARY_TIMEOUT, "heartbeat_gap_max_ms"},
        {"message_missing", CLASS_STATE, BOUNDARY_RECEIVE, NULL},
        {"version_lag_exceeded", CLASS_STATE, BOUNDARY_UPDATE, "version_lag_max"},
        {"causal_order_violated", CLASS_STATE, BOUNDARY_UPDATE, NULL},
        {"dual_leader_observed", CLASS_STATE, BOUNDARY_LEADERSHIP, NULL},
        {"leader_view_split", CLASS_STATE, BOUNDARY_LEADERSHIP, NULL},
        {"decision_split", CLASS_STATE, BOUNDARY_DECISION, NULL},
    };
    CU_ASSERT(CONTEXT_COUNT >= LENGTH(rows)); /* new ones go to the end */
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct context_info *info = &context_table[i];
        CU_ASSERT_STRING_EQUAL(info->name, rows[i].name);
        CU_ASSERT_EQUAL(context_find(rows[i].name), i);
        CU_ASSERT_EQUAL(info->class, rows[i].class);
        CU_ASSERT_EQUAL(info->boundary, rows[i].boundary);
        CU_ASSERT_EQUAL(info->limit_key == NULL, rows[i].limit_key == NULL);
        if (info->limit_key != NULL && rows[i].limit_key != NULL)
            CU_ASSERT_STRING_EQUAL(info->limit_key, rows[i].limit_key);
    }
    CU_ASSERT_EQUAL(context_find("gossip"), CONTEXT_COUNT);
    CU_ASSERT_EQUAL(context_find(""), CONTEXT_COUNT);
}

static void test_other_names(void)
{
    static const char *const boundaries[] = {"send",    "receive",    "update",
                                             "timeout", "leadership", "decision"};
    for (size_t i = 0; i < LENGTH(boundaries); i++)
        CU_ASSERT_STRING_EQUAL(boundary_name((enum boundary_kind)i), boundaries[i]);
    CU_ASSERT_STRING_EQUAL(boundary_name((enum boundary_kind)77), "unknown");
    CU_ASSERT_STRING_EQUAL(class_name(CLASS_TIME), "time");
    CU_ASSERT_STRING_EQUAL(class_name(CLASS_STATE), "state");
    CU_ASSERT_STRING_EQUAL(class_name((enum context_class)77), "unknown");
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"node names", test_node_names},
        {"names lead back to ranks", test_names_lead_back_to_ranks},
        {"the five lines of the lab", test_the_five_lines_of_the_lab},
        {"the full form", test_the_full_form},
        {"timestamps are whole microseconds", test_timestamps_are_whole_microseconds},
        {"flags", test_flags},
        {"codes keep their names", test_codes_keep_their_names},
        {"other names", test_other_names},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("badge", tests);
}
