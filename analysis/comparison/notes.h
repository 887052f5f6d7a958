#ifndef MPIDRIFT_NOTES_H
#define MPIDRIFT_NOTES_H

#include "analysis/comparison/comparison.h"

/* What confounds the reading (metrics, section 6), as sentences: first_lines, notes and warnings.
 * After the figures. False when memory is short. */
bool notes_make(struct comparison *comparison);

/* What one column says about itself in a list "Two nodes: 1; 16 nodes: 8". */
typedef void write_condition(FILE *out, const struct column *column);
/* One sentence for all columns that have runs. */
bool note_each(struct comparison *comparison, struct text_list *list, const char *what,
               write_condition *write);
/* The number and its unit; "unknown (not recorded)" if it is none. */
void write_digits(FILE *out, double number, const char *unit);

/* The parts about clocks and hosts. The first two go to first_lines. */
bool say_link_class(struct comparison *comparison);
bool say_clock_suspects(struct comparison *comparison);
bool say_clocks(struct comparison *comparison);

#endif
