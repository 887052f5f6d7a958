#include "analysis/recovery.h"

#include "record/books.h"
#include "record/rows.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_AT_A_TIME = 4096 };

/* One spool, opened up. */
struct opened_spool {
    struct spool *spool;
    struct observer *observer;
    struct node_facts facts;
    bool is_finished;
    uint32_t node;
};

/* ---- one spool ---- */

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool facts_are_sane(const struct run_facts *run, const struct node_facts *facts,
                           uint32_t node)
{
    const struct run_node *row = &facts->row;
    return row->node == node && row->group == node / run->group_nodes &&
           row->clock_domain < run->nodes && row->clock_suspect <= 1 && facts->syncs >= 1 &&
           facts->syncs <= RUN_SYNCS && isfinite(facts->begin_s) && isfinite(facts->t0_s) &&
           isfinite(facts->begin_utc_s) && is_text(row->name, sizeof row->name) &&
           is_text(row->host, sizeof row->host) && is_text(row->binding, sizeof row->binding);
}

/* The facts that were committed last. A node without any had not come to its window. */
static bool take_facts(const struct run_facts *run, struct opened_spool *opened)
{
    const void *facts = spool_facts(opened->spool, SPOOL_FINISHED);
    opened->is_finished = facts != NULL;
    if (facts == NULL)
        facts = spool_facts(opened->spool, SPOOL_PLANNED);
    if (facts == NULL || spool_facts_bytes(opened->spool) != sizeof opened->facts)
        return false;
    memcpy(&opened->facts, facts, sizeof opened->facts);
    return facts_are_sane(run, &opened->facts, opened->node);
}

static bool revive(const struct run_facts *run, struct opened_spool *opened,
                   struct failure *failure)
{
    struct corridor corridor = corridor_default();
    memcpy(corridor.limit, run->limit, sizeof corridor.limit);
    struct observer_setup setup = {.node = opened->node,
                                   .self = opened->node % run->group_nodes,
                                   .nodes = run->group_nodes,
                                   .corridor = &corridor,
                                   .windows = run->windows,
                                   .block = spool_state(opened->spool)};
    size_t bytes = observer_bytes(&setup);
    if (spool_state_bytes(opened->spool) != (bytes + 7) / 8 * 8)
        return failure_set(failure, EXIT_BAD_INPUT, "what it counted has another size");
    opened->observer = observer_revive(&setup, failure);
    return opened->observer != NULL;
}

static void close_spool(struct opened_spool *opened)
{
    observer_free(opened->observer);
    spool_close(opened->spool);
}

static bool refuse(struct failure *failure, const char *path, const char *why)
{
    return failure_set(failure, EXIT_BAD_INPUT,
                       "%s is damaged: %s; without it the others can be recovered", path, why);
}

/* False after filling in `failure`; the spool is closed then. */
static bool open_up(const struct run_facts *run, const char *path, struct opened_spool *opened,
                    struct failure *failure)
{
    struct failure why = {EXIT_DONE, ""};
    opened->node = spool_node(opened->spool);
    opened->observer = NULL;
    if (!take_facts(run, opened))
        (void)failure_set(&why, EXIT_BAD_INPUT, "its facts cannot be");
    else
        (void)revive(run, opened, &why);
    if (why.code == EXIT_DONE)
        return true;
    close_spool(opened);
    return refuse(failure, path, why.text);
}

/* ---- the remains of a node ---- */

/* A badge that is neither in the spool nor counted there was being committed, or is not whole, or
 * lay behind the cut. */
static bool settle_badges(const struct opened_spool *opened, struct run_node *row)
{
    uint64_t told = row->badges_lost;
    uint64_t most = told + spool_torn(opened->spool) + spool_missing(opened->spool) + 1;
    if (row->episodes < row->badges || row->episodes - row->badges < told ||
        row->episodes - row->badges > most)
        return false;
    row->badges_lost = row->episodes - row->badges;
    return true;
}

