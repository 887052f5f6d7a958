#include "analysis/comparison/answers.h"
#include "analysis/comparison/figures.h"
#include "analysis/comparison/measures.h"
#include "analysis/metrics/ranks.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The lab's key insight as a checklist: the metrics page, section 5. */

const char *const insight_keys[INSIGHT_COUNT] = {
    [INSIGHT_EARLIER] = "earlier",
    [INSIGHT_MORE_FREQUENT] = "more_frequent",
    [INSIGHT_FRAGMENT] = "fragment",
    [INSIGHT_RARE_AND_SYMMETRIC] = "rare_and_symmetric",
    [INSIGHT_TIME_DOMINATES] = "time_dominates",
    [INSIGHT_EMERGENT] = "emergent",
};
const char *const insight_texts[INSIGHT_COUNT] = {
    [INSIGHT_EARLIER] = "drift appears earlier at N",
    [INSIGHT_MORE_FREQUENT] = "drift is more frequent per node",
    [INSIGHT_FRAGMENT] = "assumptions that held at two nodes fail",
    [INSIGHT_RARE_AND_SYMMETRIC] = "drift at two nodes is rare and symmetric",
    [INSIGHT_TIME_DOMINATES] = "time contexts grow faster than state contexts",
    [INSIGHT_EMERGENT] = "coherence at N depends on more than one node's view",
};
const char *const insight_words[INSIGHT_VERDICTS] = {
    [CANNOT_TELL] = "cannot tell",
    [NOT_SEEN] = "not seen",
    [SEEN] = "seen",
};

static const double P_MOST = 0.01;

__attribute__((format(printf, 3, 4))) static bool
say(struct insight_line *line, enum insight_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line->why, format, arguments);
    va_end(arguments);
    if (length < 0)
        line->why = NULL;
    line->verdict = verdict;
    return length >= 0;
}

/* ---- by ranks ---- */

/* p of the direction that the statement is about; `arrangements` says how small p could be. */
static bool say_ranks(struct insight_line *line, const struct rank_comparison *ranks, double p)
{
    if (p <= P_MOST)
        return say(line, SEEN, "%s", ranks->text);
    if (1 / ranks->arrangements > P_MOST)
        return say(line, CANNOT_TELL, "too few runs: with p = 1/%.0f at best, nothing is proved",
                   ranks->arrangements);
    return say(line, NOT_SEEN, "%s", ranks->text);
}

static double first_drift_of(const struct run *run, size_t context, enum variant variant)
{
    double first_s = run->tally.rows[variant][context].first_s;
    return isnan(first_s) ? HUGE_VAL : first_s;
}

static bool compare_runs(const struct scene_answers *answers, run_value *value_of, bool is_lower,
                         struct insight_line *line)
{
    const struct column *two = answers->sides[SIDE_TWO], *n = answers->sides[SIDE_LARGEST];
    double *there = column_values(two, value_of, ALL_CONTEXTS, WITH_STALLED);
    double *here = column_values(n, value_of, ALL_CONTEXTS, WITH_STALLED);
    struct rank_comparison ranks;
    bool done = there != NULL && here != NULL;
    if (done && !rank_compare(there, two->run_count, here, n->run_count, &ranks))
        done = say(line, CANNOT_TELL, "too many runs for the exact test");
    else if (done)
        done = say_ranks(line, &ranks, is_lower ? ranks.p_below : ranks.p_above);
    free(there);
    free(here);
    return done;
}

/* ---- from the answers ---- */

static bool judge_fragment(const struct scene_answers *answers, struct insight_line *line)
{
    size_t failed = 0, untold = 0, watched = 0;
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        if (!answers->sides[SIDE_LARGEST]->rows[c].watched)
            continue;
        watched++;
        failed += answers->held[SIDE_TWO][c] == ASSUMPTION_HELD &&
                  answers->held[SIDE_LARGEST][c] == ASSUMPTION_FAILED;
        untold += answers->held[SIDE_TWO][c] == ASSUMPTION_CANNOT_TELL ||
                  answers->held[SIDE_LARGEST][c] == ASSUMPTION_CANNOT_TELL;
    }
    if (failed > 0)
        return say(line, SEEN, "%zu of %zu contexts", failed, watched);
    if (untold > 0)
        return say(line, CANNOT_TELL, "%zu of %zu contexts cannot be told", untold, watched);
    return say(line, NOT_SEEN, "none of %zu contexts", watched);
}

