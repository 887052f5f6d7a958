#include "analysis/comparison/answers.h"
#include "analysis/comparison/cells.h"
#include "analysis/comparison/measures.h"
#include "analysis/comparison/print.h"

#include <math.h>
#include <string.h>

/* A cell's lines joined; what would end the cell is escaped. */
static void print_cell(FILE *out, const char *text, const char *joint)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n')
            (void)fputs(joint, out);
        else if (*at == '|')
            (void)fputs("\\|", out);
        else
            (void)fputc(*at, out);
    }
}

bool print_lab(FILE *out, const struct comparison *c)
{
    (void)fputs("| Aspect | Two Nodes | N Nodes |\n|---|---|---|\n", out);
    for (enum aspect a = 0; a < (enum aspect)ASPECTS_OF_THE_LAB; a++) {
        (void)fprintf(out, "| %s | ", aspect_names[a]);
        print_cell(out, c->cells[c->scenes[0].two][a], "; ");
        (void)fputs(" | ", out);
        size_t largest = c->scenes[0].largest;
        if (largest == c->scenes[0].two)
            (void)fputs("unknown (no run at more than two nodes)", out);
        else {
            if (a == ASPECT_FIRST_DRIFT)
                (void)fprintf(out, "%s: ", c->columns[largest].label);
            print_cell(out, c->cells[largest][a], "; ");
        }
        (void)fputs(" |\n", out);
    }
    return fflush(out) == 0 && !ferror(out);
}

static void print_head(FILE *out, const struct comparison *c, const char *first)
{
    (void)fprintf(out, "| %s |", first);
    for (size_t i = 0; i < c->column_count; i++)
        (void)fprintf(out, " %s |", c->columns[i].label);
    (void)fputs("\n|---|", out);
    for (size_t i = 0; i < c->column_count; i++)
        (void)fputs("---|", out);
    (void)fputc('\n', out);
}

static void print_measures(FILE *out, const struct comparison *c, size_t context)
{
    char text[FIGURE_TEXT_BYTES];
    (void)fprintf(out, "\n### %s\n\n", context_row_name(context));
    print_head(out, c, "Recorded");
    for (size_t m = 0; m < measure_count; m++) {
        const char *label = measure_rows[m].label;
        (void)fprintf(out, "| %s |", label + strspn(label, " "));
        for (size_t i = 0; i < c->column_count; i++) {
            figure_text(measure_of(&c->columns[i].rows[context], m), "", text);
            (void)fprintf(out, " %s |", text);
        }
        (void)fputc('\n', out);
    }
    (void)fputs("| episodes / self-stalled |", out);
    for (size_t i = 0; i < c->column_count; i++)
        (void)fprintf(out, " %llu / %llu |",
                      (unsigned long long)c->columns[i].rows[context].episodes,
                      (unsigned long long)c->columns[i].rows[context].self_stalled);
    (void)fputc('\n', out);
}

/* ---- the answers ---- */

static void print_question(FILE *out, const struct answer *answer, enum question q)
{
    (void)fprintf(out, "\n### %d. %s\n\n**", (int)q + 1, question_texts[q]);
    print_cell(out, answer->line, " ");
    (void)fputs("**\n\n", out);
    for (size_t i = 0; i < answer->figures.count; i++)
        (void)fprintf(out, "- %s\n", answer->figures.items[i]);
    for (size_t i = 0; i < answer->confounds.count; i++)
        (void)fprintf(out, "- *but:* %s\n", answer->confounds.items[i]);
}

static void print_theory_figure(FILE *out, const struct figure *figure)
{
    char digits[32];
    if (figure->unknown != NULL) {
        (void)fprintf(out, " unknown (%s) |", figure->unknown);
        return;
    }
    number_text(figure->value, digits);
    (void)fprintf(out, " %s |", digits);
}

