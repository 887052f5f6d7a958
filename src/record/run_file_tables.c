#include "record/run_file_tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Rows per chunk at most, and bytes per chunk of an array: what HDF5 writes at once. A chunk is
 * copied and summed several times on its way, so it must fit into a core's cache. */
enum { CHUNK_ROWS_MAX = 4096, CHUNK_BYTES_MAX = 512 * 1024 };

/* ---- groups and datasets: no time stamps, so that equal content gives equal bytes ---- */

bool create_group(const struct hdf_file *file, hid_t root, const char *path)
{
    hid_t list = HDF(file, H5Pcreate, H5P_GROUP_CREATE);
    hid_t group = NO_ID;
    bool done = list >= 0 && HDF(file, H5Pset_obj_track_times, list, false) >= 0 &&
                (group = HDF(file, H5Gcreate2, root, path, H5P_DEFAULT, list, H5P_DEFAULT)) >= 0;
    done = hdf_close(file, &group) && done;
    return hdf_close(file, &list) && done;
}

/* With checksums, as the metadata have: HDF5 then refuses damaged numbers. There are two, because
 * Fletcher's takes 0xffff for 0x0000; deflate, which every HDF5 has, brings another (Adler's), and
 * at level 0 it only copies. */
static bool set_checksums(const struct hdf_file *file, hid_t list)
{
    return HDF(file, H5Pset_deflate, list, 0) >= 0 && HDF(file, H5Pset_fletcher32, list) >= 0;
}

