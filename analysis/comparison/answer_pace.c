#include "analysis/comparison/answers.h"
#include "analysis/comparison/columns.h"
#include "analysis/comparison/figures.h"
#include "analysis/comparison/measures.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static bool is_scale(const struct comparison *c, size_t scene, const struct column *column)
{
    return column->scene == scene && !column->control && column->run_count > 0 &&
           c->scenes[scene].run_count > 0;
}

static double outside_node(const struct column *column)
{
    return column->rows[ALL_CONTEXTS].outside_node[WITH_STALLED].value;
}

/* ---- figures ---- */

static bool find_scales(const struct comparison *c, size_t scene, struct pace_figures *pace)
{
    pace->scales = calloc(c->column_count + 1, sizeof(const struct column *));
    if (pace->scales == NULL)
        return false;
    pace->cores = (double)NAN;
    for (size_t i = 0; i < c->column_count; i++)
        if (is_scale(c, scene, &c->columns[i])) {
            pace->scales[pace->count++] = &c->columns[i];
            pace->cores = fmin(pace->cores, c->columns[i].conditions.cores); /* ignores NaN */
        }
    return true;
}

static bool find_pace(struct pace_figures *pace)
{
    double *nodes = calloc(2 * pace->count + 1, sizeof *nodes);
    if (nodes == NULL)
        return false;
    for (size_t i = 0; i < pace->count; i++) {
        assert(pace->scales[i] != NULL);
        nodes[i] = pace->scales[i]->nodes;
        nodes[pace->count + i] = outside_node(pace->scales[i]);
    }
    pace->pace = scale_pace_of(nodes, nodes + pace->count, pace->count);
    free(nodes);
    return true;
}

static bool find_exponent(struct pace_figures *pace)
{
    size_t count = 0, filled = 0;
    for (size_t i = 0; i < pace->count; i++)
        count += pace->scales[i]->run_count;
    struct scale_run *runs = calloc(count + 1, sizeof *runs);
    struct scale_exponent exponent;
    if (runs == NULL)
        return false;
    for (size_t i = 0; i < pace->count; i++)
        for (size_t r = 0; r < pace->scales[i]->run_count; r++) {
            const struct run *run = pace->scales[i]->runs[r];
            runs[filled++] =
                (struct scale_run){run->nodes, (double)run->episodes[ALL_CONTEXTS], run->window_s};
        }
    pace->exponent = scale_exponent_of(runs, count, &exponent)
                         ? figure_interval(exponent.value, exponent.low, exponent.high)
                         : figure_unknown("episodes at fewer than two node counts");
    free(runs);
    return true;
}

/* ---- sentences ---- */

static void write_crossing(FILE *out, const char *name, const struct crossing *crossing)
{
    char digits[32];
    number_text(crossing->nodes, digits);
    switch (crossing->place) {
    case CROSSING_UNKNOWN:
        (void)fprintf(out, "%s unknown", name);
        break;
    case CROSSING_BEFORE:
        (void)fprintf(out, "%s at most %s", name, digits);
        break;
    case CROSSING_BETWEEN:
        (void)fprintf(out, "%s %s (between %g and %g)", name, digits, crossing->from_nodes,
                      crossing->to_nodes);
        break;
    case CROSSING_NOT_SEEN:
        (void)fprintf(out, "%s above %s", name, digits);
        break;
    }
    (void)fputs(crossing->falls_back ? ", and the share falls back at a larger N" : "", out);
}

static bool say_crossings(const struct pace_figures *pace, struct answer *answer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return false;
    write_crossing(out, "N10", &pace->pace.n10);
    write_crossing(out, "; N50", &pace->pace.n50);
    write_crossing(out, "; N90", &pace->pace.n90);
    bool done =
        fclose(out) == 0 &&
        text_list_add(&answer->figures,
                      "node count at which 10, 50, 90 %% of the node-time are outside: %s", text);
    free(text);
    return done;
}

static bool say_shares(const struct pace_figures *pace, struct answer *answer)
{
    char *text = NULL, digits[32];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return false;
    for (size_t i = 0; i < pace->count; i++) {
        number_text(outside_node(pace->scales[i]), digits);
        (void)fprintf(out, "%s%u nodes %s", i > 0 ? "; " : "", pace->scales[i]->nodes, digits);
    }
    bool done =
        fclose(out) == 0 && text_list_add(&answer->figures, "share of node-time outside: %s", text);
    free(text);
    return done;
}

static bool say_exponent(const struct pace_figures *pace, struct answer *answer)
{
    char text[FIGURE_TEXT_BYTES];
    figure_text(&pace->exponent, "", text);
    return text_list_add(&answer->figures,
                         "episodes per second of the whole system grow as (N(N-1))^b, b = %s; 1 is "
                         "what the number of links alone does",
                         text);
}

static bool say_ranks(const struct pace_figures *pace, struct answer *answer)
{
    bool done = true;
    for (size_t i = 1; done && i < pace->count; i++) {
        const struct rank_statement *rank = &pace->scales[i]->rows[ALL_CONTEXTS].rank[WITH_STALLED];
        if (rank->unknown == NULL)
            done = text_list_add(&answer->figures, "episodes per node-second at %u nodes: %s",
                                 pace->scales[i]->nodes, rank->text);
    }
    return done;
}

static bool say_cores(const struct pace_figures *pace, struct answer *answer)
{
    if (isnan(pace->cores))
        return text_list_add(&answer->confounds,
                             "how many cores there were is not recorded: crowding may be part");
    for (size_t i = 0; i < pace->count; i++)
        if (column_is_oversubscribed(pace->scales[i]))
            return text_list_add(&answer->confounds,
                                 "from %u nodes on there are more nodes than cores (%g)",
                                 pace->scales[i]->nodes, pace->cores);
    return true;
}

static bool say_controls(const struct comparison *c, size_t scene, struct answer *answer)
{
    bool done = true, found = false;
    for (size_t i = 0; done && i < c->column_count; i++) {
        const struct column *column = &c->columns[i];
        char text[FIGURE_TEXT_BYTES];
        if (column->scene != scene || !column->control || column->run_count == 0)
            continue;
        figure_text(&column->rows[ALL_CONTEXTS].outside_node[WITH_STALLED], "", text);
        done = text_list_add(&answer->confounds, "control %s: outside %s of the node-time",
                             column->label, text);
        found = true;
    }
    if (done && !found)
        done = text_list_add(&answer->confounds,
                             "no controls in this scene: crowding and load grow with N, too");
    return done;
}

static bool say_line(const struct pace_figures *pace, struct answer *answer)
{
    char digits[32];
    number_text(pace->pace.n50.nodes, digits);
    if (pace->pace.n50.place == CROSSING_BETWEEN)
        return answer_say(answer, "%s; half of the node-time is outside at %s nodes",
                          pace_words[pace->pace.answer], digits);
    return answer_say(answer, "%s", pace_words[pace->pace.answer]);
}

bool answer_pace(const struct comparison *c, size_t scene, struct scene_answers *answers)
{
    struct answer *answer = &answers->answers[QUESTION_PACE];
    struct pace_figures *pace = &answers->pace;
    bool done = true;
    if (!find_scales(c, scene, pace) || !find_pace(pace) || !find_exponent(pace))
        return false;
    if (!can_be_answered(answers, answer, &done))
        return done;
    return say_line(pace, answer) && say_shares(pace, answer) && say_crossings(pace, answer) &&
           say_exponent(pace, answer) && say_ranks(pace, answer) && say_cores(pace, answer) &&
           say_controls(c, scene, answer);
}