static bool note_remains(struct recovery *recovery, const char *path, struct opened_spool *opened,
                         struct failure *failure)
{
    struct node_remains *remains = &recovery->nodes[opened->node];
    struct node_view view = {&recovery->run, &opened->facts, opened->observer, opened->spool};
    struct run_node row = row_of_node(&view);
    if (remains->path != NULL)
        return failure_set(failure, EXIT_BAD_INPUT, "%s and %s are both of node %u", remains->path,
                           path, opened->node);
    if (!settle_badges(opened, &row))
        return refuse(failure, path, "its counts contradict its badges");
    remains->path = strdup(path);
    if (remains->path == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory to recover a run");
    remains->is_finished = opened->is_finished;
    remains->torn = spool_torn(opened->spool);
    remains->missing = spool_missing(opened->spool);
    remains->row = row;
    recovery->links_wrong =
        opened->facts.links_wrong == RUN_UNKNOWN || recovery->links_wrong == RUN_UNKNOWN
            ? RUN_UNKNOWN
            : recovery->links_wrong + opened->facts.links_wrong;
    recovery->end_utc_s = fmax(recovery->end_utc_s, opened->facts.begin_utc_s + row.watched_s);
    recovery->spools++;
    return true;
}

/* ---- all spools ---- */

static struct run_node blank_row(uint32_t node)
{
    const double unknown = (double)NAN;
    struct run_node row = {
        .sync = {{unknown, unknown, unknown, unknown}, {unknown, unknown, unknown, unknown}},
        .window_begin_global_s = unknown,
        .first_drift_s = unknown,
        .cpu_s = unknown,
        .longest_stall_s = unknown,
        .late_start_s = unknown,
        .attempted = RUN_UNKNOWN,
        .sent = RUN_UNKNOWN,
        .suppressed = RUN_UNKNOWN,
        .received = RUN_UNKNOWN,
        .in_flight = RUN_UNKNOWN,
        .involuntary_switches = RUN_UNKNOWN,
        .state_digest = RUN_UNKNOWN,
        .node = node,
        .clock_domain = node};
    node_name(node, row.name);
    (void)snprintf(row.host, sizeof row.host, "unknown");
    (void)snprintf(row.binding, sizeof row.binding, "unknown");
    return row;
}

static bool begin_run(struct recovery *recovery, struct failure *failure)
{
    recovery->nodes = calloc(recovery->run.nodes, sizeof *recovery->nodes);
    if (recovery->nodes == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory for %u nodes", recovery->run.nodes);
    for (uint32_t node = 0; node < recovery->run.nodes; node++) {
        recovery->nodes[node].row = blank_row(node);
        recovery->nodes[node].row.group = node / recovery->run.group_nodes;
    }
    return true;
}

/* The first spool says what run it is; the others must say the same. */
static bool take_run(struct recovery *recovery, const char *path, const struct spool *spool,
                     struct failure *failure)
{
    size_t size;
    const void *text = spool_text(spool, &size);
    if (recovery->nodes != NULL)
        return (size == run_facts_bytes(&recovery->run) &&
                memcmp(text, &recovery->run, size) == 0) ||
               failure_set(failure, EXIT_BAD_INPUT,
                           "%s is of another run than the spools before it", path);
    if (!run_facts_take(&recovery->run, text, size) || recovery->run.nodes != spool_nodes(spool))
        return refuse(failure, path, "what it says about its run cannot be");
    return begin_run(recovery, failure);
}

static bool leave_out(struct recovery *recovery, const char *why, struct failure *failure)
{
    size_t room = (recovery->left_out_count + 1) * sizeof *recovery->left_out;
    char **left_out = realloc(recovery->left_out, room);
    if (left_out != NULL) {
        recovery->left_out = left_out;
        left_out[recovery->left_out_count] = strdup(why);
        if (left_out[recovery->left_out_count] != NULL) {
            recovery->left_out_count++;
            return true;
        }
    }
    return failure_set(failure, EXIT_INTERNAL, "no memory to recover a run");
}

static bool read_spool(struct recovery *recovery, const char *path, struct failure *failure)
{
    struct opened_spool opened = {.observer = NULL};
    struct failure why = {EXIT_DONE, ""};
    enum spool_found found = spool_load(path, &opened.spool, &why);
    if (found == SPOOL_EMPTY)
        return leave_out(recovery, why.text, failure);
    if (found == SPOOL_REFUSED) {
        *failure = why;
        return false;
    }
    if (spool_facts(opened.spool, SPOOL_PLANNED) == NULL) {
        char text[512];
        spool_close(opened.spool);
        (void)snprintf(text, sizeof text, "%.400s holds no record: its window had not been planned",
                       path);
        return leave_out(recovery, text, failure);
    }
    if (!take_run(recovery, path, opened.spool, failure)) {
        spool_close(opened.spool);
        return false;
    }
    if (!open_up(&recovery->run, path, &opened, failure))
        return false;
    bool done = note_remains(recovery, path, &opened, failure);
    close_spool(&opened);
    return done;
}

static int is_spool(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 6 && strcmp(entry->d_name + length - 6, ".spool") == 0;
}

static bool read_named(struct recovery *recovery, const char *directory, const char *name,
                       struct failure *failure)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return failure_set(failure, EXIT_INTERNAL, "no memory to recover a run");
    bool done = read_spool(recovery, path, failure);
    free(path);
    return done;
}

bool recovery_read(struct recovery *recovery, const char *directory, struct failure *failure)
{
    struct dirent **entries = NULL;
    memset(recovery, 0, sizeof *recovery);
    int count = scandir(directory, &entries, is_spool, alphasort);
    if (count < 0)
        return failure_set(failure, EXIT_BAD_INPUT, "cannot read the folder %s: %s", directory,
                           strerror(errno));
    bool done = true;
    for (int i = 0; i < count; i++) {
        done = done && read_named(recovery, directory, entries[i]->d_name, failure);
        free(entries[i]);
    }
    free(entries);
    if (!done || recovery->spools > 0)
        return done;
    return failure_set(failure, EXIT_BAD_INPUT, "%s holds %s", directory,
                       recovery->left_out_count > 0 ? "spools, but no record in them" : "no spool");
}

void recovery_free(struct recovery *recovery)
{
    for (uint32_t node = 0; recovery->nodes != NULL && node < recovery->run.nodes; node++)
        free(recovery->nodes[node].path);
    free(recovery->nodes);
    for (size_t i = 0; i < recovery->left_out_count; i++)
        free(recovery->left_out[i]);
    free(recovery->left_out);
}

bool recovery_is_complete(const struct recovery *recovery)
{
    bool complete = true;
    for (uint32_t node = 0; node < recovery->run.nodes; node++) {
        const struct node_remains *remains = &recovery->nodes[node];
        complete = complete && remains->is_finished && remains->torn == 0 && remains->missing == 0;
    }
    return complete;
}

/* ---- the file ---- */

static bool write_badges(struct run_writer *writer, const struct node_view *view,
                         struct badge *rows)
{
    uint64_t total = spool_count(view->spool);
    bool done = true;
    for (uint64_t first = 0; done && first < total; first += ROWS_AT_A_TIME) {
        size_t count = total - first < ROWS_AT_A_TIME ? (size_t)(total - first) : ROWS_AT_A_TIME;
        for (size_t i = 0; i < count; i++)
            rows[i] = row_of_badge(view, first + i);
        done = run_writer_badges(writer, rows, count);
    }
    return done;
}

static bool write_pairs(struct run_writer *writer, const struct node_view *view)
{
    bool done = true;
    for (uint64_t place = 0; done && place < row_pairs(view->run); place++) {
        struct run_pair row = row_of_pair(view, place);
        done = run_writer_pairs(writer, &row, 1);
    }
    return done;
}

static bool write_counts(struct run_writer *writer, const struct node_view *view, void *record)
{
    uint32_t node = view->facts->row.node;
    windows_record_fill(view, record);
    struct run_windows windows = windows_record_view(view->run, record);
    bool done = run_writer_windows(writer, node, &windows);
    for (enum histogram_kind kind = 0; done && kind < HISTOGRAM_KINDS; kind++) {
        const struct histogram *histogram = observer_histogram(view->observer, kind);
        done = run_writer_histogram(writer, node, kind, histogram->counts, histogram->underflow,
                                    histogram->overflow);
    }
    return done;
}

static bool write_node(const struct recovery *recovery, const struct node_remains *remains,
                       struct run_writer *writer, struct failure *failure)
{
    struct opened_spool opened = {.observer = NULL};
    if (spool_load(remains->path, &opened.spool, failure) != SPOOL_USABLE ||
        !open_up(&recovery->run, remains->path, &opened, failure))
        return false;
    struct node_view view = {&recovery->run, &opened.facts, opened.observer, opened.spool};
    struct badge *rows = calloc(ROWS_AT_A_TIME, sizeof *rows);
    void *record = calloc(1, windows_record_bytes(&recovery->run));
    bool done = rows != NULL && record != NULL;
    if (!done)
        (void)failure_set(failure, EXIT_INTERNAL, "no memory to write a run");
    else if (spool_count(opened.spool) != remains->row.badges)
        done = refuse(failure, remains->path, "it changed while it was read");
    done = done && write_badges(writer, &view, rows) && write_pairs(writer, &view) &&
           write_counts(writer, &view, record);
    free(rows);
    free(record);
    close_spool(&opened);
    return done;
}

/* What the reader of the file should know of how it came about. */
static void add_settings(struct recovery *recovery, const struct run_node *rows,
                         struct run_facts *run)
{
    char text[512] = "", books_line[160];
    size_t used = 0;
    struct books books = books_of_run(rows, run->nodes, recovery->links_wrong);
    books_text(&books, books_line);
    for (uint32_t node = 0; node < run->nodes && used < sizeof text; node++)
        if (recovery->nodes[node].path == NULL)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? " " : "",
                                     rows[node].name);
    run_facts_add(run, "/", "books", books_line, 0);
    run_facts_add(run, "/provenance", "recovered_spools", NULL, recovery->spools);
    run_facts_add(run, "/provenance", "recovered_without", used > 0 ? text : "none", 0);
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

bool recovery_write(struct recovery *recovery, const char *path, struct failure *failure)
{
    uint32_t nodes = recovery->run.nodes;
    struct run_node *rows = calloc(nodes, sizeof *rows);
    if (rows == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory for %u nodes", nodes);
    for (uint32_t node = 0; node < nodes; node++)
        rows[node] = recovery->nodes[node].row;
    rows_place_badges(rows, nodes);
    struct run_writer *writer = open_writer(recovery, rows, path, failure);
    bool done = writer != NULL && run_writer_nodes(writer, rows, nodes);
    for (uint32_t node = 0; done && node < nodes; node++)
        if (recovery->nodes[node].path != NULL)
            done = write_node(recovery, &recovery->nodes[node], writer, failure);
    free(rows);
    if (writer == NULL)
        return false;
    if (done)
        return run_writer_finish(writer);
    run_writer_abandon(writer);
    return false;
}
