#include "analysis/recovery/recovery.h"

#include "analysis/recovery/opened_spool.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    struct node_view view = opened_spool_view(opened, &recovery->run);
    struct run_node row = row_of_node(&view);
    if (remains->path != NULL)
        return failure_set(failure, EXIT_BAD_INPUT, "%s and %s are both of node %u", remains->path,
                           path, opened->node);
    if (!settle_badges(opened, &row))
        return spool_is_damaged(path, "its counts contradict its badges", failure);
    remains->path = strdup(path);
    if (remains->path == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory to recover a run");
    remains->is_finished = opened->is_finished;
    remains->is_sealed = spool_is_sealed(opened->spool);
    remains->torn = spool_torn(opened->spool);
    remains->missing = spool_missing(opened->spool);
    remains->row = row;
    remains->trace = row_of_trace(&view);
    recovery->links_wrong =
        opened->facts.links_wrong == RUN_UNKNOWN || recovery->links_wrong == RUN_UNKNOWN
            ? RUN_UNKNOWN
            : recovery->links_wrong + opened->facts.links_wrong;
    recovery->end_utc_s = fmax(recovery->end_utc_s, opened->facts.begin_utc_s + row.watched_s);
    recovery->spools++;
    return true;
}

/* ---- all spools ---- */

static bool begin_run(struct recovery *recovery, struct failure *failure)
{
    recovery->nodes = calloc(recovery->run.nodes, sizeof *recovery->nodes);
    if (recovery->nodes == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory for %u nodes", recovery->run.nodes);
    for (uint32_t node = 0; node < recovery->run.nodes; node++) {
        recovery->nodes[node].row = node_row_unknown(node);
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
        return spool_is_damaged(path, "what it says about its run cannot be", failure);
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

static bool take_spool(struct recovery *recovery, const char *path, struct spool *spool,
                       struct failure *failure)
{
    struct opened_spool opened;
    if (!take_run(recovery, path, spool, failure)) {
        spool_close(spool);
        return false;
    }
    if (!opened_spool_open(&opened, spool, path, &recovery->run, failure))
        return false;
    bool done = note_remains(recovery, path, &opened, failure);
    opened_spool_close(&opened);
    return done;
}

static bool read_spool(struct recovery *recovery, const char *path, struct failure *failure)
{
    struct spool *spool;
    struct failure why = {EXIT_DONE, ""};
    enum spool_found found = spool_load(path, &spool, &why);
    if (found == SPOOL_EMPTY)
        return leave_out(recovery, why.text, failure);
    if (found == SPOOL_REFUSED)
        return failure_set(failure, why.code, "%s", why.text);
    if (spool_facts(spool, SPOOL_PLANNED) != NULL)
        return take_spool(recovery, path, spool, failure);
    spool_close(spool);
    (void)failure_set(&why, EXIT_BAD_INPUT, "%s holds no record: its window was not planned yet",
                      path);
    return leave_out(recovery, why.text, failure);
}

static int is_spool(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 6 && strcmp(entry->d_name + length - 6, ".spool") == 0;
}

/* Ranks may outlive a launcher that was killed, by a second or two. */
static bool wait_for_end(const char *path, struct failure *failure)
{
    enum { LOOKS = 50 };
    const struct timespec pause = {.tv_nsec = 100000000};
    for (int look = 0; look < LOOKS; look++) {
        if (!spool_is_in_use(path))
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return failure_set(failure, EXIT_BAD_INPUT, "%s is in use: its run has not ended", path);
}

static bool read_named(struct recovery *recovery, const char *directory, const char *name,
                       struct failure *failure)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return failure_set(failure, EXIT_INTERNAL, "no memory to recover a run");
    bool done = wait_for_end(path, failure) && read_spool(recovery, path, failure);
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
    bool complete = recovery->run.has_tables == 0;
    for (uint32_t node = 0; node < recovery->run.nodes; node++) {
        const struct node_remains *remains = &recovery->nodes[node];
        complete = complete && remains->is_finished && remains->torn == 0 && remains->missing == 0;
    }
    return complete;
}
