#include "placement.h"

#include "clock/claim.h"
#include "patience.h"
#include "record/gather.h"

#include <stdlib.h>
#include <string.h>

/* Two hosts may have one name; their kernels tell them apart. */
struct host_record {
    uint64_t id;
    uint32_t cores;
};

/* Hosts in the order of their first rank; on node 0 only. */
struct host_count {
    struct host_record host;
    uint32_t ranks;
};
struct host_list {
    const struct machine *machine;
    struct host_count *hosts; /* at most [ranks] */
    uint32_t count;
};

static void give_host(void *self, uint64_t first, size_t count, void *records)
{
    const struct host_list *list = self;
    struct host_record record = {clock_place_here().host, list->machine->cores};
    (void)first, (void)count;
    memcpy(records, &record, sizeof record);
}

static void take_host(void *self, uint32_t rank, const void *records, size_t count)
{
    struct host_list *list = self;
    struct host_record record;
    uint32_t i = 0;
    (void)rank, (void)count;
    memcpy(&record, records, sizeof record);
    while (i < list->count && list->hosts[i].host.id != record.id)
        i++;
    if (i == list->count)
        list->hosts[list->count++] = (struct host_count){record, 0};
    list->hosts[i].ranks++;
}

static struct placement summarise(const struct host_list *list)
{
    struct placement placement = {.hosts = list->count, .ranks_least = UINT32_MAX};
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t ranks = list->hosts[i].ranks;
        placement.cores += list->hosts[i].host.cores;
        placement.ranks_most = ranks > placement.ranks_most ? ranks : placement.ranks_most;
        placement.ranks_least = ranks < placement.ranks_least ? ranks : placement.ranks_least;
    }
    for (uint32_t i = 0; i < list->count; i++)
        placement.hosts_not_full += list->hosts[i].ranks < placement.ranks_most;
    return placement;
}

enum exit_code placement_find(const struct world *world, const struct machine *machine,
                              struct placement *placement)
{
    struct host_list list = {machine, calloc(world->ranks, sizeof *list.hosts), 0};
    struct failure failure = {0};
    *placement = (struct placement){0};
    if (list.hosts == NULL)
        (void)failure_set(&failure, EXIT_INTERNAL, "no memory for the hosts of %u ranks",
                          world->ranks);
    enum exit_code code = world_agree(world, &failure);
    if (code == EXIT_DONE) {
        struct gather hosts = {sizeof(struct host_record), 1, give_host, take_host, &list};
        gather_records(world, &hosts);
        patience_begin("prepare the run", 1, 0);
        if (world->rank == 0)
            *placement = summarise(&list);
    }
    free(list.hosts);
    return code;
}

bool placement_check(const struct placement *placement, uint32_t per_host, uint32_t ranks,
                     struct failure *failure)
{
    if (per_host == 0)
        return true;
    uint32_t hosts = (ranks - 1) / per_host + 1;
    if (placement->hosts == hosts && placement->ranks_most <= per_host &&
        placement->hosts_not_full <= 1)
        return true;
    return failure_set(failure, EXIT_BAD_USAGE,
                       "--per-host %u declares %u nodes on %u hosts, at most the last with fewer "
                       "than %u; they are on %u hosts, with %u to %u each. Slurm: "
                       "--ntasks-per-node=%u; Open MPI: mpirun --map-by ppr:%u:node",
                       per_host, ranks, hosts, per_host, placement->hosts, placement->ranks_least,
                       placement->ranks_most, per_host, per_host);
}

void placement_text(const struct placement *placement, uint32_t per_host,
                    char text[PLACEMENT_TEXT_BYTES])
{
    if (per_host > 0)
        (void)snprintf(text, PLACEMENT_TEXT_BYTES, "%u", per_host);
    else if (placement->hosts == 1)
        (void)snprintf(text, PLACEMENT_TEXT_BYTES, "all");
    else if (placement->hosts_not_full <= 1)
        (void)snprintf(text, PLACEMENT_TEXT_BYTES, "%u", placement->ranks_most);
    else
        (void)snprintf(text, PLACEMENT_TEXT_BYTES, "uneven, %u to %u", placement->ranks_least,
                       placement->ranks_most);
}
