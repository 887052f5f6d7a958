#include "system/arrivals.h"

#include <stdlib.h>

/* A system to start from. It is complete: mpirun -np 2 mpidrift --system template. Make it yours in
 * the three places marked 1, 2 and 3, and say what it is at the end. To keep it beside this one,
 * copy the file to NAME.c, call what stands at its end NAME_system, and add one line to systems.c.
 *
 * This one passes on rumours. Each node holds the newest that it has heard. Now and then it tells
 * it to a peer, and one time in ten it has made up a newer one before. */

struct system {
    struct system_setup setup; /* what it was given */
    struct local_time due;     /* when it acts next */
    /* 1. What does a node hold? All of it is zero at the start. */
    uint64_t rumour;
};

/* 2. What does a node do when its time has come? It acts on what it holds; it does not ask, wait or
 * repeat. mailbox_send goes to one peer, mailbox_send_all to all. */
static void act(struct system *system, struct global_time due, const struct boundary_event *action)
{
    struct mailbox *mailbox = system->setup.mailbox;
    gsl_rng *choice = system->setup.choice;
    uint32_t step = 1 + (uint32_t)gsl_rng_uniform_int(choice, mailbox->nodes - 1);
    if (gsl_rng_uniform_int(choice, 10) == 0)
        system->rumour++;
    struct message message = {.kind = MESSAGE_UPDATE,
                              .origin = mailbox->self,
                              .due = due,
                              .sent = action->sent,
                              .payload = {system->rumour}};
    mailbox_send(mailbox, (mailbox->self + step) % mailbox->nodes, &message);
    system->due = arrivals_next(&system->setup, system->due);
}

/* 3. What does a node do with a message? First report what the boundary shows, on the state as it
 * was until now; then change the state. The measures are listed in observe/boundary.h, and which
 * context judges which measure in observe/corridor.c. */
static void receive(struct system *system, const struct message *message,
                    const struct boundary_event *arrival)
{
    struct boundary_event event = *arrival;
    event.measure = MEASURE_DECISIONS; /* 1 if the peer holds something else than this node */
    event.version_known = system->rumour;
    event.version_received = message->payload[0];
    event.value = message->payload[0] != system->rumour ? 1 : 0;
    boundary_report(system->setup.boundary, &event);
    if (message->payload[0] > system->rumour)
        system->rumour = message->payload[0];
}

/* The rest rarely changes. */

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

const struct system_ops template_system = {
    .name = "template",
    .assumes = "Whoever I hear from has heard what I have.",
    .observes = "decision: the rumour that a peer tells; receive: message delay, missing messages; "
                "timeout: silence between heartbeats.",
    .drifts = "a peer that holds another rumour, a late message, a message that never came, a peer "
              "silent for too long.",
    .acts = "tellings",
    .contexts = 1U << CONTEXT_MESSAGE_DELAY_EXCEEDED | 1U << CONTEXT_HEARTBEAT_MISSED |
                1U << CONTEXT_MESSAGE_MISSING | 1U << CONTEXT_DECISION_SPLIT,
    .create = create,
    .destroy = destroy,
    .due = due,
    .act = act,
    .receive = receive,
};
