#include "cunit_mpi.h"

#include "fnv1a.h"

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_US = 20 * 1000 * 1000, POLL_US = 1000 };

/* What stands in a suite while it runs under the runner, and what its author put there. */
struct hooked_suite {
    CU_pSuite suite;
    CU_InitializeFunc initialise;
    CU_CleanupFunc clean_up;
};

/* CUnit's handlers take no pointer of ours, so the state of the run stands here. */
static struct {
    MPI_Comm comm; /* our own, so that the tests' messages and ours never meet */
    int rank;
    int ranks;
    unsigned tests;
    unsigned tests_failed; /* on at least one rank; the same number on all ranks */
    bool broken;           /* something beside a test failed on some rank; agreed, too */
    struct hooked_suite *hooked;
} run;

/* MPI ends the program on errors by default; this holds when a test has changed that. */
static void must(int code, const char *call)
{
    if (code == MPI_SUCCESS)
        return;
    (void)fprintf(stderr, "rank %d: %s failed with code %d\n", run.rank, call, code);
    (void)MPI_Abort(MPI_COMM_WORLD, 1);
}
#define MUST(call) must((call), #call)

/* The runner needs a few hundred bytes; without them nothing can be tested. */
static void must_exist(const void *memory)
{
    if (memory == NULL)
        abort(); /* the launcher ends the other ranks */
}

static const char *current_test_name(void)
{
    const CU_Test *test = CU_get_current_test();
    return test != NULL && test->pName != NULL ? test->pName : "no test";
}

