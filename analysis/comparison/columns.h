#ifndef MPIDRIFT_COLUMNS_H
#define MPIDRIFT_COLUMNS_H

#include "analysis/comparison/comparison.h"

/* Sort the runs into columns, scene after scene: two nodes first, with or without runs, then the
 * main series by node count, then the controls. Fills columns, column_count and where each scene
 * has its two nodes and its largest N. False when memory is short. */
bool columns_make(struct comparison *comparison);

/* The two nodes that a column is set beside: those of its scene. */
const struct column *column_of_two(const struct comparison *comparison,
                                   const struct column *column);
void columns_free(struct comparison *comparison);

/* Whether more nodes than cores took part; false where the cores are not recorded. */
bool column_is_oversubscribed(const struct column *column);

/* Fill in conditions from the column's runs. */
void column_conditions(struct column *column);

#endif
