#include "analysis/comparison/measures.h"
#include "analysis/comparison/print.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* {
 *   "format": "mpidrift-comparison", "format_version": "1.0.0",
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
 *                   "first_drift", "symmetry", "sensitivity"; the last three of these and the rank
 *                   as { "all": …, "without_self_stalled": … } where they exist twice } }
 *   } ]
 * }
 * FIGURE is { "value", "low", "high" } or { "value", "values": [all runs] } or { "unknown": why }.
 * A number that is not known is null. Keys stand in this order. */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Text that is no UTF-8, as a file name may be, is shown with question marks. */
static json_t *text_of(const char *bytes)
{
    json_t *text = json_string(bytes);
    char *plain = text == NULL ? strdup(bytes) : NULL;
    for (char *at = plain; at != NULL && *at != '\0'; at++)
        if ((unsigned char)*at > 127)
            *at = '?';
    if (plain != NULL)
        text = json_string(plain);
    free(plain);
    return text;
}

/* NULL and a failure both mean that there is no memory for a few bytes: the machine is at its end,
 * and an object without some of its keys would be wrong. */
static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        abort();
}

static void append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        abort();
}

static json_t *unknown(const char *why)
{
    json_t *object = json_object();
    set(object, "unknown", text_of(why));
    return object;
}

static json_t *figure(const struct figure *f)
{
    if (f->unknown != NULL)
        return unknown(f->unknown);
    json_t *object = json_object();
    set(object, "value", number(f->value));
    if (f->value_count > 0) {
        json_t *values = json_array();
        for (size_t i = 0; i < f->value_count; i++)
            append(values, number(f->values[i]));
        set(object, "values", values);
        return object;
    }
    set(object, "low", number(f->low));
    set(object, "high", number(f->high));
    return object;
}

static json_t *texts(const struct text_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        append(array, text_of(list->items[i]));
    return array;
}

static json_t *difference_texts(const struct differences *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        append(array, text_of(list->rows[i].text));
    return array;
}

static json_t *node_text(uint32_t node)
{
    char name[NODE_NAME_BYTES];
    node_name(node, name);
    return text_of(name);
}

static json_t *growth(const struct growth *g)
{
    if (g->unknown != NULL)
        return unknown(g->unknown);
    json_t *object = json_object();
    set(object, "ratio", number(g->ratio));
    set(object, "links", number(g->links));
    set(object, "observations_per_link_s", number(g->activity));
    set(object, "tail", number(g->tail));
    set(object, "clustering", number(g->clustering));
    return object;
}

static json_t *rank(const struct rank_statement *r)
{
    if (r->unknown != NULL)
        return unknown(r->unknown);
    json_t *object = json_object();
    set(object, "text", text_of(r->text));
    set(object, "pairs_above", number(r->pairs_above));
    set(object, "p_above", number(r->p_above));
    set(object, "p_below", number(r->p_below));
    return object;
}

static json_t *first_drift(const struct first_drift_figures *f)
{
    if (f->unknown != NULL)
        return unknown(f->unknown);
    json_t *object = json_object();
    set(object, "median_s", f->reached ? number(f->median_s) : json_null());
    set(object, "beyond_s", f->reached ? json_null() : number(f->window_s));
    set(object, "runs_with_drift", count(f->drifted));
    set(object, "runs", count(f->runs));
    set(object, "node", f->drifted > 0 ? node_text(f->node) : json_null());
    set(object, "node_runs", count(f->node_runs));
    set(object, "exposure_alone_s", figure(&f->exposure_s));
    set(object, "trains_at_two", count(f->trains_at_two));
    set(object, "observations_at_risk_at_two", number(f->observations_at_risk));
    set(object, "hazard_ratio", figure(&f->hazard_ratio));
    set(object, "hazard_p", f->hazard_ratio.unknown == NULL ? number(f->hazard_p) : json_null());
    return object;
}

