/* What a node's row says of its clock: as planned, when all went well, and when it did not. */

#include "cunit_main.h"
#include "record/rows.h"

#include <math.h>
#include <string.h>

/* Node 3 of a host whose first rank is 2, against node 0: fast by 20 ppm, synchronised twice. */
static struct pass plan_pass(void)
{
    struct pass pass = {.begin = {12}, .plan = {.begin = {712.00006}}};
    struct pass_clocks *clocks = &pass.clocks;
    clocks->sync[CLOCK_SYNC_FIRST] = (struct clock_sync){.at = {10},
                                                         .offset_s = 700,
                                                         .uncertainty_s = 2e-5,
                                                         .domain = 2,
                                                         .domain_uncertainty_s = 1e-7};
    clocks->sync[CLOCK_SYNC_SECOND] = clocks->sync[CLOCK_SYNC_FIRST];
    clocks->sync[CLOCK_SYNC_SECOND].at.s = 11;
    clocks->sync[CLOCK_SYNC_SECOND].offset_s = 700.00002;
    clocks->has_second = true;
    clocks->host = 2;
    clocks->own_uncertainty_s = 3e-4;
    clocks->model = clock_model_of_two(&clocks->sync[0], &clocks->sync[CLOCK_SYNC_SECOND]);
    clocks->record = clocks->model;
    return pass;
}

static const struct machine machine = {.host = "h", .binding = "0"};
static const struct node_identity identity = {3, 0, &machine};

static struct run_node finished(struct pass *pass)
{
    struct node_facts planned = node_facts_planned(&identity, pass);
    return node_facts_finished(&planned, pass).row;
}

static struct clock_sync sync_after(double offset_s)
{
    return (struct clock_sync){
        .at = {20}, .offset_s = offset_s, .uncertainty_s = 1e-5, .domain = 2};
}

static void test_before_the_last_synchronisation(void)
{
    struct pass pass = plan_pass();
    struct node_facts facts = node_facts_planned(&identity, &pass);
    const struct run_node *row = &facts.row;
    CU_ASSERT_EQUAL(row->clock_flags, RUN_CLOCK_HAS_SECOND | RUN_CLOCK_UNCHECKED);
    CU_ASSERT(row->sync[CLOCK_SYNC_FIRST].time_s == -2 &&
              row->sync[CLOCK_SYNC_SECOND].time_s == -1);
    CU_ASSERT(isnan(row->sync[CLOCK_SYNC_AFTER].offset_s));
    CU_ASSERT(fabs(row->clock_rate - 20e-6) < 1e-9 && row->clock_rate_uncertainty > 4e-5);
    CU_ASSERT(row->clock_uncertainty_s == 3e-4 && row->clock_domain_uncertainty_s == 1e-7);
    CU_ASSERT(row->clock_domain == 2 && row->host_first_rank == 2 && row->clock_suspect == 0);
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    CU_ASSERT_EQUAL(memcmp(&facts.model, &pass.clocks.model, sizeof facts.model), 0);
}

static void test_one_synchronisation_has_no_second(void)
{
    struct pass pass = plan_pass();
    pass.clocks.has_second = false;
    struct node_facts facts = node_facts_planned(&identity, &pass);
    CU_ASSERT_EQUAL(facts.row.clock_flags, RUN_CLOCK_UNCHECKED);
    CU_ASSERT(isnan(facts.row.sync[CLOCK_SYNC_SECOND].time_s));
}

static void test_checked_and_found_right(void)
{
    struct pass pass = plan_pass();
    pass.clocks.sync[CLOCK_SYNC_AFTER] = sync_after(700.0002);
    struct run_node row = finished(&pass);
    CU_ASSERT_EQUAL(row.clock_flags, RUN_CLOCK_HAS_SECOND);
    CU_ASSERT(row.clock_suspect == 0 && row.clock_domain == 2);
    CU_ASSERT(row.sync[CLOCK_SYNC_AFTER].time_s == 8);
}

static void test_what_makes_a_clock_suspect(void)
{
    struct pass pass = plan_pass();
    pass.clocks.sync[CLOCK_SYNC_AFTER] = sync_after(701);
    pass.clocks.has_jumped = true;
    struct run_node row = finished(&pass);
    CU_ASSERT_EQUAL(row.clock_flags, RUN_CLOCK_HAS_SECOND | RUN_CLOCK_JUMPED);
    CU_ASSERT_EQUAL(row.clock_suspect, 1);
    pass = plan_pass();
    pass.clocks.sync[CLOCK_SYNC_AFTER] = sync_after(700.0002);
    pass.clocks.sync[CLOCK_SYNC_AFTER].contradicted = true;
    pass.clocks.sync[CLOCK_SYNC_AFTER].domain = 3; /* no longer its leader's clock */
    row = finished(&pass);
    CU_ASSERT_EQUAL(row.clock_flags, RUN_CLOCK_HAS_SECOND | RUN_CLOCK_CONTRADICTED);
    CU_ASSERT(row.clock_suspect == 1 && row.clock_domain == 3);
    pass = plan_pass();
    pass.clocks.model.contradicted = 1;
    CU_ASSERT_EQUAL(node_facts_planned(&identity, &pass).row.clock_suspect, 1);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"before the last synchronisation", test_before_the_last_synchronisation},
        {"one synchronisation has no second", test_one_synchronisation_has_no_second},
        {"checked and found right", test_checked_and_found_right},
        {"what makes a clock suspect", test_what_makes_a_clock_suspect},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("clocks in a node's row", tests);
}
