#include "clock_check.h"

#include "pass_clocks.h"
#include "patience.h"
#include "record/gather.h"

#include <stdio.h>
#include <string.h>

struct clock_row {
    char host[64];
    struct clock_sync sync; /* the last one */
    struct clock_model model;
    uint32_t host_first_rank;
    uint32_t reserved;
};

struct clock_table {
    const struct pass_clocks *clocks;
    const struct machine *machine;
    uint32_t hosts;
    uint32_t domains;
    uint32_t contradicted;
};

static void give_row(void *self, uint64_t first, size_t count, void *records)
{
    const struct clock_table *table = self;
    const struct pass_clocks *clocks = table->clocks;
    struct clock_row row = {
        .sync = clocks->sync[clocks->has_second ? CLOCK_SYNC_SECOND : CLOCK_SYNC_FIRST],
        .model = clocks->model,
        .host_first_rank = clocks->host};
    (void)first, (void)count;
    (void)snprintf(row.host, sizeof row.host, "%s", table->machine->host);
    memcpy(records, &row, sizeof row);
}

static void take_row(void *self, uint32_t rank, const void *records, size_t count)
{
    struct clock_table *table = self;
    struct clock_row row;
    (void)count;
    memcpy(&row, records, sizeof row);
    table->hosts += row.host_first_rank == rank;
    table->domains += row.sync.domain == rank;
    table->contradicted += row.model.contradicted;
    printf("%4u %-13.13s %6u %16.7f %8.3f %9.3f %7.3f %9.3f%s\n", rank, row.host, row.sync.domain,
           row.model.offset_s, row.model.uncertainty_s * 1e6, row.model.rate * 1e6,
           row.model.rate_uncertainty * 1e6, row.sync.round_trip_min_s * 1e6,
           row.model.contradicted ? " contradicted" : "");
}

static void print_end(const struct clock_table *table, uint32_t nodes)
{
    const struct pass_clocks *clocks = table->clocks;
    printf("nodes: %u\nhosts: %u\nclock_domains: %u\nclock_suspects: %u\n"
           "clock_synchronisations: %u\nclock_sync_s: %.3f\n",
           nodes, table->hosts, table->domains, table->contradicted, clocks->rounds,
           clocks->wall_s / clocks->rounds);
    printf("# offset_s: what node_A's clock (rank 0) shows more than this one; +-us: the truth is "
           "within\n"
           "# slope_ppm: gained per second, in us; +-ppm: added to +-us by each second that goes\n"
           "# round_us: shortest round trip; domain: ranks with the same number share one proven "
           "clock\n");
    if (clocks->rounds == 1)
        printf("# all ranks share one clock: it cannot drift from itself\n");
    if (table->contradicted > 0)
        printf("# contradicted: no two clocks of up to %g ppm difference measure like that\n",
               CLOCK_DRIFT_MAX * 1e6);
}

void clock_check(const struct world *world, const struct config *config,
                 const struct machine *machine)
{
    struct pass_clocks clocks;
    struct clock_table table = {.clocks = &clocks, .machine = machine};
    pass_clocks_open(&clocks, world, config);
    pass_clocks_before(&clocks);
    if (world->rank == 0)
        printf("rank host          domain         offset_s     +-us slope_ppm   +-ppm  round_us\n");
    struct gather rows = {sizeof(struct clock_row), 1, give_row, take_row, &table};
    gather_records(world, &rows);
    if (world->rank == 0)
        print_end(&table, world->ranks);
    pass_clocks_close(&clocks);
}
