#include "world.h"

#include "clock/claim.h"
#include "config.h"
#include "fnv1a.h"
#include "mpi_check.h"
#include "mpi_library.h"
#include "net/wire.h"
#include "patience.h"

#include <stdlib.h>
#include <string.h>

struct world world_open(void)
{
    struct world world;
    int rank, ranks;
    MPI_Request request;
    mpi_library_duplicate(MPI_COMM_WORLD, &world.comm, &request);
    patience_wait(&request);
    MPI_CHECK(MPI_Comm_set_errhandler(world.comm, MPI_ERRORS_RETURN));
    MPI_CHECK(MPI_Comm_rank(world.comm, &rank));
    MPI_CHECK(MPI_Comm_size(world.comm, &ranks));
    world.rank = (uint32_t)rank;
    world.ranks = (uint32_t)ranks;
    world.group = MPI_COMM_NULL;
    world_split(&world, 0);
    return world;
}

/* A collective that knows no other form; with all ranks there it does not wait. */
static void meet(const struct world *world)
{
    MPI_Request request;
    MPI_CHECK(MPI_Ibarrier(world->comm, &request));
    patience_wait(&request);
}

void world_split(struct world *world, uint32_t nodes)
{
    uint32_t size = nodes == 0 ? world->ranks : nodes;
    assert(world->ranks % size == 0);
    meet(world);
    if (world->group != MPI_COMM_NULL)
        MPI_CHECK(MPI_Comm_free(&world->group));
    world->group_number = world->rank / size;
    world->first_rank = world->group_number * size;
    world->self = world->rank - world->first_rank;
    world->nodes = size;
    MPI_CHECK(
        MPI_Comm_split(world->comm, (int)world->group_number, (int)world->rank, &world->group));
}

void world_close(struct world *world)
{
    MPI_CHECK(MPI_Comm_free(&world->group));
    MPI_CHECK(MPI_Comm_free(&world->comm));
}

/* Not by MPI_Comm_split_type: in Open MPI 4.1 it hangs where two hosts have one name. */
uint32_t world_ranks_on_host(const struct world *world)
{
    uint64_t own = clock_place_here().host;
    uint64_t *hosts = calloc(world->ranks, sizeof *hosts);
    uint32_t ranks = 0;
    MPI_Request request;
    MPI_CHECK(hosts == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS);
    MPI_CHECK(MPI_Iallgather(&own, 1, MPI_UINT64_T, hosts, 1, MPI_UINT64_T, world->comm, &request));
    patience_wait(&request);
    for (uint32_t rank = 0; rank < world->ranks; rank++)
        ranks += hosts[rank] == own;
    free(hosts);
    return ranks;
}

struct build_mark build_mark_own(void)
{
    static const char version[] = MPIDRIFT_VERSION " " MPIDRIFT_COMMIT;
    return (struct build_mark){
        .byte_order = 0x01020304,
        .wire_version = WIRE_VERSION,
        .message_bytes = sizeof(struct message),
        .config_bytes = sizeof(struct config),
        .version = fnv1a(version, sizeof version - 1, FNV1A_START),
    };
}

uint32_t build_mark_odd(const struct build_mark *marks, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (memcmp(&marks[i], &marks[0], sizeof marks[0]) != 0)
            return i;
    return count;
}

bool world_is_uniform(const struct world *world, const struct build_mark *own,
                      struct failure *failure)
{
    struct build_mark *marks = calloc(world->ranks, sizeof *marks);
    MPI_CHECK(marks == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS);
    MPI_Request request;
    MPI_CHECK(MPI_Iallgather(own, (int)sizeof *own, MPI_BYTE, marks, (int)sizeof *own, MPI_BYTE,
                             world->comm, &request));
    patience_wait(&request);
    uint32_t odd = build_mark_odd(marks, world->ranks);
    bool uniform = odd == world->ranks;
    if (!uniform)
        (void)failure_set(failure, EXIT_BAD_INPUT,
                          "rank %u runs %s than rank 0: start one and the same mpidrift on "
                          "machines of one kind",
                          odd,
                          marks[odd].byte_order != marks[0].byte_order
                              ? "on a machine of other byte order"
                              : "another build of mpidrift");
    free(marks);
    return uniform;
}

enum exit_code world_agree(const struct world *world, const struct failure *failure)
{
    int failed_here = failure->code != EXIT_DONE ? (int)world->rank : (int)world->ranks;
    int first;
    MPI_Request request;
    MPI_CHECK(MPI_Iallreduce(&failed_here, &first, 1, MPI_INT, MPI_MIN, world->comm, &request));
    patience_wait(&request);
    if (first == (int)world->ranks)
        return EXIT_DONE;
    if (first == (int)world->rank && failure->text[0] != '\0')
        (void)fprintf(stderr, "mpidrift: %s\n", failure->text);
    int code = (int)failure->code;
    MPI_CHECK(MPI_Ibcast(&code, 1, MPI_INT, first, world->comm, &request));
    patience_wait(&request);
    return (enum exit_code)code;
}

void world_share(const struct world *world, void *bytes, size_t size)
{
    MPI_Request request;
    MPI_CHECK(MPI_Ibcast(bytes, (int)size, MPI_BYTE, 0, world->comm, &request));
    patience_wait(&request);
}

static double reduced(const struct world *world, double value, MPI_Op operation)
{
    double result;
    MPI_Request request;
    MPI_CHECK(MPI_Iallreduce(&value, &result, 1, MPI_DOUBLE, operation, world->comm, &request));
    patience_wait(&request);
    return result;
}

double world_max(const struct world *world, double value)
{
    return reduced(world, value, MPI_MAX);
}

double world_sum(const struct world *world, double value)
{
    return reduced(world, value, MPI_SUM);
}
