#ifndef MPIDRIFT_PRINT_H
#define MPIDRIFT_PRINT_H

#include "analysis/comparison/comparison.h"

/* Printers of a finished comparison. None computes a figure. False after a failed write or when
 * memory is short. */
typedef bool print_comparison(FILE *out, const struct comparison *comparison);

print_comparison print_text;     /* 80 columns, for a terminal */
print_comparison print_markdown; /* the same as Markdown */
print_comparison print_lab;      /* exactly the lab's table: two nodes and the largest N */
print_comparison print_json;
/* One figure a line, RFC 4180: column,scene,nodes,group_nodes,control,context,measure,value,
 * low,high,values,unknown. `values` holds all runs, separated by blanks, where there is no
 * interval. */
print_comparison print_csv;

/* Parts of print_text, where the page says they stand. Colour only on a terminal, and not under
 * NO_COLOR. */
void print_answers(FILE *out, const struct comparison *comparison);
void print_what_if(FILE *out, const struct comparison *comparison);

/* What --what-if found in one column, and how that is to be read. */
enum { WHAT_IF_TEXT_BYTES = 512 };
void what_if_text(const struct what_if_figures *w, char text[WHAT_IF_TEXT_BYTES]);
extern const char what_if_words[];

/* Fold text at blanks (or after '_', where a word is too long) and print it line by line; a line
 * break in the text stands. `first` begins the first line, `next` all others. */
void print_folded(FILE *out, const char *text, size_t width, const char *first, const char *next);

/* The next line of at most `width` characters of UTF-8 at *text, which moves behind it; its length
 * in bytes, its width in *columns. False when nothing is left. */
struct fold {
    const char *begin;
    size_t bytes;
    size_t columns;
};
bool fold_next(const char **text, size_t width, struct fold *line);

#endif
