#include "analysis/metrics/scale.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_fit.h>
#include <math.h>
#include <stdlib.h>

const char *const pace_words[PACE_COUNT] = {
    [PACE_FEW_SCALES] = "unknown (needs four node counts)",
    [PACE_NOT_SEEN] = "not seen (outside in less than 10 % at every scale)",
    [PACE_EVERYWHERE] = "outside in 90 % and more at the smallest scale already",
    [PACE_CANNOT_TELL] = "unknown (the rise lies partly beyond the scales)",
    [PACE_SUDDENLY] = "suddenly",
    [PACE_GRADUALLY] = "gradually",
};

static const double SUDDEN_BELOW = 4;

/* ---- N10, N50, N90 ---- */

struct crossing scale_crossing(const double *node_counts, const double *shares, size_t scales,
                               double level)
{
    struct crossing found = {CROSSING_UNKNOWN, (double)NAN, (double)NAN, (double)NAN, false};
    size_t first = 0;
    while (first < scales && shares[first] < level)
        first++;
    for (size_t i = first; i < scales; i++)
        found.falls_back |= shares[i] < level;
    if (scales == 0)
        return found;
    if (first == 0 || first == scales) {
        found.place = first == 0 ? CROSSING_BEFORE : CROSSING_NOT_SEEN;
        found.nodes = node_counts[first == 0 ? 0 : scales - 1];
        return found;
    }
    found.place = CROSSING_BETWEEN;
    found.from_nodes = node_counts[first - 1];
    found.to_nodes = node_counts[first];
    double part = (level - shares[first - 1]) / (shares[first] - shares[first - 1]);
    found.nodes = found.from_nodes * pow(found.to_nodes / found.from_nodes, part);
    return found;
}

/* ---- gradually or suddenly ---- */

static enum pace judge_pace(const struct scale_pace *pace, size_t scales)
{
    bool complete = pace->n10.place == CROSSING_BETWEEN && pace->n90.place == CROSSING_BETWEEN;
    if (scales < PACE_SCALES_LEAST)
        return PACE_FEW_SCALES;
    if (pace->n10.place == CROSSING_NOT_SEEN)
        return PACE_NOT_SEEN;
    if (pace->n90.place == CROSSING_BEFORE)
        return PACE_EVERYWHERE;
    if (pace->widening >= SUDDEN_BELOW)
        return PACE_GRADUALLY;
    return complete ? PACE_SUDDENLY : PACE_CANNOT_TELL;
}

struct scale_pace scale_pace_of(const double *node_counts, const double *shares, size_t scales)
{
    struct scale_pace pace = {.n10 = scale_crossing(node_counts, shares, scales, 0.1),
                              .n50 = scale_crossing(node_counts, shares, scales, 0.5),
                              .n90 = scale_crossing(node_counts, shares, scales, 0.9),
                              .widening = (double)NAN};
    if (pace.n10.place != CROSSING_NOT_SEEN && pace.n90.place != CROSSING_BEFORE)
        pace.widening = (pace.n90.nodes - 1) / (pace.n10.nodes - 1);
    pace.answer = judge_pace(&pace, scales);
    return pace;
}

/* ---- the exponent ---- */

/* Of `count` runs: x = ln N (N - 1), expected episodes, and what the next step needs of them. */
struct fit {
    double *x;
    double *expected;
    double *response; /* ln of the rate, corrected to first order by what was counted */
    double level;
    double slope;
};

static bool fit_once(const struct scale_run *runs, size_t count, struct fit *fit)
{
    double level, slope, variance_level, covariance, variance_slope, chi2;
    for (size_t i = 0; i < count; i++)
        fit->response[i] = log(fit->expected[i] / runs[i].watched_s) +
                           (runs[i].episodes - fit->expected[i]) / fit->expected[i];
    gsl_fit_wlinear(fit->x, 1, fit->expected, 1, fit->response, 1, count, &level, &slope,
                    &variance_level, &covariance, &variance_slope, &chi2);
    for (size_t i = 0; i < count; i++)
        fit->expected[i] = runs[i].watched_s * exp(level + slope * fit->x[i]);
    bool settled = fabs(slope - fit->slope) < 1e-10 && fabs(level - fit->level) < 1e-10;
    fit->level = level;
    fit->slope = slope;
    return settled;
}

/* HC3 of the slope; NaN where one run alone decides the line. */
static double robust_error(const struct scale_run *runs, size_t count, const struct fit *fit)
{
    double weight = 0, mean = 0, spread = 0, variance = 0;
    for (size_t i = 0; i < count; i++)
        weight += fit->expected[i];
    for (size_t i = 0; i < count; i++)
        mean += fit->expected[i] * fit->x[i] / weight;
    for (size_t i = 0; i < count; i++)
        spread += fit->expected[i] * pow(fit->x[i] - mean, 2);
    for (size_t i = 0; i < count; i++) {
        double from_mean = fit->x[i] - mean;
        double leverage = fit->expected[i] * (1 / weight + from_mean * from_mean / spread);
        if (leverage > 1 - 1e-9)
            return (double)NAN;
        double rest = (runs[i].episodes - fit->expected[i]) / (1 - leverage);
        variance += pow(from_mean / spread * rest, 2);
    }
    return sqrt(variance);
}

/* Scales, or only those at which there was an episode. */
static size_t count_scales(const struct scale_run *runs, size_t count, bool with_episodes)
{
    size_t scales = 0;
    for (size_t i = 0; i < count; i++) {
        bool counts = !with_episodes || runs[i].episodes > 0;
        for (size_t j = 0; j < i; j++)
            if (!(runs[j].nodes < runs[i].nodes) && !(runs[j].nodes > runs[i].nodes))
                counts &= with_episodes && !(runs[j].episodes > 0);
        scales += counts;
    }
    return scales;
}

bool scale_exponent_of(const struct scale_run *runs, size_t count, struct scale_exponent *found)
{
    enum { STEPS_MAX = 100 };
    if (count_scales(runs, count, true) < 2)
        return false;
    double *memory = calloc(3 * count, sizeof *memory);
    if (memory == NULL)
        return false;
    struct fit fit = {memory, memory + count, memory + 2 * count, 0, 0};
    for (size_t i = 0; i < count; i++) {
        fit.x[i] = log(runs[i].nodes * (runs[i].nodes - 1));
        fit.expected[i] = runs[i].episodes + 0.5;
    }
    bool settled = false;
    for (int step = 0; step < STEPS_MAX && !settled; step++)
        settled = fit_once(runs, count, &fit);
    *found = (struct scale_exponent){fit.slope, (double)NAN, (double)NAN,
                                     count_scales(runs, count, false)};
    if (count > 2) {
        double wide =
            gsl_cdf_tdist_Pinv(0.975, (double)count - 2) * robust_error(runs, count, &fit);
        found->low = fit.slope - wide;
        found->high = fit.slope + wide;
    }
    free(memory);
    return settled;
}
