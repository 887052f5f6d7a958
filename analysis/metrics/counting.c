#include "analysis/metrics/counting.h"

#include <math.h>

double fano(const uint64_t *counts, size_t windows)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < windows; i++)
        sum += (double)counts[i];
    if (windows < 2 || sum <= 0)
        return (double)NAN;
    double mean = sum / (double)windows;
    for (size_t i = 0; i < windows; i++)
        squares += ((double)counts[i] - mean) * ((double)counts[i] - mean);
    return squares / (double)(windows - 1) / mean;
}

static double merged(const uint32_t *row, size_t window, size_t merge)
{
    double sum = 0;
    for (size_t i = window * merge; i < (window + 1) * merge; i++)
        sum += row[i];
    return sum;
}

/* One merging of windows; windows that do not fill the last merged one are left out. */
static double pooled_at(const uint32_t *counts, size_t nodes, size_t windows, size_t merge)
{
    size_t kept = windows / merge;
    double variances = 0, means = 0;
    if (kept < 2)
        return 1;
    for (size_t node = 0; node < nodes; node++) {
        const uint32_t *row = counts + node * windows;
        double sum = 0, squares = 0;
        for (size_t w = 0; w < kept; w++)
            sum += merged(row, w, merge);
        double mean = sum / (double)kept;
        for (size_t w = 0; w < kept; w++)
            squares += pow(merged(row, w, merge) - mean, 2);
        variances += squares / (double)(kept - 1);
        means += mean;
    }
    return means > 0 ? variances / means : 1;
}

double pooled_dispersion(const uint32_t *counts, size_t nodes, size_t windows)
{
    double largest = 1;
    for (size_t merge = 1; merge <= 4; merge *= 2)
        largest = fmax(largest, pooled_at(counts, nodes, windows, merge));
    return largest;
}
