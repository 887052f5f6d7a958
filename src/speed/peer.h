#ifndef MPIDRIFT_PEER_H
#define MPIDRIFT_PEER_H

#include "failure.h"

#include <stdint.h>

/* osu_mbw_mr in a launch of its own, with 64 bytes, window 64 and as many ranks. Messages per
 * second, or NaN after filling in `failure` (65) when it cannot be run or prints no such line. The
 * caller's ranks sleep meanwhile. */
double peer_run(const char *path, uint32_t ranks, struct failure *failure);

/* The messages per second in one line of its output, "64  Bandwidth  Messages/s"; NaN: none. */
double peer_rate_per_s(const char *line);

#endif
