/* Records of all ranks come to node 0 in the order of ranks and records, chunk by chunk. */

#include "cunit_mpi.h"
#include "record/gather.h"
#include "world.h"

#include <CUnit/CUnit.h>
#include <string.h>

enum { RANKS_MOST = 16, PLANS = 6 };

/* ---- planted records ---- */

/* A record ends as it begins, so that one which was cut or shifted shows. */
struct stamp {
    uint64_t rank;
    uint64_t index;
};

struct planted {
    size_t record_bytes;
    size_t chunk;
    uint32_t rank;
    uint64_t given;
    uint32_t taken_last; /* rank */
    uint64_t taken[RANKS_MOST];
    uint64_t wrong; /* calls out of order or for more than a chunk, and damaged records */
};

static void give(void *self, uint64_t first, size_t count, void *records)
{
    struct planted *planted = self;
    planted->wrong += first != planted->given || count == 0 || count > planted->chunk;
    for (size_t i = 0; i < count; i++) {
        struct stamp stamp = {planted->rank, planted->given++};
        char *record = (char *)records + i * planted->record_bytes;
        memcpy(record, &stamp, sizeof stamp);
        memcpy(record + planted->record_bytes - sizeof stamp, &stamp, sizeof stamp);
    }
}

static void take(void *self, uint32_t rank, const void *records, size_t count)
{
    struct planted *planted = self;
    planted->wrong += rank < planted->taken_last || count == 0 || count > planted->chunk;
    planted->taken_last = rank;
    for (size_t i = 0; i < count; i++) {
        struct stamp stamp = {rank, planted->taken[rank]++};
        const char *record = (const char *)records + i * planted->record_bytes;
        const char *end = record + planted->record_bytes - sizeof stamp;
        planted->wrong += memcmp(record, &stamp, sizeof stamp) != 0;
        planted->wrong += memcmp(end, &stamp, sizeof stamp) != 0;
    }
}

/* ---- tests ---- */

/* How many records a rank has, by plan: each rank meets each count once. */
static uint64_t planned(uint32_t rank, uint32_t plan, size_t chunk)
{
    const uint64_t counts[PLANS] = {0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk + 1};
    return counts[(rank + plan) % PLANS];
}

static void gather_planned(const struct world *world, size_t record_bytes, uint32_t plan)
{
    struct planted planted = {.record_bytes = record_bytes,
                              .chunk = GATHER_CHUNK_BYTES / record_bytes,
                              .rank = world->rank};
    uint64_t count = planned(world->rank, plan, planted.chunk);
    struct gather gather = {record_bytes, count, give, take, &planted};
    gather_records(world, &gather);
    CU_ASSERT_EQUAL(planted.given, count);
    CU_ASSERT_EQUAL(planted.wrong, 0);
    for (uint32_t rank = 0; rank < world->ranks; rank++) {
        uint64_t expected = world->rank == 0 ? planned(rank, plan, planted.chunk) : 0;
        CU_ASSERT_EQUAL(planted.taken[rank], expected);
    }
}

static void gather_all_plans(size_t record_bytes)
{
    struct world world = world_open();
    CU_ASSERT_FATAL(world.ranks <= RANKS_MOST);
    for (uint32_t plan = 0; plan < PLANS; plan++)
        gather_planned(&world, record_bytes, plan);
    world_close(&world);
}

static void test_chunks_that_are_filled_exactly(void)
{
    gather_all_plans(GATHER_CHUNK_BYTES / 4);
}

static void test_chunks_with_a_rest(void)
{
    gather_all_plans(GATHER_CHUNK_BYTES / 3 - 5);
}

static void test_records_as_large_as_a_chunk(void)
{
    gather_all_plans(GATHER_CHUNK_BYTES);
}

static void test_many_small_records(void)
{
    gather_all_plans(2 * sizeof(struct stamp) + 1);
}

int main(int argc, char **argv)
{
    const CU_TestInfo tests[] = {
        {"chunks that are filled exactly", test_chunks_that_are_filled_exactly},
        {"chunks with a rest", test_chunks_with_a_rest},
        {"records as large as a chunk", test_records_as_large_as_a_chunk},
        {"many small records", test_many_small_records},
        CU_TEST_INFO_NULL,
    };
    return cunit_mpi_main(&argc, &argv, "gather", tests);
}
