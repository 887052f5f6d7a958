#include "record/run_file_system.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ARRAY_COUNTS, ARRAY_UNDERFLOW, ARRAY_OVERFLOW, HISTOGRAM_ARRAYS };
enum {
    ARRAY_OBSERVATIONS,
    ARRAY_BEYOND,
    ARRAY_EPISODES,
    ARRAY_OUTSIDE,
    ARRAY_NODE_OUTSIDE,
    WINDOW_ARRAYS
};

struct run_writer {
    struct hdf_file file; /* file.path is the partial file */
    char *path;
    char *partial;
    hid_t id;
    uint32_t nodes;
    bool is_incomplete;
    struct table badges, node_table, pairs, trace, trace_index;
    struct system_rows system[SYSTEM_TABLES_MAX];
    size_t system_count;
    struct array histograms[HISTOGRAM_KINDS][HISTOGRAM_ARRAYS];
    struct array windows[WINDOW_ARRAYS];
};

/* ---- what the header holds ---- */

static bool write_attribute(const struct run_writer *writer, const struct run_setting *setting)
{
    const struct hdf_file *file = &writer->file;
    hid_t group = HDF(file, H5Gopen2, writer->id, setting->group, H5P_DEFAULT);
    bool done =
        group >= 0 &&
        (setting->text != NULL ? attribute_write_text(file, group, setting->key, setting->text)
                               : attribute_write_real(file, group, setting->key, setting->number));
    return hdf_close(file, &group) && done;
}

static bool write_checksums(const struct run_writer *writer, const struct run_setting *own,
                            size_t own_count, const struct run_header *header)
{
    const struct hdf_file *file = &writer->file;
    char *lines = texts_checksums(own, own_count, NULL);
    if (lines != NULL)
        lines = texts_checksums(header->settings, header->setting_count, lines);
    bool done = lines != NULL ? texts_write(file, writer->id, lines)
                              : failure_set(file->failure, EXIT_INTERNAL, "no memory to write %s",
                                            file->path);
    free(lines);
    return done;
}

static bool write_settings(const struct run_writer *writer, const struct run_header *header)
{
    char digest[17];
    run_digest(header->canonical_text, digest);
    const struct run_setting own[] = {
        {"/", "run_id", header->run_id, 0},
        {"/", "start_time_utc", header->start_time_utc, 0},
        {"/", "end_time_utc", header->end_time_utc, 0},
        {"/", "digest", digest, 0},
        {"/config", "canonical_text", header->canonical_text, 0},
    };
    /* What a reader must see before it knows what to check. */
    const struct run_setting format[] = {{"/", "format", RUN_FORMAT, 0},
                                         {"/", "format_version", RUN_FORMAT_VERSION, 0}};
    bool done = write_checksums(writer, own, sizeof own / sizeof own[0], header);
    for (int i = 1; done && i < SETTING_GROUPS; i++)
        done = create_group(&writer->file, writer->id, setting_groups[i]);
    for (size_t i = 0; done && i < sizeof format / sizeof format[0]; i++)
        done = write_attribute(writer, &format[i]);
    for (size_t i = 0; done && i < sizeof own / sizeof own[0]; i++)
        done = write_attribute(writer, &own[i]);
    done = done && attribute_write_unsigned(&writer->file, writer->id, "complete", 0);
    for (size_t i = 0; done && i < header->setting_count; i++)
        done = write_attribute(writer, &header->settings[i]);
    return done;
}

static bool create_edges(const struct run_writer *writer, const char *group,
                         const struct histogram *histogram)
{
    char path[64];
    double *edges = malloc((histogram->bins + 1) * sizeof *edges);
    if (edges == NULL)
        return failure_set(writer->file.failure, EXIT_INTERNAL, "no memory to write %s",
                           writer->partial);
    histogram_edges(histogram, edges);
    (void)snprintf(path, sizeof path, "%s/edges", group);
    bool done = write_vector(&writer->file, writer->id, path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                             histogram->bins + 1, edges);
    free(edges);
    return done;
}

