#include "speed/flood.h"

#include <math.h>
#include <stdlib.h>

/* A gap that version lag and causal order both call outside, one by its sign, one by the other. */
static const double GAP_OUTSIDE = 1000;

struct system {
    struct system_setup setup;
    uint32_t partner;
    uint32_t credit;       /* of the window under way */
    uint32_t unanswered;   /* taken since the last answer */
    struct local_time due; /* since when the window may be sent */
    bool drifts;
    uint64_t version;
    uint64_t received;
};

static struct system *create_flood(const struct system_setup *setup, bool drifts)
{
    struct system *system = calloc(1, sizeof *system);
    uint32_t nodes = setup->mailbox->nodes, self = setup->mailbox->self;
    if (system == NULL)
        return NULL;
    bool sends = self < nodes / 2;
    *system = (struct system){.setup = *setup,
                              .partner = sends ? self + nodes / 2 : self - nodes / 2,
                              .credit = sends ? FLOOD_WINDOW : 0,
                              .due = setup->start,
                              .drifts = drifts};
    return system;
}

static struct system *create(const struct system_setup *setup)
{
    return create_flood(setup, false);
}

static struct system *create_drifting(const struct system_setup *setup)
{
    return create_flood(setup, true);
}

static void destroy(struct system *system)
{
    free(system);
}

static struct local_time due(const struct system *system)
{
    return system->credit > 0 ? system->due : (struct local_time){HUGE_VAL};
}

static void act(struct system *system, struct global_time due_at,
                const struct boundary_event *action)
{
    struct message message = {.kind = MESSAGE_UPDATE,
                              .origin = system->setup.mailbox->self,
                              .version = ++system->version,
                              .due = due_at,
                              .sent = action->sent};
    struct boundary_event event = *action;
    event.measure = MEASURE_WRITE;
    event.value = 0;
    event.peer = system->partner;
    event.key = 0;
    event.version_received = message.version;
    boundary_report(system->setup.boundary, &event);
    system->credit--;
    mailbox_send(system->setup.mailbox, system->partner, &message);
}

static void answer(struct system *system, const struct boundary_event *arrival)
{
    struct message message = {
        .kind = MESSAGE_LETTER, .origin = system->setup.mailbox->self, .sent = arrival->sent};
    if (++system->unanswered < FLOOD_WINDOW)
        return;
    system->unanswered = 0;
    if (arrival->at.s < system->setup.end.s)
        mailbox_send(system->setup.mailbox, system->partner, &message);
}

static void receive(struct system *system, const struct message *message,
                    const struct boundary_event *arrival)
{
    if (message->kind == MESSAGE_LETTER) {
        system->credit = FLOOD_WINDOW;
        system->due = arrival->at;
        return;
    }
    struct boundary_event event = *arrival;
    event.measure = MEASURE_VERSION_GAP;
    event.key = 0;
    event.version_known = message->version - 1;
    event.version_received = message->version;
    event.value = 0;
    if (system->drifts)
        event.value = message->version % 2 == 0 ? GAP_OUTSIDE : -GAP_OUTSIDE;
    boundary_report(system->setup.boundary, &event);
    system->received += arrival->phase == PHASE_WINDOW;
    answer(system, arrival);
}

uint64_t flood_received(const struct system *system)
{
    return system->received;
}

#define FLOOD                                                                                      \
    .assumes = "Nothing.", .observes = "what replication observes.", .drifts = "nothing.",         \
    .contexts = 1U << CONTEXT_MESSAGE_DELAY_EXCEEDED | 1U << CONTEXT_HEARTBEAT_MISSED |            \
                1U << CONTEXT_MESSAGE_MISSING | 1U << CONTEXT_VERSION_LAG_EXCEEDED |               \
                1U << CONTEXT_CAUSAL_ORDER_VIOLATED,                                               \
    .destroy = destroy, .due = due, .act = act, .receive = receive

const struct system_ops flood_system = {.name = "flood", .create = create, FLOOD};
const struct system_ops flood_badges_system = {
    .name = "flood_badges", .create = create_drifting, FLOOD};
