#include "fake_run_file.h"

#include "config.h"
#include "record/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double UNCERTAINTY_S = 1e-7;
static const char TIME_UTC[] = "2025-01-01T00:00:00Z";

/* ---- what all nodes share ---- */

static void configure(const struct fake_run *run, uint32_t repetition, struct config *config)
{
    static char *arguments[] = {"fake_run", NULL}, *environment[] = {NULL};
    const struct fake_run_setup *setup = &run->setup;
    struct failure failure = {EXIT_DONE, ""};
    enum config_request request;
    if (!config_read(config, 1, arguments, environment, &request, &failure))
        abort();
    (void)snprintf(config->system, sizeof config->system, "%s", run->node[0].ops->name);
    (void)snprintf(config->scene, sizeof config->scene, "fake");
    config->duration_s = setup->duration_s;
    config->warmup_s = setup->warmup_s;
    config->rate_per_s = setup->rate_per_s;
    config->keys = setup->keys;
    config->seed = setup->seed;
    config->repetition = repetition;
    config->heartbeat_ms = setup->heartbeat_s * 1e3;
    config->corridor = setup->corridor;
}

static void add_settings(struct run_facts *facts, const struct config *config)
{
    static struct config_value values[CONFIG_VALUES_MAX];
    size_t count = config_values(config, values);
    for (size_t i = 0; i < count; i++)
        run_facts_add(facts, values[i].group, values[i].key,
                      values[i].is_number ? NULL : values[i].text, values[i].number);
    run_facts_add(facts, "/provenance", "cores", NULL, facts->cores);
    config_canonical_text(config, "all", facts->canonical_text);
}

static void fill_facts(const struct fake_run *run, uint32_t repetition, struct run_facts *facts)
{
    static struct config config;
    const struct fake_run_setup *setup = &run->setup;
    configure(run, repetition, &config);
    facts->duration_s = setup->duration_s;
    facts->nodes = facts->group_nodes = facts->cores = setup->nodes;
    facts->contexts = run->node[0].ops->contexts;
    facts->windows = 60; /* as fake_run's observers count */
    facts->hosts = 1;
    facts->is_observed = setup->observe;
    memcpy(facts->limit, setup->corridor.limit, sizeof facts->limit);
    memcpy(facts->start_time_utc, TIME_UTC, sizeof TIME_UTC);
    (void)snprintf(facts->run_id, sizeof facts->run_id, "fake-np%u-s%u-r%u", setup->nodes,
                   setup->seed, repetition);
    add_settings(facts, &config);
}

/* ---- one node ---- */

static struct node_facts facts_of_node(const struct fake_run *run, uint32_t node)
{
    const struct clock_model *model = &run->node[node].model;
    struct link_totals links = mailbox_totals(&run->node[node].mailbox);
    struct node_facts facts = {.begin_s = clock_to_local(model, (struct global_time){run->t0_s}).s,
                               .t0_s = run->t0_s,
                               .model = *model};
    facts.row = (struct run_node){.window_begin_global_s = run->t0_s,
                                  .attempted = links.attempted,
                                  .sent = links.sent,
                                  .suppressed = links.suppressed,
                                  .received = links.received,
                                  .clock_uncertainty_s = UNCERTAINTY_S,
                                  .node = node,
                                  .host = "fake",
                                  .binding = "0"};
    for (size_t i = 0; i < RUN_SYNCS; i++)
        facts.row.sync[i] = (struct run_sync){
            .time_s = (double)i, .offset_s = model->offset_s, .uncertainty_s = UNCERTAINTY_S};
    node_name(node, facts.row.name);
    return facts;
}

static bool write_rows(struct run_writer *writer, const struct node_view *view)
{
    struct run_node row = row_of_node(view);
    bool done = run_writer_nodes(writer, &row, 1);
    for (uint64_t i = 0; done && i < row_pairs(view->run); i++) {
        struct run_pair pair = row_of_pair(view, i);
        done = run_writer_pairs(writer, &pair, 1);
    }
    for (uint64_t i = 0; done && i < spool_count(view->spool); i++) {
        struct badge badge = row_of_badge(view, i);
        done = run_writer_badges(writer, &badge, 1);
    }
    return done;
}

static bool write_counts(struct run_writer *writer, const struct node_view *view)
{
    uint32_t node = view->facts->row.node;
    void *record = malloc(windows_record_bytes(view->run));
    if (record == NULL)
        abort();
    windows_record_fill(view, record);
    struct run_windows windows = windows_record_view(view->run, record);
    bool done = run_writer_windows(writer, node, &windows);
    free(record);
    for (enum histogram_kind kind = 0; done && kind < HISTOGRAM_KINDS; kind++) {
        const struct histogram *histogram = observer_histogram(view->observer, kind);
        done = run_writer_histogram(writer, node, kind, histogram->counts, histogram->underflow,
                                    histogram->overflow);
    }
    return done;
}

static bool write_node(const struct fake_run *run, const struct run_facts *facts, uint32_t node,
                       uint64_t *badges, struct run_writer *writer)
{
    struct node_facts of_node = facts_of_node(run, node);
    of_node.row.badges_first = *badges;
    struct node_view view = {facts, &of_node, run->node[node].observer, run->node[node].spool,
                             NULL};
    *badges += spool_count(view.spool);
    return write_rows(writer, &view) && write_counts(writer, &view);
}

bool fake_run_write(const struct fake_run *run, uint32_t repetition, const char *path,
                    struct failure *failure)
{
    struct run_facts *facts = calloc(1, sizeof *facts);
    struct run_setting settings[RUN_SETTINGS_MAX];
    struct histogram histograms[HISTOGRAM_KINDS];
    uint64_t badges = 0;
    if (facts == NULL)
        abort();
    fill_facts(run, repetition, facts);
    struct run_header header = header_of_run(facts, TIME_UTC, settings, histograms);
    struct run_writer *writer = run_writer_create(path, &header, failure);
    bool done = writer != NULL;
    for (uint32_t node = 0; done && node < facts->nodes; node++)
        done = write_node(run, facts, node, &badges, writer);
    free(facts);
    if (done)
        return run_writer_finish(writer);
    if (writer != NULL)
        run_writer_abandon(writer);
    return false;
}
