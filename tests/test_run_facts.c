/* What heads a run file survives as bytes, and bytes that cannot be are refused. The books add up,
 * or it is said what does not. */

#include "cunit_main.h"
#include "record/books.h"
#include "record/run_facts.h"
#include "sample_run.h"

#include <math.h>
#include <string.h>

static struct run_facts facts;

static void make_facts(void)
{
    facts = (struct run_facts){.duration_s = 5,
                               .nodes = 6,
                               .group_nodes = 3,
                               .contexts = 1U << 0 | 1U << 3,
                               .windows = 120,
                               .hosts = 1,
                               .cores = 2};
    (void)snprintf(facts.run_id, sizeof facts.run_id, "replication-np6");
    run_facts_add(&facts, "/config", "rate_per_s", NULL, 0.1);
    run_facts_add(&facts, "/provenance", "empty", "", 0);
    run_facts_add(&facts, "/config/corridor", "version_lag_max", NULL, (double)INFINITY);
    run_facts_add(&facts, "/provenance", "command_line", "a line\nand another", 0);
}

static void test_facts_come_back(void)
{
    static struct run_facts taken;
    struct run_setting settings[RUN_SETTINGS_MAX];
    uint32_t contexts[CONTEXT_COUNT];
    make_facts();
    CU_ASSERT(run_facts_take(&taken, &facts, run_facts_bytes(&facts)));
    CU_ASSERT_STRING_EQUAL(taken.run_id, "replication-np6");
    CU_ASSERT_EQUAL_FATAL(run_facts_settings(&taken, settings), 4);
    CU_ASSERT_STRING_EQUAL(settings[0].group, "/config");
    CU_ASSERT(settings[0].text == NULL && settings[0].number == 0.1);
    CU_ASSERT_STRING_EQUAL(settings[1].text, "");
    CU_ASSERT(isinf(settings[2].number));
    CU_ASSERT_STRING_EQUAL(settings[3].key, "command_line");
    CU_ASSERT_STRING_EQUAL(settings[3].text, "a line\nand another");
    CU_ASSERT_EQUAL(run_facts_contexts(&taken, contexts), 2);
    CU_ASSERT(contexts[0] == 0 && contexts[1] == 3);
}

static void test_what_cannot_be_is_refused(void)
{
    static struct run_facts taken, wrong;
    make_facts();
    size_t size = run_facts_bytes(&facts);
    for (size_t cut = 1; cut < 200; cut++)
        CU_ASSERT(!run_facts_take(&taken, &facts, size - cut));
    CU_ASSERT(!run_facts_take(&taken, &facts, sizeof facts + 1));
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        wrong = facts;                                                                             \
        change;                                                                                    \
        CU_ASSERT(!run_facts_take(&taken, &wrong, size));                                          \
    } while (0)
    REFUSED(wrong.nodes = 0);
    REFUSED(wrong.group_nodes = 4); /* no divisor of six */
    REFUSED(wrong.group_nodes = 0);
    REFUSED(wrong.windows = RUN_WINDOWS_MAX + 1);
    REFUSED(wrong.windows = 0);
    REFUSED(wrong.contexts = 1U << CONTEXT_COUNT);
    REFUSED(wrong.duration_s = (double)NAN);
    REFUSED(wrong.trace_capacity = UINT64_MAX);
    REFUSED(wrong.setting_count = 5);
    REFUSED(wrong.setting_count = UINT32_MAX);
    REFUSED(wrong.settings_bytes++);
    REFUSED(memset(wrong.run_id, 'x', sizeof wrong.run_id));
    REFUSED(memset(wrong.canonical_text, 'x', sizeof wrong.canonical_text));
    REFUSED(wrong.settings[1] = 'C'); /* there is no such group */
    REFUSED(wrong.settings[strlen("/config") + 1 + strlen("rate_per_s") + 1] = 'x');
#undef REFUSED
}

/* The writer of the file would stumble over a name that is there already. */
static void test_settings_have_names_of_their_own(void)
{
    static struct run_facts taken;
    char long_key[CONFIG_NAME_BYTES + 1];
    memset(long_key, 'k', CONFIG_NAME_BYTES);
    long_key[CONFIG_NAME_BYTES] = '\0';
    const struct {
        const char *group;
        const char *key;
        bool is_taken;
    } more[] = {{"/config", "rate", true},
                {"/provenance", "rate_per_s", true},
                {"/config", "rate_per_s", false},
                {"/config", "canonical_text", false},
                {"/provenance", "recovered_spools", false},
                {"/config", long_key, false},
                {"/", "complete", false}};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        make_facts();
        run_facts_add(&facts, more[i].group, more[i].key, "text", 0);
        CU_ASSERT_EQUAL(run_facts_take(&taken, &facts, run_facts_bytes(&facts)), more[i].is_taken);
    }
}

