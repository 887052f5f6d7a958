/* The two templates that a student begins with, and what must hold whatever becomes of them: any
 * system sends its own schedule and nothing else, and an observation finds what was planted. */

#include "cunit_main.h"
#include "observe/template.h"
#include "planted.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- any system ---- */

/* Nothing is sent in answer to lateness, loss or disagreement: on a quiet net and on a wild one,
 * with a node that stands still, each node sends as much. */
static void test_any_system_sends_as_much_on_any_net(void)
{
    for (const struct system_ops *const *system = system_list; *system != NULL; system++) {
        struct planted_net quiet_net = {.delay_s = 100e-6}, net = planted_wild_net();
        struct fake_run_setup setup = planted_setup(4, 17, &quiet_net);
        setup.system = (*system)->name;
        struct fake_run *quiet = fake_run(&setup);
        setup = planted_setup(4, 17, &net);
        setup.system = (*system)->name;
        setup.stalls[0] = (struct fake_stall){.node = 1, .from_s = 1, .to_s = 1.7};
        setup.stall_count = 1;
        struct fake_run *wild = fake_run(&setup);
        for (uint32_t node = 0; node < 4; node++) {
            uint64_t attempted = mailbox_totals(&wild->node[node].mailbox).attempted;
            CU_ASSERT_EQUAL(attempted, mailbox_totals(&quiet->node[node].mailbox).attempted);
            CU_ASSERT(attempted > 0);
        }
        fake_run_free(quiet);
        fake_run_free(wild);
    }
}

/* The observer changes nothing: not one byte and not one moment. */
static void test_any_system_sends_the_same_with_and_without_observer(void)
{
    for (const struct system_ops *const *system = system_list; *system != NULL; system++) {
        struct planted_net net = planted_wild_net();
        struct fake_run_setup setup = planted_setup(4, 5, &net);
        setup.system = (*system)->name;
        setup.duration_s = 2;
        struct fake_run *with = fake_run(&setup);
        setup.observe = false;
        struct fake_run *without = fake_run(&setup);
        CU_ASSERT(fake_net_same(with->net, without->net));
        CU_ASSERT(spool_count(with->node[0].spool) > 0);
        fake_run_free(with);
        fake_run_free(without);
    }
}

/* Each context that a system has is looked at on every link between all nodes sooner or later, and
 * can be left. */
static void test_any_system_observes_what_it_says(void)
{
    for (const struct system_ops *const *system = system_list; *system != NULL; system++) {
        struct planted_net net = planted_wild_net();
        struct fake_run_setup setup = planted_setup(5, 9, &net);
        setup.system = (*system)->name;
        setup.duration_s = 20;
        struct fake_run *run = fake_run(&setup);
        for (enum context c = 0; c < CONTEXT_COUNT; c++) {
            bool has = ((*system)->contexts & 1U << c) != 0;
            CU_ASSERT_EQUAL(observer_stream(run->node[0].observer, 3, c).observations > 0, has);
            CU_ASSERT_EQUAL(planted_badges_in_run(run, c) > 0, has);
        }
        fake_run_free(run);
    }
}

/* ---- the template of a system: rumours ---- */

/* Told from the log alone: whoever takes a message that names another rumour than the newest it has
 * told or heard observes that they differ. A system of your own needs a truth of its own here. */
static void test_the_template_tells_which_rumours_differ(void)
{
    enum { NODES = 5 };
    struct planted_net net = planted_wild_net();
    struct fake_run_setup setup = planted_setup(NODES, 6, &net);
    setup.system = "template";
    struct fake_run *run = fake_run(&setup);
    uint64_t newest[NODES] = {0}, differ[NODES][NODES] = {{0}}, total = 0;
    size_t events;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (size_t i = 0; i < events; i++) {
        bool taken = log[i].kind == FAKE_TAKEN;
        uint32_t node = taken ? log[i].to : log[i].from;
        uint64_t rumour = log[i].message.payload[0];
        double sent_s = log[i].message.sent.s - run->t0_s;
        if (log[i].message.kind == MESSAGE_HEARTBEAT)
            continue;
        if (taken && sent_s >= 0 && sent_s < setup.duration_s)
            differ[node][log[i].from] += rumour != newest[node];
        newest[node] = rumour > newest[node] ? rumour : newest[node];
    }
    for (uint32_t node = 0; node < NODES; node++)
        for (uint32_t peer = 0; peer < NODES; peer++) {
            CU_ASSERT_EQUAL(
                observer_stream(run->node[node].observer, peer, CONTEXT_DECISION_SPLIT).beyond,
                differ[node][peer]);
            total += differ[node][peer];
        }
    CU_ASSERT(total > 100);
    fake_run_free(run);
}

/* ---- the template of an observation ---- */

enum { BADGES_MAX = 100000 };

/* All nodes' own observations, and the badges that they hand out. */
struct own_run {
    struct own_observation nodes[FAKE_NODES_MAX];
    double limit;
    struct badge *badges;
    size_t count;
    bool is_disorderly; /* a number that was not the next, an end without a beginning */
};

/* A sink per node: it knows its observation, and by that the run. */
static struct own_run *current;

static void opened(void *self, uint64_t number, const struct badge *badge)
{
    const struct own_observation *own = self;
    uint64_t before = 0;
    for (size_t i = 0; i < current->count; i++)
        before += current->badges[i].node == own->node;
    current->is_disorderly = current->is_disorderly || number != before ||
                             badge->node != own->node || current->count == BADGES_MAX;
    if (current->count < BADGES_MAX)
        current->badges[current->count++] = *badge;
}

