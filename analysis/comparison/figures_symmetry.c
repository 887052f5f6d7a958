#include "analysis/comparison/figures.h"

#include "analysis/metrics/symmetry.h"

#include <math.h>
#include <stdlib.h>

/* The dispersion is judged over 20, 10 and 5 windows. */
enum { SYMMETRY_WINDOWS = 20, MERGED = TALLY_WINDOWS / SYMMETRY_WINDOWS };

static bool judge_run(const struct run *run, size_t context, enum variant variant, unsigned seed,
                      struct symmetry *found)
{
    const uint32_t *fine = run->tally.rows[variant][context].node_windows;
    size_t cells = (size_t)run->nodes * SYMMETRY_WINDOWS;
    uint32_t *counts = calloc(cells, sizeof *counts);
    if (counts == NULL)
        return false;
    for (size_t i = 0; i < cells * MERGED; i++)
        counts[i / MERGED] += fine[i];
    *found = symmetry_of(counts, run->nodes, SYMMETRY_WINDOWS, seed);
    free(counts);
    return true;
}

/* ---- over the runs ---- */

static double top_share(const struct symmetry *s)
{
    return s->top_share;
}
static double emitting(const struct symmetry *s)
{
    return (double)s->emitting;
}
static double jain(const struct symmetry *s)
{
    return s->jain;
}
static double jain_expected(const struct symmetry *s)
{
    return s->jain_expected;
}
static double dispersion(const struct symmetry *s)
{
    return s->phi;
}
static double variation(const struct symmetry *s)
{
    return s->cv;
}
static double episodes(const struct symmetry *s)
{
    return (double)s->episodes;
}

static struct figure between(double value_of(const struct symmetry *), const struct symmetry *runs,
                             size_t count, double *scratch)
{
    for (size_t i = 0; i < count; i++)
        scratch[i] = value_of(&runs[i]);
    return figure_between_runs(scratch, count, "no episode");
}

/* The busiest node of the most runs; the first of equals. */
static void find_top(const struct symmetry *runs, size_t count, struct symmetry_figures *figures)
{
    for (size_t i = 0; i < count; i++) {
        size_t times = 0;
        for (size_t j = 0; j < count; j++)
            times += runs[j].episodes > 0 && runs[j].top_node == runs[i].top_node;
        if (runs[i].episodes == 0 || times <= figures->top_runs)
            continue;
        figures->top_node = (uint32_t)runs[i].top_node;
        figures->top_runs = times;
    }
}

static void summarise(const struct symmetry *runs, size_t count, double *scratch,
                      struct symmetry_figures *figures)
{
    symmetry_runs(runs, count, figures->verdict);
    find_top(runs, count, figures);
    figures->top_share = between(top_share, runs, count, scratch);
    figures->emitting = between(emitting, runs, count, scratch);
    figures->jain = between(jain, runs, count, scratch);
    figures->jain_expected = between(jain_expected, runs, count, scratch);
    figures->dispersion = between(dispersion, runs, count, scratch);
    figures->variation = between(variation, runs, count, scratch);
    figures->episodes = between(episodes, runs, count, scratch);
    for (size_t i = 0; i < count; i++) {
        figures->asymmetric += runs[i].verdict == SYMMETRY_ASYMMETRIC;
        figures->symmetric += runs[i].verdict == SYMMETRY_SYMMETRIC;
        figures->too_few += runs[i].verdict == SYMMETRY_TOO_FEW;
        figures->silent += runs[i].verdict == SYMMETRY_SILENT;
    }
}

static void leave_unknown(const char *why, struct symmetry_figures *figures)
{
    struct figure *const all[] = {
        &figures->top_share,  &figures->emitting,  &figures->jain,    &figures->jain_expected,
        &figures->dispersion, &figures->variation, &figures->episodes};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        *all[i] = figure_unknown(why);
}

static bool judge_column(const struct column *column, size_t context, enum variant variant,
                         struct symmetry_figures *figures)
{
    struct symmetry *runs = calloc(column->run_count, sizeof *runs);
    double *scratch = calloc(column->run_count, sizeof *scratch);
    bool done = runs != NULL && scratch != NULL;
    for (size_t i = 0; done && i < column->run_count; i++)
        done = judge_run(column->runs[i], context, variant, (unsigned)i + 1, &runs[i]);
    if (done)
        summarise(runs, column->run_count, scratch, figures);
    free(runs);
    free(scratch);
    return done;
}

bool symmetry_figures(struct column *column, size_t context)
{
    for (enum variant v = 0; v < VARIANT_COUNT; v++) {
        struct symmetry_figures *figures = &column->rows[context].symmetry[v];
        *figures = (struct symmetry_figures){.unknown = why_unwatched(column, context)};
        if (figures->unknown != NULL)
            leave_unknown(figures->unknown, figures);
        else if (!judge_column(column, context, v, figures))
            return false;
    }
    return true;
}