static void test_noise_is_no_crash(void)
{
    static struct run_facts taken, noisy;
    struct run_setting settings[RUN_SETTINGS_MAX];
    uint64_t state = 3, accepted = 0;
    make_facts();
    size_t size = run_facts_bytes(&facts);
    for (int round = 0; round < 20000; round++) {
        noisy = facts;
        for (uint64_t hits = sample_random(&state) % 4 + 1; hits > 0; hits--) {
            size_t from = size - facts.settings_bytes - 48; /* the numbers and the settings */
            ((unsigned char *)&noisy)[from + sample_random(&state) % (size - from)] =
                (unsigned char)sample_random(&state);
        }
        if (!run_facts_take(&taken, &noisy, size))
            continue;
        accepted++;
        size_t count = run_facts_settings(&taken, settings);
        CU_ASSERT_EQUAL(count, taken.setting_count);
        for (size_t i = 0; i < count; i++)
            CU_ASSERT(settings[i].text == NULL || strlen(settings[i].text) < size);
    }
    CU_ASSERT(accepted > 1000); /* other letters of a text are as good */
}

static void test_dates(void)
{
    char text[32];
    utc_text(0.25, text);
    CU_ASSERT_STRING_EQUAL(text, "1970-01-01T00:00:00.250Z");
    utc_text(1735689600, text);
    CU_ASSERT_STRING_EQUAL(text, "2025-01-01T00:00:00.000Z");
}

static void test_windows_are_a_multiple_of_sixty(void)
{
    CU_ASSERT_EQUAL(run_windows_of(0.1), 60);
    CU_ASSERT_EQUAL(run_windows_of(5), 120);
    CU_ASSERT_EQUAL(run_windows_of(86400), RUN_WINDOWS_MAX);
}

/* ---- books ---- */

static struct books books_with(const struct run_node *change)
{
    struct run_node rows[2] = {
        {.sent = 10, .received = 7, .in_flight = 1, .episodes = 5, .badges = 3, .badges_lost = 2},
        {.sent = 8, .received = 6, .lost = 3, .overflowed = 1, .episodes = 1, .badges = 1}};
    if (change != NULL)
        rows[1] = *change;
    return books_of_run(rows, 2, 0);
}

static void test_books(void)
{
    char text[160];
    struct books books = books_with(NULL);
    CU_ASSERT(books_balance(&books));
    books_text(&books, text);
    CU_ASSERT_STRING_EQUAL(text, "balanced");

    books = books_with(&(struct run_node){.sent = 8, .received = 9, .lost = 3});
    CU_ASSERT(!books_balance(&books) && books.messages_too_many == 2);
    books = books_with(&(struct run_node){.sent = 8, .received = 6, .lost = 4, .episodes = 1});
    CU_ASSERT(!books_balance(&books) && books.nodes_wrong == 1);
    books_text(&books, text);
    CU_ASSERT_STRING_EQUAL(text, "do not balance: 0 links, 1 nodes' badges, 0 messages too many");
    struct run_node row = {.sent = 0};
    books = books_of_run(&row, 1, 2);
    CU_ASSERT(!books_balance(&books) && books.links_wrong == 2);

    /* A node that died could not count what it sent; its badges are counted all the same. */
    books = books_with(&(struct run_node){.sent = RUN_UNKNOWN, .received = RUN_UNKNOWN});
    CU_ASSERT(books_balance(&books));
    books_text(&books, text);
    CU_ASSERT_STRING_EQUAL(text, "badges balanced, links unknown");
    books = books_with(&(struct run_node){.sent = RUN_UNKNOWN, .episodes = 1});
    CU_ASSERT(!books_balance(&books));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"facts come back", test_facts_come_back},
        {"what cannot be is refused", test_what_cannot_be_is_refused},
        {"settings have names of their own", test_settings_have_names_of_their_own},
        {"noise is no crash", test_noise_is_no_crash},
        {"dates", test_dates},
        {"windows are a multiple of sixty", test_windows_are_a_multiple_of_sixty},
        {"books", test_books},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("facts of a run", tests);
}
