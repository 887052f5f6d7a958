#include "analysis/comparison/cells.h"

#include "analysis/comparison/columns.h"
#include "analysis/comparison/measures.h"

#include <math.h>
#include <stdlib.h>

const char *const aspect_names[ASPECT_COUNT] = {
    [ASPECT_FIRST_DRIFT] = "First drift observed",  [ASPECT_FREQUENCY] = "Badge frequency",
    [ASPECT_SYMMETRY] = "Drift symmetry",           [ASPECT_SENSITIVITY] = "Time sensitivity",
    [ASPECT_STABILISES] = "Stabilises or cascades",
};

struct cell {
    FILE *out;
    const struct comparison *comparison;
    const struct column *column;
};

static const char *stalled_words(enum variant variant)
{
    return variant == WITHOUT_STALLED ? "without self-stalled: " : "";
}

static bool is_two(const struct cell *cell)
{
    return cell->column == column_of_two(cell->comparison, cell->column);
}

static void write_number(FILE *out, const char *before, double number, const char *after)
{
    char digits[32];
    number_text(number, digits);
    (void)fprintf(out, "%s%s%s", before, digits, after);
}

static void write_figure(FILE *out, const char *before, const struct figure *figure,
                         const char *after)
{
    char text[FIGURE_TEXT_BYTES];
    figure_text(figure, text);
    (void)fprintf(out, "%s%s%s", before, text, after);
}

/* ---- first drift observed ---- */

static void write_first(const struct cell *cell, enum variant variant)
{
    const struct first_drift_figures *first = &cell->column->rows[ALL_CONTEXTS].first[variant];
    if (first->unknown != NULL) {
        (void)fprintf(cell->out, "%sunknown (%s)\n", stalled_words(variant), first->unknown);
        return;
    }
    (void)fputs(stalled_words(variant), cell->out);
    if (first->reached)
        write_number(cell->out, "", first->median_s, " s");
    else
        write_number(cell->out, "> ", first->window_s, " s");
    (void)fprintf(cell->out, " (%zu/%zu runs)", first->drifted, first->runs);
    if (variant == WITH_STALLED && first->drifted > 0) {
        char name[NODE_NAME_BYTES];
        node_name(first->node, name);
        if (first->drifted == 1)
            (void)fprintf(cell->out, "\nseen first by %s", name);
        else
            (void)fprintf(cell->out, "\nseen first by %s in %zu of %zu", name, first->node_runs,
                          first->drifted);
    }
    (void)fputc('\n', cell->out);
}

static void write_exposure(const struct cell *cell)
{
    const struct first_drift_figures *first = &cell->column->rows[ALL_CONTEXTS].first[WITH_STALLED];
    if (first->exposure_s.unknown != NULL) {
        (void)fprintf(cell->out, "(exposure alone: unknown (%s))\n", first->exposure_s.unknown);
        return;
    }
    write_figure(cell->out, "(exposure alone: ", &first->exposure_s, " s)\n");
    if (first->hazard_ratio.unknown == NULL) {
        write_figure(cell->out, "per observation ", &first->hazard_ratio, " times two nodes");
        write_number(cell->out, " (p = ", first->hazard_p, ")\n");
    }
}

static void first_drift_cell(const struct cell *cell)
{
    write_first(cell, WITH_STALLED);
    if (!is_two(cell))
        write_exposure(cell);
    write_first(cell, WITHOUT_STALLED);
    if (cell->column->conditions.already_outside > 0)
        (void)fprintf(cell->out, "already outside at start (%zu/%zu runs)\n",
                      cell->column->conditions.already_outside, cell->column->run_count);
}

/* ---- badge frequency ---- */

static void write_growth(const struct cell *cell, const struct growth *growth)
{
    if (growth->unknown != NULL) {
        (void)fprintf(cell->out, "ratio to two nodes: unknown (%s)\n", growth->unknown);
        return;
    }
    write_number(cell->out, "", growth->ratio, " times two nodes");
    write_number(cell->out, " = links ", growth->links, "");
    if (fabs(growth->activity - 1) > 0.05)
        write_number(cell->out, " × observations per link ", growth->activity, "");
    write_number(cell->out, " × tail ", growth->tail, "");
    write_number(cell->out, " × clustering ", growth->clustering, "\n");
}

static void write_rank(const struct cell *cell, const struct rank_statement *rank)
{
    if (rank->unknown == NULL)
        (void)fprintf(cell->out, "%s\n", rank->text);
    else
        (void)fprintf(cell->out, "rank against two: unknown (%s)\n", rank->unknown);
}

static void frequency_cell(const struct cell *cell)
{
    const struct context_figures *all = &cell->column->rows[ALL_CONTEXTS];
    for (enum variant v = 0; v < VARIANT_COUNT; v++) {
        (void)fputs(stalled_words(v), cell->out);
        write_figure(cell->out, "", &all->per_node_s[v], " per node-s\n");
        if (is_two(cell))
            continue;
        if (v == WITH_STALLED)
            write_growth(cell, &all->growth);
        write_rank(cell, &all->rank[v]);
    }
}