static void print_theory(FILE *out, const struct scene_answers *answers)
{
    (void)fputs("\n| | Quantity | Predicted | Measured | Ratio | |\n|---|---|---|---|---|---|\n",
                out);
    for (size_t i = 0; i < answers->theory_count; i++) {
        const struct theory_row *row = &answers->theory[i];
        char ratio[32] = "-";
        if (isfinite(row->ratio))
            number_text(row->ratio, ratio);
        (void)fprintf(out, "| %s | %s%s%s |", row->column->label, row->quantity,
                      row->unit[0] != '\0' ? ", " : "", row->unit);
        print_theory_figure(out, &row->predicted);
        print_theory_figure(out, &row->measured);
        (void)fprintf(out, " %s | %s |\n", ratio, row->note);
    }
}

static void print_heading(FILE *out, const struct comparison *c, const char *what, size_t scene)
{
    (void)fprintf(out, "\n## %s%s%s\n", what, c->scene_count > 1 ? ", " : "",
                  c->scene_count > 1 ? c->scenes[scene].name : "");
}

static void print_scene(FILE *out, const struct comparison *c, size_t scene)
{
    const struct scene_answers *answers = &c->answers[scene];
    print_heading(out, c, "The lab's questions", scene);
    for (enum question q = 0; q < QUESTION_COUNT; q++)
        print_question(out, &answers->answers[q], q);
    print_heading(out, c, "Theory beside measurement", scene);
    print_theory(out, answers);
    print_heading(out, c, "Key insight", scene);
    (void)fputc('\n', out);
    for (enum insight i = 0; i < INSIGHT_COUNT; i++)
        (void)fprintf(out, "- **%s** %s: %s\n", insight_words[answers->insight[i].verdict],
                      insight_texts[i], answers->insight[i].why);
}

static void print_what_if_list(FILE *out, const struct comparison *c)
{
    const struct what_if *asked = &c->what_if;
    if (asked->key == NULL)
        return;
    (void)fprintf(out, "\n## What if %s had been %g\n\n", asked->key, asked->value);
    for (size_t i = 0; i < c->column_count; i++) {
        char text[WHAT_IF_TEXT_BYTES];
        what_if_text(&c->columns[i].rows[asked->context].what_if, text);
        (void)fprintf(out, "- %s: %s\n", c->columns[i].label, text);
    }
    (void)fprintf(out, "\n%s\n", what_if_words);
}

bool print_markdown(FILE *out, const struct comparison *c)
{
    (void)fprintf(out, "Assumption: %s\n\n",
                  run_reader_text(c->reference->reader, "/config/corridor", "assumption"));
    if (c->differences.count > 0)
        (void)fputs("Compared by `--force`, though these settings differ:\n\n", out);
    for (size_t i = 0; i < c->differences.count; i++)
        (void)fprintf(out, "- %s\n", c->differences.rows[i].text);
    (void)fputs(c->differences.count > 0 ? "\n" : "", out);

    print_head(out, c, "Aspect");
    for (enum aspect a = 0; a < ASPECT_COUNT; a++) {
        (void)fprintf(out, "| %s |", aspect_names[a]);
        for (size_t i = 0; i < c->column_count; i++) {
            (void)fputc(' ', out);
            print_cell(out, c->cells[i][a], "<br>");
            (void)fputs(" |", out);
        }
        (void)fputc('\n', out);
    }
    for (size_t i = 0; i < c->first_lines.count; i++)
        (void)fprintf(out, "\n%s\n", c->first_lines.items[i]);
    (void)fputs("\nWords in the table:\n\n", out);
    for (size_t i = 0; table_words[i] != NULL; i++)
        (void)fprintf(out, "- %s\n", table_words[i]);
    (void)fprintf(out, "\n## Recorded\n\n%s\n", recorded_words);
    for (size_t context = 0; context < CONTEXT_ROWS; context++)
        if (context_is_watched(c, context))
            print_measures(out, c, context);
    print_what_if_list(out, c);
    for (size_t s = 0; s < c->scene_count; s++)
        print_scene(out, c, s);
    (void)fputs("\n## What confounds the reading\n\n", out);
    for (size_t i = 0; i < c->notes.count; i++)
        (void)fprintf(out, "- %s\n", c->notes.items[i]);
    return fflush(out) == 0 && !ferror(out);
}
