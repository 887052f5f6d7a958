#include "analysis/comparison/answers.h"
#include "analysis/comparison/measures.h"

#include <math.h>

/* Did any node know? Would enforcement have helped? Both from the trace, of the largest N. */

const char *const awareness_words[AWARENESS_VERDICTS] = {
    [AWARENESS_CANNOT_TELL] = "cannot tell",
    [AWARENESS_NONE] = "none",
    [AWARENESS_SOME] = "some",
    [AWARENESS_ALL] = "all",
};

static bool say_covered(const struct trace_figures *trace, const struct column *column,
                        struct answer *answer)
{
    char text[FIGURE_TEXT_BYTES];
    double window_s = 0;
    for (size_t i = 0; i < column->run_count; i++)
        window_s = fmax(window_s, column->runs[i]->window_s);
    if (!(trace->covered_s.value < window_s * (1 - 1e-6)))
        return true;
    figure_text(&trace->covered_s, " s", text);
    return text_list_add(&answer->confounds, "%u nodes: the trace covers %s of %g s", column->nodes,
                         text, window_s);
}

/* ---- did any node know ---- */

static enum awareness_verdict most_frequent(const struct awareness *a)
{
    if (a->intervals == 0)
        return AWARENESS_CANNOT_TELL;
    if (a->none >= a->some && a->none >= a->all)
        return AWARENESS_NONE;
    return a->some >= a->all ? AWARENESS_SOME : AWARENESS_ALL;
}

static bool say_knowledge(const struct column *column, struct answer *answer)
{
    const struct trace_figures *trace = &column->trace;
    const struct awareness *a = &trace->awareness.sum;
    const char *why = trace->unknown != NULL ? trace->unknown : trace->awareness.unknown;
    char some[FIGURE_TEXT_BYTES], median[FIGURE_TEXT_BYTES], beyond[32];
    if (why != NULL)
        return text_list_add(&answer->figures, "%u nodes: unknown (%s)", column->nodes, why);
    number_text(a->beyond_s / a->watched_s, beyond);
    if (a->intervals == 0)
        return text_list_add(&answer->figures,
                             "%u nodes: no interval with a replica beyond the limit in %.3g s",
                             column->nodes, a->watched_s);
    figure_text(&trace->awareness.some, "", some);
    figure_text(&trace->awareness.first_badge_median_s, " s", median);
    return text_list_add(&answer->figures,
                         "%u nodes: some replica truly beyond the limit in %s of the time, %llu "
                         "intervals; a badge came from none of the nodes in %llu, from some in "
                         "%llu (share %s), from all in %llu; median until the first: %s",
                         column->nodes, beyond, (unsigned long long)a->intervals,
                         (unsigned long long)a->none, (unsigned long long)a->some, some,
                         (unsigned long long)a->all, median) &&
           (a->badges == 0 ||
            text_list_add(&answer->figures,
                          "%u nodes: %llu of %llu badges belong to no such interval: they saw "
                          "lateness, or what had passed",
                          column->nodes, (unsigned long long)a->badges_unmatched,
                          (unsigned long long)a->badges));
}

static bool say_who_knew(struct scene_answers *answers, struct answer *answer)
{
    const struct column *n = answers->sides[SIDE_LARGEST];
    const struct awareness *a = &n->trace.awareness.sum;
    const char *why = n->trace.unknown != NULL             ? n->trace.unknown
                      : n->trace.awareness.unknown != NULL ? n->trace.awareness.unknown
                                                           : NULL;
    answers->awareness = why != NULL ? AWARENESS_CANNOT_TELL : most_frequent(a);
    if (why != NULL)
        return answer_say(answer, "unknown (%s)", why);
    switch (answers->awareness) {
    case AWARENESS_NONE:
        return answer_say(answer, "mostly not: in %llu of %llu intervals at %u nodes no node did",
                          (unsigned long long)a->none, (unsigned long long)a->intervals, n->nodes);
    case AWARENESS_SOME:
        return answer_say(answer,
                          "some did, and not all: in %llu of %llu intervals at %u nodes; all did "
                          "in %llu",
                          (unsigned long long)a->some, (unsigned long long)a->intervals, n->nodes,
                          (unsigned long long)a->all);
    case AWARENESS_ALL:
        return answer_say(answer, "all nodes did in %llu of %llu intervals at %u nodes",
                          (unsigned long long)a->all, (unsigned long long)a->intervals, n->nodes);
    case AWARENESS_CANNOT_TELL:
    case AWARENESS_VERDICTS:
        break;
    }
    return answer_say(answer, "unknown (no replica was beyond the limit at %u nodes)", n->nodes);
}

