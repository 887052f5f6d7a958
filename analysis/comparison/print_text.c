#include "analysis/comparison/cells.h"
#include "analysis/comparison/measures.h"
#include "analysis/comparison/print.h"

#include <string.h>

enum {
    PAGE_COLUMNS = 80,
    ASPECT_COLUMNS = 12,
    LABEL_COLUMNS = 26,
    COLUMNS_SIDE_BY_SIDE = 3,
    CELLS_MAX = COLUMNS_SIDE_BY_SIDE + 1,
};

/* ---- a row of cells, each folded to its width ---- */

struct row {
    size_t count;
    const char *texts[CELLS_MAX];
    size_t widths[CELLS_MAX];
    bool framed; /* by '|' */
};

static void pad(FILE *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fputc(' ', out);
}

/* One line of each cell; false when nothing is left. No line ends in blanks. */
static bool print_line(FILE *out, struct row *row)
{
    size_t blanks = 0; /* printed once something follows */
    bool left = false;
    (void)fputs(row->framed ? "| " : "", out);
    for (size_t i = 0; i < row->count; i++) {
        struct fold line = {"", 0, 0};
        (void)fold_next(&row->texts[i], row->widths[i], &line);
        if (line.bytes > 0) {
            pad(out, blanks);
            (void)fprintf(out, "%.*s", (int)line.bytes, line.begin);
            blanks = 0;
        }
        blanks += row->widths[i] - line.columns;
        if (row->framed) {
            pad(out, blanks);
            (void)fputs(i + 1 == row->count ? " |" : " | ", out);
            blanks = 0;
        } else {
            blanks++; /* between the cells */
        }
        left = left || *row->texts[i] != '\0';
    }
    (void)fputc('\n', out);
    return left;
}

static void print_row(FILE *out, struct row row)
{
    while (print_line(out, &row)) {
    }
}

static void print_rule(FILE *out, const struct row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        (void)fputc('|', out);
        for (size_t j = 0; j < row->widths[i] + 2; j++)
            (void)fputc('-', out);
    }
    (void)fputs("|\n", out);
}

/* ---- the table ---- */

static struct row table_row(size_t columns)
{
    struct row row = {.count = columns + 1, .framed = true};
    size_t frames = 4 + 3 * columns;
    row.widths[0] = ASPECT_COLUMNS;
    for (size_t i = 1; i <= columns; i++)
        row.widths[i] = (PAGE_COLUMNS - frames - ASPECT_COLUMNS) / columns;
    return row;
}

static void print_block(FILE *out, const struct comparison *c, size_t first, size_t count)
{
    struct row row = table_row(count);
    row.texts[0] = "Aspect";
    for (size_t i = 0; i < count; i++)
        row.texts[i + 1] = c->columns[first + i].label;
    print_row(out, row);
    for (enum aspect a = 0; a < ASPECT_COUNT; a++) {
        print_rule(out, &row);
        row.texts[0] = aspect_names[a];
        for (size_t i = 0; i < count; i++)
            row.texts[i + 1] = c->cells[first + i][a];
        print_row(out, row);
    }
    (void)fputc('\n', out);
}

/* ---- the recorded measures ---- */

static void print_measure(FILE *out, const struct comparison *c, size_t context, size_t measure,
                          size_t first, size_t count)
{
    char texts[COLUMNS_SIDE_BY_SIDE][FIGURE_TEXT_BYTES];
    struct row row = {.count = count + 1};
    row.texts[0] = measure_rows[measure].label;
    row.widths[0] = LABEL_COLUMNS;
    for (size_t i = 0; i < count; i++) {
        figure_text(measure_of(&c->columns[first + i].rows[context], measure), "", texts[i]);
        row.texts[i + 1] = texts[i];
        row.widths[i + 1] = (PAGE_COLUMNS - LABEL_COLUMNS - count) / count;
    }
    print_row(out, row);
}

