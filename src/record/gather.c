#include "record/gather.h"

#include "clock/sync.h"
#include "mpi_check.h"
#include "patience.h"
#include "world.h"

#include <assert.h>
#include <stdlib.h>

enum { TAG_TURN = 11, TAG_COUNT = 12, TAG_RECORDS = 13 };

static size_t chunk_records(const struct gather *gather)
{
    return GATHER_CHUNK_BYTES / gather->record_bytes;
}

static size_t next_chunk(const struct gather *gather, uint64_t done, uint64_t count)
{
    uint64_t rest = count - done;
    return rest < chunk_records(gather) ? (size_t)rest : chunk_records(gather);
}

static void take_own(const struct gather *gather, void *chunk)
{
    for (uint64_t done = 0; done < gather->count;) {
        size_t now = next_chunk(gather, done, gather->count);
        gather->give(gather->self, done, now, chunk);
        gather->take(gather->self, 0, chunk, now);
        done += now;
    }
}

/* The timer runs for one chunk, and not while that goes to the disk. */
static void await_rows(int rank)
{
    patience_begin("give its rows", 1, 0);
    patience_awaits((uint32_t)rank);
}

static void take_from(MPI_Comm comm, const struct gather *gather, int rank, MPI_Datatype record,
                      void *chunk)
{
    uint64_t count;
    await_rows(rank);
    MPI_CHECK(MPI_Send(NULL, 0, MPI_BYTE, rank, TAG_TURN, comm));
    MPI_CHECK(MPI_Recv(&count, 1, MPI_UINT64_T, rank, TAG_COUNT, comm, MPI_STATUS_IGNORE));
    for (uint64_t done = 0; done < count;) {
        size_t now = next_chunk(gather, done, count);
        await_rows(rank);
        MPI_CHECK(MPI_Recv(chunk, (int)now, record, rank, TAG_RECORDS, comm, MPI_STATUS_IGNORE));
        patience_end();
        gather->take(gather->self, (uint32_t)rank, chunk, now);
        done += now;
    }
}

static void give_to_node_0(MPI_Comm comm, const struct gather *gather, MPI_Datatype record,
                           void *chunk)
{
    sleeping_wait_for_turn(comm, 0, TAG_TURN);
    MPI_CHECK(MPI_Send(&gather->count, 1, MPI_UINT64_T, 0, TAG_COUNT, comm));
    for (uint64_t done = 0; done < gather->count;) {
        size_t now = next_chunk(gather, done, gather->count);
        gather->give(gather->self, done, now, chunk);
        MPI_CHECK(MPI_Send(chunk, (int)now, record, 0, TAG_RECORDS, comm));
        done += now;
    }
}

void gather_records(const struct world *world, const struct gather *gather)
{
    MPI_Datatype record;
    assert(gather->record_bytes > 0 && gather->record_bytes <= GATHER_CHUNK_BYTES);
    void *chunk = malloc(chunk_records(gather) * gather->record_bytes);
    MPI_CHECK(chunk == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS);
    MPI_CHECK(MPI_Type_contiguous((int)gather->record_bytes, MPI_BYTE, &record));
    MPI_CHECK(MPI_Type_commit(&record));
    /* A rank's turn comes when those before it have had theirs. */
    patience_begin("take the rows", world->rank + 1.0, 0);
    if (world->rank == 0) {
        patience_end();
        take_own(gather, chunk);
        for (uint32_t from = 1; from < world->ranks; from++)
            take_from(world->comm, gather, (int)from, record, chunk);
    } else {
        give_to_node_0(world->comm, gather, record, chunk);
    }
    MPI_CHECK(MPI_Type_free(&record));
    free(chunk);
}
