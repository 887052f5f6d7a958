/* Does the runner itself tell the truth? Each case registers suites in which something is wrong on
 * the last rank only, and every rank must get the status that says so. The cases print FAILED lines
 * of their own on purpose; what counts is the last line and the exit code. */

#include "cunit_mpi.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static bool on_last_rank(void)
{
    int rank = 0;
    int ranks = 0;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    return rank == ranks - 1;
}

static bool on_first_rank(void)
{
    int rank = 0;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank == 0;
}

static unsigned barriers_passed;

/* Hangs unless all ranks run it. */
static void test_barrier(void)
{
    CU_ASSERT_EQUAL(MPI_Barrier(MPI_COMM_WORLD), MPI_SUCCESS);
    barriers_passed++;
}

static void test_fails_on_last_rank(void)
{
    CU_ASSERT_FALSE(on_last_rank());
}

static void test_fatal_on_last_rank(void)
{
    CU_ASSERT_FALSE_FATAL(on_last_rank());
}

static int fail_on_last_rank(void)
{
    return on_last_rank() ? 3 : 0;
}

/* A case must be able to rely on its registry, so this ends the program. */
static CU_pSuite add_suite(const char *name, CU_InitializeFunc initialise, CU_CleanupFunc clean_up)
{
    CU_pSuite suite = CU_add_suite(name, initialise, clean_up);
    if (suite == NULL)
        (void)MPI_Abort(MPI_COMM_WORLD, 1);
    return suite;
}

static void add_test(CU_pSuite suite, const char *name, CU_TestFunc test)
{
    if (CU_add_test(suite, name, test) == NULL)
        (void)MPI_Abort(MPI_COMM_WORLD, 1);
}

static void register_passing(void)
{
    CU_pSuite suite = add_suite("all is well", NULL, NULL);
    add_test(suite, "barrier", test_barrier);
    add_test(suite, "another barrier", test_barrier);
}

static void register_failing_on_one_rank(void)
{
    CU_pSuite suite = add_suite("one rank fails", NULL, NULL);
    add_test(suite, "fails on the last rank", test_fails_on_last_rank);
    add_test(suite, "barrier", test_barrier);
}

static void register_fatal_on_one_rank(void)
{
    CU_pSuite suite = add_suite("one rank leaves its test", NULL, NULL);
    add_test(suite, "fatal on the last rank", test_fatal_on_last_rank);
    add_test(suite, "barrier", test_barrier);
}

static void register_failing_initialisation(void)
{
    add_test(add_suite("cannot start", fail_on_last_rank, NULL), "barrier", test_barrier);
    add_test(add_suite("can start", NULL, NULL), "barrier", test_barrier);
}

static void register_failing_clean_up(void)
{
    add_test(add_suite("cannot end", NULL, fail_on_last_rank), "barrier", test_barrier);
}

static void register_nothing(void)
{
}

static void register_suite_without_tests(void)
{
    (void)add_suite("empty", NULL, NULL);
}

static void register_differently(void)
{
    CU_pSuite suite = add_suite("not everywhere alike", NULL, NULL);
    add_test(suite, "barrier", test_barrier);
    if (on_last_rank())
        add_test(suite, "one more", test_barrier);
}

static void register_inactive_suite(void)
{
    CU_pSuite suite = add_suite("switched off", NULL, NULL);
    add_test(suite, "barrier", test_barrier);
    (void)CU_set_suite_active(suite, CU_FALSE);
}

struct runner_case {
    const char *name;
    void (*fill)(void); /* NULL: there is not even a registry */
    int status;
    unsigned barriers; /* tests that must have run on each rank */
};

static const struct runner_case cases[] = {
    {"all pass", register_passing, 0, 2},
    {"one rank fails", register_failing_on_one_rank, 1, 1},
    {"fatal assertion on one rank", register_fatal_on_one_rank, 1, 1},
    {"initialisation fails on one rank", register_failing_initialisation, 1, 1},
    {"clean-up fails on one rank", register_failing_clean_up, 1, 1},
    {"empty registry", register_nothing, 1, 0},
    {"suite without tests", register_suite_without_tests, 1, 0},
    {"registries differ", register_differently, 1, 0},
    {"inactive suite", register_inactive_suite, 1, 0},
    {"no registry", NULL, 1, 0},
    {"all pass after failures", register_passing, 0, 2},
};

/* A registry that all ranks have alike is not different on a lone rank. */
static bool applies(const struct runner_case *which)
{
    int ranks = 0;
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    return ranks > 1 || which->fill != register_differently;
}

/* How many ranks got something else than they should; the same number on all ranks. */
static int ranks_misled(const struct runner_case *which)
{
    barriers_passed = 0;
    if (which->fill != NULL && CU_initialize_registry() != CUE_SUCCESS)
        (void)MPI_Abort(MPI_COMM_WORLD, 1);
    if (which->fill != NULL)
        which->fill();
    const int status = cunit_mpi_run(MPI_COMM_WORLD);
    if (which->fill != NULL)
        CU_cleanup_registry();
    const int misled = status != which->status || barriers_passed != which->barriers;
    int sum = 0;
    (void)MPI_Allreduce(&misled, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    return sum;
}

int main(int argc, char **argv)
{
    (void)MPI_Init(&argc, &argv);
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (!applies(&cases[i]))
            continue;
        if (on_first_rank())
            printf("--- %s\n", cases[i].name);
        const int misled = ranks_misled(&cases[i]);
        wrong += misled > 0;
        if (on_first_rank())
            printf("--- %s: %d ranks misled\n\n", cases[i].name, misled);
    }
    if (on_first_rank())
        printf("%d cases wrong\n", wrong);
    (void)MPI_Finalize();
    return wrong > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
