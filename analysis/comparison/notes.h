#ifndef MPIDRIFT_NOTES_H
#define MPIDRIFT_NOTES_H

#include "analysis/comparison/comparison.h"

/* What confounds the reading (metrics, section 6), as sentences: first_lines, notes and warnings.
 * After the figures. False when memory is short. */
bool notes_make(struct comparison *comparison);

#endif