static bool create_histogram(struct run_writer *writer, enum histogram_kind kind,
                             const struct histogram *histogram)
{
    static const char *const names[HISTOGRAM_ARRAYS] = {"counts", "underflow", "overflow"};
    char group[32], path[64];
    (void)snprintf(group, sizeof group, "/histograms/%s", histogram_names[kind]);
    bool done =
        create_group(&writer->file, writer->id, group) && create_edges(writer, group, histogram) &&
        write_attribute(writer, &(struct run_setting){group, "unit", histogram_units[kind], 0}) &&
        write_attribute(writer, &(struct run_setting){group, "limit", NULL, histogram->limit});
    for (int i = 0; done && i < HISTOGRAM_ARRAYS; i++) {
        struct array *array = &writer->histograms[kind][i];
        *array = (struct array){NO_ID,
                                H5T_NATIVE_UINT64,
                                i == ARRAY_COUNTS ? 2 : 1,
                                {writer->nodes, histogram->bins, 0}};
        (void)snprintf(path, sizeof path, "%s/%s", group, names[i]);
        done = array_create(&writer->file, writer->id, array, path, H5T_STD_U64LE, NULL);
    }
    return done;
}

static bool create_histograms(struct run_writer *writer, const struct run_header *header)
{
    bool done = create_group(&writer->file, writer->id, "/histograms");
    for (int kind = 0; done && kind < HISTOGRAM_KINDS; kind++)
        done = create_histogram(writer, (enum histogram_kind)kind, &header->histograms[kind]);
    return done;
}

static bool write_contexts(const struct run_writer *writer, const struct run_header *header)
{
    hid_t type = context_file_type(&writer->file);
    bool done = type >= 0 && write_vector(&writer->file, writer->id, "/windows/contexts", type,
                                          type, header->context_count, header->contexts);
    return hdf_close(&writer->file, &type) && done;
}

static bool create_windows(struct run_writer *writer, const struct run_header *header)
{
    static const char *const paths[WINDOW_ARRAYS] = {"/windows/observations", "/windows/beyond",
                                                     "/windows/episodes", "/windows/outside_s",
                                                     "/windows/node_outside_s"};
    static const char *const units[WINDOW_ARRAYS] = {"observations", "observations", "episodes",
                                                     "s", "s"};
    bool done =
        create_group(&writer->file, writer->id, "/windows") && write_contexts(writer, header) &&
        write_attribute(writer,
                        &(struct run_setting){"/windows", "window_s", NULL, header->window_s}) &&
        write_attribute(writer, &(struct run_setting){"/windows", "unit_window_s", "s", 0});
    for (int i = 0; done && i < WINDOW_ARRAYS; i++) {
        bool seconds = i == ARRAY_OUTSIDE || i == ARRAY_NODE_OUTSIDE;
        struct array *array = &writer->windows[i];
        *array = (struct array){NO_ID,
                                seconds ? H5T_NATIVE_DOUBLE : H5T_NATIVE_UINT32,
                                3,
                                {writer->nodes, header->context_count, header->windows}};
        if (i == ARRAY_NODE_OUTSIDE) {
            array->rank = 2;
            array->size[1] = header->windows;
        }
        done = array_create(&writer->file, writer->id, array, paths[i],
                            seconds ? H5T_IEEE_F64LE : H5T_STD_U32LE, units[i]);
    }
    return done;
}

/* ---- life ---- */

static void mark_closed(struct run_writer *writer)
{
    const struct table closed = {.type = NO_ID, .dataset = NO_ID};
    writer->id = NO_ID;
    writer->badges = writer->node_table = writer->pairs = closed;
    writer->trace = writer->trace_index = closed;
    for (int i = 0; i < SYSTEM_TABLES_MAX; i++)
        writer->system[i].table = closed;
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++)
        for (int i = 0; i < HISTOGRAM_ARRAYS; i++)
            writer->histograms[kind][i].dataset = NO_ID;
    for (int i = 0; i < WINDOW_ARRAYS; i++)
        writer->windows[i].dataset = NO_ID;
}

static bool close_all(struct run_writer *writer)
{
    const struct hdf_file *file = &writer->file;
    bool done = table_close(file, &writer->badges);
    done = table_close(file, &writer->node_table) && done;
    done = table_close(file, &writer->pairs) && done;
    done = table_close(file, &writer->trace) && done;
    done = table_close(file, &writer->trace_index) && done;
    for (int i = 0; i < SYSTEM_TABLES_MAX; i++)
        done = table_close(file, &writer->system[i].table) && done;
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++)
        for (int i = 0; i < HISTOGRAM_ARRAYS; i++)
            done = hdf_close(file, &writer->histograms[kind][i].dataset) && done;
    for (int i = 0; i < WINDOW_ARRAYS; i++)
        done = hdf_close(file, &writer->windows[i].dataset) && done;
    return hdf_close(file, &writer->id) && done;
}

/* HDF5 cannot close a file that it cannot write: it frees the file, keeps the identifier, and
 * crashes when the library ends. So what it still wants to write goes to memory that nobody reads.
 */
