#include "analysis/comparison/answers.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

const char *const question_keys[QUESTION_COUNT] = {
    [QUESTION_ASSUMPTIONS] = "assumptions",     [QUESTION_PACE] = "pace",
    [QUESTION_TIME_OR_STATE] = "time_or_state", [QUESTION_AWARENESS] = "awareness",
    [QUESTION_ENFORCEMENT] = "enforcement",
};
const char *const question_texts[QUESTION_COUNT] = {
    [QUESTION_ASSUMPTIONS] = "Which assumptions held at two nodes but failed at N?",
    [QUESTION_PACE] = "Did drift appear gradually or suddenly?",
    [QUESTION_TIME_OR_STATE] = "Did time matter more than state?",
    [QUESTION_AWARENESS] = "Did any node \"know\" the system was incoherent?",
    [QUESTION_ENFORCEMENT] = "Would enforcement have helped — or hidden the problem?",
};

bool answer_say(struct answer *answer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&answer->line, format, arguments);
    va_end(arguments);
    if (length < 0)
        answer->line = NULL;
    return length >= 0;
}

bool can_be_answered(const struct scene_answers *answers, struct answer *answer, bool *done)
{
    const char *why = answers->sides[SIDE_TWO]->run_count == 0 ? "no run at two nodes"
                      : answers->sides[SIDE_LARGEST] == answers->sides[SIDE_TWO]
                          ? "no run at more than two nodes"
                          : NULL;
    *done = why == NULL || answer_say(answer, "unknown (%s)", why);
    return why == NULL;
}

static bool answer_scene(const struct comparison *c, size_t scene, struct scene_answers *answers)
{
    answers->sides[SIDE_TWO] = &c->columns[c->scenes[scene].two];
    answers->sides[SIDE_LARGEST] = &c->columns[c->scenes[scene].largest];
    answers->outside_fraction_max = run_reader_number(c->scenes[scene].reference->reader,
                                                      "/config/corridor", "outside_fraction_max");
    return answer_assumptions(c, answers) && answer_pace(c, scene, answers) &&
           answer_time_or_state(answers) && answer_awareness(answers) &&
           answer_enforcement(answers) && judge_insight(answers) && set_theory(c, scene, answers);
}

bool answers_make(struct comparison *c)
{
    c->answers = calloc(c->scene_count, sizeof *c->answers);
    bool done = c->answers != NULL;
    for (size_t s = 0; done && s < c->scene_count; s++)
        done = answer_scene(c, s, &c->answers[s]);
    return done;
}

void answers_free(struct comparison *c)
{
    for (size_t s = 0; c->answers != NULL && s < c->scene_count; s++) {
        struct scene_answers *answers = &c->answers[s];
        for (size_t q = 0; q < QUESTION_COUNT; q++) {
            free(answers->answers[q].line);
            text_list_free(&answers->answers[q].figures);
            text_list_free(&answers->answers[q].confounds);
        }
        for (size_t i = 0; i < INSIGHT_COUNT; i++)
            free(answers->insight[i].why);
        free((void *)answers->pace.scales);
        free(answers->theory);
    }
    free(c->answers);
    c->answers = NULL;
}
