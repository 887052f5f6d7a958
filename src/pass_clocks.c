#include "pass_clocks.h"

#include "clock/sync.h"
#include "mpi_check.h"
#include "patience.h"
#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More ranks may take longer. */
static const double PATIENCE_PER_RANK_S = 0.1;

struct clock_peer {
    struct clock_bound bound;
    uint32_t host;
    uint32_t reserved;
};

size_t pass_clocks_peer_bytes(void)
{
    const struct pass_clocks *clocks = NULL;
    return sizeof *clocks->peers + sizeof *clocks->pair_uncertainty_s;
}

void pass_clocks_open(struct pass_clocks *clocks, const struct world *world,
                      const struct config *config)
{
    *clocks =
        (struct pass_clocks){.world = world, .config = config, .clock = clock_mpi(IDLE_SLEEP)};
    clocks->peers = calloc(world->nodes, sizeof *clocks->peers);
    clocks->pair_uncertainty_s = calloc(world->nodes, sizeof *clocks->pair_uncertainty_s);
    MPI_CHECK(clocks->peers == NULL || clocks->pair_uncertainty_s == NULL ? MPI_ERR_NO_MEM
                                                                          : MPI_SUCCESS);
}

void pass_clocks_close(struct pass_clocks *clocks)
{
    if (clocks->star != NULL)
        clock_star_close(clocks->star);
    free(clocks->peers);
    free(clocks->pair_uncertainty_s);
    clocks->star = NULL;
    clocks->peers = NULL;
    clocks->pair_uncertainty_s = NULL;
}

static struct local_time now(const struct pass_clocks *clocks)
{
    return clocks->clock.now(clocks->clock.self);
}

static void synchronise(struct pass_clocks *clocks, int which, enum clock_star_round round)
{
    struct local_time before = now(clocks);
    clocks->sync[which] = clock_star_synchronise(clocks->star, round);
    clocks->wall_s += local_elapsed_s(before, now(clocks));
    clocks->rounds++;
}

/* ---- before ---- */

static void open_star(struct pass_clocks *clocks)
{
    struct clock_star_setup setup = {
        .comm = clocks->world->comm, .clock = &clocks->clock, .place = clock_place_here()};
    if (!clocks->config->same_clock)
        setup.place.clock = 0;
    clocks->star = clock_star_open(&setup);
    clocks->host = clock_star_host(clocks->star);
}

static void wait_for_gap(const struct pass_clocks *clocks)
{
    struct local_time until =
        local_after(clocks->sync[CLOCK_SYNC_FIRST].at, clocks->config->sync_gap_s);
    while (now(clocks).s < until.s)
        clocks->clock.wait(clocks->clock.self, until);
}

static void exchange_bounds(struct pass_clocks *clocks)
{
    const struct clock_sync *sync =
        &clocks->sync[clocks->has_second ? CLOCK_SYNC_SECOND : CLOCK_SYNC_FIRST];
    struct clock_peer own = {clock_bound_of(&clocks->model, sync), clocks->host, 0};
    MPI_Request request;
    MPI_CHECK(MPI_Iallgather(&own, (int)sizeof own, MPI_BYTE, clocks->peers, (int)sizeof own,
                             MPI_BYTE, clocks->world->group, &request));
    patience_wait(&request);
}

void pass_clocks_before(struct pass_clocks *clocks)
{
    double ranks_s = PATIENCE_PER_RANK_S * clocks->world->ranks;
    patience_begin("synchronise the clocks", 1, ranks_s);
    open_star(clocks);
    synchronise(clocks, CLOCK_SYNC_FIRST, CLOCKS_ALL);
    clocks->model = clock_model_of_one(&clocks->sync[CLOCK_SYNC_FIRST]);
    if (!clock_star_is_one_clock(clocks->star)) {
        patience_begin("synchronise the clocks again", 1, ranks_s + clocks->config->sync_gap_s);
        wait_for_gap(clocks);
        synchronise(clocks, CLOCK_SYNC_SECOND, CLOCKS_NOT_PROVEN);
        clocks->has_second = true;
        clocks->model =
            clock_model_of_two(&clocks->sync[CLOCK_SYNC_FIRST], &clocks->sync[CLOCK_SYNC_SECOND]);
    }
    clocks->record = clocks->model;
    patience_begin("compare the clocks", 1, 0);
    exchange_bounds(clocks);
}

/* ---- pairs ---- */

static void add_pair(struct pass_clocks *clocks, uint32_t peer, double delay_limit_s)
{
    enum link_class class =
        clocks->peers[peer].host == clocks->host ? LINK_SAME_HOST : LINK_CROSS_HOST;
    double uncertainty_s = clocks->pair_uncertainty_s[peer];
    struct pair_clocks *pairs = &clocks->pairs;
    pairs->pairs[class]++;
    pairs->below[class] += delay_limit_s < uncertainty_s;
    pairs->uncertainty_max_s[class] = fmax(pairs->uncertainty_max_s[class], uncertainty_s);
}

static void sum_up(const struct pass_clocks *clocks, double *values, int count, MPI_Op operation)
{
    MPI_Request request;
    MPI_CHECK(MPI_Iallreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, operation,
                             clocks->world->comm, &request));
    patience_wait(&request);
}

void pass_clocks_weigh(struct pass_clocks *clocks, struct global_time end)
{
    const struct world *world = clocks->world;
    const struct clock_peer *own = &clocks->peers[world->self];
    struct pair_clocks *pairs = &clocks->pairs;
    double limit_s = clocks->config->corridor.limit[CONTEXT_MESSAGE_DELAY_EXCEEDED];
    clocks->own_uncertainty_s =
        clock_uncertainty_s(&clocks->model, clock_to_local(&clocks->model, end));
    *pairs = (struct pair_clocks){.domains = own->bound.domain == world->rank,
                                  .contradicted = clocks->model.contradicted};
    for (uint32_t peer = 0; peer < world->nodes; peer++) {
        if (peer == world->self)
            continue;
        clocks->pair_uncertainty_s[peer] =
            clock_pair_uncertainty_s(&own->bound, &clocks->peers[peer].bound, end);
        add_pair(clocks, peer, limit_s);
    }
}

void pass_clocks_sum_up(struct pass_clocks *clocks)
{
    struct pair_clocks *pairs = &clocks->pairs;
    double sums[] = {pairs->pairs[0], pairs->pairs[1], pairs->below[0],
                     pairs->below[1], pairs->domains,  pairs->contradicted};
    sum_up(clocks, sums, sizeof sums / sizeof sums[0], MPI_SUM);
    sum_up(clocks, pairs->uncertainty_max_s, LINK_CLASSES, MPI_MAX);
    memcpy(pairs->pairs, sums, sizeof pairs->pairs);
    memcpy(pairs->below, sums + LINK_CLASSES, sizeof pairs->below);
    pairs->domains = sums[4];
    pairs->contradicted = sums[5];
}

/* ---- after ---- */

void pass_clocks_after(struct pass_clocks *clocks)
{
    const struct clock_sync *after = &clocks->sync[CLOCK_SYNC_AFTER];
    patience_begin("synchronise the clocks after the window", 1,
                   PATIENCE_PER_RANK_S * clocks->world->ranks);
    synchronise(clocks, CLOCK_SYNC_AFTER, CLOCKS_ALL);
    clocks->is_checked = true;
    clocks->has_jumped = !clock_model_admits(&clocks->model, after);
    clocks->record = clock_model_between(&clocks->model, after);
    pass_clocks_sum_up(clocks);
}
