#include "analysis/comparison/cells.h"

#include "analysis/comparison/columns.h"
#include "analysis/comparison/measures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const aspect_names[ASPECT_COUNT] = {
    [ASPECT_FIRST_DRIFT] = "First drift observed",  [ASPECT_FREQUENCY] = "Badge frequency",
    [ASPECT_SYMMETRY] = "Drift symmetry",           [ASPECT_SENSITIVITY] = "Time sensitivity",
    [ASPECT_STABILISES] = "Stabilises or cascades",
};

const char *const table_words[] = {
    "node-s: one node watched for one second.",
    "self-stalled: the node's own loop stood still while it waited; then it was late itself.",
    "exposure alone: when N nodes would drift first if each observation were as risky as at two.",
    "links: peers that a node watches; tail: share of observations beyond the limit; clustering: "
    "episodes per observation beyond; each as a multiple of two nodes.",
    "Jain: 1 if all nodes emit alike; by chance: what nodes that are alike reach in so few "
    "episodes.",
    "exceeded … times as often as at two nodes [least, greatest single run], each context at the "
    "limit that two nodes exceed in at most 1 % of the observations, or as near to that as its "
    "values allow.",
    "elasticity: -5 says that a limit 1 % wider is exceeded 5 % less often.",
    "stabilises: episodes neither travel from node to node nor become more frequent during a run; "
    "accumulates: they become more frequent; propagates: they travel; cascades: both; saturated: "
    "outside for more than 80 % of the node-time.",
    "coupled: what is seen about a node is followed by what that node's observer is seen to do, "
    "more often than chance and more often than the other way round; effect: such steps beyond "
    "chance per event.",
    "p: how likely so much or more is if the node count changes nothing; .01 or less is a finding.",
    NULL};

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

/* The unit stands right behind the number, before its interval. */
static void write_figure(FILE *out, const char *before, const struct figure *figure,
                         const char *unit, const char *after)
{
    char text[FIGURE_TEXT_BYTES];
    figure_text(figure, unit, text);
    (void)fprintf(out, "%s%s%s", before, text, after);
}

/* Where no badge is self-stalled, what is said without them is the same. */
static bool says_the_same(const struct cell *cell, enum variant variant)
{
    return variant == WITHOUT_STALLED && cell->column->rows[ALL_CONTEXTS].self_stalled == 0;
}

/* ---- first drift observed ---- */

/* The beginning that every verdict has. Whether the verdict itself is still to be written. */
static bool begin_verdict(const struct cell *cell, enum variant variant, const char *unknown)
{
    bool same = unknown == NULL && says_the_same(cell, variant);
    (void)fputs(stalled_words(variant), cell->out);
    if (unknown != NULL)
        (void)fprintf(cell->out, "unknown (%s)\n", unknown);
    else if (same)
        (void)fputs("the same\n", cell->out);
    return unknown == NULL && !same;
}

static void write_first(const struct cell *cell, enum variant variant)
{
    const struct first_drift_figures *first = &cell->column->rows[ALL_CONTEXTS].first[variant];
    if (!begin_verdict(cell, variant, first->unknown))
        return;
    write_number(cell->out, first->reached ? "" : "> ",
                 first->reached ? first->median_s : first->window_s, " s");
    (void)fprintf(cell->out, " (%zu/%zu runs)\n", first->drifted, first->runs);
}

static void write_first_node(const struct cell *cell)
{
    const struct first_drift_figures *first = &cell->column->rows[ALL_CONTEXTS].first[WITH_STALLED];
    char name[NODE_NAME_BYTES];
    if (first->unknown != NULL || first->drifted == 0)
        return;
    node_name(first->node, name);
    if (first->drifted == 1)
        (void)fprintf(cell->out, "seen first by %s\n", name);
    else
        (void)fprintf(cell->out, "seen first by %s in %zu of %zu runs\n", name, first->node_runs,
                      first->drifted);
}

