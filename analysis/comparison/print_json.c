#include "analysis/comparison/print_json.h"

#include "analysis/comparison/measures.h"
#include "analysis/comparison/print.h"
#include "analysis/comparison/print_json_answers.h"
#include "analysis/comparison/print_json_evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *json_of_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_of_count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *json_of_text(const char *bytes)
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

void json_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        abort();
}

void json_push(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        abort();
}

json_t *json_of_unknown(const char *why)
{
    json_t *object = json_object();
    json_set(object, "unknown", json_of_text(why));
    return object;
}

json_t *json_of_figure(const struct figure *f)
{
    if (f->unknown != NULL)
        return json_of_unknown(f->unknown);
    json_t *object = json_object();
    json_set(object, "value", json_of_number(f->value));
    if (f->value_count > 0) {
        json_t *values = json_array();
        for (size_t i = 0; i < f->value_count; i++)
            json_push(values, json_of_number(f->values[i]));
        json_set(object, "values", values);
        return object;
    }
    json_set(object, "low", json_of_number(f->low));
    json_set(object, "high", json_of_number(f->high));
    return object;
}

json_t *json_of_texts(const struct text_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_push(array, json_of_text(list->items[i]));
    return array;
}

static json_t *difference_texts(const struct differences *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_push(array, json_of_text(list->rows[i].text));
    return array;
}

static json_t *node_text(uint32_t node)
{
    char name[NODE_NAME_BYTES];
    node_name(node, name);
    return json_of_text(name);
}

static json_t *growth(const struct growth *g)
{
    if (g->unknown != NULL)
        return json_of_unknown(g->unknown);
    json_t *object = json_object();
    json_set(object, "ratio", json_of_number(g->ratio));
    json_set(object, "links", json_of_number(g->links));
    json_set(object, "observations_per_link_s", json_of_number(g->activity));
    json_set(object, "tail", json_of_number(g->tail));
    json_set(object, "clustering", json_of_number(g->clustering));
    return object;
}

static json_t *rank(const struct rank_statement *r)
{
    if (r->unknown != NULL)
        return json_of_unknown(r->unknown);
    json_t *object = json_object();
    json_set(object, "text", json_of_text(r->text));
    json_set(object, "pairs_above", json_of_number(r->pairs_above));
    json_set(object, "p_above", json_of_number(r->p_above));
    json_set(object, "p_below", json_of_number(r->p_below));
    return object;
}

static json_t *first_drift(const struct first_drift_figures *f)
{
    if (f->unknown != NULL)
        return json_of_unknown(f->unknown);
    json_t *object = json_object();
    json_set(object, "median_s", f->reached ? json_of_number(f->median_s) : json_null());
    json_set(object, "beyond_s", f->reached ? json_null() : json_of_number(f->window_s));
    json_set(object, "runs_with_drift", json_of_count(f->drifted));
    json_set(object, "runs", json_of_count(f->runs));
    json_set(object, "node", f->drifted > 0 ? node_text(f->node) : json_null());
    json_set(object, "node_runs", json_of_count(f->node_runs));
    json_set(object, "exposure_alone_s", json_of_figure(&f->exposure_s));
    json_set(object, "trains_at_two", json_of_count(f->trains_at_two));
    json_set(object, "observations_at_risk_at_two", json_of_number(f->observations_at_risk));
    json_set(object, "hazard_ratio", json_of_figure(&f->hazard_ratio));
    json_set(object, "hazard_p",
             f->hazard_ratio.unknown == NULL ? json_of_number(f->hazard_p) : json_null());
    return object;
}

static json_t *symmetry(const struct symmetry_figures *s)
{
    if (s->unknown != NULL)
        return json_of_unknown(s->unknown);
    json_t *object = json_object();
    json_set(object, "verdict", json_of_text(s->verdict));
    json_set(object, "busiest_node", s->top_runs > 0 ? node_text(s->top_node) : json_null());
    json_set(object, "busiest_node_runs", json_of_count(s->top_runs));
    json_set(object, "busiest_share", json_of_figure(&s->top_share));
    json_set(object, "emitting", json_of_figure(&s->emitting));
    json_set(object, "jain", json_of_figure(&s->jain));
    json_set(object, "jain_expected", json_of_figure(&s->jain_expected));
    json_set(object, "dispersion", json_of_figure(&s->dispersion));
    json_set(object, "variation", json_of_figure(&s->variation));
    json_set(object, "episodes", json_of_figure(&s->episodes));
    json_set(object, "runs_asymmetric", json_of_count(s->asymmetric));
    json_set(object, "runs_symmetric", json_of_count(s->symmetric));
    json_set(object, "runs_too_few", json_of_count(s->too_few));
    json_set(object, "runs_silent", json_of_count(s->silent));
    return object;
}

