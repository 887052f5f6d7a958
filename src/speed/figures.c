#include "speed/figures.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <string.h>

/* The smallest pair of order statistics, k-th from either end, that holds the median with 95 %: the
 * largest k with 2 P(Bin(n, 1/2) < k) <= .05. */
static size_t median_order(size_t count)
{
    size_t order = 0;
    while (2 * gsl_cdf_binomial_P((unsigned)order, 0.5, (unsigned)count) <= 0.05)
        order++;
    return order;
}

void figures_add(struct figures *figures, const char *key, double *samples, size_t count)
{
    assert(count > 0 && count <= FIGURE_SAMPLES_MAX && figures->count < FIGURES_MAX);
    gsl_sort(samples, 1, count);
    size_t order = median_order(count);
    figures->rows[figures->count++] = (struct figure){
        .key = key,
        .median = gsl_stats_median_from_sorted_data(samples, 1, count),
        .low = gsl_stats_quantile_from_sorted_data(samples, 1, count, 0.25),
        .high = gsl_stats_quantile_from_sorted_data(samples, 1, count, 0.75),
        .median_low = order > 0 ? samples[order - 1] : (double)NAN,
        .median_high = order > 0 ? samples[count - order] : (double)NAN,
    };
}

double figures_median(const struct figures *figures, const char *key)
{
    for (size_t i = 0; i < figures->count; i++)
        if (strcmp(figures->rows[i].key, key) == 0)
            return figures->rows[i].median;
    return (double)NAN;
}

void figures_print(FILE *out, const struct figures *figures)
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *row = &figures->rows[i];
        (void)fprintf(out, "%s: %.4g (%.4g to %.4g)\n", row->key, row->median, row->low, row->high);
    }
}

/* JSON has no infinity: of a round in which nothing came. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static bool add_pair(json_t *object, const char *key, double low, double high)
{
    return json_object_set_new(object, key, json_pack("[oo]", number(low), number(high))) == 0;
}

bool figures_json(json_t *object, const struct figures *figures)
{
    json_t *spread = json_object(), *interval = json_object();
    bool done = spread != NULL && interval != NULL;
    for (size_t i = 0; done && i < figures->count; i++) {
        const struct figure *row = &figures->rows[i];
        done = json_object_set_new(object, row->key, number(row->median)) == 0 &&
               add_pair(spread, row->key, row->low, row->high) &&
               add_pair(interval, row->key, row->median_low, row->median_high);
    }
    done = json_object_set_new(object, "spread", spread) == 0 && done;
    return json_object_set_new(object, "interval", interval) == 0 && done;
}
