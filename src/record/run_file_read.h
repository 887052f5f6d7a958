#ifndef MPIDRIFT_RUN_FILE_READ_H
#define MPIDRIFT_RUN_FILE_READ_H

#include "record/run_file_hdf5.h"

/* A dataset of rows. */
struct rows {
    const struct row_type *type;
    hid_t dataset;
    hid_t memory_type;
    hsize_t count;
};

struct run_reader {
    struct hdf_file file;
    char *path;
    hid_t id;
    struct settings settings;
    uint32_t minor; /* version of the format */
    struct rows badges, node_rows, pairs, trace_rows, trace_index_rows;
    uint32_t node_count;
    struct run_node *nodes;
    struct run_trace *trace_index; /* [node_count] */
    uint32_t context_count;
    uint32_t *contexts;
    uint32_t window_count;
    double window_s;
    double limits[HISTOGRAM_KINDS];
};

/* run_reader_open without its trial in a child process, for a file that was just written. */
struct run_reader *reader_open(const char *path, struct failure *failure);

/* "FILE sentence" as the failure; always false. */
__attribute__((format(printf, 2, 3))) bool reader_refuse(const struct hdf_file *file,
                                                         const char *format, ...);
/* Whether each part of the absolute path exists. */
bool reader_has(const struct hdf_file *file, hid_t root, const char *path);

/* Open a dataset and tell its size: NO_ID after refusing one that is missing, of another rank, or
 * that claims more data than the file holds. What it says may be trusted when memory is taken. */
hid_t reader_open_dataset(const struct run_reader *reader, const char *path, int rank,
                          hsize_t *size);
bool reader_read_block(const struct hdf_file *file, hid_t dataset, hid_t memory_type, int rank,
                       const hsize_t *start, const hsize_t *count, void *memory);

enum { RANK_MAX = 3 };

/* An array of numbers as it must be. */
struct layout {
    char path[64];
    int rank;
    hsize_t size[RANK_MAX];
    hid_t memory_type;
};

bool array_check(const struct run_reader *reader, const struct layout *layout);
/* Read the rows [first, first + rows). */
bool array_read(const struct run_reader *reader, const struct layout *layout, hsize_t first,
                hsize_t rows, void *memory);
/* The size of a vector that must be there. */
bool vector_size(const struct run_reader *reader, const char *path, hsize_t *size);
/* An attribute that must be there, of a group that is none of setting_groups. */
bool group_number(struct run_reader *reader, const char *group, const char *key, double *number);

bool rows_open(struct run_reader *reader, struct rows *rows, const struct row_type *type);
/* Rows [first, first + count), which must exist. */
bool rows_read(struct run_reader *reader, const struct rows *rows, uint64_t first, size_t count,
               void *memory);

/* The nodes' rows follow each other without a gap: node by node with `next` from 0, then the end.
 */
bool rows_follow(const struct run_reader *reader, const struct rows *rows, uint32_t node,
                 uint64_t first, uint64_t count, uint64_t *next);
bool rows_end(const struct run_reader *reader, const struct rows *rows, uint64_t next);

/* Shapes and types, and what has one value per run or node. */
bool reader_open_trace(struct run_reader *reader);
bool reader_open_windows(struct run_reader *reader);
bool reader_check_histograms(struct run_reader *reader);

#endif
