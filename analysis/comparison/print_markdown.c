#include "analysis/comparison/cells.h"
#include "analysis/comparison/measures.h"
#include "analysis/comparison/print.h"

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
    (void)fputs("\n## What confounds the reading\n\n", out);
    for (size_t i = 0; i < c->notes.count; i++)
        (void)fprintf(out, "- %s\n", c->notes.items[i]);
    return fflush(out) == 0 && !ferror(out);
}
