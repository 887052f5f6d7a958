/* The assumption cards: each is accepted, has the common form, and gives what it says that theory
 * expects at two nodes and at N. */

#include "analysis/metrics/disagreement.h"
#include "config.h"
#include "cunit_main.h"
#include "planted.h"
#include "recorded.h"

#include <dirent.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { CARD_BYTES = 8192, NAME_BYTES = 512 };

static const char *folder(void)
{
    const char *path = getenv("MPIDRIFT_CARDS");
    return path != NULL ? path : "jobs/corridors";
}

/* ---- a card and a run under it ---- */

static struct config read_card(const char *card)
{
    char path[NAME_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s.ini", folder(), card);
    char program[] = "mpidrift", option[] = "--corridor";
    char *arguments[] = {program, option, path, NULL}, *environment[] = {NULL};
    struct config config;
    enum config_request request;
    struct failure failure = {0};
    CU_ASSERT(config_read(&config, 3, arguments, environment, &request, &failure));
    CU_ASSERT_STRING_EQUAL(failure.text, "");
    return config;
}

/* The card's system, corridor and options, on that net. */
static struct fake_run_setup card_setup(const char *card, uint32_t nodes, double duration_s,
                                        struct planted_net *net)
{
    struct config config = read_card(card);
    struct fake_run_setup setup = planted_setup(nodes, 1, net);
    setup.system = system_find(config.system)->name;
    setup.corridor = config.corridor;
    setup.rate_per_s = config.rate_per_s;
    setup.keys = config.keys;
    setup.heartbeat_s = config.heartbeat_ms * 1e-3;
    setup.leader_timeout_s = config.leader_timeout_ms * 1e-3;
    setup.round_s = config.round_ms * 1e-3;
    setup.deadline_s = config.deadline_us * 1e-6;
    setup.duration_s = duration_s;
    setup.log = FAKE_LOG_NOTHING;
    return setup;
}

static struct fake_run *run_card(const char *card, uint32_t nodes, double duration_s,
                                 struct planted_net *net)
{
    struct fake_run_setup setup = card_setup(card, nodes, duration_s, net);
    return fake_run(&setup);
}

static double outside_fraction(const struct fake_run *run)
{
    double sum_s = 0;
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        sum_s += observer_totals(run->node[node].observer).outside_node_s;
    return sum_s / run->setup.duration_s / run->setup.nodes;
}

static size_t badges_in(const struct fake_run *run)
{
    size_t count = 0;
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        count += spool_count(run->node[node].spool);
    return count;
}

static bool has_converged(const struct fake_run *run)
{
    const struct fake_node *first = &run->node[0];
    for (uint32_t node = 1; node < run->setup.nodes; node++)
        if (first->ops->digest(run->node[node].system) != first->ops->digest(first->system))
            return false;
    return true;
}

/* ---- all cards ---- */

static const char *const cards[] = {"bounded-delay", "causal-order",    "eventual-agreement",
                                    "leader-view",   "round-agreement", "single-leader",
                                    "version-lag"};
enum { CARDS = sizeof cards / sizeof cards[0] };

static void test_each_file_is_a_card_that_is_tested_here(void)
{
    DIR *directory = opendir(folder());
    CU_ASSERT_PTR_NOT_NULL_FATAL(directory);
    if (directory == NULL)
        return; /* for the analyser: the assertion does not come back */
    size_t files = 0, known = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 4, ".ini") != 0)
            continue;
        files++;
        for (size_t i = 0; i < CARDS; i++)
            known +=
                strlen(cards[i]) == length - 4 && strncmp(cards[i], entry->d_name, length - 4) == 0;
    }
    (void)closedir(directory);
    CU_ASSERT_EQUAL(files, CARDS);
    CU_ASSERT_EQUAL(known, CARDS);
}

/* A question, what theory expects at two and at N, a misreading; the sentence, what is watched, the
 * system: in this order. */
