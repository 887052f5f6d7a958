#include "fnv1a.h"
#include "system/arrivals.h"

#include <assert.h>
#include <stdlib.h>

/* K keys on every node. A local write takes the next version of what this node knows and goes to
 * every peer; a receiver keeps the higher (version, origin). That merge needs no answer and no
 * second message: it is how replicas agree in the end, not an enforcement of order. */

struct replica {
    uint64_t version;
    uint32_t origin; /* who wrote it */
};

struct system {
    struct system_setup setup;
    struct local_time due;
    struct replica replicas[]; /* [keys] */
};

static struct system *create(const struct system_setup *setup)
{
    struct system *system = calloc(1, sizeof *system + setup->keys * sizeof system->replicas[0]);
    if (system == NULL)
        return NULL;
    system->setup = *setup;
    system->due = arrivals_first(setup);
    return system;
}

static void destroy(struct system *system)
{
    free(system);
}

static struct local_time due(const struct system *system)
{
    return system->due;
}

static void report_write(const struct system *system, const struct message *update,
                         const struct boundary_event *action)
{
    struct boundary_event event = *action;
    event.measure = MEASURE_WRITE;
    event.value = 0;
    event.peer = update->origin;
    event.base = update->base_origin;
    event.key = (int32_t)update->key;
    event.version_known = update->version - 1;
    event.version_received = update->version;
    boundary_report(system->setup.boundary, &event);
}

static void act(struct system *system, struct global_time due_at,
                const struct boundary_event *action)
{
    struct mailbox *mailbox = system->setup.mailbox;
    uint32_t key = (uint32_t)gsl_rng_uniform_int(system->setup.choice, system->setup.keys);
    struct replica *replica = &system->replicas[key];
    struct message update = {.kind = MESSAGE_UPDATE,
                             .origin = mailbox->self,
                             .version = replica->version + 1,
                             .due = due_at,
                             .sent = action->sent,
                             .key = key,
                             .base_origin = replica->origin};
    report_write(system, &update, action);
    *replica = (struct replica){update.version, mailbox->self};
    mailbox_send_all(mailbox, &update);
    system->due = arrivals_next(&system->setup, system->due);
}

static bool is_newer(const struct message *update, const struct replica *replica)
{
    if (update->version != replica->version)
        return update->version > replica->version;
    return update->origin > replica->origin;
}

static void receive(struct system *system, const struct message *update,
                    const struct boundary_event *arrival)
{
    assert(update->key < system->setup.keys);
    struct replica *replica = &system->replicas[update->key];
    struct boundary_event event = *arrival;
    event.measure = MEASURE_VERSION_GAP;
    event.base = update->base_origin;
    event.key = (int32_t)update->key;
    event.version_known = replica->version;
    event.version_received = update->version;
    event.value = (double)update->version - (double)(replica->version + 1);
    boundary_report(system->setup.boundary, &event);
    if (is_newer(update, replica))
        *replica = (struct replica){update->version, update->origin};
}

static uint64_t digest(const struct system *system)
{
    uint64_t hash = FNV1A_START;
    for (uint32_t key = 0; key < system->setup.keys; key++) {
        const struct replica *replica = &system->replicas[key];
        hash = fnv1a(&replica->version, sizeof replica->version, hash);
        hash = fnv1a(&replica->origin, sizeof replica->origin, hash);
    }
    return hash;
}

const struct system_ops replication_system = {
    .name = "replication",
    .assumes = "No node is ever more than one version behind the others, and every message "
               "arrives in time.",
    .observes = "receive: message delay, missing messages; update: the gap between the version "
                "received and the next one known; timeout: silence between heartbeats.",
    .drifts =
        "a late message, a writer behind by more versions than allowed, an update that builds "
        "on one this node lacks, a peer silent for too long.",
    .acts = "writes",
    .contexts = 1U << CONTEXT_MESSAGE_DELAY_EXCEEDED | 1U << CONTEXT_HEARTBEAT_MISSED |
                1U << CONTEXT_MESSAGE_MISSING | 1U << CONTEXT_VERSION_LAG_EXCEEDED |
                1U << CONTEXT_CAUSAL_ORDER_VIOLATED,
    .create = create,
    .destroy = destroy,
    .due = due,
    .act = act,
    .receive = receive,
    .digest = digest,
};