static void print_counts(FILE *out, const struct comparison *c, size_t context, size_t first,
                         size_t count)
{
    char texts[COLUMNS_SIDE_BY_SIDE][64];
    struct row row = {.count = count + 1};
    row.texts[0] = "episodes / self-stalled";
    row.widths[0] = LABEL_COLUMNS;
    for (size_t i = 0; i < count; i++) {
        const struct context_figures *figures = &c->columns[first + i].rows[context];
        (void)snprintf(texts[i], sizeof texts[i], "%llu / %llu",
                       (unsigned long long)figures->episodes,
                       (unsigned long long)figures->self_stalled);
        row.texts[i + 1] = texts[i];
        row.widths[i + 1] = (PAGE_COLUMNS - LABEL_COLUMNS - count) / count;
    }
    print_row(out, row);
}

static bool is_silent(const struct comparison *c, size_t context)
{
    for (size_t i = 0; i < c->column_count; i++)
        if (c->columns[i].rows[context].beyond > 0 || c->columns[i].rows[context].episodes > 0)
            return false;
    return true;
}

/* A context that nobody left takes one line. */
static void print_context(FILE *out, const struct comparison *c, size_t context, size_t first,
                          size_t count)
{
    if (!context_is_watched(c, context))
        return;
    if (is_silent(c, context)) {
        uint64_t observations = 0;
        for (size_t i = first; i < first + count; i++)
            observations += c->columns[i].rows[context].observations;
        (void)fprintf(out, "%s\n  never outside in %llu observations\n", context_row_name(context),
                      (unsigned long long)observations);
        return;
    }
    (void)fprintf(out, "%s\n", context_row_name(context));
    for (size_t m = 0; m < measure_count; m++)
        print_measure(out, c, context, m, first, count);
    print_counts(out, c, context, first, count);
}

static void print_measures(FILE *out, const struct comparison *c, size_t first, size_t count)
{
    struct row head = {.count = count + 1};
    head.texts[0] = "";
    head.widths[0] = LABEL_COLUMNS;
    for (size_t i = 0; i < count; i++) {
        head.texts[i + 1] = c->columns[first + i].label;
        head.widths[i + 1] = (PAGE_COLUMNS - LABEL_COLUMNS - count) / count;
    }
    print_row(out, head);
    for (size_t context = 0; context < CONTEXT_ROWS; context++)
        print_context(out, c, context, first, count);
    (void)fputc('\n', out);
}

static void in_blocks(FILE *out, const struct comparison *c,
                      void print(FILE *, const struct comparison *, size_t, size_t))
{
    for (size_t first = 0; first < c->column_count; first += COLUMNS_SIDE_BY_SIDE) {
        size_t left = c->column_count - first;
        print(out, c, first, left < COLUMNS_SIDE_BY_SIDE ? left : COLUMNS_SIDE_BY_SIDE);
    }
}

bool print_text(FILE *out, const struct comparison *c)
{
    const char *assumption =
        run_reader_text(c->reference->reader, "/config/corridor", "assumption");
    print_folded(out, assumption, PAGE_COLUMNS - 12, "Assumption: ", "            ");
    (void)fputc('\n', out);
    if (c->differences.count > 0)
        (void)fputs("Compared by --force, though these settings differ:\n", out);
    for (size_t i = 0; i < c->differences.count; i++)
        print_folded(out, c->differences.rows[i].text, PAGE_COLUMNS - 4, "  - ", "    ");
    (void)fputs(c->differences.count > 0 ? "\n" : "", out);

    in_blocks(out, c, print_block);
    for (size_t i = 0; i < c->first_lines.count; i++)
        print_folded(out, c->first_lines.items[i], PAGE_COLUMNS, "", "");
    (void)fputs("\nWords in the table:\n", out);
    for (size_t i = 0; table_words[i] != NULL; i++)
        print_folded(out, table_words[i], PAGE_COLUMNS - 4, "  - ", "    ");
    (void)fputs("\nRecorded:\n", out);
    print_folded(out, recorded_words, PAGE_COLUMNS, "", "");
    (void)fputc('\n', out);
    in_blocks(out, c, print_measures);
    print_what_if(out, c);
    print_answers(out, c);
    (void)fputs("\nWhat confounds the reading:\n", out);
    for (size_t i = 0; i < c->notes.count; i++)
        print_folded(out, c->notes.items[i], PAGE_COLUMNS - 4, "  - ", "    ");
    return fflush(out) == 0 && !ferror(out);
}
