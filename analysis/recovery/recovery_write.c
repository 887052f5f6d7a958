#include "analysis/recovery/recovery.h"

#include "analysis/recovery/opened_spool.h"
#include "record/books.h"

#include <stdlib.h>

enum { ROWS_AT_A_TIME = 4096 };

/* The three kinds of rows that a node has many of. */
struct row_kind {
    size_t bytes;
    uint64_t (*total)(const struct node_view *view);
    void (*make)(const struct node_view *view, uint64_t place, void *row);
    bool (*write)(struct run_writer *writer, const void *rows, size_t count);
};

static uint64_t badge_total(const struct node_view *view)
{
    return spool_count(view->spool);
}
static void make_badge(const struct node_view *view, uint64_t place, void *row)
{
    *(struct badge *)row = row_of_badge(view, place);
}
static bool append_badges(struct run_writer *writer, const void *rows, size_t count)
{
    return run_writer_badges(writer, rows, count);
}

static uint64_t pair_total(const struct node_view *view)
{
    return row_pairs(view->run);
}
static void make_pair(const struct node_view *view, uint64_t place, void *row)
{
    *(struct run_pair *)row = row_of_pair(view, place);
}
static bool append_pairs(struct run_writer *writer, const void *rows, size_t count)
{
    return run_writer_pairs(writer, rows, count);
}

static void make_event(const struct node_view *view, uint64_t place, void *row)
{
    *(struct trace_event *)row = row_of_trace_event(view, place);
}
static bool append_events(struct run_writer *writer, const void *rows, size_t count)
{
    return run_writer_trace(writer, rows, count);
}

static const struct row_kind row_kinds[] = {
    {sizeof(struct badge), badge_total, make_badge, append_badges},
    {sizeof(struct run_pair), pair_total, make_pair, append_pairs},
    {sizeof(struct trace_event), row_trace_events, make_event, append_events},
};

static bool write_rows(struct run_writer *writer, const struct node_view *view,
                       const struct row_kind *kind, struct failure *failure)
{
    uint64_t total = kind->total(view);
    unsigned char *rows = calloc(ROWS_AT_A_TIME, kind->bytes);
    bool done = rows != NULL || failure_set(failure, EXIT_INTERNAL, "no memory to write a run");
    for (uint64_t first = 0; done && first < total; first += ROWS_AT_A_TIME) {
        uint64_t rest = total - first;
        size_t count = rest < ROWS_AT_A_TIME ? (size_t)rest : ROWS_AT_A_TIME;
        for (size_t i = 0; i < count; i++)
            kind->make(view, first + i, rows + i * kind->bytes);
        done = kind->write(writer, rows, count);
    }
    free(rows);
    return done;
}

static bool write_windows(struct run_writer *writer, const struct node_view *view,
                          struct failure *failure)
{
    void *record = calloc(1, windows_record_bytes(view->run));
    if (record == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory to write a run");
    windows_record_fill(view, record);
    struct run_windows windows = windows_record_view(view->run, record);
    bool done = run_writer_windows(writer, view->facts->row.node, &windows);
    free(record);
    return done;
}

static bool write_histograms(struct run_writer *writer, const struct node_view *view)
{
    bool done = true;
    for (enum histogram_kind kind = 0; done && kind < HISTOGRAM_KINDS; kind++) {
        const struct histogram *histogram = observer_histogram(view->observer, kind);
        done = run_writer_histogram(writer, view->facts->row.node, kind, histogram->counts,
                                    histogram->underflow, histogram->overflow);
    }
    return done;
}

static bool write_node(const struct recovery *recovery, const struct node_remains *remains,
                       struct run_writer *writer, struct failure *failure)
{
    struct spool *spool;
    struct opened_spool opened;
    if (spool_load(remains->path, &spool, failure) != SPOOL_USABLE ||
        !opened_spool_open(&opened, spool, remains->path, &recovery->run, failure))
        return false;
    struct node_view view = opened_spool_view(&opened, &recovery->run);
    bool done = spool_count(spool) == remains->row.badges ||
                spool_is_damaged(remains->path, "it changed while it was read", failure);
    for (size_t i = 0; done && i < sizeof row_kinds / sizeof row_kinds[0]; i++)
        done = write_rows(writer, &view, &row_kinds[i], failure);
    done = done && write_windows(writer, &view, failure) && write_histograms(writer, &view);
    opened_spool_close(&opened);
    return done;
}

/* "node_C node_F" of those that the predicate holds for, or "none". */
static void name_nodes(const struct recovery *recovery, bool (*holds)(const struct node_remains *),
                       char *text, size_t size)
{
    size_t used = 0;
    (void)snprintf(text, size, "none");
    for (uint32_t node = 0; node < recovery->run.nodes && used < size; node++)
        if (holds(&recovery->nodes[node]))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "",
                                     recovery->nodes[node].row.name);
}

