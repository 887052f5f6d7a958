#include "analysis/metrics/exceedance.h"

#include <math.h>

static uint64_t observations(const struct binned_values *values)
{
    uint64_t sum = values->underflow + values->overflow;
    for (size_t i = 0; i < values->bins; i++)
        sum += values->counts[i];
    return sum;
}

/* Index of the first edge at or above the limit; bins + 1 if there is none. */
static size_t edge_from(const struct binned_values *values, double limit)
{
    size_t edge = 0;
    double tolerance = 1e-9 * fabs(limit);
    while (edge <= values->bins && values->edges[edge] < limit - tolerance)
        edge++;
    return edge;
}

struct exceedance_bounds exceedance_at(const struct binned_values *values, double limit)
{
    size_t edge = edge_from(values, limit);
    uint64_t beyond = values->overflow;
    struct exceedance_bounds found = {0, values->overflow, observations(values)};
    if (edge > values->bins) /* the overflow may be below it, too */
        return found;
    for (size_t i = edge; i < values->bins; i++)
        beyond += values->counts[i];
    uint64_t inside_bin = edge == 0 ? values->underflow : values->counts[edge - 1];
    found.least = beyond;
    found.most = values->edges[edge] > limit + 1e-9 * fabs(limit) ? beyond + inside_bin : beyond;
    return found;
}

void exceedance_curve(const struct binned_values *values, uint64_t *beyond)
{
    beyond[values->bins] = values->overflow;
    for (size_t i = values->bins; i > 0; i--)
        beyond[i - 1] = beyond[i] + values->counts[i - 1];
}

struct quantile_bounds binned_quantile(const struct binned_values *values, double q)
{
    uint64_t total = observations(values), not_above = values->underflow;
    double wanted = ceil(q * (double)total);
    if (total == 0)
        return (struct quantile_bounds){(double)NAN, (double)NAN};
    if ((double)not_above >= wanted)
        return (struct quantile_bounds){-HUGE_VAL, values->edges[0]};
    for (size_t i = 0; i < values->bins; i++) {
        not_above += values->counts[i];
        if ((double)not_above >= wanted)
            return (struct quantile_bounds){values->edges[i], values->edges[i + 1]};
    }
    return (struct quantile_bounds){values->edges[values->bins], HUGE_VAL};
}