static void write_exposure(const struct cell *cell)
{
    const struct first_drift_figures *first = &cell->column->rows[ALL_CONTEXTS].first[WITH_STALLED];
    write_figure(cell->out, "(exposure alone: ", &first->exposure_s, " s", ")\n");
    if (first->exposure_s.unknown == NULL && first->hazard_ratio.unknown == NULL) {
        write_figure(cell->out, "risk per observation: ", &first->hazard_ratio, " times two nodes",
                     "");
        write_number(cell->out, ", p = ", first->hazard_p, "\n");
    }
}

static void first_drift_cell(const struct cell *cell)
{
    write_first(cell, WITH_STALLED);
    write_first_node(cell);
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
    write_number(cell->out, " = ", growth->links, " (links)");
    if (fabs(growth->activity - 1) > 0.05)
        write_number(cell->out, " × ", growth->activity, " (observations per link)");
    write_number(cell->out, " × ", growth->tail, " (tail)");
    write_number(cell->out, " × ", growth->clustering, " (clustering)\n");
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
        if (says_the_same(cell, v)) {
            (void)fprintf(cell->out, "%sthe same\n", stalled_words(v));
            continue;
        }
        write_figure(cell->out, stalled_words(v), &all->per_node_s[v], " per node-s", "\n");
        if (is_two(cell))
            continue;
        if (v == WITH_STALLED)
            write_growth(cell, &all->growth);
        write_rank(cell, &all->rank[v]);
    }
}

/* ---- drift symmetry ---- */

static void write_verdict(const struct cell *cell, enum variant variant)
{
    const struct symmetry_figures *s = &cell->column->rows[ALL_CONTEXTS].symmetry[variant];
    if (begin_verdict(cell, variant, s->unknown))
        (void)fprintf(cell->out, "%s%s\n", s->verdict,
                      strcmp(s->verdict, "too few") == 0  ? " episodes to tell"
                      : strcmp(s->verdict, "silent") == 0 ? " (no episode)"
                                                          : "");
}

static void write_symmetry(const struct cell *cell, const struct symmetry_figures *s)
{
    char name[NODE_NAME_BYTES];
    node_name(s->top_node, name);
    if (s->unknown != NULL || s->top_share.unknown != NULL)
        return;
    write_number(cell->out, "busiest node: ", 100 * s->top_share.value, " % of the episodes");
    (void)fprintf(cell->out, " (%s in %zu of %zu runs)\n", name, s->top_runs,
                  cell->column->run_count);
    write_number(cell->out, "", s->emitting.value, "");
    (void)fprintf(cell->out, " of %u nodes emit\n", cell->column->nodes);
    write_number(cell->out, "Jain ", s->jain.value, "");
    write_number(cell->out, ", by chance ", s->jain_expected.value, "\n");
}

static void symmetry_cell(const struct cell *cell)
{
    write_verdict(cell, WITH_STALLED);
    write_symmetry(cell, &cell->column->rows[ALL_CONTEXTS].symmetry[WITH_STALLED]);
    write_verdict(cell, WITHOUT_STALLED);
}

/* ---- time sensitivity ---- */

static void write_known_growths(const struct cell *cell, enum context_class class)
{
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        const struct sensitivity *s = &cell->column->rows[c].sensitivity;
        if (context_table[c].class != class || s->growth.unknown != NULL)
            continue;
        (void)fprintf(cell->out, "%s (%s): ", context_table[c].name, class_name(class));
        write_figure(cell->out, "exceeded ", &s->growth, " times as often", "");
        if (s->rank.unknown == NULL)
            write_number(cell->out, ", p = ", s->rank.p_above, "");
        (void)fputc('\n', cell->out);
    }
}

/* Nothing is said about a context that stayed inside. */
static const char *why_no_growth(const struct cell *cell, size_t context)
{
    const struct context_figures *row = &cell->column->rows[context];
    return row->watched && row->beyond > 0 ? row->sensitivity.growth.unknown : NULL;
}

