#include "analysis/comparison/comparison.h"

#include "analysis/comparison/answers.h"
#include "analysis/comparison/cells.h"
#include "analysis/comparison/columns.h"
#include "analysis/comparison/curve.h"
#include "analysis/comparison/figures.h"
#include "analysis/comparison/notes.h"

#include <stdlib.h>
#include <string.h>

static bool no_memory(struct failure *failure)
{
    return failure_set(failure, EXIT_INTERNAL, "no memory for the comparison");
}

static bool open_all(struct comparison *c, char *const *paths, size_t count,
                     struct failure *failure)
{
    c->runs = calloc(count, sizeof *c->runs);
    if (c->runs == NULL)
        return no_memory(failure);
    for (size_t i = 0; i < count; i++) {
        c->run_count = i + 1;
        if (!run_open(&c->runs[i], paths[i], failure))
            return false;
    }
    return true;
}

/* Scenes in the order in which they are met; the machine's own network last, for there the machine
 * is measured, too. */
static int by_scene(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    int bare_x = strcmp(x->scene, "bare") == 0, bare_y = strcmp(y->scene, "bare") == 0;
    return bare_x != bare_y ? bare_x - bare_y : strcmp(x->scene, y->scene);
}

static bool find_scenes(struct comparison *c, struct failure *failure)
{
    c->scenes = calloc(c->run_count, sizeof *c->scenes);
    if (c->scenes == NULL)
        return no_memory(failure);
    qsort(c->runs, c->run_count, sizeof *c->runs, by_scene);
    for (size_t i = 0; i < c->run_count; i++) {
        if (i == 0 || strcmp(c->runs[i].scene, c->runs[i - 1].scene) != 0)
            c->scenes[c->scene_count++] =
                (struct scene){.name = c->runs[i].scene, .runs = &c->runs[i]};
        c->scenes[c->scene_count - 1].run_count++;
    }
    for (size_t s = 0; s < c->scene_count; s++) {
        struct scene *scene = &c->scenes[s];
        scene->reference = &scene->runs[main_series(scene->runs, scene->run_count)];
        find_total_of_two(scene->runs, scene->run_count, scene->reference);
    }
    c->reference = c->scenes[0].reference;
    return true;
}

static bool check(struct comparison *c, bool force, struct failure *failure)
{
    if (!refuse_twice(c->runs, c->run_count, failure))
        return false;
    for (size_t s = 0; s < c->scene_count; s++)
        if (!find_differences(c->scenes[s].runs, c->scenes[s].run_count, &c->differences))
            return no_memory(failure);
    if (!find_machine_differences(c->runs, c->run_count, &c->machine))
        return no_memory(failure);
    if (force || c->differences.count == 0)
        return true;
    return failure_set(failure, EXIT_BAD_INPUT,
                       "these runs do not belong together: %zu setting%s that must be equal "
                       "differ%s (--force compares all the same)",
                       c->differences.count, c->differences.count == 1 ? "" : "s",
                       c->differences.count == 1 ? "s" : "");
}

static bool compare(struct comparison *c, struct failure *failure)
{
    for (size_t i = 0; i < c->run_count; i++)
        if (!run_load(&c->runs[i], failure))
            return false;
    if (!columns_make(c))
        return no_memory(failure);
    for (size_t i = 0; i < c->column_count; i++)
        column_conditions(&c->columns[i]);
    for (size_t i = 0; i < c->column_count; i++)
        if (!column_figures(&c->columns[i], column_of_two(c, &c->columns[i])))
            return no_memory(failure);
    if (!answers_make(c) || !cells_make(c) || !notes_make(c))
        return no_memory(failure);
    return true;
}

bool comparison_make(struct comparison *comparison, char *const *paths, size_t count, bool force,
                     struct failure *failure)
{
    *comparison = (struct comparison){.runs = NULL};
    return open_all(comparison, paths, count, failure) && find_scenes(comparison, failure) &&
           check(comparison, force, failure) && compare(comparison, failure);
}

void comparison_free(struct comparison *c)
{
    cells_free(c);
    answers_free(c);
    for (size_t i = 0; i < c->column_count; i++)
        curves_free(&c->columns[i]);
    columns_free(c);
    text_list_free(&c->first_lines);
    text_list_free(&c->notes);
    text_list_free(&c->warnings);
    differences_free(&c->differences);
    differences_free(&c->machine);
    for (size_t i = 0; i < c->run_count; i++)
        run_close(&c->runs[i]);
    free(c->runs);
    free(c->scenes);
    c->runs = NULL;
    c->scenes = NULL;
    c->scene_count = 0;
    c->run_count = 0;
}
