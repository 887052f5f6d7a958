/* At one and the same scale a comparison claims no difference, and where one is planted the rows
 * that ought to notice do. */

#include "cunit_main.h"
#include "fake_run_file.h"
#include "planted.h"
#include "same_scale.h"

#include <string.h>
#include <unistd.h>

enum { NODES = 5, GROUP = 6, BOTH = 2 * GROUP, PATH_BYTES = 64, EVERY_NODE = -1 };

/* ---- runs ---- */

/* A net as in the scene lan2ms, on which messages to one node or to all take longer. */
struct slow_net {
    struct planted_net net;
    double factor;
    int node;
};

static double slow_delay(void *plan, uint32_t from, uint32_t to, const struct message *message,
                         double now_s)
{
    struct slow_net *slow = plan;
    bool is_slow = slow->node == EVERY_NODE || slow->node == (int)to;
    return (is_slow ? slow->factor : 1) * planted_delay(&slow->net, from, to, message, now_s);
}

static void write_run(uint32_t seed, struct slow_net slow, const char *path)
{
    struct failure failure = {EXIT_DONE, ""};
    struct fake_run_setup setup = planted_setup(NODES, seed, &slow.net);
    slow.net.delay_s = slow.net.jitter_s = 2e-3;
    slow.net.seed = seed * FAKE_NODES_MAX; /* seeds side by side share draws of other senders */
    setup.delay = slow_delay;
    setup.plan = &slow;
    setup.rate_per_s = 5;
    setup.idle_s = 0;
    setup.warmup_s = 0.1;
    setup.duration_s = 2;
    setup.log = FAKE_LOG_NOTHING;
    setup.badges_max = 4096;
    setup.corridor.limit[CONTEXT_MESSAGE_DELAY_EXCEEDED] = 13e-3;
    setup.corridor.limit[CONTEXT_HEARTBEAT_MISSED] = 32e-3;
    struct fake_run *run = fake_run(&setup);
    if (!fake_run_write(run, seed, path, &failure)) {
        (void)fprintf(stderr, "%s\n", failure.text);
        abort();
    }
    fake_run_free(run);
}

struct files {
    char name[BOTH][PATH_BYTES];
    char *path[BOTH];
};

/* Twelve runs, `slow` holding for the second half. In memory where there is such a place. */
static void write_runs(struct files *files, uint32_t first_seed, struct slow_net slow)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    for (uint32_t i = 0; i < BOTH; i++) {
        files->path[i] = files->name[i];
        (void)snprintf(files->name[i], PATH_BYTES, "%s/mpidrift-same-%d-%u.h5", folder,
                       (int)getpid(), i);
        write_run(first_seed + i, i < GROUP ? (struct slow_net){.factor = 1} : slow,
                  files->path[i]);
    }
}

static void compare(struct same_scale *sum, const struct files *files, struct same_scale_deal deal)
{
    struct failure failure = {EXIT_DONE, ""};
    if (!same_scale_add(sum, files->path, BOTH, deal, &failure))
        printf("  %s\n", failure.text);
    CU_ASSERT_EQUAL(failure.code, EXIT_DONE);
    for (size_t i = 0; i < BOTH; i++)
        (void)unlink(files->path[i]);
}

static struct same_scale planted_difference(struct slow_net slow)
{
    struct files files;
    struct same_scale sum = {.comparisons = 0};
    write_runs(&files, 9001, slow);
    compare(&sum, &files, (struct same_scale_deal){0, 0});
    CU_ASSERT_EQUAL_FATAL(sum.comparisons, 1);
    return sum;
}

/* ---- what is claimed ---- */

/* Ten sets of runs, each dealt four times: forty comparisons, though not forty independent ones. */
static void test_no_difference_is_claimed_at_one_scale(void)
{
    enum { SETS = 10, DEALS = 4 };
    struct same_scale sum = {.comparisons = 0};
    for (uint32_t set = 0; set < SETS; set++) {
        struct files files;
        write_runs(&files, 1 + set * BOTH, (struct slow_net){.factor = 1});
        compare(&sum, &files, (struct same_scale_deal){DEALS, 1 + set});
    }
    CU_ASSERT_EQUAL(sum.comparisons, (size_t)SETS * DEALS);
    for (size_t a = 0; a < ASPECTS_OF_THE_LAB; a++) {
        CU_ASSERT(same_scale_holds(&sum, a));
        CU_ASSERT(sum.rows[a].able * 10 >= sum.comparisons * 9);
    }
    same_scale_print(stdout, &sum);
}

static void test_a_slower_net_is_noticed(void)
{
    struct same_scale sum = planted_difference((struct slow_net){.factor = 2, .node = EVERY_NODE});
    CU_ASSERT_EQUAL(sum.rows[ASPECT_FIRST_DRIFT].claimed, 1);
    CU_ASSERT_EQUAL(sum.rows[ASPECT_FREQUENCY].claimed, 1);
    CU_ASSERT_EQUAL(sum.rows[ASPECT_SYMMETRY].claimed, 0); /* all nodes are slower alike */
    CU_ASSERT_EQUAL(sum.rows[ASPECT_SENSITIVITY].claimed, 1);
    CU_ASSERT(!same_scale_holds(&sum, ASPECT_FREQUENCY));
}

static void test_a_slow_node_is_noticed(void)
{
    struct same_scale sum = planted_difference((struct slow_net){.factor = 2.5, .node = 2});
    CU_ASSERT_EQUAL(sum.rows[ASPECT_SYMMETRY].claimed, 1);
    CU_ASSERT_EQUAL(sum.rows[ASPECT_FREQUENCY].claimed, 1);
}

/* Silence claims nothing, and so it proves nothing. */
static void test_what_cannot_claim_does_not_pass(void)
{
    struct same_scale sum = {.comparisons = 40};
    CU_ASSERT(!same_scale_holds(&sum, ASPECT_FREQUENCY));
    sum.rows[ASPECT_FREQUENCY].able = 20;
    CU_ASSERT(same_scale_holds(&sum, ASPECT_FREQUENCY));
    sum.rows[ASPECT_FREQUENCY].claimed = 2;
    CU_ASSERT(same_scale_holds(&sum, ASPECT_FREQUENCY));
    sum.rows[ASPECT_FREQUENCY].claimed = 3;
    CU_ASSERT(!same_scale_holds(&sum, ASPECT_FREQUENCY));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"no difference is claimed at one scale", test_no_difference_is_claimed_at_one_scale},
        {"a slower net is noticed", test_a_slower_net_is_noticed},
        {"a slow node is noticed", test_a_slow_node_is_noticed},
        {"what cannot claim does not pass", test_what_cannot_claim_does_not_pass},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("comparison: one and the same scale", tests);
}
