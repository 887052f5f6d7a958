#include "record/spool_directory.h"

#include "observe/badge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void spool_directory_beside(const char *run_path, char directory[SPOOL_PATH_BYTES])
{
    size_t length = strlen(run_path);
    if (length > 3 && strcmp(run_path + length - 3, ".h5") == 0)
        length -= 3;
    (void)snprintf(directory, SPOOL_PATH_BYTES, "%.*s.spool", (int)length, run_path);
}

void spool_path(const char *directory, uint32_t node, char path[SPOOL_PATH_BYTES])
{
    char name[NODE_NAME_BYTES];
    node_name(node, name);
    (void)snprintf(path, SPOOL_PATH_BYTES, "%.1100s/%s.spool", directory, name);
}

void spool_mark_path(const char *directory, char path[SPOOL_PATH_BYTES])
{
    (void)snprintf(path, SPOOL_PATH_BYTES, "%.1100s/untold", directory);
}

bool spool_mark_take(const char *mark_path)
{
    return unlink(mark_path) == 0;
}

/* ---- what is in it ---- */

static bool is_spool(const char *name)
{
    size_t length = strlen(name);
    return length > 6 && strcmp(name + length - 6, ".spool") == 0;
}

/* Calls `take` for each spool until it returns false. Returns how many it took. */
static size_t for_each_spool(const char *directory, bool (*take)(int directory, const char *name))
{
    size_t count = 0;
    DIR *entries = opendir(directory);
    if (entries == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (!is_spool(entry->d_name))
            continue;
        if (!take(dirfd(entries), entry->d_name))
            break;
        count++;
    }
    (void)closedir(entries);
    return count;
}

static bool count_it(int directory, const char *name)
{
    (void)directory, (void)name;
    return true;
}

static bool remove_it(int directory, const char *name)
{
    return unlinkat(directory, name, 0) == 0;
}

bool spool_directory_is_used(const char *directory)
{
    return for_each_spool(directory, count_it) > 0;
}

/* ---- life ---- */

bool spool_directory_enter(const char *directory, struct failure *failure)
{
    return mkdir(directory, 0777) == 0 || errno == EEXIST ||
           failure_set(failure, EXIT_CANNOT_CREATE, "cannot create the spool folder %s: mkdir: %s",
                       directory, strerror(errno));
}

static bool make_mark(const char *directory, struct failure *failure)
{
    char path[SPOOL_PATH_BYTES];
    spool_mark_path(directory, path);
    int mark = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    return (mark >= 0 && close(mark) == 0) ||
           failure_set(failure, EXIT_CANNOT_CREATE, "cannot create %s: open: %s", path,
                       strerror(errno));
}

bool spool_directory_make(const char *directory, bool replace, struct failure *failure)
{
    if (!spool_directory_enter(directory, failure))
        return false;
    if (replace)
        (void)for_each_spool(directory, remove_it);
    if (spool_directory_is_used(directory))
        return failure_set(failure, EXIT_CANNOT_CREATE,
                           "%s holds the spools of a run that did not come to its file: recover it "
                           "with mpidrift-recover, or remove the folder, or add --force",
                           directory);
    return make_mark(directory, failure);
}

void spool_directory_leave(const char *directory)
{
    char path[SPOOL_PATH_BYTES];
    spool_mark_path(directory, path);
    (void)unlink(path);
    (void)rmdir(directory);
}