/* `chunk` is NULL for a dataset without elements, which cannot have chunks. */
static hid_t create_dataset(const struct hdf_file *file, hid_t root, const char *path, hid_t type,
                            hid_t space, int rank, const hsize_t *chunk)
{
    hid_t list = HDF(file, H5Pcreate, H5P_DATASET_CREATE);
    hid_t dataset = NO_ID;
    bool done = list >= 0 && HDF(file, H5Pset_obj_track_times, list, false) >= 0 &&
                HDF(file, H5Pset_fill_time, list, H5D_FILL_TIME_ALLOC) >= 0 &&
                (chunk == NULL ||
                 (HDF(file, H5Pset_chunk, list, rank, chunk) >= 0 && set_checksums(file, list)));
    if (done)
        dataset = HDF(file, H5Dcreate2, root, path, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (!hdf_close(file, &list))
        (void)hdf_close(file, &dataset);
    return dataset;
}

/* A one-dimensional dataset written whole. */
bool write_vector(const struct hdf_file *file, hid_t root, const char *path, hid_t type,
                  hid_t memory_type, hsize_t size, const void *values)
{
    hid_t space = HDF(file, H5Screate_simple, 1, &size, NULL);
    hid_t dataset = NO_ID;
    if (space >= 0)
        dataset = create_dataset(file, root, path, type, space, 1, size > 0 ? &size : NULL);
    bool done = dataset >= 0 && HDF(file, H5Dwrite, dataset, memory_type, H5S_ALL, H5S_ALL,
                                    H5P_DEFAULT, values) >= 0;
    done = hdf_close(file, &dataset) && done;
    return hdf_close(file, &space) && done;
}

/* Write `memory` to the block at `start` of size `count`. */
static bool write_block(const struct hdf_file *file, hid_t dataset, hid_t memory_type, int rank,
                        const hsize_t *start, const hsize_t *count, const void *memory)
{
    hid_t space = HDF(file, H5Dget_space, dataset);
    hid_t memory_space = HDF(file, H5Screate_simple, rank, count, NULL);
    bool done =
        space >= 0 && memory_space >= 0 &&
        HDF(file, H5Sselect_hyperslab, space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
        HDF(file, H5Dwrite, dataset, memory_type, memory_space, space, H5P_DEFAULT, memory) >= 0;
    done = hdf_close(file, &memory_space) && done;
    return hdf_close(file, &space) && done;
}

/* ---- tables ---- */

bool table_open(const struct hdf_file *file, struct table *table, const struct row_type *rows,
                uint64_t rows_max)
{
    size_t buffer_rows = rows_max < CHUNK_ROWS_MAX ? (size_t)rows_max : CHUNK_ROWS_MAX;
    table->rows = rows;
    table->buffer_rows = buffer_rows > 0 ? buffer_rows : 1;
    table->buffer = malloc(table->buffer_rows * rows->size);
    table->type = row_file_type(file, rows);
    if (table->buffer == NULL)
        return failure_set(file->failure, EXIT_INTERNAL, "no memory to write %s", file->path);
    return table->type >= 0;
}

static bool write_units(const struct hdf_file *file, const struct table *table)
{
    bool done = true;
    for (size_t i = 0; done && i < table->rows->field_count; i++) {
        const struct field *field = &table->rows->fields[i];
        char key[64];
        (void)snprintf(key, sizeof key, "unit_%s", field->name);
        done = field->unit == NULL || attribute_write_text(file, table->dataset, key, field->unit);
    }
    return done;
}

static bool table_create(const struct hdf_file *file, hid_t root, struct table *table)
{
    hsize_t size = 0, size_max = H5S_UNLIMITED;
    hsize_t chunk = table->buffered > 0 ? table->buffered : 1;
    hid_t space = HDF(file, H5Screate_simple, 1, &size, &size_max);
    if (space >= 0)
        table->dataset =
            create_dataset(file, root, table->rows->path, table->type, space, 1, &chunk);
    return hdf_close(file, &space) && table->dataset >= 0 && write_units(file, table);
}

bool table_flush(const struct hdf_file *file, hid_t root, struct table *table)
{
    if (table->dataset < 0 && !table_create(file, root, table))
        return false;
    if (table->buffered == 0)
        return true;
    hsize_t start = table->written, count = table->buffered, size = start + count;
    row_clean_texts(table->rows, table->buffer, table->buffered);
    if (HDF(file, H5Dset_extent, table->dataset, &size) < 0 ||
        !write_block(file, table->dataset, table->type, 1, &start, &count, table->buffer))
        return false;
    table->written = size;
    table->buffered = 0;
    return true;
}

bool table_append(const struct hdf_file *file, hid_t root, struct table *table, const void *rows,
                  size_t count)
{
    const unsigned char *next = rows;
    size_t row_size = table->rows->size;
    bool done = file->failure->code == EXIT_DONE;
    while (done && count > 0) {
        size_t room = table->buffer_rows - table->buffered;
        size_t part = count < room ? count : room;
        memcpy(table->buffer + table->buffered * row_size, next, part * row_size);
        table->buffered += part;
        next += part * row_size;
        count -= part;
        if (table->buffered == table->buffer_rows)
            done = table_flush(file, root, table);
    }
    return done;
}

bool table_close(const struct hdf_file *file, struct table *table)
{
    bool done = hdf_close(file, &table->dataset);
    done = hdf_close(file, &table->type) && done;
    free(table->buffer);
    table->buffer = NULL;
    return done;
}

/* ---- arrays ---- */

/* Rows per chunk so that a chunk stays within CHUNK_BYTES_MAX; the whole array if it is small. */
static hsize_t chunk_rows(const struct array *array, size_t element_size)
{
    hsize_t row_bytes = element_size;
    for (int i = 1; i < array->rank; i++)
        row_bytes *= array->size[i];
    hsize_t rows = CHUNK_BYTES_MAX / row_bytes;
    rows = rows < array->size[0] ? rows : array->size[0];
    return rows > 0 ? rows : 1;
}

static bool is_empty(const struct array *array)
{
    for (int i = 0; i < array->rank; i++)
        if (array->size[i] == 0)
            return true;
    return false;
}

bool array_create(const struct hdf_file *file, hid_t root, struct array *array, const char *path,
                  hid_t type, const char *unit)
{
    hsize_t chunk[3] = {0, array->size[1], array->size[2]};
    bool empty = is_empty(array);
    if (!empty)
        chunk[0] = chunk_rows(array, H5Tget_size(type));
    hid_t space = HDF(file, H5Screate_simple, array->rank, array->size, NULL);
    if (space >= 0)
        array->dataset =
            create_dataset(file, root, path, type, space, array->rank, empty ? NULL : chunk);
    return hdf_close(file, &space) && array->dataset >= 0 &&
           (unit == NULL || attribute_write_text(file, array->dataset, "unit", unit));
}

bool array_write(const struct hdf_file *file, const struct array *array, uint32_t node,
                 const void *row)
{
    if (file->failure->code != EXIT_DONE)
        return false;
    assert(node < array->size[0]);
    if (is_empty(array))
        return true;
    const hsize_t start[3] = {node, 0, 0};
    const hsize_t count[3] = {1, array->size[1], array->size[2]};
    return write_block(file, array->dataset, array->memory_type, array->rank, start, count, row);
}
