#ifndef MPIDRIFT_COLUMNS_H
#define MPIDRIFT_COLUMNS_H

#include "analysis/comparison/comparison.h"

/* Sort the runs into columns: two nodes first, with or without runs, then the main series by node
 * count, then the controls. Fills columns, column_count and largest. False when memory is short. */
bool columns_make(struct comparison *comparison);
void columns_free(struct comparison *comparison);

/* Whether more nodes than cores took part; false where the cores are not recorded. */
bool column_is_oversubscribed(const struct column *column);

/* Fill in conditions from the column's runs. */
void column_conditions(struct column *column);

#endif
