#include "analysis/metrics/ranks.h"

#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Twice the midrank is a whole number, so sums of ranks index an array. */
enum { SUM_MAX = 2 * RANKS_MAX * RANKS_MAX };

static size_t twice_midrank(const double *values, size_t count, double value)
{
    size_t below = 0, not_above = 0;
    for (size_t i = 0; i < count; i++) {
        below += values[i] < value;
        not_above += values[i] <= value;
    }
    return below + not_above + 1;
}

/* ways[j][s]: subsets of j values whose twofold ranks add up to s; as doubles, exact to 2^53 and
 * beyond that to rounding. */
static void count_subsets(const size_t *ranks, size_t count, size_t taken,
                          double ways[RANKS_MAX + 1][SUM_MAX + 1])
{
    memset(ways, 0, (RANKS_MAX + 1) * sizeof ways[0]);
    ways[0][0] = 1;
    for (size_t i = 0; i < count; i++)
        for (size_t j = taken; j > 0; j--)
            for (size_t sum = SUM_MAX; sum >= ranks[i]; sum--)
                ways[j][sum] += ways[j - 1][sum - ranks[i]];
}

static double pairs_above(const double *at_two, size_t count_two, const double *at_n,
                          size_t count_n)
{
    double pairs = 0;
    for (size_t i = 0; i < count_two; i++)
        for (size_t j = 0; j < count_n; j++)
            pairs += at_n[j] > at_two[i] ? 1 : at_n[j] == at_two[i] ? 0.5 : 0;
    return pairs;
}

static void put_in_words(struct rank_comparison *found, size_t count_two, size_t count_n)
{
    char here[32] = "the only run", there[32] = "the one";
    if (count_n > 1)
        (void)snprintf(here, sizeof here, "all %zu runs", count_n);
    if (count_two > 1)
        (void)snprintf(there, sizeof there, "all %zu", count_two);
    if (found->all_above || found->all_below)
        (void)snprintf(found->text, sizeof found->text, "%s %s %s at two (p = 1/%.0f)", here,
                       found->all_above ? "above" : "below", there, found->arrangements);
    else
        (void)snprintf(found->text, sizeof found->text, "%g of %zu pairs above (p = %.2g)",
                       found->pairs, count_two * count_n, found->p_above);
}

bool rank_compare(const double *at_two, size_t count_two, const double *at_n, size_t count_n,
                  struct rank_comparison *found)
{
    static double ways[RANKS_MAX + 1][SUM_MAX + 1];
    double values[RANKS_MAX];
    size_t ranks[RANKS_MAX], count = count_two + count_n, seen = 0;
    if (count_two == 0 || count_n == 0 || count > RANKS_MAX)
        return false;
    memcpy(values, at_two, count_two * sizeof values[0]);
    memcpy(values + count_two, at_n, count_n * sizeof values[0]);
    for (size_t i = 0; i < count; i++) {
        ranks[i] = twice_midrank(values, count, values[i]);
        seen += i >= count_two ? ranks[i] : 0;
    }
    count_subsets(ranks, count, count_n, ways);
    double up = 0, down = 0;
    for (size_t sum = 0; sum <= SUM_MAX; sum++) {
        up += sum >= seen ? ways[count_n][sum] : 0;
        down += sum <= seen ? ways[count_n][sum] : 0;
    }
    double arrangements = gsl_sf_choose((unsigned)count, (unsigned)count_n);
    double pairs = pairs_above(at_two, count_two, at_n, count_n);
    *found = (struct rank_comparison){.pairs = pairs,
                                      .p_above = fmin(1, up / arrangements),
                                      .p_below = fmin(1, down / arrangements),
                                      .arrangements = arrangements,
                                      .all_above = pairs == (double)(count_two * count_n),
                                      .all_below = pairs == 0};
    put_in_words(found, count_two, count_n);
    return true;
}