static void closed(void *self, uint64_t number, const struct badge_end *end)
{
    const struct own_observation *own = self;
    uint64_t seen = 0;
    for (size_t i = 0; i < current->count; i++) {
        struct badge *badge = &current->badges[i];
        if (badge->node != own->node || seen++ != number)
            continue;
        current->is_disorderly = current->is_disorderly || !isnan(badge->end_s);
        badge->end_s = end->end_s;
        badge->peak = end->peak;
        return;
    }
    current->is_disorderly = true;
}

static struct boundary watch(void *watcher, uint32_t node, struct local_time begin)
{
    struct own_run *own_run = watcher;
    struct own_observation *own = &own_run->nodes[node];
    *own = (struct own_observation){
        .node = node, .begin = begin, .limit = own_run->limit, .sink = {opened, closed, own}};
    return (struct boundary){own_report, own};
}

/* The peak comes with the end; a badge that is still open has the one of its beginning. */
static bool is_badge_of(const struct badge *badge, const struct expected *expected)
{
    bool ends =
        fabs(badge->end_s - expected->end_s) < 1e-9 && fabs(badge->peak - expected->peak) < 1e-9;
    bool is_open = isnan(badge->end_s) && isnan(expected->end_s);
    return badge->node == expected->node && badge->peer == expected->peer &&
           badge->context == expected->context && fabs(badge->time_s - expected->entry_s) < 1e-9 &&
           (ends || is_open);
}

static void name(const char *what, const struct badge *badge)
{
    char peer[NODE_NAME_BYTES];
    node_name(badge->peer, peer);
    printf("  %s, about %s, ", what, peer);
    if (isnan(badge->end_s))
        printf("still outside at the end:\n");
    else
        printf("until %.6f s, peak %g:\n", badge->end_s, badge->peak);
    badge_print_lab(stdout, badge);
}

/* Badges that should be there and are not, and those that should not and are; the first of each are
 * named. */
static size_t differences(const struct own_run *own_run, const struct expected *episodes,
                          size_t count)
{
    enum { NAMED_MAX = 2 };
    bool *known = calloc(own_run->count + 1, sizeof *known);
    size_t missed = 0, unfounded = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        if (episodes[i].context != own_context || !episodes[i].has_badge)
            continue;
        while (at < own_run->count &&
               (known[at] || !is_badge_of(&own_run->badges[at], &episodes[i])))
            at++;
        known[at] = true; /* also one behind the last */
        if (at == own_run->count && missed++ < NAMED_MAX)
            name("missed", &(struct badge){.time_s = episodes[i].entry_s,
                                           .end_s = episodes[i].end_s,
                                           .peak = episodes[i].peak,
                                           .node = episodes[i].node,
                                           .peer = episodes[i].peer,
                                           .context = (uint16_t)episodes[i].context});
    }
    for (size_t at = 0; at < own_run->count; at++)
        if (!known[at] && unfounded++ < NAMED_MAX)
            name("nothing stands for", &own_run->badges[at]);
    free(known);
    printf("  %zu badges, %zu missed, %zu that nothing stands for\n", own_run->count, missed,
           unfounded);
    return missed + unfounded;
}

static const char *system_with(enum context context)
{
    const struct system_ops *const *system = system_list;
    while (((*system)->contexts & 1U << context) == 0)
        system++;
    return (*system)->name;
}

/* On a net of delays, losses and silences, at two nodes and at five. A node stands still while the
 * window opens, so that some is outside already, and one while it closes, so that some is stamped
 * behind it. */
static void test_an_own_observation_finds_what_is_planted(void)
{
    static const uint32_t scales[] = {2, 5};
    for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++) {
        struct planted_net net = planted_wild_net();
        struct fake_run_setup setup = planted_setup(scales[s], 3, &net);
        net.late_share = 0.4; /* so that streams are outside while the window closes */
        struct own_run own_run = {.limit = setup.corridor.limit[own_context],
                                  .badges = calloc(BADGES_MAX, sizeof(struct badge))};
        assert(own_run.badges != NULL);
        current = &own_run;
        setup.system = system_with(own_context);
        setup.log = FAKE_LOG_INBOXES;
        setup.stalls[0] = (struct fake_stall){.node = 0, .from_s = -0.1, .to_s = 0.1};
        setup.stalls[1] = (struct fake_stall){.node = 1, .from_s = 4.98, .to_s = 5.05};
        setup.stall_count = 2;
        setup.watch = watch;
        setup.watcher = &own_run;
        struct fake_run *run = fake_run(&setup);
        size_t count;
        struct expected *episodes = oracle_episodes(run, &count);
        CU_ASSERT(own_run.count > 20);
        CU_ASSERT_EQUAL(differences(&own_run, episodes, count), 0);
        CU_ASSERT_FALSE(own_run.is_disorderly);
        if (own_run.count > 0)
            badge_print_lab(stdout, &own_run.badges[0]);
        free(episodes);
        free(own_run.badges);
        fake_run_free(run);
    }
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"any system sends as much on any net", test_any_system_sends_as_much_on_any_net},
        {"any system sends the same with and without observer",
         test_any_system_sends_the_same_with_and_without_observer},
        {"any system observes what it says", test_any_system_observes_what_it_says},
        {"the template tells which rumours differ", test_the_template_tells_which_rumours_differ},
        {"an own observation finds what is planted", test_an_own_observation_finds_what_is_planted},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("templates", tests);
}