static void divert(const struct run_writer *writer)
{
    void *descriptor = NULL;
    if (writer->id < 0 || H5Fget_vfd_handle(writer->id, H5P_DEFAULT, &descriptor) < 0)
        return;
    int nowhere = memfd_create("abandoned", MFD_CLOEXEC);
    if (nowhere < 0)
        return;
    (void)dup3(nowhere, *(const int *)descriptor, O_CLOEXEC);
    (void)close(nowhere);
}

static void free_writer(struct run_writer *writer)
{
    free(writer->path);
    free(writer->partial);
    free(writer);
}

static struct run_writer *new_writer(const char *path, uint32_t nodes, struct failure *failure)
{
    struct run_writer *writer = calloc(1, sizeof *writer);
    if (writer != NULL && (writer->path = strdup(path)) != NULL &&
        asprintf(&writer->partial, "%s.part", path) >= 0) {
        writer->file = (struct hdf_file){writer->partial, "write", EXIT_WRITE_FAILED, failure};
        writer->nodes = nodes;
        mark_closed(writer);
        return writer;
    }
    (void)failure_set(failure, EXIT_INTERNAL, "no memory to write %s", path);
    if (writer != NULL) {
        writer->partial = NULL;
        free_writer(writer);
    }
    return NULL;
}

/* What fails from here on is a failed write: the name and the directory are good. */
static bool create_partial(struct run_writer *writer)
{
    int descriptor = open(writer->partial, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0 || close(descriptor) != 0)
        return failure_set(writer->file.failure, EXIT_CANNOT_CREATE, "cannot create %s: open: %s",
                           writer->partial, strerror(errno));
    return true;
}

