#include "record/run_file_read.h"
#include "record/run_file_tables.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERIFY_ROWS = 4096 }; /* a chunk */

static bool system_failed(const struct hdf_file *file, enum exit_code code, const char *call,
                          const char *path)
{
    return failure_set(file->failure, code, "cannot %s %s: %s: %s", file->doing, path, call,
                       strerror(errno));
}

/* An error equal to `tolerated` is none: some file systems cannot sync a directory, and say so with
 * EINVAL. */
static bool sync_path(const struct hdf_file *file, const char *path, int flags, int tolerated)
{
    int descriptor = open(path, flags | O_CLOEXEC);
    if (descriptor < 0)
        return system_failed(file, EXIT_WRITE_FAILED, "open", path);
    bool done = fsync(descriptor) == 0 || errno == tolerated ||
                system_failed(file, EXIT_WRITE_FAILED, "fsync", path);
    return (close(descriptor) == 0 || system_failed(file, EXIT_WRITE_FAILED, "close", path)) &&
           done;
}

static bool sync_directory_of(const struct hdf_file *file, const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return failure_set(file->failure, EXIT_INTERNAL, "no memory to write %s", path);
    bool done = sync_path(file, dirname(copy), O_RDONLY | O_DIRECTORY, EINVAL);
    free(copy);
    return done;
}

/* Whether the rows [first, first + count) are badges of the nodes that claim these places. */
static bool verify_rows(const struct run_reader *reader, uint64_t first, const struct badge *rows,
                        size_t count, uint32_t *node)
{
    const struct run_node *nodes = run_reader_node_rows(reader);
    for (size_t i = 0; i < count; i++) {
        while (first + i >= nodes[*node].badges_first + nodes[*node].badges)
            ++*node;
        if (rows[i].node != nodes[*node].node)
            return false;
    }
    return true;
}

/* The reader has checked that the nodes' ranges follow each other and end with the last badge. */
static bool verify_badges(struct run_reader *reader, struct failure *failure)
{
    struct badge *rows = malloc(VERIFY_ROWS * sizeof *rows);
    if (rows == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory to verify the run file");
    uint64_t badges = run_reader_badge_count(reader);
    uint32_t node = 0;
    bool done = true;
    for (uint64_t first = 0; done && first < badges; first += VERIFY_ROWS) {
        size_t count = badges - first < VERIFY_ROWS ? (size_t)(badges - first) : VERIFY_ROWS;
        done = run_reader_badges(reader, first, count, rows, failure);
        if (done && !verify_rows(reader, first, rows, count, &node))
            done = failure_set(failure, EXIT_INTERNAL, "a badge is not where its node says");
    }
    free(rows);
    return done;
}

/* The reader refuses events that are not where their node says. */
static bool verify_trace(struct run_reader *reader, struct failure *failure)
{
    struct trace_event *rows = malloc(VERIFY_ROWS * sizeof *rows);
    if (rows == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory to verify the run file");
    bool done = true;
    for (uint32_t node = 0; done && node < run_reader_nodes(reader); node++) {
        uint64_t events = run_reader_trace_index(reader)[node].events;
        for (uint64_t first = 0; done && first < events; first += VERIFY_ROWS) {
            size_t count = events - first < VERIFY_ROWS ? (size_t)(events - first) : VERIFY_ROWS;
            done = run_reader_trace(reader, node, first, count, rows, failure);
        }
    }
    free(rows);
    return done;
}

static bool verify(const struct hdf_file *file)
{
    struct failure found = {EXIT_DONE, ""};
    struct run_reader *reader = reader_open(file->path, &found);
    bool done = reader != NULL && verify_badges(reader, &found) && verify_trace(reader, &found);
    if (reader != NULL)
        run_reader_close(reader);
    return done || failure_set(file->failure, file->code,
                               "%s does not read back as written: %.500s", file->path, found.text);
}

bool publish(const struct hdf_file *file, const char *path)
{
    return sync_path(file, file->path, O_RDWR, 0) && verify(file) &&
           (rename(file->path, path) == 0 ||
            system_failed(file, EXIT_CANNOT_CREATE, "rename", path)) &&
           sync_directory_of(file, path);
}
