#include "clock/sync.h"

#include "mpi_check.h"
#include "patience.h"

#include <stdlib.h>

/* After PING_PONGS_LEAST a slow path is left alone when PING_PONGS_S have gone. */
enum { PING_PONGS = 100, PING_PONGS_LEAST = 30 };
static const double PING_PONGS_S = 0.02;
enum { TAG_GO = 1, TAG_PING = 2, TAG_PONG = 3, TAG_WORD = 4 };

struct clock_star {
    MPI_Comm comm;
    const struct clock_source *clock;
    struct clock_place place;
    uint32_t rank;
    uint32_t ranks;
    uint32_t leader;   /* of this rank's host */
    uint32_t *leaders; /* [ranks] of each rank's host */
    uint32_t *domains; /* [ranks] as of the last synchronisation */
    struct clock_sync last;
    struct claimed_offset claimed; /* the first one that was accepted: later ones must agree */
};

/* What the one who was asked gives besides the time. */
struct server_word {
    struct clock_claim claim;
    struct clock_sync sync; /* its own, with node 0 */
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

/* ---- who asks whom ---- */

/* All ranks tell all where they are; the leader is the first of those at the same place. */
static void find_leaders(struct clock_star *star)
{
    MPI_Request request;
    uint64_t *hosts = calloc(star->ranks, sizeof *hosts);
    MPI_CHECK(hosts == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS);
    MPI_CHECK(MPI_Iallgather(&star->place.host, 1, MPI_UINT64_T, hosts, 1, MPI_UINT64_T, star->comm,
                             &request));
    patience_wait(&request);
    for (uint32_t rank = 0; rank < star->ranks; rank++) {
        uint32_t first = 0;
        while (hosts[first] != hosts[rank])
            first++;
        star->leaders[rank] = first;
    }
    free(hosts);
    star->leader = star->leaders[star->rank];
}

struct clock_star *clock_star_open(const struct clock_star_setup *setup)
{
    int rank, ranks;
    MPI_CHECK(MPI_Comm_rank(setup->comm, &rank));
    MPI_CHECK(MPI_Comm_size(setup->comm, &ranks));
    struct clock_star *star = calloc(1, sizeof *star);
    MPI_CHECK(star == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS);
    *star = (struct clock_star){.comm = setup->comm,
                                .clock = setup->clock,
                                .place = setup->place,
                                .rank = (uint32_t)rank,
                                .ranks = (uint32_t)ranks};
    star->leaders = calloc(star->ranks, sizeof *star->leaders);
    star->domains = calloc(star->ranks, sizeof *star->domains);
    MPI_CHECK(star->leaders == NULL || star->domains == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS);
    find_leaders(star);
    return star;
}

void clock_star_close(struct clock_star *star)
{
    free(star->leaders);
    free(star->domains);
    free(star);
}

uint32_t clock_star_host(const struct clock_star *star)
{
    return star->leader;
}

bool clock_star_is_one_clock(const struct clock_star *star)
{
    for (uint32_t rank = 0; rank < star->ranks; rank++)
        if (star->domains[rank] != 0)
            return false;
    return true;
}

static bool takes_part(const struct clock_star *star, enum clock_star_round round, uint32_t rank)
{
    return round == CLOCKS_ALL || star->domains[rank] != 0;
}

static struct local_time now(const struct clock_star *star)
{
    return star->clock->now(star->clock->self);
}

/* ---- one rank with another ---- */

static void serve(struct clock_star *star, uint32_t asker)
{
    int rank = (int)asker;
    char is_last = 0;
    struct server_word word = {clock_claim_begin(star->place.clock), star->last};
    patience_awaits(asker);
    clock_claim_read(&word.claim, star->clock);
    MPI_CHECK(MPI_Send(NULL, 0, MPI_BYTE, rank, TAG_GO, star->comm));
    while (!is_last) {
        MPI_CHECK(MPI_Recv(&is_last, 1, MPI_CHAR, rank, TAG_PING, star->comm, MPI_STATUS_IGNORE));
        struct global_time at = {now(star).s};
        MPI_CHECK(MPI_Send(&at, (int)sizeof at, MPI_BYTE, rank, TAG_PONG, star->comm));
    }
    clock_claim_read(&word.claim, star->clock);
    MPI_CHECK(MPI_Send(&word, (int)sizeof word, MPI_BYTE, rank, TAG_WORD, star->comm));
}

static void play(const struct clock_star *star, int server, struct offset_interval *interval)
{
    struct local_time begin = now(star);
    char is_last = 0;
    for (int i = 1; !is_last; i++) {
        struct global_time remote;
        struct local_time before = now(star);
        bool is_long = i >= PING_PONGS_LEAST && local_elapsed_s(begin, before) > PING_PONGS_S;
        is_last = (char)(is_long || i == PING_PONGS);
        MPI_CHECK(MPI_Send(&is_last, 1, MPI_CHAR, server, TAG_PING, star->comm));
        MPI_CHECK(MPI_Recv(&remote, (int)sizeof remote, MPI_BYTE, server, TAG_PONG, star->comm,
                           MPI_STATUS_IGNORE));
        offset_interval_add(interval, before, remote, now(star));
    }
}

static struct clock_sync ask(struct clock_star *star, uint32_t server)
{
    struct clock_claim claim = clock_claim_begin(star->place.clock);
    struct server_word word;
    clock_claim_read(&claim, star->clock);
    sleeping_wait_for_turn(star->comm, (int)server, TAG_GO);
    struct offset_interval interval = offset_interval_all();
    struct local_time begin = now(star);
    play(star, (int)server, &interval);
    struct clock_sync sync = offset_interval_result(&interval, begin, now(star));
    clock_claim_read(&claim, star->clock);
    MPI_CHECK(MPI_Recv(&word, (int)sizeof word, MPI_BYTE, (int)server, TAG_WORD, star->comm,
                       MPI_STATUS_IGNORE));
    sync.domain = star->rank;
    struct claimed_offset claimed = clock_claim_offset(&claim, &word.claim);
    clock_claim_judge(&star->claimed, &sync, &claimed);
    return clock_sync_through(&sync, &word.sync);
}

/* ---- all of them ---- */

static void serve_all(struct clock_star *star, enum clock_star_round round, bool leaders)
{
    for (uint32_t rank = star->rank + 1; rank < star->ranks; rank++) {
        bool is_mine = leaders ? star->leaders[rank] == rank : star->leaders[rank] == star->rank;
        if (is_mine && takes_part(star, round, rank))
            serve(star, rank);
    }
}

static void tell_domains(struct clock_star *star)
{
    MPI_Request request;
    MPI_CHECK(MPI_Iallgather(&star->last.domain, 1, MPI_UINT32_T, star->domains, 1, MPI_UINT32_T,
                             star->comm, &request));
    patience_wait(&request);
}

struct clock_sync clock_star_synchronise(struct clock_star *star, enum clock_star_round round)
{
    bool leads = star->leader == star->rank;
    if (star->rank == 0 || !takes_part(star, round, star->rank))
        star->last.at = now(star);
    else
        star->last = ask(star, leads ? 0 : star->leader);
    if (star->rank == 0) {
        star->last.same_clock = true;
        serve_all(star, round, true);
    }
    if (leads)
        serve_all(star, round, false);
    tell_domains(star);
    return star->last;
}
