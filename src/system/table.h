#ifndef MPIDRIFT_TABLE_H
#define MPIDRIFT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a system records besides its boundaries' events: tables of its own, declared as columns, so
 * that whoever writes them to /system/NAME of the run file knows the columns and not the system. */

enum column_kind {
    COLUMN_REAL,     /* double */
    COLUMN_UNSIGNED, /* uint32_t or uint64_t */
    COLUMN_SIGNED,   /* int32_t */
    COLUMN_NODE,     /* uint32_t: index of a node within the group here, its rank in the file */
};

struct system_column {
    const char *name;
    size_t offset;
    size_t size;
    enum column_kind kind;
    const char *unit; /* NULL: none. A column with a unit ends in it */
};

/* A row is a struct without padding whose columns cover it; one column, `node`, says whose it is.
 */
struct system_table {
    const char *name;
    size_t row_bytes;
    const struct system_column *columns;
    size_t column_count;
};

#define SYSTEM_COLUMN(row, member, kind, unit)                                                     \
    {                                                                                              \
#member, offsetof(struct row, member), sizeof(((struct row *)NULL)->member), (kind),       \
            (unit)                                                                                 \
    }
#define SYSTEM_TABLE(name, row, columns)                                                           \
    {                                                                                              \
        (name), sizeof(struct row), (columns), sizeof(columns) / sizeof((columns)[0])              \
    }

enum { SYSTEM_TABLES_MAX = 4, SYSTEM_COLUMNS_MAX = 16 };

/* Rows in memory taken at the start; what does not fit is counted. */
struct row_store {
    unsigned char *rows;
    size_t row_bytes;
    size_t rows_max;
    size_t count;
    uint64_t dropped;
};

/* False when memory is short. */
bool row_store_open(struct row_store *store, size_t row_bytes, size_t rows_max);
void row_store_close(struct row_store *store);
/* Append a copy. Where it stands, or NULL if it was dropped. */
void *row_store_add(struct row_store *store, const void *row);

#endif
