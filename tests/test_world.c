/* Ranks that are not alike are found, failures of one rank become everybody's exit code. */

#include "cunit_mpi.h"
#include "world.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- build marks ---- */

static uint32_t swapped(uint32_t value)
{
    return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

static void test_the_first_odd_mark_is_found(void)
{
    struct build_mark marks[4];
    for (int i = 0; i < 4; i++)
        marks[i] = build_mark_own();
    CU_ASSERT_EQUAL(build_mark_odd(marks, 4), 4);
    marks[3].version ^= 1;
    CU_ASSERT_EQUAL(build_mark_odd(marks, 4), 3);
    marks[1].message_bytes++;
    CU_ASSERT_EQUAL(build_mark_odd(marks, 4), 1);
    CU_ASSERT_EQUAL(build_mark_odd(marks, 1), 1);
}

/* What the world says when the last rank shows this mark and the others their own. */
static struct failure odd_last(const struct build_mark *odd)
{
    struct world world = world_open();
    struct build_mark own = build_mark_own();
    struct failure failure = {0};
    const struct build_mark *mark = world.rank == world.ranks - 1 ? odd : &own;
    CU_ASSERT_EQUAL(world_is_uniform(&world, mark, &failure), failure.code == EXIT_DONE);
    world_close(&world);
    return failure;
}

static void test_a_world_of_one_build_is_uniform(void)
{
    struct build_mark own = build_mark_own();
    CU_ASSERT_EQUAL(odd_last(&own).code, EXIT_DONE);
}

static void expect_refusal(const struct build_mark *odd, const char *words)
{
    struct failure failure = odd_last(odd);
    int ranks;
    char name[32];
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    (void)snprintf(name, sizeof name, "rank %d runs ", ranks - 1);
    CU_ASSERT_EQUAL(failure.code, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_EQUAL(strstr(failure.text, name), failure.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, words));
}

/* All numbers of the other machine arrive swapped, not only the byte order's. */
static void test_another_byte_order_is_refused(void)
{
    struct build_mark odd = build_mark_own();
    odd.byte_order = swapped(odd.byte_order);
    odd.wire_version = swapped(odd.wire_version);
    odd.message_bytes = swapped(odd.message_bytes);
    odd.config_bytes = swapped(odd.config_bytes);
    odd.version =
        (uint64_t)swapped((uint32_t)odd.version) << 32 | swapped((uint32_t)(odd.version >> 32));
    expect_refusal(&odd, "on a machine of other byte order");
}

static void test_another_build_is_refused(void)
{
    struct build_mark odd = build_mark_own();
    odd.version++;
    expect_refusal(&odd, "another build");
    odd = build_mark_own();
    odd.config_bytes += 8;
    expect_refusal(&odd, "another build");
    odd = build_mark_own();
    odd.wire_version++;
    expect_refusal(&odd, "another build");
}

/* ---- agreement ---- */

/* What this rank printed on stderr while it agreed. */
static enum exit_code agree(const struct failure *failure, char *printed, size_t size)
{
    struct world world = world_open();
    FILE *file = tmpfile();
    int stderr_before = dup(STDERR_FILENO);
    CU_ASSERT_FATAL(file != NULL && stderr_before >= 0);
    (void)dup2(fileno(file), STDERR_FILENO);
    enum exit_code code = world_agree(&world, failure);
    (void)dup2(stderr_before, STDERR_FILENO);
    (void)close(stderr_before);
    rewind(file);
    printed[fread(printed, 1, size - 1, file)] = '\0';
    (void)fclose(file);
    world_close(&world);
    return code;
}

static void test_nobody_failed(void)
{
    struct failure failure = {0};
    char printed[256];
    CU_ASSERT_EQUAL(agree(&failure, printed, sizeof printed), EXIT_DONE);
    CU_ASSERT_STRING_EQUAL(printed, "");
}

static void test_one_rank_failed(void)
{
    int rank, ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    struct failure failure = {0};
    char printed[256];
    if (rank == ranks - 1)
        (void)failure_set(&failure, EXIT_WRITE_FAILED, "no room for %d", 7);
    CU_ASSERT_EQUAL(agree(&failure, printed, sizeof printed), EXIT_WRITE_FAILED);
    CU_ASSERT_STRING_EQUAL(printed, rank == ranks - 1 ? "mpidrift: no room for 7\n" : "");
}

static void test_the_lowest_of_several_speaks(void)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    struct failure failure = {0};
    char printed[256];
    (void)failure_set(&failure, rank == 0 ? EXIT_CANNOT_CREATE : EXIT_INTERNAL, "rank %d", rank);
    CU_ASSERT_EQUAL(agree(&failure, printed, sizeof printed), EXIT_CANNOT_CREATE);
    CU_ASSERT_STRING_EQUAL(printed, rank == 0 ? "mpidrift: rank 0\n" : "");
}

/* ---- groups, and what all ranks share ---- */

static void test_groups_are_isolated_and_in_order(void)
{
    struct world world = world_open();
    CU_ASSERT(world.nodes == world.ranks && world.self == world.rank && world.first_rank == 0);
    world_split(&world, 1);
    CU_ASSERT(world.nodes == 1 && world.self == 0 && world.group_number == world.rank);
    CU_ASSERT_EQUAL(world.first_rank, world.rank);
    int nodes, self;
    MPI_Comm_size(world.group, &nodes);
    CU_ASSERT_EQUAL(nodes, 1);
    world_split(&world, 0);
    MPI_Comm_size(world.group, &nodes);
    MPI_Comm_rank(world.group, &self);
    CU_ASSERT(nodes == (int)world.ranks && self == (int)world.rank);
    world_close(&world);
}

static void test_all_get_what_node_0_has_and_the_largest(void)
{
    struct world world = world_open();
    char text[9] = "nothing";
    if (world.rank == 0)
        memcpy(text, "all of it", sizeof text);
    world_share(&world, text, sizeof text);
    CU_ASSERT_EQUAL(memcmp(text, "all of it", sizeof text), 0);
    CU_ASSERT_EQUAL(world_max(&world, world.rank == 1 ? 7.5 : -1.0), 7.5);
    world_close(&world);
}

int main(int argc, char **argv)
{
    const CU_TestInfo tests[] = {
        {"the first odd mark is found", test_the_first_odd_mark_is_found},
        {"a world of one build is uniform", test_a_world_of_one_build_is_uniform},
        {"another byte order is refused", test_another_byte_order_is_refused},
        {"another build is refused", test_another_build_is_refused},
        {"nobody failed", test_nobody_failed},
        {"one rank failed", test_one_rank_failed},
        {"the lowest of several speaks", test_the_lowest_of_several_speaks},
        {"groups are isolated and in order", test_groups_are_isolated_and_in_order},
        {"all get what node 0 has, and the largest", test_all_get_what_node_0_has_and_the_largest},
        CU_TEST_INFO_NULL,
    };
    return cunit_mpi_main(&argc, &argv, "world", tests);
}
