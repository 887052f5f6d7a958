#ifndef MPIDRIFT_RUN_FILE_HDF5_H
#define MPIDRIFT_RUN_FILE_HDF5_H

#include "record/run_file.h"

#include <errno.h>
#include <hdf5.h>

/* What writer and reader of the run file share. Only sources named run_file*.c include this. */

/* ---- every HDF5 return is checked by HDF ---- */

/* Who failed, and how it is told. */
struct hdf_file {
    const char *path;
    const char *doing; /* "write", "read" */
    enum exit_code code;
    struct failure *failure;
};

enum { NO_ID = -1 };

/* Call an HDF5 function; its result as it is, negative after filling in the failure with the file,
 * the call and the system's reason. */
#define HDF(file, function, ...)                                                                   \
    hdf_checked((file), #function, (errno = 0, (int64_t)function(__VA_ARGS__)))
int64_t hdf_checked(const struct hdf_file *file, const char *call, int64_t result);

/* Before any other call: HDF5 prints nothing by itself and does nothing at exit. */
void hdf_prepare(void);
/* HDF5's own innermost reason for the last failure, or "no reason given". */
void hdf_reason(char *reason, size_t size);
/* Close an object of any kind and set it to NO_ID; NO_ID is closed already. */
bool hdf_close(const struct hdf_file *file, hid_t *id);

/* ---- rows: one table of fields per kind of row ---- */

enum field_kind {
    FIELD_REAL,
    FIELD_UNSIGNED,
    FIELD_SIGNED,
    FIELD_TEXT, /* fixed length, padded with zero bytes */
    FIELD_CONTEXT,
    FIELD_BOUNDARY,
    FIELD_CLASS,
    FIELD_TYPE,
};

struct field {
    const char *name;
    size_t offset;
    size_t size;
    enum field_kind kind;
    bool later;       /* added by a minor version: an older file lacks it, memory keeps its value */
    const char *unit; /* NULL: none */
};

struct row_type {
    const char *path; /* of its dataset */
    size_t size;
    const struct field *fields;
    size_t field_count;
};

extern const struct row_type badge_rows, node_rows, pair_rows, trace_rows, trace_index_rows;

/* The compound as it stands in a file: little-endian, enumerations with their names. The bytes of
 * the struct are the row. NO_ID after a failure. */
hid_t row_file_type(const struct hdf_file *file, const struct row_type *rows);
/* The compound to read that dataset with: as it is stored where that is how memory holds the rows;
 * else members are found by name, and enumerations are plain numbers, so that a name that this
 * version does not know keeps its code. */
hid_t row_reading_type(const struct hdf_file *file, const struct row_type *rows, hid_t dataset);
/* Whether the dataset's type has all fields with the right kind and size; else a failure. */
bool row_type_fits(const struct hdf_file *file, const struct row_type *rows, hid_t dataset);
/* The enumeration of contexts as numbers of 32 bits. */
hid_t context_file_type(const struct hdf_file *file);

/* Zero what follows the end of each text, and end it; the row's bytes then depend on its content
 * alone. */
void row_clean_texts(const struct row_type *rows, unsigned char *bytes, size_t count);

/* ---- attributes ---- */

bool attribute_write_text(const struct hdf_file *file, hid_t object, const char *key,
                          const char *text);
bool attribute_write_real(const struct hdf_file *file, hid_t object, const char *key,
                          double number);
bool attribute_write_unsigned(const struct hdf_file *file, hid_t object, const char *key,
                              uint32_t number);
/* Give an unsigned attribute that exists another value. */
bool attribute_rewrite_unsigned(const struct hdf_file *file, hid_t object, const char *key,
                                uint32_t number);

/* Groups whose attributes are settings. */
enum { SETTING_GROUPS = 5 };
extern const char *const setting_groups[SETTING_GROUPS];

struct setting {
    const char *group; /* one of setting_groups */
    char *key;
    char *text;
    double number; /* NaN: text */
};

struct settings {
    struct setting *entries;
    size_t count;
    size_t capacity;
};

/* Add the attributes of one group; those that are neither text nor a number are left out. */
bool settings_load(const struct hdf_file *file, struct settings *settings, hid_t root,
                   const char *group);
/* Checksums of texts: `lines` (NULL: none yet) with one line more for each text among the settings,
 * to be freed; NULL after `lines` was freed because memory is short. */
char *texts_checksums(const struct run_setting *settings, size_t count, char *lines);
bool texts_write(const struct hdf_file *file, hid_t root, const char *lines);
/* Whether each text that has a checksum is there and fits it; else a failure. */
bool texts_check(const struct hdf_file *file, const struct settings *settings);
/* NULL if it is not there. */
const struct setting *settings_find(const struct settings *settings, const char *group,
                                    const char *key);
void settings_free(struct settings *settings);

#endif
