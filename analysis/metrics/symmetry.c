#include "analysis/metrics/symmetry.h"

#include "analysis/metrics/counting.h"
#include "observe/badge.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 2000, EXPECTED_LEAST = 5, EPISODES_LEAST = 5 };
static const double P_ASYMMETRIC = 0.01, CV_ASYMMETRIC = 0.20, P_SAME_NODE = 0.05;

/* ---- one run ---- */

static uint64_t of_node(const uint32_t *counts, size_t windows, size_t node)
{
    uint64_t sum = 0;
    for (size_t w = 0; w < windows; w++)
        sum += counts[node * windows + w];
    return sum;
}

static double pearson(const uint64_t *per_node, size_t nodes, double expected)
{
    double sum = 0;
    for (size_t i = 0; i < nodes; i++)
        sum += pow((double)per_node[i] - expected, 2) / expected;
    return sum;
}

/* Share of multinomial draws at least as uneven: (hits + 1) / (draws + 1). */
static double p_from_draws(const struct symmetry *s, uint64_t *scratch, unsigned seed)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    double expected = (double)s->episodes / (double)s->nodes;
    unsigned hits = 0;
    if (rng == NULL)
        return (double)NAN;
    gsl_rng_set(rng, seed);
    for (int draw = 0; draw < DRAWS; draw++) {
        memset(scratch, 0, s->nodes * sizeof scratch[0]);
        for (uint64_t i = 0; i < s->episodes; i++)
            scratch[gsl_rng_uniform_int(rng, s->nodes)]++;
        hits += pearson(scratch, s->nodes, expected) >= s->chi2 / s->phi - 1e-9;
    }
    gsl_rng_free(rng);
    return (hits + 1.0) / (DRAWS + 1.0);
}

static void find_shares(struct symmetry *s, const uint64_t *per_node)
{
    double n = (double)s->episodes, squares = 0;
    for (size_t i = 0; i < s->nodes; i++) {
        squares += pow((double)per_node[i] / n, 2);
        s->emitting += per_node[i] > 0;
        if (per_node[i] > per_node[s->top_node])
            s->top_node = i;
    }
    double excess = (double)s->nodes * squares - 1 - s->phi * (double)(s->nodes - 1) / n;
    s->cv = sqrt(fmax(0, excess));
    s->top_share = (double)per_node[s->top_node] / n;
    s->jain = 1 / ((double)s->nodes * squares);
    s->jain_expected = n / (n + s->phi * (double)(s->nodes - 1));
}

static enum symmetry_verdict verdict_of(const struct symmetry *s)
{
    size_t least = s->nodes > EPISODES_LEAST ? s->nodes : EPISODES_LEAST;
    if (s->episodes < least)
        return SYMMETRY_TOO_FEW;
    bool uneven = s->p < P_ASYMMETRIC && s->cv > CV_ASYMMETRIC;
    return uneven ? SYMMETRY_ASYMMETRIC : SYMMETRY_SYMMETRIC;
}

struct symmetry symmetry_of(const uint32_t *counts, size_t nodes, size_t windows, unsigned seed)
{
    const double none = (double)NAN;
    struct symmetry s = {.nodes = nodes,
                         .phi = none,
                         .chi2 = none,
                         .p = none,
                         .cv = none,
                         .top_share = none,
                         .jain = none,
                         .jain_expected = none};
    uint64_t *per_node = calloc(2 * nodes + 1, sizeof *per_node);
    if (per_node == NULL)
        abort(); /* a few bytes per node: the machine is at its end */
    for (size_t i = 0; i < nodes; i++)
        s.episodes += per_node[i] = of_node(counts, windows, i);
    s.verdict = s.episodes == 0 ? SYMMETRY_SILENT : SYMMETRY_ONE;
    if (s.episodes > 0 && nodes > 1) {
        double expected = (double)s.episodes / (double)nodes;
        s.phi = pooled_dispersion(counts, nodes, windows);
        s.chi2 = pearson(per_node, nodes, expected);
        find_shares(&s, per_node);
        s.p = expected >= EXPECTED_LEAST ? gsl_cdf_chisq_Q(s.chi2 / s.phi, (double)nodes - 1)
                                         : p_from_draws(&s, per_node + nodes, seed);
        s.verdict = verdict_of(&s);
    }
    free(per_node);
    return s;
}

/* ---- over the repetitions ---- */

struct tally {
    size_t silent;
    size_t symmetric;
    size_t asymmetric;
    size_t top_node;  /* busiest in most of the asymmetric runs */
    size_t top_times; /* in how many of them */
};

static size_t times_on_top(const struct symmetry *runs, size_t count, size_t node)
{
    size_t times = 0;
    for (size_t i = 0; i < count; i++)
        times += runs[i].verdict == SYMMETRY_ASYMMETRIC && runs[i].top_node == node;
    return times;
}

static struct tally tally_of(const struct symmetry *runs, size_t count)
{
    struct tally tally = {0, 0, 0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        tally.silent += runs[i].verdict == SYMMETRY_SILENT;
        tally.symmetric += runs[i].verdict == SYMMETRY_SYMMETRIC;
        if (runs[i].verdict != SYMMETRY_ASYMMETRIC)
            continue;
        size_t times = times_on_top(runs, count, runs[i].top_node);
        tally.asymmetric++;
        if (times > tally.top_times) {
            tally.top_times = times;
            tally.top_node = runs[i].top_node;
        }
    }
    return tally;
}

/* Could the same node lead so often if the culprit were drawn anew in each run? */
static const char *how_often(const struct tally *tally, size_t nodes)
{
    double chance =
        (double)nodes * gsl_cdf_binomial_Q((unsigned)tally->top_times - 1, 1 / (double)nodes,
                                           (unsigned)tally->asymmetric);
    return chance <= P_SAME_NODE ? "always" : "mostly";
}

static const char *word_of(const struct symmetry *run, size_t runs, const struct tally *tally)
{
    static const char *const words[] = {[SYMMETRY_SILENT] = "silent",
                                        [SYMMETRY_ONE] = "one node",
                                        [SYMMETRY_TOO_FEW] = "too few",
                                        [SYMMETRY_ASYMMETRIC] = "asymmetric",
                                        [SYMMETRY_SYMMETRIC] = "symmetric (not rejected)"};
    size_t need = (2 * runs + 2) / 3; /* two thirds, rounded up */
    if (runs == 1)
        return words[run->verdict];
    if (tally->silent == runs)
        return "silent";
    if (tally->asymmetric + tally->symmetric < need)
        return "too few";
    if (tally->asymmetric >= need && tally->top_times < need)
        return "another node each run";
    return tally->symmetric >= need ? words[SYMMETRY_SYMMETRIC] : "mixed";
}

void symmetry_runs(const struct symmetry *runs, size_t count, char text[64])
{
    struct tally tally = tally_of(runs, count);
    if (count == 0) {
        (void)snprintf(text, 64, "unknown (no runs)");
        return;
    }
    if (count > 1 && tally.top_times >= (2 * count + 2) / 3) {
        char name[NODE_NAME_BYTES];
        node_name((uint32_t)tally.top_node, name);
        (void)snprintf(text, 64, "%s %s", how_often(&tally, runs[0].nodes), name);
        return;
    }
    (void)snprintf(text, 64, "%s", word_of(runs, count, &tally));
}
