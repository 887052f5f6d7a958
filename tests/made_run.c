#include "made_node.h"

#include <stdlib.h>
#include <string.h>

enum { SETTINGS_MAX = CONFIG_VALUES_MAX + 8 };

struct made_run made_run_default(uint32_t nodes, uint32_t repetition)
{
    static char *arguments[] = {"made_run", NULL}, *environment[] = {NULL};
    struct made_run run = {.nodes = nodes,
                           .observations = 1000,
                           .beyond = 1,
                           .windows = 60,
                           .hosts = 1,
                           .cores = 16,
                           .uncertainty_s = 1e-7,
                           .git_commit = "0123456789ab"};
    struct failure failure = {EXIT_DONE, ""};
    enum config_request request;
    if (!config_read(&run.config, 1, arguments, environment, &request, &failure))
        abort();
    run.config.repetition = repetition;
    return run;
}

uint32_t made_group_nodes(const struct made_run *run)
{
    return run->config.groups > 0 ? run->config.groups : run->nodes;
}

uint32_t made_contexts(const struct made_run *run, uint32_t contexts[CONTEXT_COUNT])
{
    const struct system_ops *system = system_find(run->config.system);
    uint32_t count = 0;
    for (uint32_t c = 0; system != NULL && c < CONTEXT_COUNT; c++)
        if (system->contexts & 1U << c)
            contexts[count++] = c;
    return count;
}

/* ---- the whole file ---- */

struct made_texts {
    char run_id[96];
    char start_time_utc[32];
    char ranks_per_host[16];
    char canonical_text[CANONICAL_TEXT_BYTES];
    struct config_value values[CONFIG_VALUES_MAX];
    struct run_setting settings[SETTINGS_MAX];
};

static size_t make_settings(const struct made_run *run, struct made_texts *texts)
{
    size_t count = config_values(&run->config, texts->values);
    for (size_t i = 0; i < count; i++) {
        const struct config_value *value = &texts->values[i];
        texts->settings[i] = (struct run_setting){
            value->group, value->key, value->is_number ? NULL : value->text, value->number};
    }
    const struct run_setting found[] = {
        {"/provenance", "program_version", MPIDRIFT_VERSION, 0},
        {"/provenance", "git_commit", run->git_commit, 0},
        {"/provenance", "compiler", "GNU 12.2.0 Release", 0},
        {"/provenance", "mpi_library", "Open MPI 4.1.4", 0},
        {"/provenance", "hosts", NULL, run->hosts},
        {"/provenance", "cores", NULL, run->cores},
        {"/provenance", "bind_found", "widened", 0},
        {"/provenance", "mpi_yield_when_idle", "1", 0},
    };
    memcpy(texts->settings + count, found, sizeof found);
    return count + sizeof found / sizeof found[0];
}

/* Scales follow one another within a repetition, as a campaign would run them. */
static void make_names(const struct made_run *run, struct made_texts *texts)
{
    const struct config *config = &run->config;
    (void)snprintf(texts->start_time_utc, sizeof texts->start_time_utc,
                   "2025-01-01T%02u:%02u:%02uZ", config->repetition / 60 % 24,
                   config->repetition % 60, run->nodes % 60);
    (void)snprintf(texts->run_id, sizeof texts->run_id, "made-np%u-g%u-l%d-s%u-r%u", run->nodes,
                   config->groups, config->load, config->seed, config->repetition);
    (void)snprintf(texts->ranks_per_host, sizeof texts->ranks_per_host,
                   run->hosts == 1 ? "all" : "%u", (run->nodes - 1) / run->hosts + 1);
    config_canonical_text(config, texts->ranks_per_host, texts->canonical_text);
}

static struct run_writer *create(const struct made_run *run, struct made_texts *texts,
                                 const char *path, struct failure *failure)
{
    struct histogram histograms[HISTOGRAM_KINDS];
    make_names(run, texts);
    const char *start = run->start_time_utc != NULL ? run->start_time_utc : texts->start_time_utc;
    struct run_header header = {.run_id = run->run_id != NULL ? run->run_id : texts->run_id,
                                .start_time_utc = start,
                                .end_time_utc = start,
                                .canonical_text = texts->canonical_text,
                                .settings = texts->settings,
                                .setting_count = make_settings(run, texts),
                                .nodes = run->nodes,
                                .windows = run->windows,
                                .window_s = run->config.duration_s / run->windows,
                                .histograms = histograms};
    header.context_count = made_contexts(run, header.contexts);
    for (enum histogram_kind kind = 0; kind < HISTOGRAM_KINDS; kind++)
        if (!histogram_init(&histograms[kind], kind, made_limit(run, kind)))
            abort();
    struct run_writer *writer = run_writer_create(path, &header, failure);
    for (enum histogram_kind kind = 0; kind < HISTOGRAM_KINDS; kind++)
        histogram_free(&histograms[kind]);
    return writer;
}

bool made_run_write(const struct made_run *run, const char *path, struct failure *failure)
{
    struct made_texts *texts = calloc(1, sizeof *texts);
    if (texts == NULL)
        abort();
    struct run_writer *writer = create(run, texts, path, failure);
    free(texts);
    if (writer == NULL)
        return false;
    if (made_nodes_write(run, writer))
        return run_writer_finish(writer);
    run_writer_abandon(writer);
    return false;
}
