#include "observe/histogram.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const histogram_names[HISTOGRAM_KINDS] = {
    [HISTOGRAM_DELAY] = "delay", [HISTOGRAM_LAG] = "lag",           [HISTOGRAM_GAP] = "gap",
    [HISTOGRAM_STALL] = "stall", [HISTOGRAM_LATENESS] = "lateness",
};

const char *const histogram_units[HISTOGRAM_KINDS] = {
    [HISTOGRAM_DELAY] = "s", [HISTOGRAM_LAG] = "versions", [HISTOGRAM_GAP] = "s",
    [HISTOGRAM_STALL] = "s", [HISTOGRAM_LATENESS] = "s",
};

/* Powers of two: every base edge is then exact in binary, and the bin of a value is found without
 * rounding. */
#define TIME_LOW_S 0x1p-23 /* 0.12 us */
enum { TIME_OCTAVES = 30 };
/* Low enough that a lag of one version is counted in a bin. */
#define LAG_LOW 0.5
enum { LAG_OCTAVES = 17 };

static size_t base_bins(const struct histogram *histogram)
{
    return histogram->bins - histogram->extra_count;
}

static double base_edge(const struct histogram *histogram, size_t index)
{
    double within = (double)(index % HISTOGRAM_BINS_PER_OCTAVE) / HISTOGRAM_BINS_PER_OCTAVE;
    return ldexp(histogram->low * (1 + within), (int)(index / HISTOGRAM_BINS_PER_OCTAVE));
}

/* How many base edges lie below a value of (low, high]: read off the double, whose exponent tells
 * the octave, since low is a power of two, and whose first five bits of mantissa tell the bin; a
 * value with nothing behind them lies on an edge. */
static size_t base_edges_below(const struct histogram *histogram, double value)
{
    enum { MANTISSA_BITS = 52, BIN_BITS = 5, REST_BITS = MANTISSA_BITS - BIN_BITS };
    static_assert(1 << BIN_BITS == HISTOGRAM_BINS_PER_OCTAVE, "the bins are these bits");
    uint64_t bits, low_bits;
    memcpy(&bits, &value, sizeof bits);
    memcpy(&low_bits, &histogram->low, sizeof low_bits);
    bool behind_edge = (bits & ((UINT64_C(1) << REST_BITS) - 1)) != 0;
    return (size_t)((bits >> REST_BITS) - (low_bits >> REST_BITS)) + behind_edge;
}

/* An edge that is there already, or that lies outside the range, is no extra one. */
static void add_extra_edge(struct histogram *histogram, double edge)
{
    if (!(edge > histogram->low && edge < histogram->high))
        return;
    if (base_edge(histogram, base_edges_below(histogram, edge)) <= edge)
        return;
    histogram->extra[histogram->extra_count++] = edge;
}

struct histogram histogram_shape(enum histogram_kind kind, double limit)
{
    bool lag = kind == HISTOGRAM_LAG;
    int octaves = lag ? LAG_OCTAVES : TIME_OCTAVES;
    double low = lag ? LAG_LOW : TIME_LOW_S;
    bool limited = isfinite(limit) && limit > 0;
    struct histogram histogram = {
        .low = low, .high = ldexp(low, octaves), .limit = limited ? limit : 0};
    if (limited) {
        add_extra_edge(&histogram, limit * 0.9);
        add_extra_edge(&histogram, limit);
        add_extra_edge(&histogram, limit * 1.1);
    }
    histogram.bins = (size_t)octaves * HISTOGRAM_BINS_PER_OCTAVE + histogram.extra_count;
    return histogram;
}

bool histogram_init(struct histogram *histogram, enum histogram_kind kind, double limit)
{
    *histogram = histogram_shape(kind, limit);
    histogram->counts = calloc(histogram->bins, sizeof *histogram->counts);
    return histogram->counts != NULL;
}

void histogram_free(struct histogram *histogram)
{
    free(histogram->counts);
    histogram->counts = NULL;
}

void histogram_add(struct histogram *histogram, double value)
{
    if (value <= histogram->low) {
        histogram->underflow++;
        return;
    }
    if (!(value <= histogram->high)) {
        histogram->overflow++;
        return;
    }
    size_t edges_below = base_edges_below(histogram, value);
    for (size_t i = 0; i < histogram->extra_count; i++)
        edges_below += histogram->extra[i] < value;
    histogram->counts[edges_below - 1]++;
}

void histogram_edges(const struct histogram *histogram, double *edges)
{
    size_t extra = 0;
    for (size_t i = 0; i <= base_bins(histogram); i++) {
        double edge = base_edge(histogram, i);
        while (extra < histogram->extra_count && histogram->extra[extra] < edge)
            *edges++ = histogram->extra[extra++];
        *edges++ = edge;
    }
}
