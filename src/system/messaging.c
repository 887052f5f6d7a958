#include "system/arrivals.h"

#include <stdlib.h>

/* Letters to random peers. Nothing is answered, so all that a node can know is when each came. */

struct system {
    struct system_setup setup;
    struct local_time due;
    uint64_t written;
};

static struct system *create(const struct system_setup *setup)
{
    struct system *system = calloc(1, sizeof *system);
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

static void act(struct system *system, struct global_time due_at,
                const struct boundary_event *action)
{
    struct mailbox *mailbox = system->setup.mailbox;
    uint32_t step = 1 + (uint32_t)gsl_rng_uniform_int(system->setup.choice, mailbox->nodes - 1);
    struct message letter = {.kind = MESSAGE_LETTER,
                             .origin = mailbox->self,
                             .version = ++system->written,
                             .due = due_at,
                             .sent = action->sent};
    mailbox_send(mailbox, (mailbox->self + step) % mailbox->nodes, &letter);
    system->due = arrivals_next(&system->setup, system->due);
}

/* The loop has reported its delay; there is no state that it could change. */
static void receive(struct system *system, const struct message *letter,
                    const struct boundary_event *arrival)
{
    (void)system, (void)letter, (void)arrival;
}

const struct system_ops messaging_system = {
    .name = "messaging",
    .assumes = "Every message arrives within a bounded time.",
    .observes = "receive: message delay, missing messages; timeout: silence between heartbeats.",
    .drifts = "a late message, a message that never came, a peer silent for too long.",
    .acts = "letters",
    .contexts = 1U << CONTEXT_MESSAGE_DELAY_EXCEEDED | 1U << CONTEXT_HEARTBEAT_MISSED |
                1U << CONTEXT_MESSAGE_MISSING,
    .create = create,
    .destroy = destroy,
    .due = due,
    .act = act,
    .receive = receive,
};
