#ifndef MPIDRIFT_HALF_WRITTEN_H
#define MPIDRIFT_HALF_WRITTEN_H

#include <sys/stat.h>
#include <unistd.h>

/* Remove a file whose writing failed; never what only passes text on, as a device or a pipe does.
 */
static inline void half_written_remove(const char *path)
{
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
        (void)unlink(path);
}

#endif
