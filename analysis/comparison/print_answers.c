#include "analysis/comparison/answers.h"
#include "analysis/comparison/measures.h"
#include "analysis/comparison/print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The lab's questions, theory beside measurement and the key insight, for a terminal. */

enum { PAGE_COLUMNS = 80, VERDICT_COLUMNS = 13 };

/* ---- colour ---- */

static bool has_colour(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR"); /* no-color.org: set and not empty */
    return (no_colour == NULL || no_colour[0] == '\0') && isatty(fileno(out)) == 1;
}

static const char *const colours[INSIGHT_VERDICTS] = {
    [CANNOT_TELL] = "\033[33m", [NOT_SEEN] = "\033[36m", [SEEN] = "\033[32m"};
static const char bold[] = "\033[1m", plain[] = "\033[0m";

static void print_heading(FILE *out, const struct comparison *c, const char *what, size_t scene)
{
    bool colour = has_colour(out);
    (void)fprintf(out, "\n%s%s%s%s%s:\n", colour ? bold : "", what, c->scene_count > 1 ? ", " : "",
                  c->scene_count > 1 ? c->scenes[scene].name : "", colour ? plain : "");
}

/* ---- questions ---- */

static void print_question(FILE *out, const struct scene_answers *answers, enum question q)
{
    const struct answer *answer = &answers->answers[q];
    char first[16];
    bool colour = has_colour(out);
    (void)snprintf(first, sizeof first, "%d. ", (int)q + 1);
    print_folded(out, question_texts[q], PAGE_COLUMNS - 3, first, "   ");
    (void)fputs(colour ? bold : "", out);
    print_folded(out, answer->line, PAGE_COLUMNS - 3, "   ", "   ");
    (void)fputs(colour ? plain : "", out);
    for (size_t i = 0; i < answer->figures.count; i++)
        print_folded(out, answer->figures.items[i], PAGE_COLUMNS - 5, "   - ", "     ");
    for (size_t i = 0; i < answer->confounds.count; i++)
        print_folded(out, answer->confounds.items[i], PAGE_COLUMNS - 8, "   but: ", "        ");
}

/* ---- theory ---- */

static void figure_digits(const struct figure *figure, char digits[32])
{
    if (figure->unknown != NULL)
        (void)snprintf(digits, 32, "unknown");
    else
        number_text(figure->value, digits);
}

static void print_theory_row(FILE *out, const struct theory_row *row)
{
    char what[64], predicted[32], measured[32], ratio[32] = "";
    (void)snprintf(what, sizeof what, "%s%s%s", row->quantity, row->unit[0] != '\0' ? ", " : "",
                   row->unit);
    figure_digits(&row->predicted, predicted);
    figure_digits(&row->measured, measured);
    if (isfinite(row->ratio))
        number_text(row->ratio, ratio);
    (void)fprintf(out, "  %-42s %10s %10s %s%s\n", what, predicted, measured,
                  ratio[0] != '\0' ? "" : "-", ratio);
    const char *why = row->predicted.unknown != NULL  ? row->predicted.unknown
                      : row->measured.unknown != NULL ? row->measured.unknown
                                                      : NULL;
    if (why == NULL)
        return;
    char text[128];
    (void)snprintf(text, sizeof text, "(%s)", why);
    print_folded(out, text, PAGE_COLUMNS - 6, "      ", "      ");
}

static void print_theory(FILE *out, const struct scene_answers *answers)
{
    const struct column *column = NULL;
    for (size_t i = 0; i < answers->theory_count; i++) {
        const struct theory_row *row = &answers->theory[i];
        if (row->column != column)
            (void)fprintf(out, "%-44s %10s %10s ratio\n", row->column->label, "predicted",
                          "measured");
        column = row->column;
        print_theory_row(out, row);
    }
}

/* ---- insight ---- */

static void print_insight(FILE *out, const struct scene_answers *answers)
{
    bool colour = has_colour(out);
    for (enum insight i = 0; i < INSIGHT_COUNT; i++) {
        const struct insight_line *line = &answers->insight[i];
        char first[64], *text = NULL;
        (void)snprintf(first, sizeof first, "  %s%-*s%s", colour ? colours[line->verdict] : "",
                       VERDICT_COLUMNS, insight_words[line->verdict], colour ? plain : "");
        if (asprintf(&text, "%s: %s", insight_texts[i], line->why) < 0)
            return;
        print_folded(out, text, PAGE_COLUMNS - 2 - VERDICT_COLUMNS, first, "               ");
        free(text);
    }
}

void print_answers(FILE *out, const struct comparison *c)
{
    for (size_t s = 0; s < c->scene_count; s++) {
        print_heading(out, c, "The lab's questions", s);
        for (enum question q = 0; q < QUESTION_COUNT; q++)
            print_question(out, &c->answers[s], q);
        print_heading(out, c, "Theory beside measurement", s);
        print_theory(out, &c->answers[s]);
        print_heading(out, c, "Key insight", s);
        print_insight(out, &c->answers[s]);
    }
}

/* ---- what if ---- */

const char what_if_words[] =
    "Shares of the observations beyond the limit. Episodes, first drift, shares of time and all "
    "verdicts would need a new run with that limit: the histograms hold single observations and "
    "not their order.";

void what_if_text(const struct what_if_figures *w, char text[WHAT_IF_TEXT_BYTES])
{
    char share[FIGURE_TEXT_BYTES], declared[FIGURE_TEXT_BYTES], ratio[32] = "";
    if (w->unknown != NULL) {
        (void)snprintf(text, WHAT_IF_TEXT_BYTES, "unknown (%s)", w->unknown);
        return;
    }
    if (w->share.unknown == NULL && isnan(w->share.value)) {
        char low[32], high[32];
        number_text(w->share.low, low);
        number_text(w->share.high, high);
        (void)snprintf(share, sizeof share, "between %s and %s", low, high);
    } else {
        figure_text(&w->share, "", share);
    }
    figure_text(&w->share_declared, "", declared);
    if (w->ratio.unknown == NULL && !isnan(w->ratio.value))
        number_text(w->ratio.value, ratio);
    (void)snprintf(text, WHAT_IF_TEXT_BYTES, "%s; with the declared limit %s%s%s%s", share,
                   declared, ratio[0] != '\0' ? " (" : "", ratio,
                   ratio[0] != '\0' ? " times as often)" : "");
}

void print_what_if(FILE *out, const struct comparison *c)
{
    const struct what_if *asked = &c->what_if;
    if (asked->key == NULL)
        return;
    (void)fprintf(out, "\nWhat if %s had been %g:\n", asked->key, asked->value);
    for (size_t i = 0; i < c->column_count; i++) {
        char text[WHAT_IF_TEXT_BYTES], first[96];
        what_if_text(&c->columns[i].rows[asked->context].what_if, text);
        (void)snprintf(first, sizeof first, "  %s: ", c->columns[i].label);
        size_t indent = strlen(first);
        print_folded(out, text, PAGE_COLUMNS > indent + 20 ? PAGE_COLUMNS - indent : 20, first,
                     "    ");
    }
    print_folded(out, what_if_words, PAGE_COLUMNS - 2, "  ", "  ");
}