static json_t *sensitivity(const struct sensitivity *s)
{
    json_t *object = json_object();
    json_set(object, "limit", json_of_number(s->limit));
    json_set(object, "exceedance_at_two", json_of_number(s->at_two));
    json_set(object, "exceedance_here", json_of_number(s->here));
    json_set(object, "growth", json_of_figure(&s->growth));
    json_set(object, "growth_rank", rank(&s->rank));
    json_set(object, "elasticity", json_of_figure(&s->elasticity));
    return object;
}

static json_t *context(const struct context_figures *row, size_t index)
{
    json_t *object = json_object();
    if (index < CONTEXT_COUNT)
        json_set(object, "class", json_of_text(class_name(context_table[index].class)));
    json_set(object, "observations", json_of_count(row->observations));
    json_set(object, "beyond", json_of_count(row->beyond));
    json_set(object, "episodes", json_of_count(row->episodes));
    json_set(object, "self_stalled", json_of_count(row->self_stalled));
    json_set(object, "below_clock_resolution", json_of_count(row->below_clock));
    for (size_t m = 0; m < measure_count; m++)
        json_set(object, measure_rows[m].key, json_of_figure(measure_of(row, m)));
    json_set(object, "counting_dispersion", json_of_number(row->counting_dispersion));
    json_set(object, "time_class_share", json_of_number(row->time_share));
    json_set(object, "growth", growth(&row->growth));
    json_t *ranks = json_object(), *firsts = json_object(), *symmetries = json_object(),
           *stabilities = json_object();
    static const char *const variants[VARIANT_COUNT] = {"all", "without_self_stalled"};
    for (size_t v = 0; v < VARIANT_COUNT; v++) {
        json_set(ranks, variants[v], rank(&row->rank[v]));
        json_set(firsts, variants[v], first_drift(&row->first[v]));
        json_set(symmetries, variants[v], symmetry(&row->symmetry[v]));
        json_set(stabilities, variants[v], json_of_stability(&row->stability[v]));
    }
    json_set(object, "rank", ranks);
    json_set(object, "first_drift", firsts);
    json_set(object, "symmetry", symmetries);
    if (index < CONTEXT_COUNT)
        json_set(object, "sensitivity", sensitivity(&row->sensitivity));
    json_set(object, "stability", stabilities);
    if (index < CONTEXT_COUNT) {
        json_set(object, "curve", json_of_curve(&row->curve));
        json_set(object, "what_if", json_of_what_if(&row->what_if));
    }
    return object;
}

static json_t *conditions(const struct column *column)
{
    const struct column_conditions *k = &column->conditions;
    json_t *object = json_object();
    json_set(object, "cores", json_of_number(k->cores));
    json_set(object, "nodes_per_core", json_of_number(k->nodes_per_core));
    json_set(object, "longest_stall_s", json_of_number(k->longest_stall_s));
    json_set(object, "longest_stall_node", node_text(k->longest_stall_node));
    json_set(object, "clock_uncertainty_s", json_of_number(k->clock_uncertainty_s));
    json_set(object, "runs_clock_suspect", json_of_count(k->clock_suspect));
    json_set(object, "runs_clock_perturbed", json_of_count(k->clock_perturbed));
    json_set(object, "clock_uncertainty_same_host_s",
             json_of_number(k->class_uncertainty_s[PAIRS_SAME_HOST]));
    json_set(object, "clock_uncertainty_cross_host_s",
             json_of_number(k->class_uncertainty_s[PAIRS_CROSS_HOST]));
    bool counted = k->clock_told == column->run_count;
    json_set(object, "messages_early", counted ? json_of_count(k->messages_early) : json_null());
    json_set(object, "messages_impossible",
             counted ? json_of_count(k->messages_impossible) : json_null());
    json_set(object, "runs_clock_unchecked", json_of_count(k->clock_unchecked));
    json_set(object, "same_host_share", json_of_number(k->same_host_share));
    json_set(object, "late_share_same_host", json_of_number(k->class_late_share[PAIRS_SAME_HOST]));
    json_set(object, "late_share_cross_host",
             json_of_number(k->class_late_share[PAIRS_CROSS_HOST]));
    json_set(object, "writes_per_s", json_of_number(k->writes_per_s));
    json_set(object, "cpus_used", json_of_number(k->cpus_used));
    json_set(object, "late_start_s", json_of_number(k->late_start_s));
    json_set(object, "badges_lost", json_of_count(k->badges_lost));
    json_set(object, "badges_out_of_order", json_of_count(k->late_badges));
    json_set(object, "send_suppressed", json_of_count(k->suppressed));
    json_set(object, "in_flight", json_of_count(k->in_flight));
    json_set(object, "trace_dropped", json_of_count(k->trace_dropped));
    json_set(object, "runs_incomplete", json_of_count(k->incomplete));
    json_set(object, "runs_with_sends_unknown", json_of_count(k->counts_unknown));
    json_set(object, "runs_with_final_state", json_of_count(k->final_states));
    json_set(object, "runs_converged", json_of_count(k->converged));
    json_set(object, "runs_already_outside_at_start", json_of_count(k->already_outside));
    json_set(object, "streams_already_outside_at_start", json_of_count(k->already_outside_streams));
    json_set(object, "most_seen_share", json_of_number(k->most_seen_share));
    json_set(object, "most_seen_peer",
             isnan(k->most_seen_share) ? json_null() : node_text(k->most_seen_peer));
    return object;
}

