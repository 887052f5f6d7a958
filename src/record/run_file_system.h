#ifndef MPIDRIFT_RUN_FILE_SYSTEM_H
#define MPIDRIFT_RUN_FILE_SYSTEM_H

#include "record/run_file_tables.h"

/* A table that the system declares: its columns become the fields of a kind of row. */
struct system_rows {
    char path[64];
    struct field fields[SYSTEM_COLUMNS_MAX];
    struct row_type type;
    struct table table;
    uint64_t dropped;
};

bool system_rows_open(const struct hdf_file *file, struct system_rows *rows,
                      const struct system_table *declared);
/* Write what is collected, and how many rows did not fit. */
bool system_rows_flush(const struct hdf_file *file, hid_t root, struct system_rows *rows);

#endif
