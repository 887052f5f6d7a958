#include "speed/figures.h"

#include <assert.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <string.h>

void figures_add(struct figures *figures, const char *key, double *samples, size_t count)
{
    assert(count > 0 && count <= FIGURE_SAMPLES_MAX && figures->count < FIGURES_MAX);
    gsl_sort(samples, 1, count);
    figures->rows[figures->count++] = (struct figure){
        .key = key,
        .median = gsl_stats_median_from_sorted_data(samples, 1, count),
        .low = gsl_stats_quantile_from_sorted_data(samples, 1, count, 0.25),
        .high = gsl_stats_quantile_from_sorted_data(samples, 1, count, 0.75),
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

bool figures_json(json_t *object, const struct figures *figures)
{
    json_t *spread = json_object();
    bool done = spread != NULL;
    for (size_t i = 0; done && i < figures->count; i++) {
        const struct figure *row = &figures->rows[i];
        done = json_object_set_new(object, row->key, number(row->median)) == 0 &&
               json_object_set_new(spread, row->key,
                                   json_pack("[oo]", number(row->low), number(row->high))) == 0;
    }
    return json_object_set_new(object, "spread", spread) == 0 && done;
}
