#include "analysis/comparison/answers.h"
#include "analysis/comparison/curve.h"
#include "analysis/comparison/measures.h"

#include <math.h>
#include <stdlib.h>

const char *const time_words[TIME_VERDICTS] = {
    [TIME_CANNOT_TELL] = "cannot tell",
    [TIME_MATTERS_MORE] = "time",
    [STATE_MATTERS_MORE] = "state",
};

/* ---- which class grew faster ---- */

static const double P_MOST = 0.01;

/* The context of a class whose exceedance grew the most; CONTEXT_COUNT: none is known. */
static size_t fastest(const struct column *n, enum context_class class)
{
    size_t found = CONTEXT_COUNT;
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        const struct figure *growth = &n->rows[c].sensitivity.growth;
        if (context_table[c].class == class && growth->unknown == NULL &&
            (found == CONTEXT_COUNT || growth->value > n->rows[found].sensitivity.growth.value))
            found = c;
    }
    return found;
}

/* Is the growth of that context a finding, and above that of the other in all single runs? */
static bool grew_more(const struct sensitivity *one, const struct sensitivity *other)
{
    return one->rank.unknown == NULL && one->rank.p_above <= P_MOST &&
           one->growth.low > other->growth.high;
}

static void judge(struct scene_answers *answers)
{
    const struct column *n = answers->sides[SIDE_LARGEST];
    size_t time = fastest(n, CLASS_TIME), state = fastest(n, CLASS_STATE);
    if (time == CONTEXT_COUNT || state == CONTEXT_COUNT)
        return;
    if (grew_more(&n->rows[time].sensitivity, &n->rows[state].sensitivity))
        answers->time = TIME_MATTERS_MORE;
    else if (grew_more(&n->rows[state].sensitivity, &n->rows[time].sensitivity))
        answers->time = STATE_MATTERS_MORE;
}

static bool say_line(const struct scene_answers *answers, struct answer *answer)
{
    const struct column *n = answers->sides[SIDE_LARGEST];
    size_t time = fastest(n, CLASS_TIME), state = fastest(n, CLASS_STATE);
    char times[FIGURE_TEXT_BYTES], states[FIGURE_TEXT_BYTES];
    if (time == CONTEXT_COUNT || state == CONTEXT_COUNT)
        return answer_say(answer,
                          "unknown (no %s context has a limit that two nodes exceed in "
                          "about 1 %%)",
                          time == CONTEXT_COUNT ? "time" : "state");
    figure_text(&n->rows[time].sensitivity.growth, " times", times);
    figure_text(&n->rows[state].sensitivity.growth, " times", states);
    return answer_say(answer, "%s: %s was exceeded %s as often as at two nodes, %s %s",
                      answers->time == TIME_MATTERS_MORE    ? "yes"
                      : answers->time == STATE_MATTERS_MORE ? "no, state did"
                                                            : "cannot tell",
                      context_row_name(time), times, context_row_name(state), states);
}

/* ---- figures ---- */

static bool say_growth(const struct column *n, size_t context, struct answer *answer)
{
    const struct sensitivity *s = &n->rows[context].sensitivity;
    char growth[FIGURE_TEXT_BYTES], elasticity[FIGURE_TEXT_BYTES], p[32] = "";
    if (!n->rows[context].watched || (n->rows[context].beyond == 0 && s->growth.unknown != NULL))
        return true;
    figure_text(&s->growth, " times", growth);
    figure_text(&s->elasticity, "", elasticity);
    if (s->rank.unknown == NULL)
        number_text(s->rank.p_above, p);
    return text_list_add(&answer->figures, "%s (%s): growth %s%s%s; elasticity %s",
                         context_row_name(context), class_name(context_table[context].class),
                         growth, s->rank.unknown == NULL ? ", p = " : "", p, elasticity);
}

