#ifndef MPIDRIFT_PRINT_JSON_H
#define MPIDRIFT_PRINT_JSON_H

#include "analysis/comparison/comparison.h"

#include <jansson.h>

/* What --json prints. Keys stand in this order; a new minor format_version only adds.
 *
 * {
 *   "format": "mpidrift-comparison", "format_version": "1.1.0",
 *   "assumption": text, "calibration_nodes": text,
 *   "differences": [text], "machine_differences": [text], "warnings": [text],
 *   "first_lines": [text], "notes": [text],
 *   "columns": [ {
 *     "label", "scene", "nodes", "group_nodes", "control", "load_total", "load_of_two_nodes",
 *     "runs": [ { "file", "run_id", "seed", "repetition", "complete", "episodes", "watched_s",
 *                 "first_drift_s", "outside_node_s" } ],
 *     "table": { aspect: text }, the sentences of the cells
 *     "conditions": { … },
 *     "contexts": { name: { counts, FIGUREs by the keys of measure_rows, "growth", "rank",
 *                   "first_drift", "symmetry", "sensitivity", "stability", "curve", "what_if" } },
 *     "precedence": PRECEDENCE, "trace": TRACE
 *   } ],
 *   "what_if": null or { "key", "value" }, as given by --what-if
 *   "scenes": [ SCENE ]
 * }
 *
 * FIGURE is { "value", "low", "high" } or { "value", "values": [all runs] } or { "unknown": why }.
 * Each other object, too, may be { "unknown": why } instead. A number that is not known is null.
 * rank, first_drift, symmetry and stability stand twice: { "all", "without_self_stalled" }.
 * sensitivity, curve and what_if stand with single contexts only, not with "all".
 *
 * stability: { "text": "stabilises (6/6 runs)", "verdict": one of stability_words,
 *   "runs_agreeing", "runs", "runs_silent", "runs_saturated",
 *   "coupling": { "verdict", "tau_s", "tau_min_s", "episodes", "self_stalled_left_out", "events",
 *                 "observers_per_event", "left_out_share", TEST },
 *   "trend": { "rising", "p", "s", "rho", "factor", "runs_up", "runs", "windows",
 *              "slope_per_window": FIGURE } }
 * TEST: "forward", "backward", "expected", "effect", "p", "p_shift", "p_jitter", "p_direction";
 *   all null where nothing was tested
 * curve, what the histograms say about other limits: { "unit", "limit_key", "per_key_unit",
 *   "declared", "limits": [ascending], "beyond_share": [of the observations, as many] }
 * what_if: null or { "limit", "share": FIGURE, "share_declared": FIGURE, "ratio": FIGURE }; where
 *   the limit lies inside a bin, the value of share is null and its ends are those of the bin
 * PRECEDENCE: { "verdict": one of precedence_words, "reach_s", "time_episodes", "state_episodes",
 *   "share", "simultaneous_share", "state_events", TEST }
 * TRACE: { "runs", "systems": a run in groups is several, "events", "dropped", "out_of_order",
 *   "covered_s": FIGURE, "awareness": AWARENESS, "enforcement": ENFORCEMENT, "backlog": BACKLOG }
 * AWARENESS: { "limit", "uncertainty_s", "reaction_s", "watched_s", "beyond_s", "intervals",
 *   "none", "some", "all", "not_judged", "none_share": FIGURE, "some_share": FIGURE,
 *   "all_share": FIGURE, "first_badge_mean_s": FIGURE, "first_badge_median_s": FIGURE,
 *   "first_badge_longest_s", "badges", "badges_unmatched", "unmatched_share": FIGURE, "cut_short",
 *   "badges_early" }
 * ENFORCEMENT: { "watched_s", "writes", "forgotten", "open", "state_episodes", "delay_episodes",
 *   "all": WAIT, "majority": WAIT }
 * WAIT: { "writes", "mean_s": FIGURE, "median_s": FIGURE, "longest_s", "cap_per_s": FIGURE,
 *   "asked_per_s": FIGURE, "delay_episodes" }
 * BACKLOG: { "limit", "mean": FIGURE, "share_above_limit": FIGURE, "rises_per_node_s": FIGURE,
 *   "stale_writes": FIGURE, "visible_median_s": FIGURE, "visible_p99_s": FIGURE,
 *   "late_somewhere": FIGURE, "forgotten" }
 *
 * SCENE: { "scene", "two_nodes": label of a column, "largest": label or null,
 *   "questions": [ { "key", "question", "answer": one line, "figures": [sentence],
 *                    "confounds": [sentence], "data": { … } } ],
 *   "insight": [ { "key", "statement", "verdict": "seen", "not seen" or "cannot tell", "why" } ],
 *   "theory": [ { "column": label, "key", "quantity", "unit", "predicted": FIGURE,
 *                 "measured": FIGURE, "ratio", "note" } ] }
 * Questions and their data, in this order:
 *   assumptions   { "outside_fraction_max", "contexts": { name: { "two_nodes": HELD,
 *                   "largest": HELD } }, "failed_only_at_n": [name], "converged": {
 *                   "two_nodes": { "runs", "of" }, "largest": { "runs", "of" } } }
 *                 HELD: { "verdict": "held", "failed" or "cannot tell", "outside_node": FIGURE }
 *   pace          { "verdict", "nodes": [number], "outside_node": [FIGURE], "oversubscribed":
 *                   [true, false or null], "n10": CROSSING, "n50": CROSSING, "n90": CROSSING,
 *                   "widening", "exponent": FIGURE, "cores", "controls": [ { "column",
 *                   "outside_node": FIGURE } ], "ranks": [ { "column", "text" } ] }
 *                 CROSSING: { "place": "unknown", "before", "between" or "not seen", "nodes",
 *                   "from_nodes", "to_nodes", "falls_back" }
 *   time_or_state { "verdict": "time", "state" or "cannot tell", "contexts": { name: { "class",
 *                   "limit", "growth": FIGURE, "elasticity": FIGURE } },
 *                   "precedence": PRECEDENCE of the largest }
 *   awareness     { "verdict": "none", "some", "all" or "cannot tell", "two_nodes": AWARENESS,
 *                   "largest": AWARENESS }
 *   enforcement   { "two_nodes": ENFORCEMENT, "largest": ENFORCEMENT }
 * The insight's keys: earlier, more_frequent, fragment, rare_and_symmetric, time_dominates,
 * emergent. */

/* NULL and a failure both mean that there is no memory for a few bytes: the machine is at its end,
 * and an object without some of its keys would be wrong, so these end the program. */
void json_set(json_t *object, const char *key, json_t *value);
void json_push(json_t *array, json_t *value);

/* A number, or null where it is not finite. */
json_t *json_of_number(double value);
json_t *json_of_count(uint64_t value);
/* Text that is no UTF-8, as a file name may be, is shown with question marks. */
json_t *json_of_text(const char *bytes);
json_t *json_of_texts(const struct text_list *list);
json_t *json_of_unknown(const char *why);
json_t *json_of_figure(const struct figure *figure);

#endif
