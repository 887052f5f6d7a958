#ifndef MPIDRIFT_TOUCH_H
#define MPIDRIFT_TOUCH_H

#include <assert.h>
#include <stddef.h>

/* Write to every page now: a page fault inside the window would be drift of our own making. The
 * write is volatile, or a compiler may turn malloc and memset into a calloc that touches nothing.
 */
static inline void touch_pages(void *memory, size_t bytes)
{
    enum { PAGE_BYTES_LEAST = 4096 };
    volatile char *byte = memory;
    assert(memory != NULL);
    for (size_t at = 0; at < bytes; at += PAGE_BYTES_LEAST)
        byte[at] = 0;
}

#endif
