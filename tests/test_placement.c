/* On how many hosts the ranks are, and whether that is what was declared. */

#include "cunit_main.h"
#include "placement.h"

#include <string.h>

/* hosts, cores, most and least on one, hosts with fewer than most */
static const struct placement one_host = {1, 2, 16, 16, 0};
static const struct placement full = {4, 8, 4, 4, 0};
static const struct placement last_not_full = {3, 6, 2, 1, 1};
static const struct placement uneven = {4, 8, 13, 1, 3};

static bool agrees(const struct placement *placement, uint32_t per_host, uint32_t ranks)
{
    struct failure failure = {0};
    bool agreed = placement_check(placement, per_host, ranks, &failure);
    CU_ASSERT(failure.code == (agreed ? EXIT_DONE : EXIT_BAD_USAGE));
    return agreed;
}

static void test_declared_is_checked(void)
{
    CU_ASSERT(agrees(&one_host, 16, 16));
    CU_ASSERT(agrees(&full, 4, 16));
    CU_ASSERT(agrees(&last_not_full, 2, 5));
    CU_ASSERT(!agrees(&one_host, 4, 16));     /* packed, although spread was declared */
    CU_ASSERT(!agrees(&full, 16, 16));        /* spread, although packed was declared */
    CU_ASSERT(!agrees(&uneven, 4, 16));       /* the number of hosts is right */
    CU_ASSERT(!agrees(&last_not_full, 1, 5)); /* too few hosts */
    struct placement thin = {3, 6, 4, 3, 2};  /* 4 + 3 + 3 */
    CU_ASSERT(!agrees(&thin, 4, 10));
    struct placement few = {1, 2, 2, 2, 0};
    CU_ASSERT(agrees(&few, 16, 2)); /* two nodes of a scale that fills 16 */
}

static void test_nothing_declared(void)
{
    CU_ASSERT(agrees(&uneven, 0, 16));
    CU_ASSERT(agrees(&one_host, 0, 16));
}

static void test_refusal_says_where_they_are(void)
{
    struct failure failure = {0};
    (void)placement_check(&uneven, 4, 16, &failure);
    CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, "16 nodes on 4 hosts"));
    CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, "on 4 hosts, with 1 to 13 each"));
    CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, "--ntasks-per-node=4"));
}

static void text_is(const struct placement *placement, uint32_t per_host, const char *expected)
{
    char text[PLACEMENT_TEXT_BYTES];
    placement_text(placement, per_host, text);
    CU_ASSERT_STRING_EQUAL(text, expected);
}

/* Packed and spread never read alike unless one number was declared for both. */
static void test_text(void)
{
    text_is(&one_host, 0, "all");
    text_is(&full, 0, "4");
    text_is(&last_not_full, 0, "2");
    text_is(&uneven, 0, "uneven, 1 to 13");
    text_is(&one_host, 16, "16");
    text_is(&full, 4, "4");
}

int main(void)
{
    static CU_TestInfo tests[] = {
        {"what is declared is checked", test_declared_is_checked},
        {"nothing declared, nothing refused", test_nothing_declared},
        {"the refusal says where they are", test_refusal_says_where_they_are},
        {"as the canonical text has it", test_text},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("placement", tests);
}