/* The text of this rank is printed here, because nobody will come to collect it. */
static void give_up(const char *text)
{
    const CU_Suite *suite = CU_get_current_suite();
    (void)fprintf(stderr, "rank %d: %s / %s: some rank did not come to its end within %d s\n%s",
                  run.rank, suite != NULL ? suite->pName : "no suite", current_test_name(),
                  PATIENCE_US / 1000000, text);
    (void)fflush(NULL);
    (void)MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Sum over the ranks; waits for the others, but not for ever. `text` is for giving up. */
static int sum_over_ranks(int here, const char *text)
{
    int sum = 0;
    int done = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    MUST(MPI_Iallreduce(&here, &sum, 1, MPI_INT, MPI_SUM, run.comm, &request));
    for (long waited_us = 0; !done; waited_us += POLL_US) {
        MUST(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
        if (done)
            break;
        if (waited_us > PATIENCE_US)
            give_up(text);
        (void)usleep(POLL_US);
    }
    MUST(MPI_Wait(&request, MPI_STATUS_IGNORE)); /* complete; the analyser knows only this call */
    return sum;
}

static void print_from(int rank)
{
    int bytes = 0;
    MUST(MPI_Recv(&bytes, 1, MPI_INT, rank, 0, run.comm, MPI_STATUS_IGNORE));
    if (bytes == 0)
        return;
    char *text = malloc((size_t)bytes + 1);
    must_exist(text);
    MUST(MPI_Recv(text, bytes, MPI_CHAR, rank, 0, run.comm, MPI_STATUS_IGNORE));
    text[bytes] = '\0';
    (void)fputs(text, stdout);
    free(text);
}

static void send_text(const char *text)
{
    const int bytes = (int)strlen(text);
    MUST(MPI_Send(&bytes, 1, MPI_INT, 0, 0, run.comm));
    if (bytes > 0)
        MUST(MPI_Send(text, bytes, MPI_CHAR, 0, 0, run.comm));
}

/* Rank 0 prints every rank's text, its own first. */
static void print_texts(const char *text)
{
    if (run.rank != 0) {
        send_text(text);
        return;
    }
    (void)fputs(text, stdout);
    for (int rank = 1; rank < run.ranks; rank++)
        print_from(rank);
    (void)fflush(stdout);
}

/* On how many ranks something failed; a rank where it did hands in lines that say what, the others
 * an empty text. The lines are printed. */
static int ranks_failed(const char *text)
{
    const int ranks = sum_over_ranks(text[0] != '\0', text);
    if (ranks > 0)
        print_texts(text);
    return ranks;
}

static const char *known(const char *text)
{
    return text != NULL ? text : "?";
}

/* One line per failed assertion; the caller frees it. */
static char *describe_failures(const CU_FailureRecord *first)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    must_exist(stream);
    for (const CU_FailureRecord *failure = first; failure != NULL; failure = failure->pNext)
        (void)fprintf(stream, "    rank %d, %s:%u: %s\n", run.rank, known(failure->strFileName),
                      failure->uiLineNumber, known(failure->strCondition));
    (void)fclose(stream);
    return text;
}

static void end_test(CU_pTest test, CU_pSuite suite, CU_pFailureRecord first)
{
    (void)suite;
    char *text = describe_failures(first);
    const int failed = ranks_failed(text);
    free(text);
    run.tests++;
    run.tests_failed += failed > 0;
    if (run.rank != 0)
        return;
    if (failed > 0)
        printf("  FAILED on %d of %d ranks: %s\n", failed, run.ranks, test->pName);
    else
        printf("  passed: %s\n", test->pName);
    (void)fflush(stdout);
}

static void begin_suite(CU_pSuite suite)
{
    if (run.rank == 0)
        printf("%s\n", suite->pName);
}

/* The same verdict on all ranks about a step of a suite that returned `code` here. */
static int agree_on_step(const char *step, int code)
{
    char line[512] = "";
    if (code != 0)
        (void)snprintf(line, sizeof line, "    rank %d, suite %s: %s returned %d\n", run.rank,
                       CU_get_current_suite()->pName, step, code);
    if (ranks_failed(line) == 0)
        return 0;
    run.broken = true;
    return 1;
}

static const struct hooked_suite *current_hooked(void)
{
    const struct hooked_suite *hooked = run.hooked;
    while (hooked->suite != CU_get_current_suite())
        hooked++;
    return hooked;
}

/* All ranks run the suite, or none: CUnit alone would skip it on one rank, and the others would
 * wait for that rank in their tests. */
static int initialise_together(void)
{
    const CU_InitializeFunc initialise = current_hooked()->initialise;
    return agree_on_step("initialisation", initialise != NULL ? initialise() : 0);
}

static int clean_up_together(void)
{
    const CU_CleanupFunc clean_up = current_hooked()->clean_up;
    return agree_on_step("clean-up", clean_up != NULL ? clean_up() : 0);
}

static void hook_suites(const CU_TestRegistry *registry)
{
    run.hooked = calloc(registry->uiNumberOfSuites + 1U, sizeof *run.hooked);
    must_exist(run.hooked);
    struct hooked_suite *hooked = run.hooked;
    for (CU_pSuite suite = registry->pSuite; suite != NULL; suite = suite->pNext) {
        *hooked++ = (struct hooked_suite){suite, suite->pInitializeFunc, suite->pCleanupFunc};
        suite->pInitializeFunc = initialise_together;
        suite->pCleanupFunc = clean_up_together;
    }
}

static void unhook_suites(void)
{
    for (struct hooked_suite *hooked = run.hooked; hooked->suite != NULL; hooked++) {
        hooked->suite->pInitializeFunc = hooked->initialise;
        hooked->suite->pCleanupFunc = hooked->clean_up;
    }
    free(run.hooked);
    run.hooked = NULL;
}

static uint64_t hash_name(uint64_t hash, const char *name, CU_BOOL active)
{
    const unsigned char flag = active ? 1 : 0;
    hash = fnv1a(name, strlen(name) + 1, hash);
    return fnv1a(&flag, sizeof flag, hash);
}

/* Names, order and which are active: what decides the handlers that CUnit will call. */
static uint64_t hash_registry(const CU_TestRegistry *registry)
{
    uint64_t hash = FNV1A_START;
    for (CU_pSuite suite = registry->pSuite; suite != NULL; suite = suite->pNext) {
        hash = hash_name(hash, suite->pName, suite->fActive);
        for (CU_pTest test = suite->pTest; test != NULL; test = test->pNext)
            hash = hash_name(hash, test->pName, test->fActive);
    }
    return hash;
}

static bool same_on_all_ranks(uint64_t value)
{
    uint64_t least = 0;
    uint64_t most = 0;
    MUST(MPI_Allreduce(&value, &least, 1, MPI_UINT64_T, MPI_MIN, run.comm));
    MUST(MPI_Allreduce(&value, &most, 1, MPI_UINT64_T, MPI_MAX, run.comm));
    return least == most;
}

/* Ranks with different registries would wait for each other. No registry counts as an empty one,
 * which is registered nowhere or everywhere. */
static bool can_run(const CU_TestRegistry *registry)
{
    const bool some = registry != NULL && registry->uiNumberOfTests > 0;
    const char *why = NULL;
    if (!same_on_all_ranks(some ? hash_registry(registry) : 0))
        why = "the ranks registered different tests";
    else if (!some)
        why = "no test is registered";
    if (why != NULL && run.rank == 0)
        printf("cannot run: %s\n", why);
    return why == NULL;
}

static void run_suites(void)
{
    hook_suites(CU_get_registry());
    CU_set_suite_start_handler(begin_suite);
    CU_set_test_complete_handler(end_test);
    const CU_ErrorCode error = CU_run_all_tests();
    CU_set_suite_start_handler(NULL);
    CU_set_test_complete_handler(NULL);
    unhook_suites();
    char line[512] = "";
    if (error != CUE_SUCCESS)
        (void)snprintf(line, sizeof line, "    rank %d: CUnit says: %s\n", run.rank,
                       CU_get_error_msg());
    if (ranks_failed(line) > 0)
        run.broken = true;
}

static void print_summary(bool failed)
{
    const unsigned long here = CU_get_number_of_asserts();
    unsigned long assertions = 0;
    MUST(MPI_Reduce(&here, &assertions, 1, MPI_UNSIGNED_LONG, MPI_SUM, 0, run.comm));
    if (run.rank != 0)
        return;
    printf("%s: %u tests on %d ranks, %u failed, %lu assertions\n", failed ? "FAILED" : "passed",
           run.tests, run.ranks, run.tests_failed, assertions);
    (void)fflush(stdout);
}

int cunit_mpi_run(MPI_Comm comm)
{
    memset(&run, 0, sizeof run);
    MUST(MPI_Comm_dup(comm, &run.comm));
    MUST(MPI_Comm_rank(run.comm, &run.rank));
    MUST(MPI_Comm_size(run.comm, &run.ranks));
    bool failed = true;
    if (can_run(CU_get_registry())) {
        run_suites();
        failed = run.broken || run.tests_failed > 0 || run.tests == 0;
        print_summary(failed);
    }
    MUST(MPI_Comm_free(&run.comm));
    return failed ? 1 : 0;
}

int cunit_mpi_main(int *argc, char ***argv, const char *suite_name, const CU_TestInfo *tests)
{
    MUST(MPI_Init(argc, argv));
    must_exist(CU_initialize_registry() == CUE_SUCCESS ? CU_get_registry() : NULL);
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    must_exist(suite);
    for (const CU_TestInfo *test = tests; test->pName != NULL; test++)
        must_exist(CU_add_test(suite, test->pName, test->pTestFunc));
    const int failed = cunit_mpi_run(MPI_COMM_WORLD);
    CU_cleanup_registry();
    MUST(MPI_Finalize());
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
