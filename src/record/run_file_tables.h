#ifndef MPIDRIFT_RUN_FILE_TABLES_H
#define MPIDRIFT_RUN_FILE_TABLES_H

#include "record/run_file_hdf5.h"

/* How the writer fills a file: groups, tables that grow, arrays with a row per node. No object has
 * a time stamp, so that equal content gives equal bytes. Each returns false after a failure. */

bool create_group(const struct hdf_file *file, hid_t root, const char *path);
/* A one-dimensional dataset written whole. */
bool write_vector(const struct hdf_file *file, hid_t root, const char *path, hid_t type,
                  hid_t memory_type, hsize_t size, const void *values);

/* Rows are collected to a chunk. The dataset is created with the first chunk or at the end, so that
 * a small run does not pay for a large chunk. */
struct table {
    const struct row_type *rows;
    hid_t type;
    hid_t dataset;
    unsigned char *buffer;
    size_t buffer_rows;
    size_t buffered;
    uint64_t written;
};

/* An array of numbers, one row per node. */
struct array {
    hid_t dataset;
    hid_t memory_type;
    int rank;
    hsize_t size[3];
};

/* A table of at most rows_max rows. */
bool table_open(const struct hdf_file *file, struct table *table, const struct row_type *rows,
                uint64_t rows_max);
bool table_append(const struct hdf_file *file, hid_t root, struct table *table, const void *rows,
                  size_t count);
/* Write what is collected; a table without rows is created, too. */
bool table_flush(const struct hdf_file *file, hid_t root, struct table *table);
bool table_close(const struct hdf_file *file, struct table *table);

/* Of the rank and size that stand in it; any size may be 0. `unit` may be NULL. */
bool array_create(const struct hdf_file *file, hid_t root, struct array *array, const char *path,
                  hid_t type, const char *unit);
bool array_write(const struct hdf_file *file, const struct array *array, uint32_t node,
                 const void *row);

/* The closed partial file goes to disk, is read back and verified, is renamed to `path`, and its
 * directory goes to disk. */
bool publish(const struct hdf_file *file, const char *path);

#endif
