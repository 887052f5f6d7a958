#include "analysis/comparison/print_json_answers.h"

#include "analysis/comparison/answers.h"
#include "analysis/comparison/columns.h"
#include "analysis/comparison/measures.h"
#include "analysis/comparison/print_json_evidence.h"

#include <math.h>

static const char *const side_names[SIDE_COUNT] = {
    [SIDE_TWO] = "two_nodes",
    [SIDE_LARGEST] = "largest",
};

/* ---- assumptions ---- */

static json_t *held_of(const struct scene_answers *answers, enum side side, size_t context)
{
    json_t *object = json_object();
    json_set(object, "verdict", json_of_text(assumption_words[answers->held[side][context]]));
    json_set(object, "outside_node",
             json_of_figure(&answers->sides[side]->rows[context].outside_node[WITH_STALLED]));
    return object;
}

static json_t *assumptions_of(const struct scene_answers *answers)
{
    json_t *object = json_object(), *contexts = json_object(), *failed = json_array();
    json_t *converged = json_object();
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        json_t *context = json_object();
        bool is_watched = false;
        for (enum side side = 0; side < SIDE_COUNT; side++) {
            is_watched = is_watched || answers->sides[side]->rows[c].watched;
            json_set(context, side_names[side], held_of(answers, side, c));
        }
        if (is_watched)
            json_set(contexts, context_row_name(c), json_incref(context));
        json_decref(context);
        if (answers->held[SIDE_TWO][c] == ASSUMPTION_HELD &&
            answers->held[SIDE_LARGEST][c] == ASSUMPTION_FAILED)
            json_push(failed, json_of_text(context_row_name(c)));
    }
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        json_t *runs = json_object();
        json_set(runs, "runs", json_of_count(answers->sides[side]->conditions.converged));
        json_set(runs, "of", json_of_count(answers->sides[side]->conditions.final_states));
        json_set(converged, side_names[side], runs);
    }
    json_set(object, "outside_fraction_max", json_of_number(answers->outside_fraction_max));
    json_set(object, "contexts", contexts);
    json_set(object, "failed_only_at_n", failed);
    json_set(object, "converged", converged);
    return object;
}

/* ---- pace ---- */

static json_t *crossing_of(const struct crossing *crossing)
{
    static const char *const places[] = {[CROSSING_UNKNOWN] = "unknown",
                                         [CROSSING_BEFORE] = "before",
                                         [CROSSING_BETWEEN] = "between",
                                         [CROSSING_NOT_SEEN] = "not seen"};
    json_t *object = json_object();
    json_set(object, "place", json_of_text(places[crossing->place]));
    json_set(object, "nodes", json_of_number(crossing->nodes));
    json_set(object, "from_nodes", json_of_number(crossing->from_nodes));
    json_set(object, "to_nodes", json_of_number(crossing->to_nodes));
    json_set(object, "falls_back", json_boolean(crossing->falls_back));
    return object;
}

static json_t *crowding_of(const struct column *column)
{
    return isnan(column->conditions.nodes_per_core)
               ? json_null()
               : json_boolean(column_is_oversubscribed(column));
}

static void set_scales(json_t *object, const struct pace_figures *pace)
{
    json_t *nodes = json_array(), *outside = json_array(), *crowded = json_array();
    for (size_t i = 0; i < pace->count; i++) {
        const struct column *column = pace->scales[i];
        json_push(nodes, json_of_count(column->nodes));
        json_push(outside, json_of_figure(&column->rows[ALL_CONTEXTS].outside_node[WITH_STALLED]));
        json_push(crowded, crowding_of(column));
    }
    json_set(object, "nodes", nodes);
    json_set(object, "outside_node", outside);
    json_set(object, "oversubscribed", crowded);
}

static json_t *controls_of(const struct comparison *c, size_t scene)
{
    json_t *controls = json_array();
    for (size_t i = 0; i < c->column_count; i++) {
        const struct column *column = &c->columns[i];
        if (column->scene != scene || !column->control)
            continue;
        json_t *control = json_object();
        json_set(control, "column", json_of_text(column->label));
        json_set(control, "outside_node",
                 json_of_figure(&column->rows[ALL_CONTEXTS].outside_node[WITH_STALLED]));
        json_push(controls, control);
    }
    return controls;
}

static json_t *ranks_of(const struct pace_figures *pace)
{
    json_t *ranks = json_array();
    for (size_t i = 0; i < pace->count; i++) {
        const struct rank_statement *rank = &pace->scales[i]->rows[ALL_CONTEXTS].rank[WITH_STALLED];
        if (rank->unknown != NULL)
            continue;
        json_t *one = json_object();
        json_set(one, "column", json_of_text(pace->scales[i]->label));
        json_set(one, "text", json_of_text(rank->text));
        json_push(ranks, one);
    }
    return ranks;
}

static json_t *pace_of(const struct comparison *c, size_t scene)
{
    const struct pace_figures *pace = &c->answers[scene].pace;
    json_t *object = json_object();
    json_set(object, "verdict", json_of_text(pace_words[pace->pace.answer]));
    set_scales(object, pace);
    json_set(object, "n10", crossing_of(&pace->pace.n10));
    json_set(object, "n50", crossing_of(&pace->pace.n50));
    json_set(object, "n90", crossing_of(&pace->pace.n90));
    json_set(object, "widening", json_of_number(pace->pace.widening));
    json_set(object, "exponent", json_of_figure(&pace->exponent));
    json_set(object, "cores", json_of_number(pace->cores));
    json_set(object, "controls", controls_of(c, scene));
    json_set(object, "ranks", ranks_of(pace));
    return object;
}

