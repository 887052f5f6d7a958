#ifndef MPIDRIFT_CUNIT_MAIN_H
#define MPIDRIFT_CUNIT_MAIN_H

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

/* Run one suite of tests, {"name", function}, …, CU_TEST_INFO_NULL. The result is for main to
 * return: failure when an assertion failed, and also when none was reached. */
static inline int cunit_main(const char *suite_name, const CU_TestInfo *tests)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return EXIT_FAILURE;
    CU_pSuite suite = CU_add_suite(suite_name, NULL, NULL);
    for (const CU_TestInfo *test = tests; suite != NULL && test->pName != NULL; test++)
        if (CU_add_test(suite, test->pName, test->pTestFunc) == NULL)
            suite = NULL;
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_ErrorCode ran = suite != NULL ? CU_basic_run_tests() : CUE_NOMEMORY;
    int done = ran == CUE_SUCCESS && CU_get_number_of_asserts() > 0 &&
               CU_get_number_of_failures() == 0 && CU_get_number_of_tests_failed() == 0;
    CU_cleanup_registry();
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
