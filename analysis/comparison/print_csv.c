#include "analysis/comparison/answers.h"
#include "analysis/comparison/measures.h"
#include "analysis/comparison/print.h"

#include <math.h>
#include <string.h>

struct line {
    FILE *out;
    const struct column *column;
    const char *scene;
    const char *context;
};

/* RFC 4180: a field with a comma, a quote or a line break stands in quotes, quotes doubled. */
static void print_field(FILE *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (const char *at = text; *at != '\0'; at++)
        (void)fprintf(out, *at == '"' ? "\"\"" : "%c", *at);
    (void)fputc('"', out);
}

static void print_number(FILE *out, const char *before, double number)
{
    (void)fputs(before, out);
    if (isfinite(number))
        (void)fprintf(out, "%.10g", number);
}

static void begin_line(const struct line *line, const char *measure)
{
    const struct column *column = line->column;
    print_field(line->out, column->label);
    (void)fputc(',', line->out);
    print_field(line->out, line->scene);
    (void)fprintf(line->out, ",%u,%u,%d,%s,%s", column->nodes, column->group_nodes, column->control,
                  line->context, measure);
}

static void print_figure(const struct line *line, const char *measure, const struct figure *f)
{
    begin_line(line, measure);
    if (f->unknown != NULL) {
        (void)fputs(",,,,,", line->out);
        print_field(line->out, f->unknown);
        (void)fputs("\r\n", line->out);
        return;
    }
    print_number(line->out, ",", f->value);
    print_number(line->out, ",", f->low);
    print_number(line->out, ",", f->high);
    (void)fputc(',', line->out);
    for (size_t i = 0; i < f->value_count; i++)
        print_number(line->out, i > 0 ? " " : "", f->values[i]);
    (void)fputs(",\r\n", line->out);
}

static void print_plain(const struct line *line, const char *measure, double value)
{
    begin_line(line, measure);
    print_number(line->out, ",", value);
    (void)fputs(",,,,\r\n", line->out);
}

static void print_text_field(const struct line *line, const char *measure, const char *text,
                             const char *why)
{
    begin_line(line, measure);
    (void)fputc(',', line->out);
    print_field(line->out, why == NULL ? text : "");
    (void)fputs(",,,,", line->out);
    print_field(line->out, why == NULL ? "" : why);
    (void)fputs("\r\n", line->out);
}

/* ---- evidence ---- */

static const char *const stability_keys[VARIANT_COUNT][2] = {
    {"stability", "trend_p"},
    {"stability_without_self_stalled", "trend_p_without_self_stalled"},
};

static void print_tested(const struct line *line, const char *measure, double value,
                         const char *why, bool is_tested)
{
    struct figure figure = {.unknown = why != NULL ? why
                                       : is_tested ? NULL
                                                   : "not tested",
                            .value = value,
                            .low = (double)NAN,
                            .high = (double)NAN};
    print_figure(line, measure, &figure);
}

static void print_stability(const struct line *line, const struct context_figures *row)
{
    const struct stability_figures *all = &row->stability[WITH_STALLED];
    const char *why = all->unknown != NULL ? all->unknown : all->no_coupling;
    bool is_tested = all->coupling.verdict >= COUPLING_COUPLED;
    for (enum variant v = 0; v < VARIANT_COUNT; v++) {
        const struct stability_figures *s = &row->stability[v];
        print_text_field(line, stability_keys[v][0], s->text, s->unknown);
        print_tested(line, stability_keys[v][1], s->trend.p, s->unknown, !isnan(s->trend.p));
    }
    print_tested(line, "coupling_p", all->coupling.test.p, why, is_tested);
    print_tested(line, "coupling_effect", all->coupling.test.effect, why, is_tested);
}

static void print_trace(const struct line *line, const struct trace_figures *t)
{
    const struct {
        const char *key;
        const char *unknown; /* of its part */
        const struct figure *figure;
    } rows[] = {
        {"awareness_none_share", t->awareness.unknown, &t->awareness.none},
        {"awareness_some_share", t->awareness.unknown, &t->awareness.some},
        {"awareness_all_share", t->awareness.unknown, &t->awareness.all},
        {"awareness_unmatched_share", t->awareness.unknown, &t->awareness.unmatched},
        {"awareness_first_badge_median_s", t->awareness.unknown,
         &t->awareness.first_badge_median_s},
        {"enforced_all_wait_mean_s", t->enforcement.unknown, &t->enforcement.all.mean_s},
        {"enforced_all_cap_per_s", t->enforcement.unknown, &t->enforcement.all.cap_per_s},
        {"enforced_majority_wait_mean_s", t->enforcement.unknown, &t->enforcement.majority.mean_s},
        {"enforced_majority_cap_per_s", t->enforcement.unknown, &t->enforcement.majority.cap_per_s},
        {"enforced_asked_per_s", t->enforcement.unknown, &t->enforcement.all.asked_per_s}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct figure figure = *rows[i].figure;
        figure.unknown = t->unknown != NULL        ? t->unknown
                         : rows[i].unknown != NULL ? rows[i].unknown
                                                   : figure.unknown;
        print_figure(line, rows[i].key, &figure);
    }
}

