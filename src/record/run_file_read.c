#include "record/run_file_read.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Per dataset; holds a few chunks of rows, so that reading one in parts checks its sum once. With a
 * preference of 1.0 HDF5 evicts no chunk that was read in part, whatever the limit. */
enum { CHUNK_CACHE_BYTES = 4 * 1024 * 1024 };
static const double CHUNK_CACHE_PREFERENCE = 0.75;

enum { PROBE_CPU_SECONDS_MAX = 10, PROBE_SECONDS_MAX = 60 };

/* ---- is it a run file? ---- */

static bool check_path(const struct hdf_file *file)
{
    struct stat status;
    if (stat(file->path, &status) != 0)
        return reader_refuse(file, "cannot be opened: %s", strerror(errno));
    if (S_ISDIR(status.st_mode))
        return reader_refuse(file, "is a directory");
    if (!S_ISREG(status.st_mode))
        return reader_refuse(file, "is no regular file");
    return true;
}

static bool refuse_unopened(const struct hdf_file *file)
{
    char reason[256];
    int error = errno;
    hdf_reason(reason, sizeof reason);
    if (error != 0)
        return reader_refuse(file, "cannot be opened: %s", strerror(error));
    if (strstr(reason, "truncated") != NULL)
        return reader_refuse(file, "is truncated: the end of the file is missing");
    if (strstr(reason, "already open for write") != NULL)
        return reader_refuse(file, "is still being written, or its writer died");
    return reader_refuse(file, "is damaged: %s", reason);
}

static bool open_file(struct run_reader *reader)
{
    const struct hdf_file *file = &reader->file;
    hid_t access = HDF(file, H5Pcreate, H5P_FILE_ACCESS);
    bool done = access >= 0 && HDF(file, H5Pset_fapl_sec2, access) >= 0 &&
                HDF(file, H5Pset_cache, access, 0, 521, (size_t)CHUNK_CACHE_BYTES,
                    CHUNK_CACHE_PREFERENCE) >= 0 &&
                HDF(file, H5Pset_fclose_degree, access, H5F_CLOSE_STRONG) >= 0;
    if (done) {
        errno = 0;
        htri_t hdf5 = H5Fis_hdf5(reader->path);
        if (hdf5 == 0)
            done = reader_refuse(file, "is no HDF5 file");
        else if (hdf5 < 0 || (reader->id = H5Fopen(reader->path, H5F_ACC_RDONLY, access)) < 0)
            done = refuse_unopened(file);
    }
    return hdf_close(file, &access) && done;
}

static bool check_format(struct run_reader *reader)
{
    const struct hdf_file *file = &reader->file;
    if (strcmp(run_reader_text(reader, "/", "format"), RUN_FORMAT) != 0)
        return reader_refuse(file, "is HDF5, but no run file of mpidrift");
    const char *version = run_reader_text(reader, "/", "format_version");
    char *end = NULL;
    unsigned long major = strtoul(version, &end, 10);
    reader->minor = *end == '.' ? (uint32_t)strtoul(end + 1, NULL, 10) : 0;
    if (end == version || *end != '.' || version[0] < '0' || version[0] > '9')
        return reader_refuse(file, "has no readable format_version");
    if (major > 1)
        return reader_refuse(
            file, "was written by a newer mpidrift: format %.20s, this one reads 1.x", version);
    return major == 1 ||
           reader_refuse(file, "has the unknown format %.20s, this reads 1.x", version);
}

/* What decides about comparability has a checksum of its own, which other programs can compute,
 * too. */
static bool check_digest(struct run_reader *reader)
{
    char digest[17];
    run_digest(run_reader_text(reader, "/config", "canonical_text"), digest);
    return strcmp(digest, run_reader_text(reader, "/", "digest")) == 0 ||
           reader_refuse(&reader->file, "is damaged: the digest is not that of the settings");
}

static bool load_settings(struct run_reader *reader)
{
    const struct hdf_file *file = &reader->file;
    bool done = settings_load(file, &reader->settings, reader->id, "/") && check_format(reader);
    for (int i = 1; done && i < SETTING_GROUPS; i++) {
        if (!reader_has(file, reader->id, setting_groups[i]))
            return reader_refuse(file, "has no %s", setting_groups[i]);
        done = settings_load(file, &reader->settings, reader->id, setting_groups[i]);
    }
    return done && check_digest(reader) && texts_check(file, &reader->settings);
}

/* ---- rows ---- */

