#include "record/run_file_system.h"

#include <assert.h>

static const enum field_kind kinds[] = {
    [COLUMN_REAL] = FIELD_REAL,
    [COLUMN_UNSIGNED] = FIELD_UNSIGNED,
    [COLUMN_SIGNED] = FIELD_SIGNED,
    [COLUMN_NODE] = FIELD_UNSIGNED,
};

bool system_rows_open(const struct hdf_file *file, struct system_rows *rows,
                      const struct system_table *declared)
{
    assert(declared->column_count <= SYSTEM_COLUMNS_MAX);
    (void)snprintf(rows->path, sizeof rows->path, "/system/%s", declared->name);
    for (size_t i = 0; i < declared->column_count; i++) {
        const struct system_column *column = &declared->columns[i];
        rows->fields[i] = (struct field){.name = column->name,
                                         .offset = column->offset,
                                         .size = column->size,
                                         .kind = kinds[column->kind],
                                         .unit = column->unit};
    }
    rows->type =
        (struct row_type){rows->path, declared->row_bytes, rows->fields, declared->column_count};
    return table_open(file, &rows->table, &rows->type, UINT64_MAX);
}

bool system_rows_flush(const struct hdf_file *file, hid_t root, struct system_rows *rows)
{
    return table_flush(file, root, &rows->table) &&
           attribute_write_real(file, rows->table.dataset, "dropped", (double)rows->dropped) &&
           attribute_write_text(file, rows->table.dataset, "unit_dropped", "rows");
}
