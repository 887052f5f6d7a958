#include "record/run_file_read.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { WINDOW_ARRAYS = 5 };

static struct layout window_layout(const struct run_reader *reader, int i)
{
    static const char *const names[WINDOW_ARRAYS] = {"observations", "beyond", "episodes",
                                                     "outside_s", "node_outside_s"};
    struct layout layout = {
        .rank = 3,
        .size = {reader->node_count, reader->context_count, reader->window_count},
        .memory_type = i < 3 ? H5T_NATIVE_UINT32 : H5T_NATIVE_DOUBLE};
    if (i == WINDOW_ARRAYS - 1) {
        layout.rank = 2;
        layout.size[1] = reader->window_count;
        layout.size[2] = 0;
    }
    (void)snprintf(layout.path, sizeof layout.path, "/windows/%s", names[i]);
    return layout;
}

static bool load_contexts(struct run_reader *reader)
{
    struct layout layout = {"/windows/contexts", 1, {0}, H5T_NATIVE_UINT32};
    const struct hdf_file *file = &reader->file;
    if (!vector_size(reader, layout.path, layout.size))
        return false;
    if (layout.size[0] > UINT16_MAX)
        return reader_refuse(file, "has %" PRIu64 " contexts", (uint64_t)layout.size[0]);
    reader->context_count = (uint32_t)layout.size[0];
    reader->contexts = calloc(layout.size[0] + 1, sizeof *reader->contexts);
    if (reader->contexts == NULL)
        return failure_set(file->failure, EXIT_INTERNAL, "no memory to read %s", file->path);
    if (!array_read(reader, &layout, 0, layout.size[0], reader->contexts))
        return false;
    for (uint32_t i = 1; i < reader->context_count; i++)
        if (reader->contexts[i] <= reader->contexts[i - 1])
            return reader_refuse(file, "is damaged: its contexts do not ascend");
    return true;
}

bool reader_open_windows(struct run_reader *reader)
{
    hsize_t size[RANK_MAX] = {0, 0, 0};
    if (!load_contexts(reader))
        return false;
    hid_t dataset = reader_open_dataset(reader, "/windows/node_outside_s", 2, size);
    if (dataset < 0 || !hdf_close(&reader->file, &dataset))
        return false;
    if (size[1] > RUN_WINDOWS_MAX)
        return reader_refuse(&reader->file, "has %" PRIu64 " windows, at most %d are possible",
                             (uint64_t)size[1], RUN_WINDOWS_MAX);
    reader->window_count = (uint32_t)size[1];
    bool done = group_number(reader, "/windows", "window_s", &reader->window_s);
    for (int i = 0; done && i < WINDOW_ARRAYS; i++) {
        struct layout layout = window_layout(reader, i);
        done = array_check(reader, &layout);
    }
    return done;
}

uint32_t run_reader_context_count(const struct run_reader *reader)
{
    return reader->context_count;
}

const uint32_t *run_reader_contexts(const struct run_reader *reader)
{
    return reader->contexts;
}

uint32_t run_reader_window_count(const struct run_reader *reader)
{
    return reader->window_count;
}

double run_reader_window_s(const struct run_reader *reader)
{
    return reader->window_s;
}

bool run_reader_windows(struct run_reader *reader, uint32_t node, struct run_windows *windows,
                        struct failure *failure)
{
    void *const memory[WINDOW_ARRAYS] = {windows->observations, windows->beyond, windows->episodes,
                                         windows->outside_s, windows->node_outside_s};
    assert(node < reader->node_count);
    reader->file.failure = failure;
    bool done = true;
    for (int i = 0; done && i < WINDOW_ARRAYS; i++) {
        struct layout layout = window_layout(reader, i);
        done = array_read(reader, &layout, node, 1, memory[i]);
    }
    return done;
}
