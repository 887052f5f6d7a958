#include "analysis/comparison/answers.h"
#include "analysis/comparison/measures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_FOR_AN_INTERVAL = 6 }; /* rates.h, median_interval */

static bool is_watched(const struct scene_answers *answers, size_t context)
{
    return answers->sides[SIDE_TWO]->rows[context].watched &&
           answers->sides[SIDE_LARGEST]->rows[context].watched;
}

static const struct figure *outside_of(const struct scene_answers *answers, enum side side,
                                       size_t context)
{
    return &answers->sides[side]->rows[context].outside_node[WITH_STALLED];
}

static void judge(struct scene_answers *answers)
{
    for (enum side side = 0; side < SIDE_COUNT; side++)
        for (size_t c = 0; c < CONTEXT_COUNT; c++) {
            const struct figure *outside = outside_of(answers, side, c);
            answers->held[side][c] =
                outside->unknown != NULL
                    ? ASSUMPTION_CANNOT_TELL
                    : assumption_of(outside->low, outside->high, answers->outside_fraction_max);
        }
}

/* ---- the line ---- */

typedef bool choose(const struct scene_answers *answers, size_t context);

static bool failed_only_at_n(const struct scene_answers *answers, size_t c)
{
    return answers->held[SIDE_TWO][c] == ASSUMPTION_HELD &&
           answers->held[SIDE_LARGEST][c] == ASSUMPTION_FAILED;
}

static bool failed_at_two(const struct scene_answers *answers, size_t c)
{
    return answers->held[SIDE_TWO][c] == ASSUMPTION_FAILED;
}

static bool cannot_be_told(const struct scene_answers *answers, size_t c)
{
    return answers->held[SIDE_TWO][c] == ASSUMPTION_CANNOT_TELL ||
           answers->held[SIDE_LARGEST][c] == ASSUMPTION_CANNOT_TELL;
}

/* Whole at both, in every run. */
static bool never_outside(const struct scene_answers *answers, size_t c)
{
    bool never = true;
    for (enum side side = 0; side < SIDE_COUNT; side++) {
        const struct figure *outside = outside_of(answers, side, c);
        double most =
            outside->value_count > 0 ? outside->values[outside->value_count - 1] : outside->high;
        never = never && outside->unknown == NULL && !(outside->value > 0) && !(most > 0);
    }
    return never;
}

/* The names of those chosen, with ", " between them; how many. */
static size_t write_names(FILE *out, const struct scene_answers *answers, choose *chosen)
{
    size_t count = 0;
    for (size_t c = 0; c < CONTEXT_COUNT; c++)
        if (is_watched(answers, c) && chosen(answers, c))
            (void)fprintf(out, "%s%s", count++ > 0 ? ", " : "", context_row_name(c));
    return count;
}

/* "NAMES WORDS", if any are chosen. */
static size_t write_chosen(FILE *out, const struct scene_answers *answers, choose *chosen,
                           const char *before, const char *after)
{
    char *names = NULL;
    size_t size = 0, count = 0;
    FILE *list = open_memstream(&names, &size);
    if (list != NULL) {
        count = write_names(list, answers, chosen);
        (void)fclose(list);
    }
    if (count > 0)
        (void)fprintf(out, "%s%s%s", before, names, after);
    free(names);
    return count;
}

static bool has_intervals(const struct scene_answers *answers)
{
    return answers->sides[SIDE_TWO]->run_count >= RUNS_FOR_AN_INTERVAL &&
           answers->sides[SIDE_LARGEST]->run_count >= RUNS_FOR_AN_INTERVAL;
}

static bool say_line(const struct scene_answers *answers, struct answer *answer)
{
    size_t size = 0;
    if (!has_intervals(answers))
        return answer_say(answer, "unknown (needs %d runs at each scale)", RUNS_FOR_AN_INTERVAL);
    FILE *out = open_memstream(&answer->line, &size);
    if (out == NULL)
        return false;
    if (write_chosen(out, answers, failed_only_at_n, "", "") > 0)
        (void)fprintf(out, " held at two nodes and failed at %u nodes",
                      answers->sides[SIDE_LARGEST]->nodes);
    else
        (void)fputs("none that can be told", out);
    (void)write_chosen(out, answers, failed_at_two, "; failed at two nodes already: ", "");
    (void)write_chosen(out, answers, cannot_be_told, "; cannot tell: ", "");
    return fclose(out) == 0;
}

