#include "record/run_file_hdf5.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the bytes of a struct are the row");

#define FIELD_IN(name, row, member, kind, later, unit)                                             \
    {                                                                                              \
        (name), offsetof(struct row, member), sizeof(((struct row *)NULL)->member), (kind),        \
            (later), (unit)                                                                        \
    }
#define FIELD(row, member, kind, unit) FIELD_IN(#member, row, member, kind, false, unit)
/* Added by a minor version. */
#define LATER_FIELD(row, member, kind, unit) FIELD_IN(#member, row, member, kind, true, unit)
#define FIELD_OF_SYNC(i, member, later)                                                            \
    FIELD_IN("sync" #i "_" #member, run_node, sync[i].member, FIELD_REAL, later, "s")
#define FIELDS_OF_SYNC(i, later)                                                                   \
    FIELD_OF_SYNC(i, time_s, later), FIELD_OF_SYNC(i, offset_s, later),                            \
        FIELD_OF_SYNC(i, uncertainty_s, later), FIELD_OF_SYNC(i, round_trip_s, later)
#define ROWS(dataset, row, table)                                                                  \
    {                                                                                              \
        .path = (dataset), .size = sizeof(struct row), .fields = (table),                          \
        .field_count = sizeof(table) / sizeof((table)[0])                                          \
    }

#define UNIT_OF_CONTEXT "of the context: s, messages, versions"

static const struct field badge_fields[] = {
    FIELD(badge, time_s, FIELD_REAL, "s"),
    FIELD(badge, global_s, FIELD_REAL, "s"),
    FIELD(badge, uncertainty_s, FIELD_REAL, "s"),
    FIELD(badge, end_s, FIELD_REAL, "s"),
    FIELD(badge, observed, FIELD_REAL, UNIT_OF_CONTEXT),
    FIELD(badge, limit, FIELD_REAL, UNIT_OF_CONTEXT),
    FIELD(badge, peak, FIELD_REAL, UNIT_OF_CONTEXT),
    FIELD(badge, own_stall_s, FIELD_REAL, "s"),
    FIELD(badge, version_known, FIELD_UNSIGNED, "versions"),
    FIELD(badge, version_received, FIELD_UNSIGNED, "versions"),
    FIELD(badge, sequence, FIELD_UNSIGNED, NULL),
    FIELD(badge, node, FIELD_UNSIGNED, NULL),
    FIELD(badge, peer, FIELD_UNSIGNED, NULL),
    FIELD(badge, key, FIELD_SIGNED, NULL),
    FIELD(badge, flags, FIELD_UNSIGNED, NULL),
    FIELD(badge, context, FIELD_CONTEXT, NULL),
    FIELD(badge, boundary, FIELD_BOUNDARY, NULL),
    FIELD(badge, class, FIELD_CLASS, NULL),
    FIELD(badge, type, FIELD_TYPE, NULL),
};

static const struct field node_fields[] = {
    FIELDS_OF_SYNC(0, false),
    FIELDS_OF_SYNC(1, false),
    FIELDS_OF_SYNC(2, true),
    LATER_FIELD(run_node, clock_rate, FIELD_REAL, "s/s"),
    LATER_FIELD(run_node, clock_rate_uncertainty, FIELD_REAL, "s/s"),
    LATER_FIELD(run_node, clock_uncertainty_s, FIELD_REAL, "s"),
    LATER_FIELD(run_node, clock_domain_uncertainty_s, FIELD_REAL, "s"),
    LATER_FIELD(run_node, window_begin_local_s, FIELD_REAL, "s"),
    FIELD(run_node, window_begin_global_s, FIELD_REAL, "s"),
    FIELD(run_node, watched_s, FIELD_REAL, "s"),
    FIELD(run_node, first_drift_s, FIELD_REAL, "s"),
    FIELD(run_node, outside_node_s, FIELD_REAL, "s"),
    FIELD(run_node, cpu_s, FIELD_REAL, "s"),
    FIELD(run_node, longest_stall_s, FIELD_REAL, "s"),
    FIELD(run_node, late_start_s, FIELD_REAL, "s"),
    FIELD(run_node, attempted, FIELD_UNSIGNED, "messages"),
    FIELD(run_node, sent, FIELD_UNSIGNED, "messages"),
    FIELD(run_node, suppressed, FIELD_UNSIGNED, "messages"),
    FIELD(run_node, received, FIELD_UNSIGNED, "messages"),
    LATER_FIELD(run_node, lost, FIELD_UNSIGNED, "messages"),
    LATER_FIELD(run_node, overflowed, FIELD_UNSIGNED, "messages"),
    FIELD(run_node, in_flight, FIELD_UNSIGNED, "messages"),
    FIELD(run_node, messages_observed, FIELD_UNSIGNED, "messages"),
    LATER_FIELD(run_node, messages_early, FIELD_UNSIGNED, "messages"),
    LATER_FIELD(run_node, messages_impossible, FIELD_UNSIGNED, "messages"),
    FIELD(run_node, episodes, FIELD_UNSIGNED, "episodes"),
    FIELD(run_node, badges, FIELD_UNSIGNED, "badges"),
    FIELD(run_node, badges_first, FIELD_UNSIGNED, NULL),
    FIELD(run_node, badges_lost, FIELD_UNSIGNED, "badges"),
    FIELD(run_node, already_outside, FIELD_UNSIGNED, "streams"),
    FIELD(run_node, stalls, FIELD_UNSIGNED, "stalls"),
    FIELD(run_node, involuntary_switches, FIELD_UNSIGNED, "switches"),
    FIELD(run_node, state_digest, FIELD_UNSIGNED, NULL),
    FIELD(run_node, node, FIELD_UNSIGNED, NULL),
    FIELD(run_node, group, FIELD_UNSIGNED, NULL),
    FIELD(run_node, clock_domain, FIELD_UNSIGNED, NULL),
    FIELD(run_node, clock_suspect, FIELD_UNSIGNED, NULL),
    LATER_FIELD(run_node, host_first_rank, FIELD_UNSIGNED, NULL),
    LATER_FIELD(run_node, clock_flags, FIELD_UNSIGNED, NULL),
    FIELD(run_node, name, FIELD_TEXT, NULL),
    FIELD(run_node, host, FIELD_TEXT, NULL),
    FIELD(run_node, binding, FIELD_TEXT, NULL),
};

static const struct field pair_fields[] = {
    FIELD(run_pair, observations, FIELD_UNSIGNED, "observations"),
    FIELD(run_pair, beyond, FIELD_UNSIGNED, "observations"),
    FIELD(run_pair, episodes, FIELD_UNSIGNED, "episodes"),
    FIELD(run_pair, already_outside_until_s, FIELD_REAL, "s"),
    LATER_FIELD(run_pair, early, FIELD_UNSIGNED, "messages"),
    LATER_FIELD(run_pair, impossible, FIELD_UNSIGNED, "messages"),
    LATER_FIELD(run_pair, clock_uncertainty_s, FIELD_REAL, "s"),
    FIELD(run_pair, node, FIELD_UNSIGNED, NULL),
    FIELD(run_pair, peer, FIELD_UNSIGNED, NULL),
    FIELD(run_pair, context, FIELD_CONTEXT, NULL),
    FIELD(run_pair, reserved, FIELD_UNSIGNED, NULL),
};

static const struct field trace_fields[] = {
    FIELD(trace_event, time_s, FIELD_REAL, "s"),
    FIELD(trace_event, global_s, FIELD_REAL, "s"),
    FIELD(trace_event, sent_s, FIELD_REAL, "s"),
    FIELD(trace_event, version, FIELD_UNSIGNED, "versions"),
    FIELD(trace_event, sequence, FIELD_UNSIGNED, NULL),
    FIELD(trace_event, node, FIELD_UNSIGNED, NULL),
    FIELD(trace_event, peer, FIELD_UNSIGNED, NULL),
    FIELD(trace_event, base, FIELD_UNSIGNED, NULL),
    FIELD(trace_event, key, FIELD_SIGNED, NULL),
    FIELD(trace_event, kind, FIELD_BOUNDARY, NULL),
};

static const struct field trace_index_fields[] = {
    FIELD(run_trace, first, FIELD_UNSIGNED, NULL),
    FIELD(run_trace, events, FIELD_UNSIGNED, "events"),
    FIELD(run_trace, dropped, FIELD_UNSIGNED, "events"),
    FIELD(run_trace, covered_until_s, FIELD_REAL, "s"),
};

const struct row_type badge_rows = ROWS("/badges", badge, badge_fields);
const struct row_type node_rows = ROWS("/nodes", run_node, node_fields);
const struct row_type pair_rows = ROWS("/pairs", run_pair, pair_fields);
const struct row_type trace_rows = ROWS("/trace/events", trace_event, trace_fields);
const struct row_type trace_index_rows = ROWS("/trace/index", run_trace, trace_index_fields);

/* ---- enumerations ---- */

static const char *context_code_name(uint32_t code)
{
    return context_table[code].name;
}
static const char *boundary_code_name(uint32_t code)
{
    return boundary_name((enum boundary_kind)code);
}
static const char *class_code_name(uint32_t code)
{
    return class_name((enum context_class)code);
}
static const char *type_code_name(uint32_t code)
{
    (void)code;
    return "COHERENCE_DRIFT";
}

static const struct {
    uint32_t codes; /* 0: no enumeration */
    const char *(*name)(uint32_t code);
} enumerations[] = {
    [FIELD_CONTEXT] = {CONTEXT_COUNT, context_code_name},
    [FIELD_BOUNDARY] = {BOUNDARY_COUNT, boundary_code_name},
    [FIELD_CLASS] = {CLASS_COUNT, class_code_name},
    [FIELD_TYPE] = {BADGE_COHERENCE_DRIFT + 1, type_code_name},
};

/* The bytes of the code as the file has them: little-endian, so one spelling serves both sizes. */
static bool insert_code(const struct hdf_file *file, hid_t type, const char *name, uint32_t code)
{
    unsigned char value[sizeof code];
    memcpy(value, &code, sizeof code);
    return HDF(file, H5Tenum_insert, type, name, value) >= 0;
}

static hid_t enumeration_type(const struct hdf_file *file, enum field_kind kind, size_t size)
{
    hid_t type =
        HDF(file, H5Tenum_create, size == sizeof(uint16_t) ? H5T_STD_U16LE : H5T_STD_U32LE);
    bool done = type >= 0;
    for (uint32_t code = 0; done && code < enumerations[kind].codes; code++)
        done = insert_code(file, type, enumerations[kind].name(code), code);
    if (!done)
        (void)hdf_close(file, &type);
    return type;
}

hid_t context_file_type(const struct hdf_file *file)
{
    return enumeration_type(file, FIELD_CONTEXT, sizeof(uint32_t));
}

/* ---- compounds ---- */

static hid_t text_type(const struct hdf_file *file, size_t size)
{
    hid_t type = HDF(file, H5Tcopy, H5T_C_S1);
    if (type < 0 || HDF(file, H5Tset_size, type, size) < 0 ||
        HDF(file, H5Tset_strpad, type, H5T_STR_NULLTERM) < 0 ||
        HDF(file, H5Tset_cset, type, H5T_CSET_UTF8) < 0)
        (void)hdf_close(file, &type);
    return type;
}

static hid_t field_file_type(const struct hdf_file *file, const struct field *field)
{
    switch (field->kind) {
    case FIELD_REAL:
        return HDF(file, H5Tcopy, H5T_IEEE_F64LE);
    case FIELD_UNSIGNED:
        return HDF(file, H5Tcopy, field->size == sizeof(uint64_t) ? H5T_STD_U64LE : H5T_STD_U32LE);
    case FIELD_SIGNED:
        return HDF(file, H5Tcopy, field->size == sizeof(int32_t) ? H5T_STD_I32LE : H5T_STD_I16LE);
    case FIELD_TEXT:
        return text_type(file, field->size);
    case FIELD_CONTEXT:
    case FIELD_BOUNDARY:
    case FIELD_CLASS:
    case FIELD_TYPE:
        break;
    }
    return enumeration_type(file, field->kind, field->size);
}

static hid_t field_memory_type(const struct hdf_file *file, const struct field *field)
{
    if (field->kind == FIELD_REAL)
        return HDF(file, H5Tcopy, H5T_NATIVE_DOUBLE);
    if (field->kind == FIELD_TEXT)
        return text_type(file, field->size);
    if (field->kind == FIELD_SIGNED)
        return HDF(file, H5Tcopy,
                   field->size == sizeof(int32_t) ? H5T_NATIVE_INT32 : H5T_NATIVE_INT16);
    if (field->size == sizeof(uint64_t))
        return HDF(file, H5Tcopy, H5T_NATIVE_UINT64);
    return HDF(file, H5Tcopy,
               field->size == sizeof(uint32_t) ? H5T_NATIVE_UINT32 : H5T_NATIVE_UINT16);
}

typedef hid_t (*field_type)(const struct hdf_file *file, const struct field *field);

static hid_t compound_type(const struct hdf_file *file, const struct row_type *rows,
                           field_type type_of)
{
    hid_t compound = HDF(file, H5Tcreate, H5T_COMPOUND, rows->size);
    bool done = compound >= 0;
    size_t used = 0;
    for (size_t i = 0; done && i < rows->field_count; i++) {
        const struct field *field = &rows->fields[i];
        hid_t member = type_of(file, field);
        done =
            member >= 0 && HDF(file, H5Tinsert, compound, field->name, field->offset, member) >= 0;
        done = hdf_close(file, &member) && done;
        used += field->size;
    }
    assert(!done || used == rows->size); /* no padding, no member forgotten */
    if (!done)
        (void)hdf_close(file, &compound);
    assert(!done || H5Tget_size(compound) == rows->size);
    return compound;
}

hid_t row_file_type(const struct hdf_file *file, const struct row_type *rows)
{
    return compound_type(file, rows, field_file_type);
}

/* Where a file holds the rows as memory does, to the byte, its own type spares HDF5 to convert each
 * of them, enumerations to their numbers above all. Not so a file of another version, or a machine
 * of the other byte order. */
static hid_t type_as_stored(const struct hdf_file *file, const struct row_type *rows, hid_t dataset)
{
    hid_t stored = HDF(file, H5Dget_type, dataset), own = row_file_type(file, rows);
    bool same = stored >= 0 && own >= 0 && H5Tequal(stored, own) > 0 &&
                H5Tequal(H5T_NATIVE_DOUBLE, H5T_IEEE_F64LE) > 0;
    (void)hdf_close(file, &stored);
    if (!same)
        (void)hdf_close(file, &own);
    return same ? own : NO_ID;
}

hid_t row_reading_type(const struct hdf_file *file, const struct row_type *rows, hid_t dataset)
{
    hid_t stored = type_as_stored(file, rows, dataset);
    return stored >= 0 ? stored : compound_type(file, rows, field_memory_type);
}

/* ---- does a file have what we read? ---- */

static bool class_fits(hid_t member, const struct field *field)
{
    H5T_class_t class = H5Tget_class(member);
    bool integer = class == H5T_INTEGER && H5Tget_size(member) == field->size;
    switch (field->kind) {
    case FIELD_REAL:
        return class == H5T_FLOAT && H5Tget_size(member) == field->size;
    case FIELD_UNSIGNED:
        return integer && H5Tget_sign(member) == H5T_SGN_NONE;
    case FIELD_SIGNED:
        return integer && H5Tget_sign(member) == H5T_SGN_2;
    case FIELD_TEXT:
        return class == H5T_STRING && H5Tis_variable_str(member) == 0;
    case FIELD_CONTEXT:
    case FIELD_BOUNDARY:
    case FIELD_CLASS:
    case FIELD_TYPE:
        break;
    }
    return (class == H5T_ENUM && H5Tget_size(member) == field->size) || integer;
}

static bool field_fits(const struct hdf_file *file, const struct row_type *rows, hid_t type,
                       const struct field *field)
{
    int index = H5Tget_member_index(type, field->name);
    if (index < 0 && field->later)
        return true;
    if (index < 0)
        return failure_set(file->failure, file->code, "%s: %s has no member %s", file->path,
                           rows->path, field->name);
    hid_t member = HDF(file, H5Tget_member_type, type, (unsigned)index);
    if (member < 0)
        return false;
    bool fits = class_fits(member, field);
    if (!fits)
        (void)failure_set(file->failure, file->code, "%s: member %s of %s is of the wrong type",
                          file->path, field->name, rows->path);
    return hdf_close(file, &member) && fits;
}

bool row_type_fits(const struct hdf_file *file, const struct row_type *rows, hid_t dataset)
{
    hid_t type = HDF(file, H5Dget_type, dataset);
    if (type < 0)
        return false;
    bool fits = H5Tget_class(type) == H5T_COMPOUND ||
                failure_set(file->failure, file->code, "%s: %s does not hold rows with members",
                            file->path, rows->path);
    for (size_t i = 0; fits && i < rows->field_count; i++)
        fits = field_fits(file, rows, type, &rows->fields[i]);
    return hdf_close(file, &type) && fits;
}

void row_clean_texts(const struct row_type *rows, unsigned char *bytes, size_t count)
{
    for (size_t f = 0; f < rows->field_count; f++) {
        const struct field *field = &rows->fields[f];
        for (size_t row = 0; field->kind == FIELD_TEXT && row < count; row++) {
            char *text = (char *)bytes + row * rows->size + field->offset;
            size_t length = strnlen(text, field->size - 1);
            memset(text + length, 0, field->size - length);
        }
    }
}
