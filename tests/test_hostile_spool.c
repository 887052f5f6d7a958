/* A spool whose checksums are right claims what cannot be: it is refused by name, and nothing that
 * follows from the claim is computed. */

#include "analysis/recovery/recovery.h"
#include "cunit_main.h"
#include "file_faults.h"
#include "record/rows.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/mpidrift-hostile-XXXXXX";

/* Node 0 of two whose window was planned and not yet open. */
struct claim {
    struct run_facts run;
    struct node_facts node;
};

static void make_claim(struct claim *claim)
{
    memset(claim, 0, sizeof *claim);
    claim->run.duration_s = 1;
    claim->run.nodes = claim->run.group_nodes = 2;
    claim->run.contexts = 1;
    claim->run.windows = 60;
    claim->run.is_observed = 1;
    (void)snprintf(claim->run.run_id, sizeof claim->run.run_id, "made up");
    claim->node.begin_utc_s = 1e9;
    claim->node.links_wrong = RUN_UNKNOWN;
}

static void write_spool(const struct claim *claim)
{
    struct failure failure = {EXIT_DONE, ""};
    struct corridor corridor = corridor_default();
    char path[64];
    (void)snprintf(path, sizeof path, "%s/node_A.spool", directory);
    memcpy(corridor.limit, claim->run.limit, sizeof corridor.limit);
    struct observer_setup observer = {
        .nodes = claim->run.group_nodes, .corridor = &corridor, .windows = claim->run.windows};
    struct spool_setup setup = {.nodes = claim->run.nodes,
                                .badges_max = 1,
                                .path = path,
                                .text = &claim->run,
                                .text_bytes = run_facts_bytes(&claim->run),
                                .facts_bytes = sizeof claim->node,
                                .state_bytes = state_bytes(&claim->run, &observer)};
    (void)unlink(path);
    struct spool *spool = spool_open(&setup, &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(spool);
    spool_put_facts(spool, SPOOL_PLANNED, &claim->node);
    spool_seal(spool);
    spool_close(spool);
}

/* What is wrong with it; "" if it came to a run file. */
static const char *recovered(const struct claim *claim)
{
    static struct failure failure;
    static struct recovery recovery;
    char path[64];
    (void)snprintf(path, sizeof path, "%s/run.h5", directory);
    failure = (struct failure){EXIT_DONE, ""};
    write_spool(claim);
    if (recovery_read(&recovery, directory, &failure))
        (void)recovery_write(&recovery, path, &failure);
    recovery_free(&recovery);
    CU_ASSERT(failure.code == EXIT_DONE || failure.code == EXIT_BAD_INPUT);
    return failure.text;
}

static void test_what_is_true_is_taken(void)
{
    static struct claim claim;
    make_claim(&claim);
    CU_ASSERT_STRING_EQUAL(recovered(&claim), "");
}

static void test_claims_about_a_node(void)
{
    static struct claim true_claim, claim;
    make_claim(&true_claim);
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        claim = true_claim;                                                                        \
        change;                                                                                    \
        CU_ASSERT_PTR_NOT_NULL(strstr(recovered(&claim), "its facts cannot be"));                  \
    } while (0)
    REFUSED(claim.node.row.node = 1);
    REFUSED(claim.node.row.group = 1);
    REFUSED(claim.node.row.clock_domain = 2);
    REFUSED(claim.node.row.clock_suspect = 2);
    REFUSED(claim.node.begin_s = (double)NAN);
    REFUSED(claim.node.begin_s = 1e300);
    REFUSED(claim.node.t0_s = -1e13);
    REFUSED(claim.node.begin_utc_s = 1e300); /* no date */
    REFUSED(claim.node.begin_utc_s = -1);
    REFUSED(claim.node.row.host_first_rank = 2);
    REFUSED(claim.node.model.at.s = 1e300);
    REFUSED(claim.node.model.offset_s = (double)INFINITY);
    REFUSED(claim.node.model.rate = (double)NAN);
    REFUSED(claim.node.model.rate = 1); /* a clock that stands still */
    REFUSED(claim.node.model.contradicted = 2);
    REFUSED(memset(claim.node.row.host, 'x', sizeof claim.node.row.host));
#undef REFUSED
}

static void test_claims_about_the_run(void)
{
    static struct claim claim;
    make_claim(&claim);
    claim.run.duration_s = -1;
    CU_ASSERT_PTR_NOT_NULL(strstr(recovered(&claim), "what it says about its run cannot be"));
    make_claim(&claim);
    run_facts_add(&claim.run, "/config", "rate", NULL, 1);
    run_facts_add(&claim.run, "/config", "rate", NULL, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(recovered(&claim), "what it says about its run cannot be"));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"what is true is taken", test_what_is_true_is_taken},
        {"claims about a node", test_claims_about_a_node},
        {"claims about the run", test_claims_about_the_run},
        CU_TEST_INFO_NULL,
    };
    if (mkdtemp(directory) == NULL)
        return EXIT_FAILURE;
    int result = cunit_main("spools that lie", tests);
    remove_directory(directory);
    return result;
}
