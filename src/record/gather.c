#include "record/gather.h"

#include "clock/sync.h"
#include "mpi_check.h"
#include "patience.h"
#include "world.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

enum { TAG_TURN = 11, TAG_COUNT = 12, TAG_RECORDS = 13 };

/* The memory that records pass through: one chunk on node 0, else two by turns. */
struct chunk {
    unsigned char *bytes;
    size_t records; /* that fit */
    MPI_Datatype record;
};

static size_t next_chunk(const struct chunk *chunk, uint64_t done, uint64_t count)
{
    uint64_t rest = count - done;
    return rest < chunk->records ? (size_t)rest : chunk->records;
}

static void take_own(const struct gather *gather, const struct chunk *chunk)
{
    for (uint64_t done = 0; done < gather->count;) {
        size_t now = next_chunk(chunk, done, gather->count);
        gather->give(gather->self, done, now, chunk->bytes);
        gather->take(gather->self, 0, chunk->bytes, now);
        done += now;
    }
}

/* The timer runs for one chunk, and not while that goes to the disk. */
static void await_rows(int rank)
{
    patience_begin("give its rows", 1, 0);
    patience_awaits((uint32_t)rank);
}

static void take_from(MPI_Comm comm, const struct gather *gather, int rank,
                      const struct chunk *chunk)
{
    uint64_t count;
    await_rows(rank);
    MPI_CHECK(MPI_Send(NULL, 0, MPI_BYTE, rank, TAG_TURN, comm));
    MPI_CHECK(MPI_Recv(&count, 1, MPI_UINT64_T, rank, TAG_COUNT, comm, MPI_STATUS_IGNORE));
    for (uint64_t done = 0; done < count;) {
        size_t now = next_chunk(chunk, done, count);
        await_rows(rank);
        MPI_CHECK(MPI_Recv(chunk->bytes, (int)now, chunk->record, rank, TAG_RECORDS, comm,
                           MPI_STATUS_IGNORE));
        patience_end();
        gather->take(gather->self, (uint32_t)rank, chunk->bytes, now);
        done += now;
    }
}

static void give_to_node_0(MPI_Comm comm, const struct gather *gather, const struct chunk *chunk)
{
    sleeping_wait_for_turn(comm, 0, TAG_TURN);
    MPI_CHECK(MPI_Send(&gather->count, 1, MPI_UINT64_T, 0, TAG_COUNT, comm));
    MPI_Request under_way = MPI_REQUEST_NULL;
    bool is_second = false;
    for (uint64_t done = 0; done < gather->count; is_second = !is_second) {
        size_t now = next_chunk(chunk, done, gather->count);
        size_t offset = is_second ? chunk->records * gather->record_bytes : 0;
        unsigned char *place = chunk->bytes + offset;
        gather->give(gather->self, done, now, place);
        MPI_CHECK(MPI_Wait(&under_way, MPI_STATUS_IGNORE));
        MPI_CHECK(MPI_Isend(place, (int)now, chunk->record, 0, TAG_RECORDS, comm, &under_way));
        done += now;
    }
    MPI_CHECK(MPI_Wait(&under_way, MPI_STATUS_IGNORE));
}

void gather_in_chunks(const struct world *world, const struct gather *gather, size_t chunk_bytes)
{
    assert(gather->record_bytes > 0 && gather->record_bytes <= chunk_bytes);
    struct chunk chunk = {.records = chunk_bytes / gather->record_bytes};
    chunk.bytes = malloc(chunk.records * gather->record_bytes * (world->rank == 0 ? 1 : 2));
    MPI_CHECK(chunk.bytes == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS);
    MPI_CHECK(MPI_Type_contiguous((int)gather->record_bytes, MPI_BYTE, &chunk.record));
    MPI_CHECK(MPI_Type_commit(&chunk.record));
    /* A rank's turn comes when those before it have had theirs. */
    patience_begin("take the rows", world->rank + 1.0, 0);
    if (world->rank == 0) {
        patience_end();
        take_own(gather, &chunk);
        for (uint32_t from = 1; from < world->ranks; from++)
            take_from(world->comm, gather, (int)from, &chunk);
    } else {
        give_to_node_0(world->comm, gather, &chunk);
    }
    MPI_CHECK(MPI_Type_free(&chunk.record));
    free(chunk.bytes);
}

void gather_records(const struct world *world, const struct gather *gather)
{
    gather_in_chunks(world, gather, GATHER_CHUNK_BYTES);
}
