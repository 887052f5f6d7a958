#include "made_comparison.h"

#include "agrees.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct made_episode made_mixed[MADE_MIXED] = {
    {1.00, 1.50, 0, 1, DELAY, 0, false},
    {1.25, 1.75, 0, 1, LAG, 0, false},
    {2.00, 2.25, 0, 1, DELAY, BADGE_SELF_STALLED, false},
    {4.50, (double)NAN, 0, 1, HEARTBEAT, 0, false},
    {-0.50, 0.25, 1, 0, HEARTBEAT, 0, false},
    {1.40, 1.60, 1, 0, DELAY, 0, false},
};

/* In memory where there is such a place: each run file is brought to the disk before it gets its
 * name, and there are hundreds of them. */
static char directory[] = "/dev/shm/mpidrift-test-XXXXXX";
static const char on_disk[] = "/tmp/mpidrift-test-XXXXXX";

static void remove_own_directory(void)
{
    (void)rmdir(directory);
}

static void need_directory(void)
{
    static bool made;
    if (made)
        return;
    if (mkdtemp(directory) == NULL) {
        memcpy(directory, on_disk, sizeof on_disk);
        if (mkdtemp(directory) == NULL)
            abort();
    }
    if (atexit(remove_own_directory) != 0)
        abort();
    made = true;
}

void made_add(struct made_comparison *made, const struct made_run *run)
{
    struct failure failure = {EXIT_DONE, ""};
    need_directory();
    if (made->count == MADE_RUNS_MAX ||
        asprintf(&made->paths[made->count], "%s/run-%02zu.h5", directory, made->count) < 0)
        abort();
    if (made_run_write(run, made->paths[made->count++], &failure))
        return;
    (void)fprintf(stderr, "made_add: %s\n", failure.text);
    abort();
}

void made_add_list(struct made_comparison *made, struct made_run run,
                   const struct made_episode *episodes, size_t count)
{
    struct made_list list = {.episodes = episodes, .count = count};
    run.source = made_list_source(&list);
    made_add(made, &run);
}

void made_add_even(struct made_comparison *made, struct made_run run, enum context context,
                   size_t count)
{
    struct made_episode *episodes = calloc(count + 1, sizeof *episodes);
    uint32_t group = made_group_nodes(&run);
    if (episodes == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        uint32_t node = (uint32_t)(i % run.nodes);
        double begin_s = (double)(2 * i + 1) / (double)(2 * count) * run.config.duration_s;
        episodes[i] =
            (struct made_episode){.begin_s = begin_s,
                                  .end_s = begin_s + 0.001,
                                  .node = node,
                                  .peer = node - node % group + (node % group + 1) % group,
                                  .context = context};
    }
    made_add_list(made, run, episodes, count);
    free(episodes);
}

bool made_compare(struct made_comparison *made, bool force)
{
    return comparison_make(&made->comparison, made->paths, made->count, force, &made->failure);
}

void made_reset(struct made_comparison *made)
{
    comparison_free(&made->comparison);
    for (size_t i = 0; i < made->count; i++) {
        (void)unlink(made->paths[i]);
        free(made->paths[i]);
    }
    *made = (struct made_comparison){.count = 0};
}

const struct column *made_column(const struct made_comparison *made, const char *label)
{
    for (size_t i = 0; i < made->comparison.column_count; i++)
        if (strcmp(made->comparison.columns[i].label, label) == 0)
            return &made->comparison.columns[i];
    (void)fprintf(stderr, "there is no column '%s'\n", label);
    abort();
}

const struct context_figures *made_row(const struct made_comparison *made, size_t column,
                                       size_t context)
{
    return &made->comparison.columns[column].rows[context];
}

bool made_is_single(const struct figure *figure, double value)
{
    return figure->unknown == NULL && agrees(figure->value, value) && isnan(figure->low) &&
           isnan(figure->high) && figure->value_count == 1 && agrees(figure->values[0], value);
}

bool made_is_unknown(const struct figure *figure, const char *why)
{
    return figure->unknown != NULL && strcmp(figure->unknown, why) == 0 && isnan(figure->value);
}

char *made_print(const struct made_comparison *made, made_printer *printer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL || !printer(out, &made->comparison) || fclose(out) != 0)
        abort();
    return text;
}