static json_t *symmetry(const struct symmetry_figures *s)
{
    if (s->unknown != NULL)
        return unknown(s->unknown);
    json_t *object = json_object();
    set(object, "verdict", text_of(s->verdict));
    set(object, "busiest_node", s->top_runs > 0 ? node_text(s->top_node) : json_null());
    set(object, "busiest_node_runs", count(s->top_runs));
    set(object, "busiest_share", figure(&s->top_share));
    set(object, "emitting", figure(&s->emitting));
    set(object, "jain", figure(&s->jain));
    set(object, "jain_expected", figure(&s->jain_expected));
    set(object, "dispersion", figure(&s->dispersion));
    set(object, "variation", figure(&s->variation));
    set(object, "episodes", figure(&s->episodes));
    set(object, "runs_asymmetric", count(s->asymmetric));
    set(object, "runs_symmetric", count(s->symmetric));
    set(object, "runs_too_few", count(s->too_few));
    set(object, "runs_silent", count(s->silent));
    return object;
}

static json_t *sensitivity(const struct sensitivity *s)
{
    json_t *object = json_object();
    set(object, "limit", number(s->limit));
    set(object, "exceedance_at_two", number(s->at_two));
    set(object, "exceedance_here", number(s->here));
    set(object, "growth", figure(&s->growth));
    set(object, "elasticity", figure(&s->elasticity));
    return object;
}

static json_t *context(const struct context_figures *row, size_t index)
{
    json_t *object = json_object();
    if (index < CONTEXT_COUNT)
        set(object, "class", text_of(class_name(context_table[index].class)));
    set(object, "observations", count(row->observations));
    set(object, "beyond", count(row->beyond));
    set(object, "episodes", count(row->episodes));
    set(object, "self_stalled", count(row->self_stalled));
    set(object, "below_clock_resolution", count(row->below_clock));
    for (size_t m = 0; m < measure_count; m++)
        set(object, measure_rows[m].key, figure(measure_of(row, m)));
    set(object, "counting_dispersion", number(row->counting_dispersion));
    set(object, "time_class_share", number(row->time_share));
    set(object, "growth", growth(&row->growth));
    json_t *ranks = json_object(), *firsts = json_object(), *symmetries = json_object();
    static const char *const variants[VARIANT_COUNT] = {"all", "without_self_stalled"};
    for (size_t v = 0; v < VARIANT_COUNT; v++) {
        set(ranks, variants[v], rank(&row->rank[v]));
        set(firsts, variants[v], first_drift(&row->first[v]));
        set(symmetries, variants[v], symmetry(&row->symmetry[v]));
    }
    set(object, "rank", ranks);
    set(object, "first_drift", firsts);
    set(object, "symmetry", symmetries);
    if (index < CONTEXT_COUNT)
        set(object, "sensitivity", sensitivity(&row->sensitivity));
    return object;
}

static json_t *conditions(const struct column *column)
{
    const struct column_conditions *k = &column->conditions;
    json_t *object = json_object();
    set(object, "cores", number(k->cores));
    set(object, "nodes_per_core", number(k->nodes_per_core));
    set(object, "longest_stall_s", number(k->longest_stall_s));
    set(object, "longest_stall_node", node_text(k->longest_stall_node));
    set(object, "clock_uncertainty_s", number(k->clock_uncertainty_s));
    set(object, "runs_clock_suspect", count(k->clock_suspect));
    set(object, "same_host_share", number(k->same_host_share));
    set(object, "writes_per_s", number(k->writes_per_s));
    set(object, "cpus_used", number(k->cpus_used));
    set(object, "late_start_s", number(k->late_start_s));
    set(object, "badges_lost", count(k->badges_lost));
    set(object, "badges_out_of_order", count(k->late_badges));
    set(object, "send_suppressed", count(k->suppressed));
    set(object, "in_flight", count(k->in_flight));
    set(object, "trace_dropped", count(k->trace_dropped));
    set(object, "runs_incomplete", count(k->incomplete));
    set(object, "runs_with_sends_unknown", count(k->counts_unknown));
    set(object, "runs_with_final_state", count(k->final_states));
    set(object, "runs_converged", count(k->converged));
    set(object, "runs_already_outside_at_start", count(k->already_outside));
    set(object, "streams_already_outside_at_start", count(k->already_outside_streams));
    set(object, "most_seen_share", number(k->most_seen_share));
    set(object, "most_seen_peer",
        isnan(k->most_seen_share) ? json_null() : node_text(k->most_seen_peer));
    return object;
}