static bool is_missing(const struct node_remains *remains)
{
    return remains->path == NULL;
}

static bool lacks_checksum(const struct node_remains *remains)
{
    return remains->path != NULL && !remains->is_sealed;
}

/* What the reader of the file should know of how it came about. */
static void add_settings(struct recovery *recovery, const struct run_node *rows,
                         struct run_facts *run)
{
    char missing[512], unsealed[512], books_line[160];
    struct books books = books_of_run(rows, run->nodes, recovery->links_wrong);
    books_text(&books, books_line);
    name_nodes(recovery, is_missing, missing, sizeof missing);
    name_nodes(recovery, lacks_checksum, unsealed, sizeof unsealed);
    run_facts_add(run, "/", "books", books_line, 0);
    run_facts_add(run, "/provenance", "recovered_spools", NULL, recovery->spools);
    run_facts_add(run, "/provenance", "recovered_without", missing, 0);
    run_facts_add(run, "/provenance", "recovered_without_checksum", unsealed, 0);
}

static struct run_writer *open_writer(struct recovery *recovery, const struct run_node *rows,
                                      const char *path, struct failure *failure)
{
    static struct run_facts run;
    struct run_setting settings[RUN_SETTINGS_MAX];
    struct histogram histograms[HISTOGRAM_KINDS];
    char end_time_utc[32];
    run = recovery->run;
    add_settings(recovery, rows, &run);
    utc_text(recovery->end_utc_s, end_time_utc);
    struct run_header header = header_of_run(&run, end_time_utc, settings, histograms);
    header.is_incomplete = !recovery_is_complete(recovery);
    return run_writer_create(path, &header, failure);
}

static bool write_run(struct recovery *recovery, const char *path, struct run_node *rows,
                      struct run_trace *traces, struct failure *failure)
{
    uint32_t nodes = recovery->run.nodes;
    for (uint32_t node = 0; node < nodes; node++) {
        rows[node] = recovery->nodes[node].row;
        traces[node] = recovery->nodes[node].trace;
    }
    rows_place(rows, traces, nodes);
    struct run_writer *writer = open_writer(recovery, rows, path, failure);
    if (writer == NULL)
        return false;
    bool done =
        run_writer_nodes(writer, rows, nodes) && run_writer_trace_index(writer, traces, nodes);
    for (uint32_t node = 0; done && node < nodes; node++)
        if (recovery->nodes[node].path != NULL)
            done = write_node(recovery, &recovery->nodes[node], writer, failure);
    if (done)
        return run_writer_finish(writer);
    run_writer_abandon(writer);
    return false;
}

bool recovery_write(struct recovery *recovery, const char *path, struct failure *failure)
{
    struct run_node *rows = calloc(recovery->run.nodes, sizeof *rows);
    struct run_trace *traces = calloc(recovery->run.nodes, sizeof *traces);
    bool done = rows != NULL && traces != NULL;
    if (!done)
        (void)failure_set(failure, EXIT_INTERNAL, "no memory for %u nodes", recovery->run.nodes);
    done = done && write_run(recovery, path, rows, traces, failure);
    free(rows);
    free(traces);
    return done;
}