/* Share beyond the first edge at or above the limit; NaN: none. */
static double share_at(const struct curve_figures *curve, double limit)
{
    if (curve->unknown != NULL)
        return (double)NAN;
    for (size_t i = 0; i < curve->count; i++)
        if (curve->limits[i] >= limit * (1 - 1e-9))
            return curve->shares[i];
    return curve->count > 0 ? curve->shares[curve->count - 1] : (double)NAN;
}

/* The corridor-sensitivity curve in a few points. */
static bool say_curve(const struct scene_answers *answers, size_t context, struct answer *answer)
{
    enum { POINTS = 4 };
    const struct curve_figures *two = &answers->sides[SIDE_TWO]->rows[context].curve;
    const struct curve_figures *n = &answers->sides[SIDE_LARGEST]->rows[context].curve;
    char *text = NULL;
    size_t size = 0;
    if (two->unknown != NULL || n->unknown != NULL || !(n->declared > 0))
        return true;
    double limit = n->declared;
    const double factored[POINTS] = {limit / 2, limit, 2 * limit, 4 * limit};
    const double whole[POINTS] = {limit - 1, limit, limit + 1, limit + 2};
    const double *limits = histogram_of_context(context) == HISTOGRAM_LAG ? whole : factored;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return false;
    for (size_t i = 0; i < POINTS; i++) {
        char digits[3][32];
        number_text(limits[i] / n->per_key_unit, digits[0]);
        number_text(share_at(two, limits[i]), digits[1]);
        number_text(share_at(n, limits[i]), digits[2]);
        (void)fprintf(out, "%s%s: %s and %s", i > 0 ? "; " : "", digits[0], digits[1], digits[2]);
    }
    bool done = fclose(out) == 0 &&
                text_list_add(&answer->figures,
                              "share beyond other limits at two nodes and at %u, by %s: %s",
                              answers->sides[SIDE_LARGEST]->nodes, n->limit_key, text);
    free(text);
    return done;
}

static bool say_precedence(const struct column *column, struct answer *answer)
{
    const struct precedence_figures *p = &column->precedence;
    char share[32], digits[32], reach[32];
    if (p->unknown != NULL)
        return text_list_add(&answer->figures, "time before state at %u nodes: unknown (%s)",
                             column->nodes, p->unknown);
    number_text(p->reach_s * 1e3, reach);
    number_text(p->found.share, share);
    number_text(p->found.test.p, digits);
    bool is_tested = p->found.verdict >= PRECEDENCE_TIME_FIRST;
    return text_list_add(&answer->figures,
                         "%u nodes: %s; of %zu state episodes the share %s follows a time episode "
                         "of its node within %s ms%s%s",
                         column->nodes, precedence_words[p->found.verdict], p->found.state_episodes,
                         p->found.state_episodes > 0 && !isnan(p->found.share) ? share : "unknown",
                         reach, is_tested ? ", p = " : "", is_tested ? digits : "");
}

bool answer_time_or_state(struct scene_answers *answers)
{
    struct answer *answer = &answers->answers[QUESTION_TIME_OR_STATE];
    const struct column *n = answers->sides[SIDE_LARGEST];
    bool done = true;
    if (!can_be_answered(answers, answer, &done))
        return done;
    judge(answers);
    done = say_line(answers, answer);
    for (size_t c = 0; done && c < CONTEXT_COUNT; c++)
        done = say_growth(n, c, answer);
    for (size_t c = 0; done && c < CONTEXT_COUNT; c++)
        done = say_curve(answers, c, answer);
    return done && say_precedence(n, answer) &&
           text_list_add(&answer->confounds,
                         "growth [least, greatest single run] is taken at the limit that two nodes "
                         "exceed in about 1 %% of the observations, so that no declared limit "
                         "favours a context; one class grew more if all its runs did, with "
                         "p <= .01") &&
           text_list_add(&answer->confounds,
                         "a share of episodes by class depends on the limits and is no verdict");
}