static void test_each_card_has_the_common_form(void)
{
    static const char *const parts[] = {
        "; Assumption card: ",         "\n; At two nodes: ",          "\n; At N nodes: ",
        "\n; A frequent misreading: ", "\n[corridor]\nassumption = ", "\nwatch = ",
        "\noutside_fraction_max = ",   "\n[load]\nsystem = "};
    for (size_t i = 0; i < CARDS; i++) {
        char path[NAME_BYTES], text[CARD_BYTES];
        (void)snprintf(path, sizeof path, "%s/%s.ini", folder(), cards[i]);
        FILE *file = fopen(path, "r");
        CU_ASSERT_PTR_NOT_NULL_FATAL(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        (void)fclose(file);
        const char *at = text;
        for (size_t p = 0; p < sizeof parts / sizeof parts[0] && at != NULL; p++)
            at = p == 0 && strncmp(text, parts[0], strlen(parts[0])) != 0 ? NULL
                                                                          : strstr(at, parts[p]);
        (void)CU_assertImplementation(at != NULL, __LINE__, cards[i], __FILE__, "", CU_FALSE);
    }
}

/* One boundary, as the lab asks, and its sentence is one sentence. */
static void test_each_card_watches_one_boundary_of_its_system(void)
{
    for (size_t i = 0; i < CARDS; i++) {
        struct config config = read_card(cards[i]);
        const char *sentence = config.corridor.assumption;
        enum boundary_kind boundary = BOUNDARY_COUNT;
        for (enum context c = 0; c < CONTEXT_COUNT; c++) {
            if (!config.corridor.watched[c])
                continue;
            CU_ASSERT((system_find(config.system)->contexts & 1U << c) != 0);
            CU_ASSERT(boundary == BOUNDARY_COUNT || boundary == context_table[c].boundary);
            boundary = context_table[c].boundary;
        }
        CU_ASSERT(boundary < BOUNDARY_COUNT);
        CU_ASSERT_PTR_EQUAL(strchr(sentence, '.'), sentence + strlen(sentence) - 1);
    }
}

/* ---- what theory expects ---- */

/* Held at two; each doubling adds to it, and none takes it from held to lost at a stroke. */
static void test_version_lag_fails_gradually(void)
{
    double before = 0, allowed = read_card("version-lag").corridor.outside_fraction_max;
    for (uint32_t nodes = 2; nodes <= 16; nodes *= 2) {
        struct planted_net net = {.delay_s = 0.1e-3, .jitter_s = 0.1e-3};
        struct fake_run *run = run_card("version-lag", nodes, 20, &net);
        double outside = outside_fraction(run);
        printf("  N %u outside %g\n", nodes, outside);
        CU_ASSERT(nodes > 2 || (outside > 0 && outside < allowed));
        CU_ASSERT(outside > 1.5 * before);
        CU_ASSERT(nodes == 2 || outside < 30 * before);
        CU_ASSERT_EQUAL(badges_in(run), planted_badges_in_run(run, CONTEXT_VERSION_LAG_EXCEEDED));
        before = outside;
        fake_run_free(run);
    }
    CU_ASSERT(before > 10 * allowed && before < 0.9);
}

static void test_causal_order_holds_at_two_and_breaks_from_three_on(void)
{
    static const uint32_t scales[] = {2, 3, 5, 16};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        struct planted_net wild = {.delay_s = 1e-3, .jitter_s = 5e-3};
        struct fake_run *run = run_card("causal-order", scales[i], 2, &wild);
        CU_ASSERT_EQUAL(badges_in(run) > 0, scales[i] > 2);
        fake_run_free(run);
        struct planted_net equal = {.delay_s = 4e-3};
        run = run_card("causal-order", scales[i], 2, &equal);
        CU_ASSERT_EQUAL(badges_in(run), 0);
        fake_run_free(run);
    }
}

static void test_eventual_agreement_holds_at_every_scale(void)
{
    static const uint32_t scales[] = {2, 5, 16};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        struct planted_net slow = {.delay_s = 10e-3, .jitter_s = 30e-3};
        struct fake_run *run = run_card("eventual-agreement", scales[i], 2, &slow);
        CU_ASSERT(has_converged(run));
        CU_ASSERT_EQUAL(badges_in(run), 0);
        fake_run_free(run);
        struct planted_net lossy = {.delay_s = 1e-3, .loss_share = 0.5};
        run = run_card("eventual-agreement", scales[i], 2, &lossy);
        CU_ASSERT(badges_in(run) > 0); /* what could break it is what is watched */
        fake_run_free(run);
    }
}

/* Beyond the limit by message, over all links. */
static struct stream_count sum_of_streams(const struct fake_run *run, enum context context)
{
    struct stream_count sum = {0, 0, 0, 0};
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        for (uint32_t peer = 0; peer < run->setup.nodes; peer++) {
            struct stream_count one = observer_stream(run->node[node].observer, peer, context);
            sum.observations += one.observations;
            sum.beyond += one.beyond;
        }
    return sum;
}