static void print_theory(const struct line *line, const struct scene_answers *answers)
{
    for (size_t i = 0; i < answers->theory_count; i++) {
        const struct theory_row *row = &answers->theory[i];
        char measure[64];
        if (row->column != line->column)
            continue;
        (void)snprintf(measure, sizeof measure, "%s_predicted", row->key);
        print_figure(line, measure, &row->predicted);
        (void)snprintf(measure, sizeof measure, "%s_measured", row->key);
        print_figure(line, measure, &row->measured);
    }
}

/* Stands with the largest N. */
static void print_insight(const struct line *line, const struct scene_answers *answers)
{
    for (enum insight i = 0; line->column == answers->sides[SIDE_LARGEST] && i < INSIGHT_COUNT;
         i++) {
        char measure[64];
        (void)snprintf(measure, sizeof measure, "insight_%s", insight_keys[i]);
        print_text_field(line, measure, insight_words[answers->insight[i].verdict], NULL);
    }
}

static void print_what_if_figure(const struct line *line, const struct what_if_figures *w)
{
    struct figure share = w->share;
    if (!w->is_asked)
        return;
    if (w->unknown != NULL)
        share.unknown = w->unknown;
    print_figure(line, "what_if_outside_messages", &share);
}

static void print_row(const struct line *line, const struct context_figures *row)
{
    const struct first_drift_figures *first = &row->first[WITH_STALLED];
    const struct symmetry_figures *symmetry = &row->symmetry[WITH_STALLED];
    const char *no_ratio = row->growth.unknown;
    print_plain(line, "observations", (double)row->observations);
    print_plain(line, "beyond", (double)row->beyond);
    print_plain(line, "episodes", (double)row->episodes);
    print_plain(line, "self_stalled", (double)row->self_stalled);
    for (size_t m = 0; m < measure_count; m++)
        print_figure(line, measure_rows[m].key, measure_of(row, m));
    struct figure median = {.unknown = first->unknown,
                            .value = first->reached ? first->median_s : (double)NAN,
                            .low = first->reached ? (double)NAN : first->window_s,
                            .high = (double)NAN};
    print_figure(line, "first_drift_s", &median);
    print_plain(line, "runs_with_drift", (double)first->drifted);
    print_figure(line, "exposure_alone_s", &first->exposure_s);
    print_figure(line, "hazard_ratio", &first->hazard_ratio);
    const struct {
        const char *key;
        double value;
    } factors[] = {{"ratio_to_two", row->growth.ratio},
                   {"ratio_links", row->growth.links},
                   {"ratio_observations_per_link_s", row->growth.activity},
                   {"ratio_tail", row->growth.tail},
                   {"ratio_clustering", row->growth.clustering}};
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        struct figure factor = {no_ratio, factors[i].value, (double)NAN, (double)NAN, 0, {0}};
        print_figure(line, factors[i].key, &factor);
    }
    print_text_field(line, "rank", row->rank[WITH_STALLED].text, row->rank[WITH_STALLED].unknown);
    print_text_field(line, "symmetry", symmetry->verdict, symmetry->unknown);
    print_figure(line, "busiest_share", &symmetry->top_share);
    print_figure(line, "emitting", &symmetry->emitting);
    print_figure(line, "jain", &symmetry->jain);
    print_figure(line, "jain_expected", &symmetry->jain_expected);
    print_figure(line, "exceedance_growth", &row->sensitivity.growth);
    print_text_field(line, "exceedance_rank", row->sensitivity.rank.text,
                     row->sensitivity.rank.unknown);
    print_figure(line, "elasticity", &row->sensitivity.elasticity);
    print_stability(line, row);
    print_what_if_figure(line, &row->what_if);
}

bool print_csv(FILE *out, const struct comparison *c)
{
    (void)fputs(
        "column,scene,nodes,group_nodes,control,context,measure,value,low,high,values,unknown"
        "\r\n",
        out);
    for (size_t i = 0; i < c->column_count; i++)
        for (size_t context = 0; context < CONTEXT_ROWS; context++)
            if (context_is_watched(c, context)) {
                struct line line = {out, &c->columns[i], c->scenes[c->columns[i].scene].name,
                                    context < CONTEXT_COUNT ? context_row_name(context) : "all"};
                print_row(&line, &c->columns[i].rows[context]);
                if (context < CONTEXT_COUNT)
                    continue;
                print_trace(&line, &c->columns[i].trace);
                print_theory(&line, &c->answers[c->columns[i].scene]);
                print_insight(&line, &c->answers[c->columns[i].scene]);
            }
    return fflush(out) == 0 && !ferror(out);
}
