#include "system/system.h"

#include <stdlib.h>

/* The null system: it never acts and has nothing to say, so that nothing travels but the heartbeats
 * of every system. What is seen under it is the machine, the loop and the harness itself. */

struct system {
    char nothing;
};

static struct system *create(const struct system_setup *setup)
{
    (void)setup;
    return calloc(1, sizeof(struct system));
}

static void destroy(struct system *system)
{
    free(system);
}

const struct system_ops idle_system = {
    .name = "idle",
    .assumes = "Every node is heard in time, though none has anything to say.",
    .observes = "receive: delay of heartbeats, missing ones; timeout: silence between heartbeats. "
                "Nothing else travels: this measures the harness itself.",
    .drifts = "a late heartbeat, a missing one, a peer silent for too long.",
    .contexts = 1U << CONTEXT_MESSAGE_DELAY_EXCEEDED | 1U << CONTEXT_HEARTBEAT_MISSED |
                1U << CONTEXT_MESSAGE_MISSING,
    .create = create,
    .destroy = destroy,
};