static void test_delay_is_as_bounded_per_message_and_less_so_per_node(void)
{
    static const uint32_t scales[] = {2, 5, 16};
    static const double late = 0.02;
    double outside_before = 0;
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        struct planted_net net = {.delay_s = 100e-6, .late_share = late, .late_s = 3e-3};
        struct fake_run *run = run_card("bounded-delay", scales[i], 10, &net);
        struct stream_count sum = sum_of_streams(run, CONTEXT_MESSAGE_DELAY_EXCEEDED);
        double share = (double)sum.beyond / (double)sum.observations;
        /* A message behind a late one waits for it, so a few more are late than were planted. */
        CU_ASSERT(share > 0.9 * late && share < 1.3 * late);
        CU_ASSERT(outside_fraction(run) > 2 * outside_before);
        outside_before = outside_fraction(run);
        fake_run_free(run);
    }
}

/* Loss makes a peer silent; the time-out of the cards is a heartbeat and a quarter, so a peer is
 * suspected for three quarters of the interval behind a lost heartbeat, and wholly behind two. */
static double suspected_share(double loss)
{
    return loss * 0.75 + loss * loss * 0.25;
}

static double heartbeats_lost(void *plan, uint32_t from, uint32_t to, const struct message *message,
                              double now_s)
{
    gsl_rng *random = plan;
    (void)from, (void)to, (void)now_s;
    bool lost = message->kind == MESSAGE_HEARTBEAT && gsl_rng_uniform(random) < 0.2;
    return lost ? -1 : 100e-6;
}

static struct fake_run *run_lossy(const char *card, uint32_t nodes, gsl_rng *random)
{
    struct planted_net unused = {.delay_s = 0};
    struct fake_run_setup setup = card_setup(card, nodes, 60, &unused);
    setup.delay = heartbeats_lost;
    setup.plan = random;
    return fake_run(&setup);
}

static void test_two_leaders_hardly_depend_on_n_but_split_views_do(void)
{
    double p = suspected_share(0.2), dual_at_two = 0, split_at_two = 0;
    gsl_rng *random = gsl_rng_alloc(gsl_rng_mt19937);
    for (uint32_t nodes = 2; nodes <= 16; nodes *= 8) {
        struct fake_run *single = run_lossy("single-leader", nodes, random);
        struct fake_run *view = run_lossy("leader-view", nodes, random);
        double dual = recorded_shares(single).dual, split = recorded_shares(view).split;
        CU_ASSERT(fabs(dual / dual_leaders_share(nodes, p) - 1) < 0.15);
        CU_ASSERT(fabs(split / split_views_share(nodes, p) - 1) < 0.15);
        CU_ASSERT(planted_badges_in_run(single, CONTEXT_DUAL_LEADER_OBSERVED) > 0);
        CU_ASSERT(planted_badges_in_run(view, CONTEXT_LEADER_VIEW_SPLIT) > 0);
        CU_ASSERT(nodes == 2 || dual < 1.5 * dual_at_two);
        CU_ASSERT(nodes == 2 || split > 4 * split_at_two);
        dual_at_two = dual;
        split_at_two = split;
        fake_run_free(single);
        fake_run_free(view);
    }
    gsl_rng_free(random);
}

static void test_rounds_agree_less_the_more_nodes_there_are(void)
{
    static const uint32_t scales[] = {2, 5, 16};
    static const double in_time = 0.9, rounds = 1000;
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        struct planted_net net = {.delay_s = 100e-6, .late_share = 1 - in_time, .late_s = 3e-3};
        struct fake_run *run = run_card("round-agreement", scales[i], rounds * 0.02, &net);
        double theory = majority_disagrees_share(scales[i], in_time);
        double error = sqrt(theory * (1 - theory) / rounds);
        CU_ASSERT(fabs(recorded_split_rounds(run) - theory) < 4 * error);
        CU_ASSERT(badges_in(run) > 0);
        fake_run_free(run);
    }
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"each file is a card that is tested here", test_each_file_is_a_card_that_is_tested_here},
        {"each card has the common form", test_each_card_has_the_common_form},
        {"each card watches one boundary of its system",
         test_each_card_watches_one_boundary_of_its_system},
        {"version lag fails gradually", test_version_lag_fails_gradually},
        {"causal order holds at two and breaks from three on",
         test_causal_order_holds_at_two_and_breaks_from_three_on},
        {"eventual agreement holds at every scale", test_eventual_agreement_holds_at_every_scale},
        {"delay is as bounded per message and less so per node",
         test_delay_is_as_bounded_per_message_and_less_so_per_node},
        {"two leaders hardly depend on N, but split views do",
         test_two_leaders_hardly_depend_on_n_but_split_views_do},
        {"rounds agree less the more nodes there are",
         test_rounds_agree_less_the_more_nodes_there_are},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("assumption cards", tests);
}
