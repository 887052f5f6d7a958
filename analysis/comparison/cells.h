#ifndef MPIDRIFT_CELLS_H
#define MPIDRIFT_CELLS_H

#include "analysis/comparison/comparison.h"

/* The sentences of the table's cells, made from the figures; one statement a line. False when
 * memory is short. */
bool cells_make(struct comparison *comparison);
void cells_free(struct comparison *comparison);

/* What the words in the table mean, for who sees it for the first time; NULL at the end. */
extern const char *const table_words[];

#endif
