#ifndef MPIDRIFT_FLOOD_H
#define MPIDRIFT_FLOOD_H

#include "system/system.h"

/* A load that no system of the lab has: the first half of the nodes sends to the second half as
 * fast as the loop goes, a window of messages at a time; the receiver answers each window with one
 * message. It reports at its boundaries what replication reports, so that what observes it works as
 * hard. The number of nodes is even. */

enum { FLOOD_WINDOW = 64 };

extern const struct system_ops flood_system;        /* nothing ever drifts by its state */
extern const struct system_ops flood_badges_system; /* each message opens one episode, closes one */

/* Messages that came to this node and were sent inside the window. */
uint64_t flood_received(const struct system *system);

#endif
