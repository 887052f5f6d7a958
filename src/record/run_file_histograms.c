#include "record/run_file_read.h"

#include <inttypes.h>
#include <stdlib.h>

enum { COUNTS, UNDERFLOW, OVERFLOW, HISTOGRAM_ARRAYS };

static struct layout counts_layout(const struct run_reader *reader, enum histogram_kind kind,
                                   int array, size_t bins)
{
    static const char *const names[HISTOGRAM_ARRAYS] = {"counts", "underflow", "overflow"};
    struct layout layout = {.rank = array == COUNTS ? 2 : 1,
                            .size = {reader->node_count, bins},
                            .memory_type = H5T_NATIVE_UINT64};
    (void)snprintf(layout.path, sizeof layout.path, "/histograms/%s/%s", histogram_names[kind],
                   names[array]);
    return layout;
}

/* The edges say how many bins there are. */
static bool edges_layout(const struct run_reader *reader, enum histogram_kind kind,
                         struct layout *layout)
{
    *layout = (struct layout){.rank = 1, .memory_type = H5T_NATIVE_DOUBLE};
    (void)snprintf(layout->path, sizeof layout->path, "/histograms/%s/edges",
                   histogram_names[kind]);
    if (!vector_size(reader, layout->path, layout->size))
        return false;
    return layout->size[0] >= 2 || reader_refuse(&reader->file, "has no bins in %s", layout->path);
}

static bool check_histogram(struct run_reader *reader, enum histogram_kind kind)
{
    struct layout edges;
    char group[32];
    (void)snprintf(group, sizeof group, "/histograms/%s", histogram_names[kind]);
    bool done = edges_layout(reader, kind, &edges) && array_check(reader, &edges) &&
                group_number(reader, group, "limit", &reader->limits[kind]);
    for (int array = COUNTS; done && array < HISTOGRAM_ARRAYS; array++) {
        struct layout layout = counts_layout(reader, kind, array, edges.size[0] - 1);
        done = array_check(reader, &layout);
    }
    return done;
}

bool reader_check_histograms(struct run_reader *reader)
{
    bool done = true;
    for (int kind = 0; done && kind < HISTOGRAM_KINDS; kind++)
        done = check_histogram(reader, (enum histogram_kind)kind);
    return done;
}

static bool read_edges(const struct run_reader *reader, const struct layout *layout,
                       const struct run_histogram *histogram)
{
    if (!array_read(reader, layout, 0, layout->size[0], histogram->edges))
        return false;
    for (size_t i = 0; i < histogram->bins; i++)
        if (!(histogram->edges[i] < histogram->edges[i + 1]))
            return reader_refuse(&reader->file, "is damaged: %s do not ascend", layout->path);
    return true;
}

/* Add up one array over the nodes, a node at a time; `row` holds `width` numbers. */
static bool sum_nodes(const struct run_reader *reader, const struct layout *layout, size_t width,
                      uint64_t *row, uint64_t *sums)
{
    bool done = true;
    for (uint32_t node = 0; done && node < reader->node_count; node++) {
        done = array_read(reader, layout, node, 1, row);
        for (size_t i = 0; done && i < width; i++)
            sums[i] += row[i];
    }
    return done;
}

static bool read_histogram(const struct run_reader *reader, enum histogram_kind kind,
                           const struct layout *edges, struct run_histogram *histogram)
{
    uint64_t *row = calloc(histogram->bins, sizeof *row);
    if (row == NULL || histogram->edges == NULL || histogram->counts == NULL) {
        free(row);
        return failure_set(reader->file.failure, EXIT_INTERNAL, "no memory to read %s",
                           reader->path);
    }
    uint64_t *const sums[HISTOGRAM_ARRAYS] = {histogram->counts, &histogram->underflow,
                                              &histogram->overflow};
    bool done = read_edges(reader, edges, histogram);
    for (int array = COUNTS; done && array < HISTOGRAM_ARRAYS; array++) {
        struct layout layout = counts_layout(reader, kind, array, histogram->bins);
        done = sum_nodes(reader, &layout, array == COUNTS ? histogram->bins : 1, row, sums[array]);
    }
    free(row);
    return done;
}

bool run_reader_histogram(struct run_reader *reader, enum histogram_kind kind,
                          struct run_histogram *histogram, struct failure *failure)
{
    struct layout edges;
    *histogram = (struct run_histogram){.limit = reader->limits[kind]};
    reader->file.failure = failure;
    if (!edges_layout(reader, kind, &edges))
        return false;
    histogram->bins = edges.size[0] - 1;
    histogram->edges = malloc(edges.size[0] * sizeof *histogram->edges);
    histogram->counts = calloc(histogram->bins, sizeof *histogram->counts);
    if (read_histogram(reader, kind, &edges, histogram))
        return true;
    run_histogram_free(histogram);
    return false;
}

void run_histogram_free(struct run_histogram *histogram)
{
    free(histogram->edges);
    free(histogram->counts);
    *histogram = (struct run_histogram){0};
}
