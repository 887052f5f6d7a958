#ifndef MPIDRIFT_SOUND_OUTPUT_H
#define MPIDRIFT_SOUND_OUTPUT_H

#include "made_comparison.h"

/* What holds for every output of a comparison: no printer shows a number that is none, the text
 * fits 80 columns, --lab is the lab's table without an empty cell, JSON is JSON with a column for
 * each. `words` end with NULL or after SOUND_WORDS_MAX, and stand in the Markdown. What is wrong
 * goes to stderr under `name`. */
enum { SOUND_WORDS_MAX = 8 };
bool output_is_sound(const char *name, const struct made_comparison *made,
                     const char *const *words);

/* Is there a word that stands for a number that is none? */
bool has_no_number_word(const char *text);
/* Characters of UTF-8 in the longest line. */
size_t widest_line(const char *text);

#endif