bool rows_open(struct run_reader *reader, struct rows *rows, const struct row_type *type)
{
    const struct hdf_file *file = &reader->file;
    rows->type = type;
    rows->dataset = reader_open_dataset(reader, type->path, 1, &rows->count);
    if (rows->dataset < 0 || !row_type_fits(file, type, rows->dataset))
        return false;
    rows->memory_type = row_reading_type(file, type, rows->dataset);
    return rows->memory_type >= 0;
}

bool rows_read(struct run_reader *reader, const struct rows *rows, uint64_t first, size_t count,
               void *memory)
{
    assert(first <= rows->count && count <= rows->count - first);
    hsize_t start = first, size = count;
    if (count == 0)
        return true;
    if (!reader_read_block(&reader->file, rows->dataset, rows->memory_type, 1, &start, &size,
                           memory))
        return false;
    row_clean_texts(rows->type, memory, count);
    return true;
}

bool rows_follow(const struct run_reader *reader, const struct rows *rows, uint32_t node,
                 uint64_t first, uint64_t count, uint64_t *next)
{
    if (first != *next || count > rows->count - *next)
        return reader_refuse(&reader->file,
                             "contradicts itself: node %u does not count its rows of %s", node,
                             rows->type->path);
    *next += count;
    return true;
}

bool rows_end(const struct run_reader *reader, const struct rows *rows, uint64_t next)
{
    return next == rows->count ||
           reader_refuse(&reader->file,
                         "contradicts itself: the nodes count %" PRIu64 " rows of %s, it has "
                         "%" PRIu64,
                         next, rows->type->path, (uint64_t)rows->count);
}

/* The place of a row tells its rank; the badges of the nodes follow each other without a gap. */
static bool check_nodes(const struct run_reader *reader)
{
    const struct hdf_file *file = &reader->file;
    uint64_t badges = 0;
    for (uint32_t i = 0; i < reader->node_count; i++) {
        const struct run_node *node = &reader->nodes[i];
        if (node->node != i)
            return reader_refuse(file, "is damaged: row %u of /nodes is node %u", i, node->node);
        if (!rows_follow(reader, &reader->badges, i, node->badges_first, node->badges, &badges))
            return false;
    }
    return rows_end(reader, &reader->badges, badges);
}

static bool load_nodes(struct run_reader *reader)
{
    const struct hdf_file *file = &reader->file;
    hsize_t count = reader->node_rows.count;
    if (count == 0 || count > UINT32_MAX)
        return reader_refuse(file, "has %" PRIu64 " nodes", (uint64_t)count);
    reader->node_count = (uint32_t)count;
    reader->nodes = calloc(count, sizeof *reader->nodes);
    if (reader->nodes == NULL)
        return failure_set(file->failure, EXIT_INTERNAL, "no memory for the nodes of %s",
                           file->path);
    return rows_read(reader, &reader->node_rows, 0, reader->node_count, reader->nodes) &&
           check_nodes(reader);
}

/* ---- life ---- */

static struct run_reader *new_reader(const char *path, struct failure *failure)
{
    struct run_reader *reader = calloc(1, sizeof *reader);
    char *copy = strdup(path);
    if (reader == NULL || copy == NULL) {
        free(reader);
        free(copy);
        (void)failure_set(failure, EXIT_INTERNAL, "no memory to read %s", path);
        return NULL;
    }
    const struct rows closed = {.dataset = NO_ID, .memory_type = NO_ID};
    reader->path = copy;
    reader->file = (struct hdf_file){copy, "read", EXIT_BAD_INPUT, failure};
    reader->id = NO_ID;
    reader->badges = reader->node_rows = reader->pairs = closed;
    reader->trace_rows = reader->trace_index_rows = closed;
    return reader;
}

struct run_reader *reader_open(const char *path, struct failure *failure)
{
    hdf_prepare();
    struct run_reader *reader = new_reader(path, failure);
    if (reader == NULL)
        return NULL;
    if (check_path(&reader->file) && open_file(reader) && load_settings(reader) &&
        rows_open(reader, &reader->node_rows, &node_rows) &&
        rows_open(reader, &reader->badges, &badge_rows) &&
        rows_open(reader, &reader->pairs, &pair_rows) && load_nodes(reader) &&
        reader_open_trace(reader) && reader_open_windows(reader) &&
        reader_check_histograms(reader)) {
        reader->file.failure = NULL; /* the caller's; each call brings its own */
        return reader;
    }
    run_reader_close(reader);
    return NULL;
}

