#ifndef MPIDRIFT_MEASURES_H
#define MPIDRIFT_MEASURES_H

#include "analysis/comparison/comparison.h"

/* The figures that every printer lists per context and column, in this order. */
struct measure_row {
    const char *key;   /* in JSON and CSV, unit last */
    const char *label; /* in text, at most 24 characters */
    size_t offset;     /* of the struct figure in struct context_figures */
};

extern const struct measure_row measure_rows[];
extern const size_t measure_count;

/* How they are to be read. */
extern const char recorded_words[];

const struct figure *measure_of(const struct context_figures *row, size_t measure);

/* "message_delay_exceeded", or "all contexts" for ALL_CONTEXTS. */
const char *context_row_name(size_t context);

/* Does any column watch it? */
bool context_is_watched(const struct comparison *comparison, size_t context);

/* A number in three significant digits, or whole: 0.53, 12.4, 1.2e-05, 4711; "unknown" if it is
 * none. */
void number_text(double number, char text[32]);

/* "1.9 s [1.7, 2.1]", "1.9 s (1.7, 1.9, 2.0)", "at least 1.9 s" or "unknown (why)", `unit` being
 * " s". */
enum { FIGURE_TEXT_BYTES = 192 };
void figure_text(const struct figure *figure, const char *unit, char text[FIGURE_TEXT_BYTES]);

#endif
