#include "record/run_file_read.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static bool check_index(const struct run_reader *reader)
{
    uint64_t next = 0;
    for (uint32_t i = 0; i < reader->node_count; i++) {
        const struct run_trace *node = &reader->trace_index[i];
        if (!(node->covered_until_s >= 0 && seconds_are_possible(node->covered_until_s)))
            return reader_refuse(&reader->file, "is damaged: the trace of node %u covers %g s", i,
                                 node->covered_until_s);
        if (!rows_follow(reader, &reader->trace_rows, i, node->first, node->events, &next))
            return false;
    }
    return rows_end(reader, &reader->trace_rows, next);
}

bool reader_open_trace(struct run_reader *reader)
{
    const struct hdf_file *file = &reader->file;
    struct rows *index = &reader->trace_index_rows;
    if (!rows_open(reader, &reader->trace_rows, &trace_rows) ||
        !rows_open(reader, index, &trace_index_rows))
        return false;
    if (index->count != reader->node_count)
        return reader_refuse(file, "contradicts itself: %s has %" PRIu64 " rows for %u nodes",
                             trace_index_rows.path, (uint64_t)index->count, reader->node_count);
    reader->trace_index = calloc(reader->node_count, sizeof *reader->trace_index);
    if (reader->trace_index == NULL)
        return failure_set(file->failure, EXIT_INTERNAL, "no memory for the nodes of %s",
                           file->path);
    return rows_read(reader, index, 0, reader->node_count, reader->trace_index) &&
           check_index(reader);
}

const struct run_trace *run_reader_trace_index(const struct run_reader *reader)
{
    return reader->trace_index;
}

/* Callers use ranks and kinds as indices, and sort by time. */
static bool check_event(const struct run_reader *reader, uint32_t node, uint64_t row,
                        const struct trace_event *event)
{
    bool ranks =
        event->node == node && event->peer < reader->node_count && event->base < reader->node_count;
    bool known = event->kind < BOUNDARY_COUNT || reader->minor > RUN_FORMAT_MINOR;
    bool times = seconds_are_possible(event->time_s) && seconds_are_possible(event->global_s) &&
                 seconds_are_possible(event->sent_s);
    return (ranks && known && times) ||
           reader_refuse(&reader->file,
                         "is damaged: row %" PRIu64 " of %s has node %u, peer %u, base %u, kind %u "
                         "at %g s, among those of node %u of %u",
                         row, trace_rows.path, event->node, event->peer, event->base, event->kind,
                         event->time_s, node, reader->node_count);
}

bool run_reader_trace(struct run_reader *reader, uint32_t node, uint64_t first, size_t count,
                      struct trace_event *rows, struct failure *failure)
{
    assert(node < reader->node_count);
    const struct run_trace *index = &reader->trace_index[node];
    assert(first <= index->events && count <= index->events - first);
    reader->file.failure = failure;
    bool done = rows_read(reader, &reader->trace_rows, index->first + first, count, rows);
    for (size_t i = 0; done && i < count; i++)
        done = check_event(reader, node, index->first + first + i, &rows[i]);
    return done;
}