/* The version of the format is fixed: checksummed metadata, the same bytes from any library. */
static bool create_file(struct run_writer *writer)
{
    const struct hdf_file *file = &writer->file;
    hid_t creation = HDF(file, H5Pcreate, H5P_FILE_CREATE);
    hid_t access = HDF(file, H5Pcreate, H5P_FILE_ACCESS);
    bool done =
        creation >= 0 && access >= 0 && HDF(file, H5Pset_obj_track_times, creation, false) >= 0 &&
        HDF(file, H5Pset_fapl_sec2, access) >= 0 &&
        HDF(file, H5Pset_fclose_degree, access, H5F_CLOSE_STRONG) >= 0 &&
        HDF(file, H5Pset_libver_bounds, access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
        (writer->id = HDF(file, H5Fcreate, writer->partial, H5F_ACC_TRUNC, creation, access)) >= 0;
    done = hdf_close(file, &access) && done;
    return hdf_close(file, &creation) && done;
}

static bool open_system(struct run_writer *writer, const struct run_header *header)
{
    assert(header->table_count <= SYSTEM_TABLES_MAX);
    bool done = create_group(&writer->file, writer->id, "/system");
    for (size_t i = 0; done && i < header->table_count; i++) {
        writer->system_count = i + 1;
        done = system_rows_open(&writer->file, &writer->system[i], &header->tables[i]);
    }
    return done;
}

static bool write_header(struct run_writer *writer, const struct run_header *header)
{
    const struct hdf_file *file = &writer->file;
    return write_settings(writer, header) && create_histograms(writer, header) &&
           create_windows(writer, header) && create_group(file, writer->id, "/trace") &&
           table_open(file, &writer->node_table, &node_rows, writer->nodes) &&
           table_open(file, &writer->badges, &badge_rows, UINT64_MAX) &&
           table_open(file, &writer->pairs, &pair_rows, UINT64_MAX) &&
           table_open(file, &writer->trace, &trace_rows, UINT64_MAX) &&
           table_open(file, &writer->trace_index, &trace_index_rows, writer->nodes) &&
           open_system(writer, header) && HDF(file, H5Fflush, writer->id, H5F_SCOPE_GLOBAL) >= 0;
}

struct run_writer *run_writer_create(const char *path, const struct run_header *header,
                                     struct failure *failure)
{
    assert(failure->code == EXIT_DONE && header->windows <= RUN_WINDOWS_MAX);
    hdf_prepare();
    struct run_writer *writer = new_writer(path, header->nodes, failure);
    if (writer == NULL)
        return NULL;
    writer->is_incomplete = header->is_incomplete;
    if (!create_partial(writer)) {
        free_writer(writer);
        return NULL;
    }
    if (!create_file(writer) || !write_header(writer, header)) {
        run_writer_abandon(writer);
        return NULL;
    }
    return writer;
}

void run_writer_abandon(struct run_writer *writer)
{
    struct failure consequence = {EXIT_DONE, ""};
    writer->file.failure = &consequence;
    divert(writer);
    (void)close_all(writer);
    (void)unlink(writer->partial);
    free_writer(writer);
}

/* ---- rows ---- */

bool run_writer_badges(struct run_writer *writer, const struct badge *rows, size_t count)
{
    return table_append(&writer->file, writer->id, &writer->badges, rows, count);
}

bool run_writer_nodes(struct run_writer *writer, const struct run_node *rows, size_t count)
{
    return table_append(&writer->file, writer->id, &writer->node_table, rows, count);
}

bool run_writer_pairs(struct run_writer *writer, const struct run_pair *rows, size_t count)
{
    return table_append(&writer->file, writer->id, &writer->pairs, rows, count);
}

bool run_writer_trace(struct run_writer *writer, const struct trace_event *rows, size_t count)
{
    return table_append(&writer->file, writer->id, &writer->trace, rows, count);
}

bool run_writer_trace_index(struct run_writer *writer, const struct run_trace *rows, size_t count)
{
    return table_append(&writer->file, writer->id, &writer->trace_index, rows, count);
}

bool run_writer_system(struct run_writer *writer, size_t table, const void *rows, size_t count)
{
    assert(table < writer->system_count);
    return table_append(&writer->file, writer->id, &writer->system[table].table, rows, count);
}

void run_writer_system_dropped(struct run_writer *writer, size_t table, uint64_t dropped)
{
    assert(table < writer->system_count);
    writer->system[table].dropped += dropped;
}

bool run_writer_histogram(struct run_writer *writer, uint32_t node, enum histogram_kind kind,
                          const uint64_t *counts, uint64_t underflow, uint64_t overflow)
{
    const struct hdf_file *file = &writer->file;
    const struct array *arrays = writer->histograms[kind];
    return array_write(file, &arrays[ARRAY_COUNTS], node, counts) &&
           array_write(file, &arrays[ARRAY_UNDERFLOW], node, &underflow) &&
           array_write(file, &arrays[ARRAY_OVERFLOW], node, &overflow);
}

bool run_writer_windows(struct run_writer *writer, uint32_t node, const struct run_windows *windows)
{
    const struct hdf_file *file = &writer->file;
    const struct array *arrays = writer->windows;
    return array_write(file, &arrays[ARRAY_OBSERVATIONS], node, windows->observations) &&
           array_write(file, &arrays[ARRAY_BEYOND], node, windows->beyond) &&
           array_write(file, &arrays[ARRAY_EPISODES], node, windows->episodes) &&
           array_write(file, &arrays[ARRAY_OUTSIDE], node, windows->outside_s) &&
           array_write(file, &arrays[ARRAY_NODE_OUTSIDE], node, windows->node_outside_s);
}

/* ---- the end ---- */

/* A row for every node, of zeros where none was written. */
static bool complete_trace_index(struct run_writer *writer)
{
    const struct run_trace none = {.events = 0};
    bool done = true;
    while (done && writer->trace_index.written + writer->trace_index.buffered < writer->nodes)
        done = run_writer_trace_index(writer, &none, 1);
    return done;
}

static bool flush_all(struct run_writer *writer)
{
    const struct hdf_file *file = &writer->file;
    if (file->failure->code != EXIT_DONE)
        return false;
    bool done = table_flush(file, writer->id, &writer->node_table) &&
                table_flush(file, writer->id, &writer->badges) &&
                table_flush(file, writer->id, &writer->pairs) &&
                table_flush(file, writer->id, &writer->trace) && complete_trace_index(writer) &&
                table_flush(file, writer->id, &writer->trace_index);
    for (size_t i = 0; done && i < writer->system_count; i++)
        done = system_rows_flush(file, writer->id, &writer->system[i]);
    assert(!done || (writer->node_table.written == writer->nodes &&
                     writer->trace_index.written == writer->nodes));
    return done && HDF(file, H5Fflush, writer->id, H5F_SCOPE_GLOBAL) >= 0 &&
           attribute_rewrite_unsigned(file, writer->id, "complete", !writer->is_incomplete) &&
           HDF(file, H5Fflush, writer->id, H5F_SCOPE_GLOBAL) >= 0;
}

bool run_writer_finish(struct run_writer *writer)
{
    if (!flush_all(writer) || !close_all(writer) || !publish(&writer->file, writer->path)) {
        run_writer_abandon(writer);
        return false;
    }
    free_writer(writer);
    return true;
}
