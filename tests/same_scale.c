#include "same_scale.h"

#include "analysis/comparison/columns.h"
#include "analysis/comparison/figures.h"
#include "analysis/metrics/rates.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double LEVEL = 0.01, CLAIMED_SHARE_MAX = 0.05;

/* ---- what one row claims ---- */

/* Statements of a row so far. */
struct claims {
    size_t count;
    double smallest_p; /* two-sided */
};

static void add_rank(struct claims *claims, const struct rank_statement *rank)
{
    if (rank->unknown != NULL)
        return;
    claims->count++;
    claims->smallest_p = fmin(claims->smallest_p, 2 * fmin(rank->p_above, rank->p_below));
}

static void add_claims(struct same_scale_row *row, const struct claims *claims)
{
    row->able += claims->count > 0;
    row->claimed += claims->count > 0 && claims->smallest_p * (double)claims->count <= LEVEL;
}

static void add_first_drift(struct same_scale_row *row, const struct column *here)
{
    const struct first_drift_figures *first = &here->rows[ALL_CONTEXTS].first[WITH_STALLED];
    bool able = first->unknown == NULL && first->hazard_ratio.unknown == NULL;
    row->able += able;
    row->claimed += able && first->hazard_p <= LEVEL;
}

/* Where no badge is self-stalled, what is said without them is the same statement. */
static void add_frequency(struct same_scale_row *row, const struct column *two,
                          const struct column *here)
{
    struct claims claims = {0, 1};
    const struct context_figures *all = &here->rows[ALL_CONTEXTS];
    add_rank(&claims, &all->rank[WITH_STALLED]);
    if (two->rows[ALL_CONTEXTS].self_stalled + all->self_stalled > 0)
        add_rank(&claims, &all->rank[WITHOUT_STALLED]);
    if (two->rows[ALL_CONTEXTS].episodes + all->episodes == 0)
        claims.count = 0;
    add_claims(row, &claims);
}

static bool says_something(const struct symmetry_figures *symmetry)
{
    static const char *const undecided[] = {"too few", "silent", "mixed"};
    for (size_t i = 0; i < sizeof undecided / sizeof undecided[0]; i++)
        if (symmetry->unknown != NULL || strcmp(symmetry->verdict, undecided[i]) == 0)
            return false;
    return true;
}

static void add_symmetry(struct same_scale_row *row, const struct column *two,
                         const struct column *here)
{
    bool able = false, differs = false;
    for (enum variant v = 0; v < VARIANT_COUNT; v++) {
        const struct symmetry_figures *there = &two->rows[ALL_CONTEXTS].symmetry[v];
        const struct symmetry_figures *symmetry = &here->rows[ALL_CONTEXTS].symmetry[v];
        bool both = says_something(there) && says_something(symmetry);
        able = able || both;
        differs = differs || (both && strcmp(there->verdict, symmetry->verdict) != 0);
    }
    row->able += able;
    row->claimed += differs;
}

static void add_sensitivity(struct same_scale_row *row, const struct column *here)
{
    struct claims claims = {0, 1};
    for (size_t c = 0; c < CONTEXT_COUNT; c++)
        if (here->rows[c].sensitivity.growth.unknown == NULL)
            add_rank(&claims, &here->rows[c].sensitivity.rank);
    add_claims(row, &claims);
}

/* ---- one comparison ---- */

static bool add_columns(struct same_scale *sum, struct column *two, struct column *here)
{
    column_conditions(two);
    column_conditions(here);
    if (!column_figures(two, two) || !column_figures(here, two))
        return false;
    sum->comparisons++;
    add_first_drift(&sum->rows[ASPECT_FIRST_DRIFT], here);
    add_frequency(&sum->rows[ASPECT_FREQUENCY], two, here);
    add_symmetry(&sum->rows[ASPECT_SYMMETRY], two, here);
    add_sensitivity(&sum->rows[ASPECT_SENSITIVITY], here);
    return true;
}

/* The place of a run among the files as they were given. */
static size_t place_of(const struct run *run, char *const *paths)
{
    size_t place = 0;
    while (strcmp(paths[place], run->path) != 0)
        place++;
    return place;
}

