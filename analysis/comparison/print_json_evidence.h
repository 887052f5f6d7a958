#ifndef MPIDRIFT_PRINT_JSON_EVIDENCE_H
#define MPIDRIFT_PRINT_JSON_EVIDENCE_H

#include "analysis/comparison/print_json.h"

/* The parts of --json that stand in evidence.h, as print_json.h describes them. */
json_t *json_of_stability(const struct stability_figures *s);
json_t *json_of_precedence(const struct precedence_figures *p);
json_t *json_of_curve(const struct curve_figures *curve);
json_t *json_of_what_if(const struct what_if_figures *w);
json_t *json_of_trace(const struct trace_figures *t, uint64_t dropped);
json_t *json_of_awareness(const struct awareness_figures *a);
json_t *json_of_enforcement(const struct enforcement_figures *e);

#endif
