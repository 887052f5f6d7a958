#include "clock/sync.h"

#include "fnv1a.h"
#include "mpi_check.h"
#include "patience.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PING_PONGS = 100, SANDWICHES = 200, TAG_GO = 1, TAG_PING = 2, TAG_PONG = 3, TAG_CLAIM = 4 };

/* What a process can claim about its clock: which kernel clock it reads, and where on it MPI_Wtime
 * has its zero. */
struct clock_claim {
    uint64_t identity;               /* of boot and time namespace; 0: unknown */
    struct offset_interval to_wtime; /* of (MPI_Wtime - CLOCK_MONOTONIC) */
};

void sleeping_barrier(MPI_Comm comm)
{
    MPI_Request request;
    MPI_CHECK(MPI_Ibarrier(comm, &request));
    patience_wait(&request);
}

void sleeping_wait_for_turn(MPI_Comm comm, int rank, int tag)
{
    for (;;) {
        int come = 0;
        MPI_CHECK(MPI_Iprobe(rank, tag, comm, &come, MPI_STATUS_IGNORE));
        if (come)
            break;
        patience_nap();
    }
    MPI_CHECK(MPI_Recv(NULL, 0, MPI_BYTE, rank, tag, comm, MPI_STATUS_IGNORE));
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

/* MPI_Wtime between two readings of CLOCK_MONOTONIC, many times: a ping-pong with the kernel. */
static void sandwich(const struct clock_source *clock, struct clock_claim *claim)
{
    for (int i = 0; i < SANDWICHES; i++) {
        struct local_time before = {monotonic_s()};
        struct global_time wtime = {clock->now(clock->self).s};
        offset_interval_add(&claim->to_wtime, before, wtime, (struct local_time){monotonic_s()});
    }
}

static struct clock_claim claim_first(const struct clock_source *clock)
{
    struct clock_claim claim = {clock_identity(), offset_interval_all()};
    sandwich(clock, &claim);
    return claim;
}

/* Node 0: its clock is the global one. */
static void serve(MPI_Comm comm, const struct clock_source *clock, int ranks)
{
    struct clock_claim claim = claim_first(clock);
    for (int rank = 1; rank < ranks; rank++) {
        patience_awaits((uint32_t)rank);
        MPI_CHECK(MPI_Send(NULL, 0, MPI_BYTE, rank, TAG_GO, comm));
        for (int i = 0; i < PING_PONGS; i++) {
            MPI_CHECK(MPI_Recv(NULL, 0, MPI_BYTE, rank, TAG_PING, comm, MPI_STATUS_IGNORE));
            struct global_time at = {clock->now(clock->self).s};
            MPI_CHECK(MPI_Send(&at, (int)sizeof at, MPI_BYTE, rank, TAG_PONG, comm));
        }
        sandwich(clock, &claim);
        MPI_CHECK(MPI_Send(&claim, (int)sizeof claim, MPI_BYTE, rank, TAG_CLAIM, comm));
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

/* Both read one kernel clock, and neither was seen to run at another rate or to step while the
 * ping-pongs went on. The uncertainty is the whole of the tightest sandwich, not its half, so that
 * it covers a drift too small to show. */
static void accept(struct clock_sync *sync, const struct clock_claim *mine,
                   const struct clock_claim *node_0)
{
    struct clock_sync here = offset_interval_result(&mine->to_wtime, sync->at, sync->at);
    struct clock_sync there = offset_interval_result(&node_0->to_wtime, sync->at, sync->at);
    if (mine->identity == 0 || mine->identity != node_0->identity || here.contradicted ||
        there.contradicted)
        return;
    (void)clock_sync_accept_claim(sync, there.offset_s - here.offset_s,
                                  here.round_trip_min_s + there.round_trip_min_s);
}

static struct clock_sync measure(MPI_Comm comm, const struct clock_source *clock)
{
    struct clock_claim mine = claim_first(clock), node_0;
    sleeping_wait_for_turn(comm, 0, TAG_GO);
    struct offset_interval interval = offset_interval_all();
    struct local_time begin = clock->now(clock->self);
    ask(comm, clock, &interval);
    struct clock_sync sync = offset_interval_result(&interval, begin, clock->now(clock->self));
    sandwich(clock, &mine);
    MPI_CHECK(
        MPI_Recv(&node_0, (int)sizeof node_0, MPI_BYTE, 0, TAG_CLAIM, comm, MPI_STATUS_IGNORE));
    accept(&sync, &mine, &node_0);
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