static json_t *one_run(const struct run *run)
{
    const struct tally_row *tally = &run->tally.rows[WITH_STALLED][ALL_CONTEXTS];
    json_t *object = json_object();
    set(object, "file", text_of(run->path));
    set(object, "run_id", text_of(run_reader_text(run->reader, "/", "run_id")));
    set(object, "seed", number(run_reader_number(run->reader, "/config", "seed")));
    set(object, "repetition", number(run_reader_number(run->reader, "/config", "repetition")));
    set(object, "complete", json_boolean(run_reader_complete(run->reader)));
    set(object, "episodes", count(run->episodes[ALL_CONTEXTS]));
    set(object, "watched_s", number(run->watched_s));
    set(object, "first_drift_s", number(tally->first_s));
    set(object, "outside_node_s", number(run->outside_node_s[ALL_CONTEXTS]));
    return object;
}

static json_t *one_column(const struct comparison *c, size_t index)
{
    const struct column *column = &c->columns[index];
    json_t *object = json_object(), *runs = json_array();
    json_t *table = json_object(), *contexts = json_object();
    set(object, "label", text_of(column->label));
    set(object, "scene", text_of(c->scenes[column->scene].name));
    set(object, "nodes", count(column->nodes));
    set(object, "group_nodes", count(column->group_nodes));
    set(object, "control", json_boolean(column->control));
    set(object, "load_total", json_boolean(column->load_total));
    set(object, "load_of_two_nodes", json_boolean(column->total_of_two));
    for (size_t i = 0; i < column->run_count; i++)
        append(runs, one_run(column->runs[i]));
    for (enum aspect a = 0; a < ASPECT_COUNT; a++)
        set(table, aspect_names[a], text_of(c->cells[index][a]));
    for (size_t i = 0; i < CONTEXT_ROWS; i++)
        if (context_is_watched(c, i))
            set(contexts, i < CONTEXT_COUNT ? context_row_name(i) : "all",
                context(&column->rows[i], i));
    set(object, "runs", runs);
    set(object, "table", table);
    set(object, "conditions", column->run_count > 0 ? conditions(column) : json_null());
    set(object, "contexts", contexts);
    return object;
}

bool print_json(FILE *out, const struct comparison *c)
{
    struct run_reader *reader = c->reference->reader;
    json_t *object = json_object(), *columns = json_array();
    set(object, "format", text_of("mpidrift-comparison"));
    set(object, "format_version", text_of("1.0.0"));
    set(object, "assumption", text_of(run_reader_text(reader, "/config/corridor", "assumption")));
    set(object, "calibration_nodes",
        text_of(run_reader_text(reader, "/config/corridor", "calibration_nodes")));
    set(object, "differences", difference_texts(&c->differences));
    set(object, "machine_differences", difference_texts(&c->machine));
    set(object, "warnings", texts(&c->warnings));
    set(object, "first_lines", texts(&c->first_lines));
    set(object, "notes", texts(&c->notes));
    for (size_t i = 0; i < c->column_count; i++)
        append(columns, one_column(c, i));
    set(object, "columns", columns);
    bool done = json_dumpf(object, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0;
    json_decref(object);
    return done && fputc('\n', out) != EOF && fflush(out) == 0 && !ferror(out);
}
