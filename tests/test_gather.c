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

/* Counts that no chunk divides, with whole stretches of empty ranks, the first one's too. */
static uint64_t uneven(uint32_t rank, uint32_t plan, size_t chunk)
{
    return (rank + plan) % 3 == 0 ? 5 * chunk + (uint64_t)7 * rank + plan : 0;
}

struct bench {
    const struct world *world;
    size_t record_bytes;
    size_t chunk_bytes; /* 0: as gather_records has it */
    uint64_t (*count)(uint32_t rank, uint32_t plan, size_t chunk);
};

static void gather_planned(const struct bench *bench, uint32_t plan)
{
    const struct world *world = bench->world;
    size_t room = bench->chunk_bytes > 0 ? bench->chunk_bytes : GATHER_CHUNK_BYTES;
    struct planted planted = {.record_bytes = bench->record_bytes,
                              .chunk = room / bench->record_bytes,
                              .rank = world->rank};
    uint64_t count = bench->count(world->rank, plan, planted.chunk);
    struct gather gather = {bench->record_bytes, count, give, take, &planted};
    if (bench->chunk_bytes > 0)
        gather_in_chunks(world, &gather, bench->chunk_bytes);
    else
        gather_records(world, &gather);
    CU_ASSERT_EQUAL(planted.given, count);
    CU_ASSERT_EQUAL(planted.wrong, 0);
    for (uint32_t rank = 0; rank < world->ranks; rank++) {
        uint64_t expected = world->rank == 0 ? bench->count(rank, plan, planted.chunk) : 0;
        CU_ASSERT_EQUAL(planted.taken[rank], expected);
    }
}

static void gather_all_plans(struct bench bench)
{
    struct world world = world_open();
    CU_ASSERT_FATAL(world.ranks <= RANKS_MOST);
    bench.world = &world;
    for (uint32_t plan = 0; plan < PLANS; plan++)
        gather_planned(&bench, plan);
    world_close(&world);
}

static void test_chunks_that_are_filled_exactly(void)
{
    gather_all_plans((struct bench){.record_bytes = GATHER_CHUNK_BYTES / 4, .count = planned});
}

static void test_chunks_with_a_rest(void)
{
    gather_all_plans((struct bench){.record_bytes = GATHER_CHUNK_BYTES / 3 - 5, .count = planned});
}

static void test_records_as_large_as_a_chunk(void)
{
    gather_all_plans((struct bench){.record_bytes = GATHER_CHUNK_BYTES, .count = planned});
}

static void test_many_small_records(void)
{
    gather_all_plans(
        (struct bench){.record_bytes = 2 * sizeof(struct stamp) + 1, .count = planned});
}

/* One to three records at a time, and chunks that no whole number of records fills. */
static void test_tiny_chunks(void)
{
    enum { RECORD_BYTES = 2 * sizeof(struct stamp) + 1 };
    for (size_t chunk_bytes = RECORD_BYTES; chunk_bytes < (size_t)4 * RECORD_BYTES;
         chunk_bytes += 11) {
        gather_all_plans((struct bench){NULL, RECORD_BYTES, chunk_bytes, planned});
        gather_all_plans((struct bench){NULL, RECORD_BYTES, chunk_bytes, uneven});
    }
}

int main(int argc, char **argv)
{
    const CU_TestInfo tests[] = {
        {"chunks that are filled exactly", test_chunks_that_are_filled_exactly},
        {"chunks with a rest", test_chunks_with_a_rest},
        {"records as large as a chunk", test_records_as_large_as_a_chunk},
        {"many small records", test_many_small_records},
        {"tiny chunks", test_tiny_chunks},
        CU_TEST_INFO_NULL,
    };
    return cunit_mpi_main(&argc, &argv, "gather", tests);
}