/* ---- drift symmetry ---- */

static void write_symmetry(const struct cell *cell, const struct symmetry_figures *s)
{
    char name[NODE_NAME_BYTES];
    node_name(s->top_node, name);
    if (s->top_share.unknown != NULL)
        return;
    write_number(cell->out, "busiest node has ", s->top_share.value, " of the episodes");
    (void)fprintf(cell->out, " (%s in %zu of %zu)\n", name, s->top_runs, cell->column->run_count);
    write_number(cell->out, "", s->emitting.value, "");
    (void)fprintf(cell->out, " of %u nodes emit\n", cell->column->nodes);
    write_number(cell->out, "Jain ", s->jain.value, "");
    write_number(cell->out, ", by chance ", s->jain_expected.value, "\n");
}

static void symmetry_cell(const struct cell *cell)
{
    const struct context_figures *all = &cell->column->rows[ALL_CONTEXTS];
    for (enum variant v = 0; v < VARIANT_COUNT; v++) {
        const struct symmetry_figures *s = &all->symmetry[v];
        if (s->unknown != NULL)
            (void)fprintf(cell->out, "%sunknown (%s)\n", stalled_words(v), s->unknown);
        else
            (void)fprintf(cell->out, "%s%s\n", stalled_words(v), s->verdict);
        if (v == WITH_STALLED && s->unknown == NULL)
            write_symmetry(cell, s);
    }
}

/* ---- time sensitivity ---- */

static void write_growths(const struct cell *cell, enum context_class class)
{
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        const struct context_figures *row = &cell->column->rows[c];
        bool silent = row->beyond == 0 && row->sensitivity.growth.unknown != NULL;
        if (!row->watched || silent || context_table[c].class != class)
            continue;
        (void)fprintf(cell->out, "%s (%s): ", context_table[c].name, class_name(class));
        if (row->sensitivity.growth.unknown != NULL) {
            (void)fprintf(cell->out, "growth unknown (%s)\n", row->sensitivity.growth.unknown);
            continue;
        }
        write_figure(cell->out, "exceedance × ", &row->sensitivity.growth, "");
        write_number(cell->out, " where two exceed ", row->sensitivity.at_two, "\n");
    }
}

static void write_elasticities(const struct cell *cell)
{
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        const struct context_figures *row = &cell->column->rows[c];
        if (!row->watched || row->sensitivity.elasticity.unknown != NULL)
            continue;
        (void)fprintf(cell->out, "elasticity of %s: ", context_table[c].name);
        write_figure(cell->out, "", &row->sensitivity.elasticity, "\n");
    }
}

static void sensitivity_cell(const struct cell *cell)
{
    const struct context_figures *all = &cell->column->rows[ALL_CONTEXTS];
    if (cell->column->run_count == 0) {
        (void)fprintf(cell->out, "unknown (no run at this node count)\n");
        return;
    }
    if (!is_two(cell)) {
        write_growths(cell, CLASS_TIME);
        write_growths(cell, CLASS_STATE);
    }
    write_elasticities(cell);
    if (!isnan(all->time_share))
        write_number(cell->out, "share of time episodes ", all->time_share,
                     " (depends on the limits)\n");
    else
        (void)fprintf(cell->out, "no episode of either class\n");
}

static void stabilises_cell(const struct cell *cell)
{
    (void)fprintf(cell->out, "not judged yet\n");
}

/* ---- all cells ---- */

typedef void write_cell(const struct cell *cell);

static write_cell *const writers[ASPECT_COUNT] = {
    [ASPECT_FIRST_DRIFT] = first_drift_cell, [ASPECT_FREQUENCY] = frequency_cell,
    [ASPECT_SYMMETRY] = symmetry_cell,       [ASPECT_SENSITIVITY] = sensitivity_cell,
    [ASPECT_STABILISES] = stabilises_cell,
};

static char *cell_text(const struct comparison *c, size_t column, enum aspect aspect)
{
    char *text = NULL;
    size_t size = 0;
    struct cell cell = {open_memstream(&text, &size), c, &c->columns[column]};
    if (cell.out == NULL)
        return NULL;
    writers[aspect](&cell);
    if (fclose(cell.out) != 0) {
        free(text);
        return NULL;
    }
    if (size > 0 && text[size - 1] == '\n')
        text[size - 1] = '\0';
    return text;
}

bool cells_make(struct comparison *c)
{
    c->cells = calloc(c->column_count, sizeof *c->cells);
    if (c->cells == NULL)
        return false;
    for (size_t i = 0; i < c->column_count; i++)
        for (enum aspect a = 0; a < ASPECT_COUNT; a++) {
            c->cells[i][a] = cell_text(c, i, a);
            if (c->cells[i][a] == NULL)
                return false;
        }
    return true;
}

void cells_free(struct comparison *c)
{
    for (size_t i = 0; c->cells != NULL && i < c->column_count; i++)
        for (size_t a = 0; a < ASPECT_COUNT; a++)
            free(c->cells[i][a]);
    free(c->cells);
    c->cells = NULL;
}