/* HDF5 keeps no checksum of texts of variable length, and 1.10 follows damaged ones out of its
 * memory, or for ever in a circle. Everything that it trusts is read when a file is opened; so
 * opening is tried in a child first, where a crash tells of the damage, or work without an end: a
 * sound file of any size costs a small part of that time, however slow its disk. */
static bool opening_is_safe(const char *path)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct failure ignored = {EXIT_DONE, ""};
        const struct rlimit work = {PROBE_CPU_SECONDS_MAX, PROBE_CPU_SECONDS_MAX};
        (void)setrlimit(RLIMIT_CPU, &work);
        (void)alarm(PROBE_SECONDS_MAX);
        (void)close(STDERR_FILENO);
        (void)reader_open(path, &ignored);
        _exit(0);
    }
    int status = 0;
    pid_t ended = 0;
    do
        ended = child < 0 ? -1 : waitpid(child, &status, 0);
    while (ended < 0 && child > 0 && errno == EINTR);
    return ended != child || status == 0;
}

struct run_reader *run_reader_open(const char *path, struct failure *failure)
{
    if (opening_is_safe(path))
        return reader_open(path, failure);
    (void)failure_set(failure, EXIT_BAD_INPUT, "%s is damaged: HDF5 crashes on it", path);
    return NULL;
}

static void close_rows(const struct hdf_file *file, struct rows *rows)
{
    (void)hdf_close(file, &rows->dataset);
    (void)hdf_close(file, &rows->memory_type);
}

void run_reader_close(struct run_reader *reader)
{
    struct failure consequence = {EXIT_DONE, ""};
    reader->file.failure = &consequence;
    close_rows(&reader->file, &reader->badges);
    close_rows(&reader->file, &reader->node_rows);
    close_rows(&reader->file, &reader->pairs);
    close_rows(&reader->file, &reader->trace_rows);
    close_rows(&reader->file, &reader->trace_index_rows);
    (void)hdf_close(&reader->file, &reader->id);
    settings_free(&reader->settings);
    free(reader->nodes);
    free(reader->trace_index);
    free(reader->contexts);
    free(reader->path);
    free(reader);
}

/* ---- what is asked of it ---- */

const char *run_reader_text(struct run_reader *reader, const char *group, const char *key)
{
    const struct setting *setting = settings_find(&reader->settings, group, key);
    return setting != NULL ? setting->text : "";
}

double run_reader_number(struct run_reader *reader, const char *group, const char *key)
{
    const struct setting *setting = settings_find(&reader->settings, group, key);
    return setting != NULL ? setting->number : (double)NAN;
}

const char *run_reader_path(const struct run_reader *reader)
{
    return reader->path;
}

bool run_reader_complete(const struct run_reader *reader)
{
    const struct setting *setting = settings_find(&reader->settings, "/", "complete");
    return setting != NULL && setting->number == 1;
}

uint32_t run_reader_minor(const struct run_reader *reader)
{
    return reader->minor;
}

uint32_t run_reader_nodes(const struct run_reader *reader)
{
    return reader->node_count;
}

const struct run_node *run_reader_node_rows(const struct run_reader *reader)
{
    return reader->nodes;
}

uint64_t run_reader_badge_count(const struct run_reader *reader)
{
    return reader->badges.count;
}

uint64_t run_reader_pair_count(const struct run_reader *reader)
{
    return reader->pairs.count;
}

/* Callers use the ranks as indices. */
static bool check_ranks(const struct run_reader *reader, const char *what, uint64_t row,
                        uint32_t node, uint32_t peer)
{
    return (node < reader->node_count && peer < reader->node_count) ||
           reader_refuse(&reader->file,
                         "is damaged: row %" PRIu64 " of %s has node %u and peer %u of %u nodes",
                         row, what, node, peer, reader->node_count);
}

bool run_reader_badges(struct run_reader *reader, uint64_t first, size_t count, struct badge *rows,
                       struct failure *failure)
{
    reader->file.failure = failure;
    bool done = rows_read(reader, &reader->badges, first, count, rows);
    for (size_t i = 0; done && i < count; i++)
        done = check_ranks(reader, "/badges", first + i, rows[i].node, rows[i].peer);
    return done;
}

bool run_reader_pairs(struct run_reader *reader, uint64_t first, size_t count,
                      struct run_pair *rows, struct failure *failure)
{
    reader->file.failure = failure;
    bool done = rows_read(reader, &reader->pairs, first, count, rows);
    for (size_t i = 0; done && i < count; i++)
        done = check_ranks(reader, "/pairs", first + i, rows[i].node, rows[i].peer);
    return done;
}
