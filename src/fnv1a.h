#ifndef MPIDRIFT_FNV1A_H
#define MPIDRIFT_FNV1A_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bit (Fowler, Noll, Vo): `hash` goes on over `bytes`; begin with FNV1A_START. */
#define FNV1A_START UINT64_C(14695981039346656037)

static inline uint64_t fnv1a(const void *bytes, size_t size, uint64_t hash)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
    return hash;
}

#endif
