#include "clock/sync.h"

#include "fnv1a.h"
#include "mpi_check.h"

#include <math.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PING_PONGS = 100, SANDWICHES = 200, TAG_GO = 1, TAG_PING = 2, TAG_PONG = 3 };
static const long NAP_NS = 100000;

/* What a process can claim about its clock: which kernel clock it reads, and where on it MPI_Wtime
 * has its zero. */
struct clock_claim {
    uint64_t identity; /* of boot and time namespace; 0: unknown */
    double origin_s;   /* CLOCK_MONOTONIC - MPI_Wtime */
    double uncertainty_s;
};

void sleeping_wait(MPI_Request *request)
{
    int done = 0;
    for (;;) {
        MPI_CHECK(MPI_Test(request, &done, MPI_STATUS_IGNORE));
        if (done)
            return;
        (void)nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    }
}

void sleeping_barrier(MPI_Comm comm)
{
    MPI_Request request;
    MPI_CHECK(MPI_Ibarrier(comm, &request));
    sleeping_wait(&request);
}

/* FNV-1a of the boot id and the name of the time namespace; 0 if the kernel tells neither. */
static uint64_t clock_identity(void)
{
    char boot[64] = "", space[64] = "";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (file == NULL)
        return 0;
    size_t boot_bytes = fread(boot, 1, sizeof boot, file);
    (void)fclose(file);
    ssize_t space_bytes = readlink("/proc/self/ns/time", space, sizeof space);
    if (boot_bytes == 0)
        return 0;
    uint64_t hash = fnv1a(boot, boot_bytes, FNV1A_START);
    return space_bytes > 0 ? fnv1a(space, (size_t)space_bytes, hash) : hash;
}

static double monotonic_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* MPI_Wtime between two readings of CLOCK_MONOTONIC, the tightest of many. */
static struct clock_claim clock_claim(const struct clock_source *clock)
{
    struct clock_claim claim = {clock_identity(), 0, HUGE_VAL};
    for (int i = 0; i < SANDWICHES; i++) {
        double before_s = monotonic_s();
        struct local_time local = clock->now(clock->self);
        double after_s = monotonic_s();
        if ((after_s - before_s) / 2 >= claim.uncertainty_s)
            continue;
        claim.uncertainty_s = (after_s - before_s) / 2;
        claim.origin_s = (before_s + after_s) / 2 - local.s;
    }
    return claim;
}

/* Node 0: its clock is the global one. */
static void serve(MPI_Comm comm, const struct clock_source *clock, int ranks)
{
    struct clock_claim claim = clock_claim(clock);
    for (int rank = 1; rank < ranks; rank++) {
        MPI_CHECK(MPI_Send(&claim, (int)sizeof claim, MPI_BYTE, rank, TAG_GO, comm));
        for (int i = 0; i < PING_PONGS; i++) {
            MPI_CHECK(MPI_Recv(NULL, 0, MPI_BYTE, rank, TAG_PING, comm, MPI_STATUS_IGNORE));
            struct global_time at = {clock->now(clock->self).s};
            MPI_CHECK(MPI_Send(&at, (int)sizeof at, MPI_BYTE, rank, TAG_PONG, comm));
        }
    }
}

static void ask(MPI_Comm comm, const struct clock_source *clock, struct offset_interval *interval)
{
    for (int i = 0; i < PING_PONGS; i++) {
        struct global_time remote;
        struct local_time before = clock->now(clock->self);
        MPI_CHECK(MPI_Send(NULL, 0, MPI_BYTE, 0, TAG_PING, comm));
        MPI_CHECK(
            MPI_Recv(&remote, (int)sizeof remote, MPI_BYTE, 0, TAG_PONG, comm, MPI_STATUS_IGNORE));
        offset_interval_add(interval, before, remote, clock->now(clock->self));
    }
}

static struct clock_sync measure(MPI_Comm comm, const struct clock_source *clock)
{
    struct clock_claim mine = clock_claim(clock), node_0;
    MPI_Request go;
    MPI_CHECK(MPI_Irecv(&node_0, (int)sizeof node_0, MPI_BYTE, 0, TAG_GO, comm, &go));
    sleeping_wait(&go);
    struct offset_interval interval = offset_interval_all();
    struct local_time begin = clock->now(clock->self);
    ask(comm, clock, &interval);
    struct clock_sync sync = offset_interval_result(&interval, begin, clock->now(clock->self));
    if (mine.identity != 0 && mine.identity == node_0.identity)
        (void)clock_sync_accept_claim(&sync, mine.origin_s - node_0.origin_s,
                                      mine.uncertainty_s + node_0.uncertainty_s);
    return sync;
}

struct clock_sync clock_synchronise(MPI_Comm comm, const struct clock_source *clock)
{
    int rank, ranks;
    MPI_CHECK(MPI_Comm_rank(comm, &rank));
    MPI_CHECK(MPI_Comm_size(comm, &ranks));
    struct clock_sync sync = {.at = clock->now(clock->self), .same_clock = true};
    if (rank == 0)
        serve(comm, clock, ranks);
    else
        sync = measure(comm, clock);
    sleeping_barrier(comm);
    return sync;
}