static json_t *one_run(const struct run *run)
{
    const struct tally_row *tally = &run->tally.rows[WITH_STALLED][ALL_CONTEXTS];
    json_t *object = json_object();
    json_set(object, "file", json_of_text(run->path));
    json_set(object, "run_id", json_of_text(run_reader_text(run->reader, "/", "run_id")));
    json_set(object, "seed", json_of_number(run_reader_number(run->reader, "/config", "seed")));
    json_set(object, "repetition",
             json_of_number(run_reader_number(run->reader, "/config", "repetition")));
    json_set(object, "complete", json_boolean(run_reader_complete(run->reader)));
    json_set(object, "episodes", json_of_count(run->episodes[ALL_CONTEXTS]));
    json_set(object, "watched_s", json_of_number(run->watched_s));
    json_set(object, "first_drift_s", json_of_number(tally->first_s));
    json_set(object, "outside_node_s", json_of_number(run->outside_node_s[ALL_CONTEXTS]));
    return object;
}

static json_t *one_column(const struct comparison *c, size_t index)
{
    const struct column *column = &c->columns[index];
    json_t *object = json_object(), *runs = json_array();
    json_t *table = json_object(), *contexts = json_object();
    json_set(object, "label", json_of_text(column->label));
    json_set(object, "scene", json_of_text(c->scenes[column->scene].name));
    json_set(object, "nodes", json_of_count(column->nodes));
    json_set(object, "group_nodes", json_of_count(column->group_nodes));
    json_set(object, "control", json_boolean(column->control));
    json_set(object, "load_total", json_boolean(column->load_total));
    json_set(object, "load_of_two_nodes", json_boolean(column->total_of_two));
    for (size_t i = 0; i < column->run_count; i++)
        json_push(runs, one_run(column->runs[i]));
    for (enum aspect a = 0; a < ASPECT_COUNT; a++)
        json_set(table, aspect_names[a], json_of_text(c->cells[index][a]));
    for (size_t i = 0; i < CONTEXT_ROWS; i++)
        if (context_is_watched(c, i))
            json_set(contexts, i < CONTEXT_COUNT ? context_row_name(i) : "all",
                     context(&column->rows[i], i));
    json_set(object, "runs", runs);
    json_set(object, "table", table);
    json_set(object, "conditions", column->run_count > 0 ? conditions(column) : json_null());
    json_set(object, "contexts", contexts);
    json_set(object, "precedence", json_of_precedence(&column->precedence));
    json_set(object, "trace", json_of_trace(&column->trace, column->conditions.trace_dropped));
    return object;
}

bool print_json(FILE *out, const struct comparison *c)
{
    struct run_reader *reader = c->reference->reader;
    json_t *object = json_object(), *columns = json_array();
    json_set(object, "format", json_of_text("mpidrift-comparison"));
    json_set(object, "format_version", json_of_text("1.1.0"));
    json_set(object, "assumption",
             json_of_text(run_reader_text(reader, "/config/corridor", "assumption")));
    json_set(object, "calibration_nodes",
             json_of_text(run_reader_text(reader, "/config/corridor", "calibration_nodes")));
    json_set(object, "differences", difference_texts(&c->differences));
    json_set(object, "machine_differences", difference_texts(&c->machine));
    json_set(object, "warnings", json_of_texts(&c->warnings));
    json_set(object, "first_lines", json_of_texts(&c->first_lines));
    json_set(object, "notes", json_of_texts(&c->notes));
    for (size_t i = 0; i < c->column_count; i++)
        json_push(columns, one_column(c, i));
    json_set(object, "columns", columns);
    json_set(object, "what_if", json_of_question(&c->what_if));
    json_set(object, "scenes", json_of_scenes(c));
    bool done = json_dumpf(object, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0;
    json_decref(object);
    return done && fputc('\n', out) != EOF && fflush(out) == 0 && !ferror(out);
}
