#ifndef MPIDRIFT_SPLITMIX_H
#define MPIDRIFT_SPLITMIX_H

#include <stdint.h>

/* Output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): neighbouring numbers give
 * unrelated ones, so it makes seeds of streams, and random numbers that are asked for by their
 * place instead of in turn. */
static inline uint64_t splitmix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
