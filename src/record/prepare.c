#include "placement.h"
#include "record/recorder.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENVIRONMENT_TEXT_BYTES = 2048 };

static void add_config(struct run_facts *facts, const struct config *config)
{
    static struct config_value values[CONFIG_VALUES_MAX];
    size_t count = config_values(config, values);
    for (size_t i = 0; i < count; i++)
        run_facts_add(facts, values[i].group, values[i].key,
                      values[i].is_number ? NULL : values[i].text, values[i].number);
}

static void add_provenance(struct run_facts *facts, const char *key, const char *text)
{
    run_facts_add(facts, "/provenance", key, text, 0);
}

static void add_provenance_number(struct run_facts *facts, const char *key, double number)
{
    run_facts_add(facts, "/provenance", key, NULL, number);
}

/* A list of a thousand hosts is cut, not refused. */
static void add_environment(struct run_facts *facts, const char *key, const char *name)
{
    char text[ENVIRONMENT_TEXT_BYTES];
    const char *found = getenv(name);
    (void)snprintf(text, sizeof text, "%s", found != NULL ? found : "");
    add_provenance(facts, key, text);
}

static void add_all_provenance(struct run_facts *facts, const struct run_setup *setup)
{
    static const char *const yields[] = {"unknown", "0", "1"};
    add_provenance(facts, "program_version", MPIDRIFT_VERSION);
    add_provenance(facts, "git_commit", MPIDRIFT_COMMIT);
    add_provenance(facts, "compiler", MPIDRIFT_COMPILER);
    add_provenance(facts, "command_line", setup->command_line);
    add_provenance(facts, "mpi_library", setup->mpi_library);
    add_provenance(facts, "rate_counts", setup->ops->acts != NULL ? setup->ops->acts : "nothing");
    add_provenance_number(facts, "clock_resolution_s", clock_resolution_s());
    add_provenance_number(facts, "hosts", facts->hosts);
    add_provenance_number(facts, "cores", facts->cores);
    add_provenance(facts, "topology", setup->machine->topology);
    add_provenance(facts, "bind_found",
                   setup->machine->binding_widened ? "widened" : "as launched");
    add_provenance(facts, "mpi_yield_when_idle", yields[setup->yield_when_idle + 1]);
    add_provenance(facts, "time_is", setup->config->simulated ? "simulated" : "measured");
    add_environment(facts, "slurm_job_id", "SLURM_JOB_ID");
    add_environment(facts, "slurm_node_list", "SLURM_JOB_NODELIST");
}

static void fill_facts(const struct run_setup *setup, struct run_facts *facts)
{
    const struct config *config = setup->config;
    char per_host[PLACEMENT_TEXT_BYTES];
    facts->duration_s = config->duration_s;
    facts->nodes = setup->world->ranks;
    facts->group_nodes = setup->world->nodes;
    facts->contexts = setup->ops->contexts;
    facts->windows = run_windows_of(config->duration_s);
    facts->has_final_state = setup->ops->digest != NULL;
    facts->is_observed = config->observe;
    facts->has_trace = config->trace;
    facts->has_tables = setup->ops->table_count > 0;
    facts->trace_capacity = setup->trace_capacity;
    memcpy(facts->limit, config->corridor.limit, sizeof facts->limit);
    facts->hosts = setup->placement->hosts;
    facts->cores = setup->placement->cores;
    utc_text(machine_utc_s(), facts->start_time_utc);
    (void)snprintf(facts->run_id, sizeof facts->run_id, "%s-np%u-%s-%d", config->system,
                   facts->nodes, facts->start_time_utc, (int)getpid());
    placement_text(setup->placement, config->per_host, per_host);
    config_canonical_text(config, per_host, facts->canonical_text);
    add_config(facts, config);
    add_all_provenance(facts, setup);
}

void record_prepare(const struct run_setup *setup, struct run_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    if (setup->world->rank == 0)
        fill_facts(setup, facts);
    world_share(setup->world, facts, sizeof *facts);
}