static void put_in_order(const struct run **runs, char *const *paths, size_t count)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && place_of(runs[j], paths) < place_of(runs[j - 1], paths); j--) {
            const struct run *run = runs[j];
            runs[j] = runs[j - 1];
            runs[j - 1] = run;
        }
}

/* The column that holds every run; NULL: they are of several kinds. */
static struct column *only_column(struct comparison *c)
{
    for (size_t i = 0; i < c->column_count; i++)
        if (c->columns[i].run_count == c->run_count)
            return &c->columns[i];
    return NULL;
}

static bool compare_halves(struct same_scale *sum, const struct column *all)
{
    struct column two = *all, here = *all;
    two.run_count = here.run_count = all->run_count / 2;
    here.runs = all->runs + two.run_count;
    return add_columns(sum, &two, &here);
}

static bool deal_and_compare(struct same_scale *sum, const struct column *all,
                             struct same_scale_deal deal)
{
    if (deal.deals == 0)
        return compare_halves(sum, all);
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    bool done = rng != NULL;
    if (done)
        gsl_rng_set(rng, deal.seed);
    for (size_t i = 0; done && i < deal.deals; i++) {
        gsl_ran_shuffle(rng, (void *)all->runs, all->run_count, sizeof(const struct run *));
        done = compare_halves(sum, all);
    }
    gsl_rng_free(rng);
    return done;
}

bool same_scale_add(struct same_scale *sum, char *const *paths, size_t count,
                    struct same_scale_deal deal, struct failure *failure)
{
    struct comparison c;
    bool done = comparison_make(&c, paths, count, false, failure);
    struct column *all = done ? only_column(&c) : NULL;
    if (done && all == NULL)
        done = failure_set(failure, EXIT_BAD_INPUT, "%s and the %zu after it are not of one kind",
                           paths[0], count - 1);
    if (done && all != NULL) {
        put_in_order(all->runs, paths, count);
        done = deal_and_compare(sum, all, deal) ||
               failure_set(failure, EXIT_INTERNAL, "no memory for the comparison");
    }
    comparison_free(&c);
    return done;
}

/* ---- all of them ---- */

bool same_scale_holds(const struct same_scale *sum, enum aspect aspect)
{
    const struct same_scale_row *row = &sum->rows[aspect];
    double comparisons = (double)sum->comparisons;
    return 2 * row->able >= sum->comparisons && sum->comparisons > 0 &&
           (double)row->claimed <= CLAIMED_SHARE_MAX * comparisons;
}

/* How often a row with that rate of false alarms would pass. */
static double pass_probability(const struct same_scale *sum, double rate)
{
    double most = floor(CLAIMED_SHARE_MAX * (double)sum->comparisons);
    return gsl_cdf_binomial_P((unsigned)most, rate, (unsigned)sum->comparisons);
}

void same_scale_print(FILE *out, const struct same_scale *sum)
{
    (void)fprintf(out, "%-22s%12s%8s%10s%8s%20s  %s\n", "row", "comparisons", "able", "claimed",
                  "share", "true share (95 %)", "");
    for (size_t a = 0; a < ASPECTS_OF_THE_LAB; a++) {
        const struct same_scale_row *row = &sum->rows[a];
        struct rate_interval share = share_interval(row->claimed, sum->comparisons, 0.95);
        char interval[32];
        (void)snprintf(interval, sizeof interval, "%.3f to %.3f", share.low, share.high);
        (void)fprintf(out, "%-22s%12zu%8zu%10zu%8.3f%20s  %s\n", aspect_names[a], sum->comparisons,
                      row->able, row->claimed, share.value, interval,
                      same_scale_holds(sum, a) ? "pass" : "FAIL");
    }
    (void)fprintf(
        out,
        "A row passes with at most %.0f %% claimed, and if it was able to claim in half.\n"
        "In %zu comparisons this lets pass a row whose true share is 1 %% in %.3f of the\n"
        "cases, one of 5 %% in %.3f, one of 10 %% in %.3f, one of 20 %% in %.3f.\n",
        100 * CLAIMED_SHARE_MAX, sum->comparisons, pass_probability(sum, 0.01),
        pass_probability(sum, 0.05), pass_probability(sum, 0.1), pass_probability(sum, 0.2));
}
