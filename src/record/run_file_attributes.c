#include "record/run_file_hdf5.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const setting_groups[SETTING_GROUPS] = {"/", "/provenance", "/config",
                                                    "/config/corridor", "/config/perturb"};

/* ---- writing ---- */

/* A scalar attribute; `value` is what the type wants in memory. */
static bool write_scalar(const struct hdf_file *file, hid_t object, const char *key, hid_t type,
                         hid_t memory_type, const void *value)
{
    hid_t space = HDF(file, H5Screate, H5S_SCALAR);
    hid_t attribute = NO_ID;
    bool done = space >= 0 && (attribute = HDF(file, H5Acreate2, object, key, type, space,
                                               H5P_DEFAULT, H5P_DEFAULT)) >= 0;
    done = done && HDF(file, H5Awrite, attribute, memory_type, value) >= 0;
    done = hdf_close(file, &attribute) && done;
    return hdf_close(file, &space) && done;
}

/* h5py gives text of variable length as str, of fixed length as bytes. */
static hid_t variable_text_type(const struct hdf_file *file)
{
    hid_t type = HDF(file, H5Tcopy, H5T_C_S1);
    if (type < 0 || HDF(file, H5Tset_size, type, H5T_VARIABLE) < 0 ||
        HDF(file, H5Tset_cset, type, H5T_CSET_UTF8) < 0)
        (void)hdf_close(file, &type);
    return type;
}

bool attribute_write_text(const struct hdf_file *file, hid_t object, const char *key,
                          const char *text)
{
    hid_t type = variable_text_type(file);
    bool done = type >= 0 && write_scalar(file, object, key, type, type, (const void *)&text);
    return hdf_close(file, &type) && done;
}

bool attribute_write_real(const struct hdf_file *file, hid_t object, const char *key, double number)
{
    return write_scalar(file, object, key, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &number);
}

bool attribute_write_unsigned(const struct hdf_file *file, hid_t object, const char *key,
                              uint32_t number)
{
    return write_scalar(file, object, key, H5T_STD_U32LE, H5T_NATIVE_UINT32, &number);
}

bool attribute_rewrite_unsigned(const struct hdf_file *file, hid_t object, const char *key,
                                uint32_t number)
{
    hid_t attribute = HDF(file, H5Aopen, object, key, H5P_DEFAULT);
    bool done = attribute >= 0 && HDF(file, H5Awrite, attribute, H5T_NATIVE_UINT32, &number) >= 0;
    return hdf_close(file, &attribute) && done;
}

/* ---- reading ---- */

static bool read_variable_text(const struct hdf_file *file, hid_t attribute, hid_t type,
                               char **text)
{
    char *value = NULL;
    hid_t memory_type = HDF(file, H5Tcopy, type);
    bool done = memory_type >= 0 && HDF(file, H5Aread, attribute, memory_type, (void *)&value) >= 0;
    if (done)
        *text = strdup(value != NULL ? value : "");
    if (value != NULL)
        done = HDF(file, H5free_memory, value) >= 0 && done;
    return hdf_close(file, &memory_type) && done;
}

/* Other programs may write text of fixed length. */
static bool read_fixed_text(const struct hdf_file *file, hid_t attribute, hid_t type, char **text)
{
    size_t size = H5Tget_size(type);
    *text = calloc(size + 1, 1);
    return *text == NULL || HDF(file, H5Aread, attribute, type, *text) >= 0;
}

static bool read_number(const struct hdf_file *file, hid_t attribute, struct setting *setting)
{
    if (HDF(file, H5Aread, attribute, H5T_NATIVE_DOUBLE, &setting->number) < 0)
        return false;
    if (asprintf(&setting->text, "%.17g", setting->number) < 0)
        setting->text = NULL;
    return true;
}

/* Leaves setting->text NULL for what is no setting. */
static bool read_value(const struct hdf_file *file, hid_t attribute, hid_t type, hid_t space,
                       struct setting *setting)
{
    H5T_class_t class = H5Tget_class(type);
    if (H5Sget_simple_extent_npoints(space) != 1)
        return true;
    if (class == H5T_INTEGER || class == H5T_FLOAT)
        return read_number(file, attribute, setting);
    if (class != H5T_STRING)
        return true;
    return H5Tis_variable_str(type) > 0 ? read_variable_text(file, attribute, type, &setting->text)
                                        : read_fixed_text(file, attribute, type, &setting->text);
}

static bool settings_add(struct settings *settings, const struct setting *setting)
{
    if (settings->count == settings->capacity) {
        size_t capacity = settings->capacity * 2 + 64;
        struct setting *entries = realloc(settings->entries, capacity * sizeof *entries);
        if (entries == NULL)
            return false;
        settings->entries = entries;
        settings->capacity = capacity;
    }
    settings->entries[settings->count++] = *setting;
    return true;
}

struct loading {
    const struct hdf_file *file;
    struct settings *settings;
    const char *group;
};

static herr_t load_one(hid_t object, const char *key, const H5A_info_t *info, void *data)
{
    (void)info;
    const struct loading *loading = data;
    const struct hdf_file *file = loading->file;
    struct setting setting = {.group = loading->group, .number = (double)NAN};
    hid_t type = NO_ID, space = NO_ID;
    hid_t attribute = HDF(file, H5Aopen, object, key, H5P_DEFAULT);
    bool done = attribute >= 0 && (type = HDF(file, H5Aget_type, attribute)) >= 0 &&
                (space = HDF(file, H5Aget_space, attribute)) >= 0 &&
                read_value(file, attribute, type, space, &setting);
    done = hdf_close(file, &space) && done;
    done = hdf_close(file, &type) && done;
    done = hdf_close(file, &attribute) && done;
    if (done && setting.text != NULL && (setting.key = strdup(key)) != NULL &&
        settings_add(loading->settings, &setting))
        return 0;
    free(setting.key);
    free(setting.text);
    return done ? 0 : -1;
}

bool settings_load(const struct hdf_file *file, struct settings *settings, hid_t root,
                   const char *group)
{
    hid_t object = HDF(file, H5Gopen2, root, group, H5P_DEFAULT);
    struct loading loading = {file, settings, group};
    bool done = object >= 0 && HDF(file, H5Aiterate2, object, H5_INDEX_NAME, H5_ITER_INC, NULL,
                                   load_one, &loading) >= 0;
    return hdf_close(file, &object) && done;
}

const struct setting *settings_find(const struct settings *settings, const char *group,
                                    const char *key)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->entries[i];
        if (strcmp(setting->group, group) == 0 && strcmp(setting->key, key) == 0)
            return setting;
    }
    return NULL;
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->entries[i].key);
        free(settings->entries[i].text);
    }
    free(settings->entries);
    *settings = (struct settings){0};
}