static bool judge_two(const struct scene_answers *answers, struct insight_line *line)
{
    const struct column *two = answers->sides[SIDE_TWO];
    const struct symmetry_figures *s = &two->rows[ALL_CONTEXTS].symmetry[WITH_STALLED];
    size_t failed = 0, untold = 0;
    for (size_t c = 0; c < CONTEXT_COUNT; c++) {
        failed += two->rows[c].watched && answers->held[SIDE_TWO][c] == ASSUMPTION_FAILED;
        untold += two->rows[c].watched && answers->held[SIDE_TWO][c] == ASSUMPTION_CANNOT_TELL;
    }
    if (failed > 0)
        return say(line, NOT_SEEN, "not rare: %zu contexts failed at two nodes already", failed);
    const char *verdict = s->unknown != NULL ? s->unknown : s->verdict;
    bool is_symmetric = strncmp(verdict, "symmetric", 9) == 0;
    bool is_asymmetric = strstr(verdict, "node") != NULL && s->unknown == NULL;
    if (is_asymmetric)
        return say(line, NOT_SEEN, "not symmetric: %s", verdict);
    if (untold > 0 || !is_symmetric)
        return say(line, CANNOT_TELL, "%s; symmetry: %s",
                   untold > 0 ? "how rare cannot be told" : "rare",
                   strcmp(verdict, "silent") == 0    ? "no episode to tell from"
                   : strcmp(verdict, "too few") == 0 ? "too few episodes to tell"
                                                     : verdict);
    return say(line, SEEN, "rare; %s", verdict);
}

static bool judge_time(const struct scene_answers *answers, struct insight_line *line)
{
    return say(line,
               answers->time == TIME_MATTERS_MORE    ? SEEN
               : answers->time == STATE_MATTERS_MORE ? NOT_SEEN
                                                     : CANNOT_TELL,
               "see the third question");
}

static bool judge_emergent(const struct scene_answers *answers, struct insight_line *line)
{
    const struct awareness *a = &answers->sides[SIDE_LARGEST]->trace.awareness.sum;
    const struct trace_figures *trace = &answers->sides[SIDE_LARGEST]->trace;
    const char *why = trace->unknown != NULL ? trace->unknown : trace->awareness.unknown;
    if (why != NULL)
        return say(line, CANNOT_TELL, "%s", why);
    if (a->some + a->all == 0)
        return say(line, CANNOT_TELL, "no interval in which any node knew");
    return say(line, a->some > a->all ? SEEN : NOT_SEEN,
               "some nodes knew in %llu intervals, all in %llu", (unsigned long long)a->some,
               (unsigned long long)a->all);
}

bool judge_insight(struct scene_answers *answers)
{
    struct insight_line *lines = answers->insight;
    bool done = true;
    struct answer ignored = {.line = NULL};
    bool can = can_be_answered(answers, &ignored, &done);
    for (enum insight i = 0; done && !can && i < INSIGHT_COUNT; i++)
        done = say(&lines[i], CANNOT_TELL, "%s", "needs runs at two nodes and at more");
    free(ignored.line);
    if (!can)
        return done;
    return compare_runs(answers, first_drift_of, true, &lines[INSIGHT_EARLIER]) &&
           compare_runs(answers, run_rate_per_node_s, false, &lines[INSIGHT_MORE_FREQUENT]) &&
           judge_fragment(answers, &lines[INSIGHT_FRAGMENT]) &&
           judge_two(answers, &lines[INSIGHT_RARE_AND_SYMMETRIC]) &&
           judge_time(answers, &lines[INSIGHT_TIME_DOMINATES]) &&
           judge_emergent(answers, &lines[INSIGHT_EMERGENT]);
}
