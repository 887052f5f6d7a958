#include "analysis/metrics/stability.h"

#include <stdio.h>

const char *const stability_words[STABILITY_VERDICTS] = {
    [STABILITY_UNKNOWN] = "unknown",
    [STABILITY_SILENT] = "silent",
    [STABILITY_SATURATED] = "saturated",
    [STABILITY_TOO_FEW] = "too few",
    [STABILITY_CASCADES] = "cascades",
    [STABILITY_PROPAGATES] = "propagates",
    [STABILITY_COMMON_CAUSE] = "common cause or coupling",
    [STABILITY_ACCUMULATES] = "accumulates",
    [STABILITY_STABILISES] = "stabilises",
    [STABILITY_MIXED] = "mixed",
};

static const double OUTSIDE_SATURATED = 0.8;

static bool events_are_few(const struct coupling *coupling)
{
    return coupling->episodes <= COUPLING_EPISODES_MAX && coupling->events < COUPLING_EVENTS_LEAST;
}

/* The verdict over all runs together, once most are neither silent nor saturated. */
static enum stability_verdict judge_together(const struct coupling *coupling,
                                             const struct trend *trend)
{
    if (events_are_few(coupling))
        return STABILITY_TOO_FEW;
    if (coupling->verdict == COUPLING_TOO_MANY)
        return STABILITY_UNKNOWN;
    if (coupling->verdict == COUPLING_COUPLED)
        return trend->rising ? STABILITY_CASCADES : STABILITY_PROPAGATES;
    if (coupling->verdict == COUPLING_CLUSTERED)
        return STABILITY_COMMON_CAUSE;
    return trend->rising ? STABILITY_ACCUMULATES : STABILITY_STABILISES;
}

static size_t runs_that_agree(const struct stability *s, const struct trend *trend)
{
    switch (s->verdict) {
    case STABILITY_SILENT:
        return s->silent;
    case STABILITY_SATURATED:
        return s->saturated;
    case STABILITY_CASCADES:
    case STABILITY_ACCUMULATES:
        return trend->up;
    case STABILITY_TOO_FEW:
    case STABILITY_PROPAGATES:
    case STABILITY_COMMON_CAUSE:
    case STABILITY_STABILISES:
        return s->runs - s->silent - s->saturated;
    case STABILITY_UNKNOWN:
    case STABILITY_MIXED:
    case STABILITY_VERDICTS:
        break;
    }
    return 0;
}

struct stability stability_of(const struct stability_run *runs, size_t count,
                              const struct coupling *coupling, const struct trend *trend)
{
    struct stability s = {.verdict = STABILITY_UNKNOWN, .runs = count};
    size_t need = (2 * count + 2) / 3; /* two thirds, rounded up */
    for (size_t r = 0; r < count; r++) {
        s.silent += runs[r].episodes == 0;
        s.saturated += runs[r].episodes > 0 && runs[r].outside_node > OUTSIDE_SATURATED;
    }
    if (count == 0)
        return s;
    if (s.silent >= need)
        s.verdict = STABILITY_SILENT;
    else if (s.saturated >= need)
        s.verdict = STABILITY_SATURATED;
    else if (count - s.silent - s.saturated >= need)
        s.verdict = judge_together(coupling, trend);
    else
        s.verdict = STABILITY_MIXED;
    s.agree = runs_that_agree(&s, trend);
    return s;
}

void stability_text(const struct stability *stability, char text[96])
{
    const struct stability *s = stability;
    if (s->runs == 0)
        (void)snprintf(text, 96, "unknown (no runs)");
    else if (s->verdict == STABILITY_UNKNOWN)
        (void)snprintf(text, 96, "unknown (too many episodes: more than %d)",
                       COUPLING_EPISODES_MAX);
    else if (s->verdict == STABILITY_MIXED)
        (void)snprintf(text, 96, "mixed (%zu silent, %zu saturated, %zu other of %zu runs)",
                       s->silent, s->saturated, s->runs - s->silent - s->saturated, s->runs);
    else
        (void)snprintf(text, 96, "%s (%zu/%zu runs)", stability_words[s->verdict], s->agree,
                       s->runs);
}