/* ---- the other three ---- */

static json_t *time_of(const struct scene_answers *answers)
{
    const struct column *n = answers->sides[SIDE_LARGEST];
    json_t *object = json_object(), *contexts = json_object();
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        const struct sensitivity *s = &n->rows[c].sensitivity;
        if (!n->rows[c].watched)
            continue;
        json_t *context = json_object();
        json_set(context, "class", json_of_text(class_name(context_table[c].class)));
        json_set(context, "limit", json_of_number(s->limit));
        json_set(context, "growth", json_of_figure(&s->growth));
        json_set(context, "elasticity", json_of_figure(&s->elasticity));
        json_set(contexts, context_row_name(c), context);
    }
    json_set(object, "verdict", json_of_text(time_words[answers->time]));
    json_set(object, "contexts", contexts);
    json_set(object, "precedence", json_of_precedence(&n->precedence));
    return object;
}

static json_t *awareness_at(const struct column *column)
{
    return column->trace.unknown != NULL ? json_of_unknown(column->trace.unknown)
                                         : json_of_awareness(&column->trace.awareness);
}

static json_t *enforcement_at(const struct column *column)
{
    return column->trace.unknown != NULL ? json_of_unknown(column->trace.unknown)
                                         : json_of_enforcement(&column->trace.enforcement);
}

static json_t *data_of(const struct comparison *c, size_t scene, enum question q)
{
    const struct scene_answers *answers = &c->answers[scene];
    json_t *object;
    switch (q) {
    case QUESTION_ASSUMPTIONS:
        return assumptions_of(answers);
    case QUESTION_PACE:
        return pace_of(c, scene);
    case QUESTION_TIME_OR_STATE:
        return time_of(answers);
    case QUESTION_AWARENESS:
        object = json_object();
        json_set(object, "verdict", json_of_text(awareness_words[answers->awareness]));
        for (enum side side = 0; side < SIDE_COUNT; side++)
            json_set(object, side_names[side], awareness_at(answers->sides[side]));
        return object;
    case QUESTION_ENFORCEMENT:
    case QUESTION_COUNT:
        break;
    }
    object = json_object();
    for (enum side side = 0; side < SIDE_COUNT; side++)
        json_set(object, side_names[side], enforcement_at(answers->sides[side]));
    return object;
}

/* ---- one scene ---- */

static json_t *questions_of(const struct comparison *c, size_t scene)
{
    json_t *questions = json_array();
    for (enum question q = 0; q < QUESTION_COUNT; q++) {
        const struct answer *answer = &c->answers[scene].answers[q];
        json_t *one = json_object();
        json_set(one, "key", json_of_text(question_keys[q]));
        json_set(one, "question", json_of_text(question_texts[q]));
        json_set(one, "answer", json_of_text(answer->line));
        json_set(one, "figures", json_of_texts(&answer->figures));
        json_set(one, "confounds", json_of_texts(&answer->confounds));
        json_set(one, "data", data_of(c, scene, q));
        json_push(questions, one);
    }
    return questions;
}

static json_t *insight_of(const struct scene_answers *answers)
{
    json_t *lines = json_array();
    for (enum insight i = 0; i < INSIGHT_COUNT; i++) {
        json_t *line = json_object();
        json_set(line, "key", json_of_text(insight_keys[i]));
        json_set(line, "statement", json_of_text(insight_texts[i]));
        json_set(line, "verdict", json_of_text(insight_words[answers->insight[i].verdict]));
        json_set(line, "why", json_of_text(answers->insight[i].why));
        json_push(lines, line);
    }
    return lines;
}

static json_t *theory_of(const struct scene_answers *answers)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < answers->theory_count; i++) {
        const struct theory_row *row = &answers->theory[i];
        json_t *one = json_object();
        json_set(one, "column", json_of_text(row->column->label));
        json_set(one, "key", json_of_text(row->key));
        json_set(one, "quantity", json_of_text(row->quantity));
        json_set(one, "unit", json_of_text(row->unit));
        json_set(one, "predicted", json_of_figure(&row->predicted));
        json_set(one, "measured", json_of_figure(&row->measured));
        json_set(one, "ratio", json_of_number(row->ratio));
        json_set(one, "note", json_of_text(row->note));
        json_push(rows, one);
    }
    return rows;
}

json_t *json_of_scenes(const struct comparison *c)
{
    json_t *scenes = json_array();
    for (size_t s = 0; s < c->scene_count; s++) {
        const struct scene_answers *answers = &c->answers[s];
        bool has_larger = answers->sides[SIDE_LARGEST] != answers->sides[SIDE_TWO];
        json_t *scene = json_object();
        json_set(scene, "scene", json_of_text(c->scenes[s].name));
        json_set(scene, "two_nodes", json_of_text(answers->sides[SIDE_TWO]->label));
        json_set(scene, "largest",
                 has_larger ? json_of_text(answers->sides[SIDE_LARGEST]->label) : json_null());
        json_set(scene, "questions", questions_of(c, s));
        json_set(scene, "insight", insight_of(answers));
        json_set(scene, "theory", theory_of(answers));
        json_push(scenes, scene);
    }
    return scenes;
}

json_t *json_of_question(const struct what_if *asked)
{
    if (asked->key == NULL)
        return json_null();
    json_t *object = json_object();
    json_set(object, "key", json_of_text(asked->key));
    json_set(object, "value", json_of_number(asked->value));
    return object;
}
