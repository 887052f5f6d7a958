#ifndef MPIDRIFT_PRINT_JSON_ANSWERS_H
#define MPIDRIFT_PRINT_JSON_ANSWERS_H

#include "analysis/comparison/print_json.h"

/* "scenes" and the top-level "what_if", as print_json.h describes them. */
json_t *json_of_scenes(const struct comparison *c);
json_t *json_of_question(const struct what_if *asked);

#endif