/* Contexts whose growth is unknown for the same reason share a sentence, and the first says it. */
static void write_unknown_growths(const struct cell *cell)
{
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        const char *why = why_no_growth(cell, c);
        size_t before = 0, alike = 0;
        for (size_t other = 0; why != NULL && other < CONTEXT_COUNT; other++) {
            const char *why_other = why_no_growth(cell, other);
            bool same = why_other != NULL && strcmp(why, why_other) == 0;
            before += same && other < c;
            alike += same;
        }
        if (why == NULL || before > 0)
            continue;
        if (alike == 1)
            (void)fprintf(cell->out, "growth of %s: unknown (%s)\n", context_table[c].name, why);
        else
            (void)fprintf(cell->out, "growth of %zu contexts: unknown (%s)\n", alike, why);
    }
}

static void write_elasticities(const struct cell *cell)
{
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        const struct context_figures *row = &cell->column->rows[c];
        if (!row->watched || row->sensitivity.elasticity.unknown != NULL)
            continue;
        (void)fprintf(cell->out, "elasticity of %s: ", context_table[c].name);
        write_figure(cell->out, "", &row->sensitivity.elasticity, "", "\n");
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
        write_known_growths(cell, CLASS_TIME);
        write_known_growths(cell, CLASS_STATE);
        write_unknown_growths(cell);
    }
    write_elasticities(cell);
    if (isnan(all->time_share))
        (void)fprintf(cell->out, "share of time contexts: unknown (no episode)\n");
    else
        write_number(cell->out, "time contexts: ", 100 * all->time_share,
                     " % of the episodes (depends on the limits)\n");
}

/* ---- stabilises or cascades ---- */

static void write_stability(const struct cell *cell, enum variant variant)
{
    const struct stability_figures *s = &cell->column->rows[ALL_CONTEXTS].stability[variant];
    if (begin_verdict(cell, variant, s->unknown))
        (void)fprintf(cell->out, "%s\n", s->text);
}

static void write_coupling(const struct cell *cell)
{
    const struct stability_figures *s = &cell->column->rows[ALL_CONTEXTS].stability[WITH_STALLED];
    const struct coupling *coupling = &s->coupling;
    if (s->unknown != NULL || s->no_coupling != NULL)
        return;
    switch (coupling->verdict) {
    case COUPLING_COUPLED:
    case COUPLING_CLUSTERED:
    case COUPLING_NONE_FOUND:
        (void)fprintf(cell->out, "%s among %zu events", coupling_words[coupling->verdict],
                      coupling->events);
        write_number(cell->out, ", p = ", coupling->test.p, "");
        write_number(cell->out, ", effect ", coupling->test.effect, "\n");
        break;
    case COUPLING_TOO_FEW:
        (void)fprintf(cell->out, "coupling: too few to tell (%zu events)\n", coupling->events);
        break;
    case COUPLING_NOT_APPLICABLE:
    case COUPLING_TOO_MANY:
    case COUPLING_VERDICTS:
        break;
    }
}

/* One run of a few episodes rises or falls by chance: only what is judged is said. */
static void write_trend(const struct cell *cell)
{
    const struct stability_figures *s = &cell->column->rows[ALL_CONTEXTS].stability[WITH_STALLED];
    if (s->unknown != NULL || cell->column->rows[ALL_CONTEXTS].episodes == 0 || isnan(s->trend.p))
        return;
    (void)fprintf(cell->out, "%s: up in %zu of %zu runs", s->trend.rising ? "rising" : "not rising",
                  s->trend.up, s->trend.runs);
    write_number(cell->out, ", p = ", s->trend.p, "\n");
}

static void stabilises_cell(const struct cell *cell)
{
    write_stability(cell, WITH_STALLED);
    write_coupling(cell);
    write_trend(cell);
    write_stability(cell, WITHOUT_STALLED);
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