bool answer_awareness(struct scene_answers *answers)
{
    struct answer *answer = &answers->answers[QUESTION_AWARENESS];
    const struct column *two = answers->sides[SIDE_TWO], *n = answers->sides[SIDE_LARGEST];
    bool done = true;
    if (!can_be_answered(answers, answer, &done))
        return done;
    done = say_who_knew(answers, answer) && say_knowledge(two, answer) && say_knowledge(n, answer);
    if (!done || n->trace.unknown != NULL || n->trace.awareness.unknown != NULL)
        return done;
    char uncertainty[32], reaction[32];
    number_text(n->trace.awareness.uncertainty_s * 1e6, uncertainty);
    number_text(n->trace.awareness.reaction_s * 1e3, reaction);
    return text_list_add(&answer->confounds,
                         "the truth is told in hindsight, from the traces of all nodes; no node "
                         "could see it. Beyond the limit: more than %g version%s behind the newest "
                         "anybody had written",
                         n->trace.awareness.limit, n->trace.awareness.limit > 1 ? "s" : "") &&
           text_list_add(&answer->confounds,
                         "a badge counts from an interval's start to %s ms (p99 of the delay) "
                         "after its end; intervals are widened by the clocks' %s us",
                         reaction, uncertainty) &&
           say_covered(&two->trace, two, answer) && say_covered(&n->trace, n, answer);
}

/* ---- would enforcement have helped ---- */

static bool say_rule(const struct column *column, const char *rule, const struct wait_figures *w,
                     struct answer *answer)
{
    char mean[FIGURE_TEXT_BYTES], cap[FIGURE_TEXT_BYTES], asked[32];
    struct figure mean_ms = w->mean_s;
    mean_ms.value *= 1e3;
    mean_ms.low *= 1e3;
    mean_ms.high *= 1e3;
    for (size_t i = 0; i < mean_ms.value_count; i++)
        mean_ms.values[i] *= 1e3;
    figure_text(&mean_ms, " ms", mean);
    figure_text(&w->cap_per_s, "", cap);
    number_text(w->asked_per_s.value, asked);
    return text_list_add(&answer->figures,
                         "%u nodes, acknowledged by %s: a write waits %s; one key takes at most %s "
                         "writes per second and was asked for %s",
                         column->nodes, rule, mean, cap, asked);
}

static bool say_cost(const struct column *column, struct answer *answer)
{
    const struct enforcement_figures *e = &column->trace.enforcement;
    const char *why = column->trace.unknown != NULL ? column->trace.unknown : e->unknown;
    if (why != NULL)
        return text_list_add(&answer->figures, "%u nodes: unknown (%s)", column->nodes, why);
    bool done = say_rule(column, "all peers", &e->all, answer);
    if (done && column->group_nodes > 2) /* of two, both are the majority */
        done = say_rule(column, "a majority", &e->majority, answer);
    return done &&
           text_list_add(&answer->figures,
                         "%u nodes: hidden would be %llu state episodes; of %llu delay episodes, "
                         "%llu would have turned into waiting for all, %llu for a majority",
                         column->nodes, (unsigned long long)e->sum.state_episodes,
                         (unsigned long long)e->sum.delay_episodes,
                         (unsigned long long)e->all.delay_episodes,
                         (unsigned long long)e->majority.delay_episodes);
}

static bool say_verdict(const struct column *n, struct answer *answer)
{
    const struct enforcement_figures *e = &n->trace.enforcement;
    const char *why = n->trace.unknown != NULL        ? n->trace.unknown
                      : e->unknown != NULL            ? e->unknown
                      : e->all.mean_s.unknown != NULL ? e->all.mean_s.unknown
                                                      : NULL;
    char mean[32];
    if (why != NULL)
        return answer_say(answer, "unknown (%s)", why);
    number_text(e->all.mean_s.value * 1e3, mean);
    return answer_say(answer,
                      "at %u nodes it would have hidden %llu state episodes behind a wait of %s ms "
                      "per write%s (an estimate without queueing)",
                      n->nodes, (unsigned long long)e->sum.state_episodes, mean,
                      e->all.asked_per_s.value > e->all.cap_per_s.value
                          ? ", and one key was asked for more writes than it could take"
                          : "");
}

bool answer_enforcement(struct scene_answers *answers)
{
    struct answer *answer = &answers->answers[QUESTION_ENFORCEMENT];
    const struct column *two = answers->sides[SIDE_TWO], *n = answers->sides[SIDE_LARGEST];
    bool done = true;
    if (!can_be_answered(answers, answer, &done))
        return done;
    done = say_verdict(n, answer) && say_cost(two, answer) && say_cost(n, answer);
    if (!done || n->trace.unknown != NULL)
        return done;
    return text_list_add(&answer->confounds,
                         "nothing was enforced: an estimate without queueing. An acknowledgement "
                         "is taken to need the median delay of its link, delays to stay as they "
                         "were, nothing to be sent again; waiting writes would queue and wait "
                         "longer") &&
           say_covered(&two->trace, two, answer) && say_covered(&n->trace, n, answer);
}
