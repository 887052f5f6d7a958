#include "record/run_file_read.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool reader_refuse(const struct hdf_file *file, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return failure_set(file->failure, file->code, "%s %s", file->path, sentence);
}

bool reader_has(const struct hdf_file *file, hid_t root, const char *path)
{
    (void)file;
    char part[128];
    for (const char *end = strchr(path + 1, '/');; end = strchr(end + 1, '/')) {
        size_t length = end != NULL ? (size_t)(end - path) : strlen(path);
        assert(length < sizeof part);
        memcpy(part, path, length);
        part[length] = '\0';
        if (H5Lexists(root, part, H5P_DEFAULT) <= 0)
            return false;
        if (end == NULL)
            return true;
    }
}

/* A compressed dataset may hold more than its bytes; deflate reaches 1032 : 1. */
static bool holds_what_it_claims(const struct run_reader *reader, hid_t dataset, const char *path,
                                 int rank, const hsize_t *size)
{
    const struct hdf_file *file = &reader->file;
    hid_t list = HDF(file, H5Dget_create_plist, dataset);
    hid_t type = HDF(file, H5Dget_type, dataset);
    int filters = list < 0 ? -1 : (int)HDF(file, H5Pget_nfilters, list);
    double claimed = type < 0 ? 0 : (double)H5Tget_size(type);
    for (int i = 0; i < rank; i++)
        claimed *= (double)size[i];
    double held = (double)H5Dget_storage_size(dataset) * (filters > 0 ? 1032 : 1);
    bool done = list >= 0 && type >= 0 && filters >= 0;
    if (done && claimed > held)
        done = reader_refuse(file, "is truncated: %s claims %.0f bytes and holds %.0f", path,
                             claimed, held);
    done = hdf_close(file, &type) && done;
    return hdf_close(file, &list) && done;
}

static bool shape(const struct run_reader *reader, hid_t dataset, const char *path, int rank,
                  hsize_t *size)
{
    const struct hdf_file *file = &reader->file;
    hid_t space = HDF(file, H5Dget_space, dataset);
    if (space < 0)
        return false;
    bool done =
        H5Sget_simple_extent_ndims(space) == rank ||
        reader_refuse(file, "has %s with the wrong number of dimensions, not %d", path, rank);
    done = done && HDF(file, H5Sget_simple_extent_dims, space, size, NULL) >= 0;
    return hdf_close(file, &space) && done;
}

hid_t reader_open_dataset(const struct run_reader *reader, const char *path, int rank,
                          hsize_t *size)
{
    const struct hdf_file *file = &reader->file;
    if (!reader_has(file, reader->id, path)) {
        (void)reader_refuse(file, "has no dataset %s", path);
        return NO_ID;
    }
    hid_t dataset = HDF(file, H5Dopen2, reader->id, path, H5P_DEFAULT);
    if (dataset >= 0 && !(shape(reader, dataset, path, rank, size) &&
                          holds_what_it_claims(reader, dataset, path, rank, size)))
        (void)hdf_close(file, &dataset);
    return dataset;
}

bool reader_read_block(const struct hdf_file *file, hid_t dataset, hid_t memory_type, int rank,
                       const hsize_t *start, const hsize_t *count, void *memory)
{
    hid_t space = HDF(file, H5Dget_space, dataset);
    hid_t memory_space = HDF(file, H5Screate_simple, rank, count, NULL);
    bool done =
        space >= 0 && memory_space >= 0 &&
        HDF(file, H5Sselect_hyperslab, space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
        HDF(file, H5Dread, dataset, memory_type, memory_space, space, H5P_DEFAULT, memory) >= 0;
    done = hdf_close(file, &memory_space) && done;
    return hdf_close(file, &space) && done;
}

/* ---- arrays of numbers ---- */

static bool numbers_fit(const struct run_reader *reader, hid_t dataset, const struct layout *layout)
{
    const struct hdf_file *file = &reader->file;
    hid_t type = HDF(file, H5Dget_type, dataset);
    if (type < 0)
        return false;
    H5T_class_t class = H5Tget_class(type);
    bool real = H5Tget_class(layout->memory_type) == H5T_FLOAT;
    bool fits = H5Tget_size(type) == H5Tget_size(layout->memory_type) &&
                (real ? class == H5T_FLOAT : class == H5T_INTEGER || class == H5T_ENUM);
    if (!fits)
        (void)reader_refuse(file, "has %s of the wrong type", layout->path);
    return hdf_close(file, &type) && fits;
}

/* Open an array that must have this layout. */
static hid_t open_array(const struct run_reader *reader, const struct layout *layout)
{
    hsize_t size[RANK_MAX] = {0, 0, 0};
    assert(layout->rank <= RANK_MAX);
    hid_t dataset = reader_open_dataset(reader, layout->path, layout->rank, size);
    if (dataset < 0)
        return NO_ID;
    bool done = numbers_fit(reader, dataset, layout);
    for (int i = 0; done && i < RANK_MAX; i++)
        if (i < layout->rank && size[i] != layout->size[i])
            done = reader_refuse(&reader->file,
                                 "contradicts itself: %s has size %" PRIu64 ", not %" PRIu64
                                 ", in dimension %d",
                                 layout->path, (uint64_t)size[i], (uint64_t)layout->size[i], i);
    if (!done)
        (void)hdf_close(&reader->file, &dataset);
    return dataset;
}

bool array_check(const struct run_reader *reader, const struct layout *layout)
{
    hid_t dataset = open_array(reader, layout);
    return dataset >= 0 && hdf_close(&reader->file, &dataset);
}

bool array_read(const struct run_reader *reader, const struct layout *layout, hsize_t first,
                hsize_t rows, void *memory)
{
    assert(layout->rank <= RANK_MAX);
    hid_t dataset = open_array(reader, layout);
    if (dataset < 0)
        return false;
    hsize_t start[RANK_MAX] = {first, 0, 0};
    hsize_t count[RANK_MAX] = {rows, layout->size[1], layout->size[2]};
    bool empty = false;
    for (int i = 0; i < RANK_MAX; i++)
        empty = empty || (i < layout->rank && count[i] == 0);
    bool done = empty || reader_read_block(&reader->file, dataset, layout->memory_type,
                                           layout->rank, start, count, memory);
    return hdf_close(&reader->file, &dataset) && done;
}

bool vector_size(const struct run_reader *reader, const char *path, hsize_t *size)
{
    hid_t dataset = reader_open_dataset(reader, path, 1, size);
    return dataset >= 0 && hdf_close(&reader->file, &dataset);
}

bool group_number(struct run_reader *reader, const char *group, const char *key, double *number)
{
    struct settings settings = {0};
    bool done = settings_load(&reader->file, &settings, reader->id, group);
    const struct setting *setting = done ? settings_find(&settings, group, key) : NULL;
    if (setting != NULL && !isnan(setting->number))
        *number = setting->number;
    else
        done = reader_refuse(&reader->file, "has no number %s at %s", key, group);
    settings_free(&settings);
    return done;
}
