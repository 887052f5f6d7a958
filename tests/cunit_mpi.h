#ifndef MPIDRIFT_CUNIT_MPI_H
#define MPIDRIFT_CUNIT_MPI_H

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <mpi.h>

/* Runs CUnit's registered suites on all ranks of `comm` and merges what they say: a test passes
 * only if it passed on every rank. Rank 0 alone prints; each failed assertion is shown with its
 * rank.
 *
 * Collective. Every rank must have registered the same suites and tests; this is checked. When the
 * initialisation of a suite fails on one rank, all ranks skip its tests, so that none waits in a
 * collective call for a rank that is not coming. When a rank does not come to the end of a test
 * within 20 s of another, for instance because a fatal assertion took one of them out of a
 * collective call, the run ends with MPI_Abort and a line that names the test.
 *
 * Returns the same on every rank: 0 when at least one test ran and nothing failed on any rank; 1
 * otherwise, also for a suite that could not be initialised or cleaned up, for one that is
 * inactive, for an empty registry, and for none. CUnit's message handlers are taken while it runs
 * and unset afterwards; the suites are left as they were registered. It may be called several
 * times. */
int cunit_mpi_run(MPI_Comm comm);

/* MPI_Init, one suite of tests, {"name", function}, …, CU_TEST_INFO_NULL, on all ranks,
 * MPI_Finalize. The result is for main to return: failure unless tests ran and all passed. */
int cunit_mpi_main(int *argc, char ***argv, const char *suite_name, const CU_TestInfo *tests);

#endif