/* ---- figures ---- */

static bool say_context(struct scene_answers *answers, size_t context, struct answer *answer)
{
    char texts[SIDE_COUNT][FIGURE_TEXT_BYTES];
    for (enum side side = 0; side < SIDE_COUNT; side++)
        figure_text(outside_of(answers, side, context), "", texts[side]);
    return text_list_add(
        &answer->figures, "%s: %s at two nodes, outside %s of the node-time; %s at %u, %s",
        context_row_name(context), assumption_words[answers->held[SIDE_TWO][context]],
        texts[SIDE_TWO], assumption_words[answers->held[SIDE_LARGEST][context]],
        answers->sides[SIDE_LARGEST]->nodes, texts[SIDE_LARGEST]);
}

static bool say_never(const struct scene_answers *answers, struct answer *answer)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return false;
    size_t count = write_chosen(out, answers, never_outside, "never outside at either: ", "");
    bool done = fclose(out) == 0 && (count == 0 || text_list_add(&answer->figures, "%s", text));
    free(text);
    return done;
}

static bool say_converged(const struct scene_answers *answers, struct answer *answer)
{
    const struct column_conditions *two = &answers->sides[SIDE_TWO]->conditions;
    const struct column_conditions *n = &answers->sides[SIDE_LARGEST]->conditions;
    if (two->final_states == 0 || n->final_states == 0)
        return true;
    bool always = two->converged == two->final_states && n->converged == n->final_states;
    return text_list_add(&answer->figures,
                         "final replicas agree (converged): %zu/%zu runs at two nodes, %zu/%zu at "
                         "%u%s",
                         two->converged, two->final_states, n->converged, n->final_states,
                         answers->sides[SIDE_LARGEST]->nodes,
                         always ? "; it holds at every scale, because every message arrives and "
                                  "the higher version wins: it says nothing about when"
                                : "");
}

static bool say_confounds(const struct comparison *c, const struct scene_answers *answers,
                          struct answer *answer)
{
    const char *calibrated =
        run_reader_text(c->reference->reader, "/config/corridor", "calibration_nodes");
    size_t runs[SIDE_COUNT] = {answers->sides[SIDE_TWO]->run_count,
                               answers->sides[SIDE_LARGEST]->run_count};
    bool done = text_list_add(&answer->confounds,
                              "held: the whole interval between the runs is at most %g of the "
                              "node-time, outside_fraction_max; failed: all of it is above",
                              answers->outside_fraction_max);
    if (done && !has_intervals(answers))
        done =
            text_list_add(&answer->confounds,
                          "the interval between the runs needs %d of them at each scale; there are "
                          "%zu and %zu",
                          RUNS_FOR_AN_INTERVAL, runs[SIDE_TWO], runs[SIDE_LARGEST]);
    if (done && calibrated[0] == '2' && calibrated[1] == '\0')
        done = text_list_add(&answer->confounds,
                             "the limits were calibrated at two nodes, where they hold by "
                             "construction");
    return done;
}

bool answer_assumptions(const struct comparison *c, struct scene_answers *answers)
{
    struct answer *answer = &answers->answers[QUESTION_ASSUMPTIONS];
    bool done = true;
    judge(answers);
    if (!can_be_answered(answers, answer, &done))
        return done;
    done = say_line(answers, answer);
    for (size_t context = 0; done && context < CONTEXT_COUNT; context++)
        if (is_watched(answers, context) && !never_outside(answers, context))
            done = say_context(answers, context, answer);
    return done && say_never(answers, answer) && say_converged(answers, answer) &&
           say_confounds(c, answers, answer);
}
