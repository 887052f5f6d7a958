#include "net/perturb.h"

#include "splitmix.h"
#include "touch.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

/* A message that waits for its release. */
struct parcel {
    struct local_time release;
    uint64_t arrival; /* counts up; orders what is released at the same moment */
    uint32_t peer;
    struct message message;
};

/* The last part of the way from one peer. */
struct path {
    struct local_time last_release;
    uint32_t held;
};

struct stall {
    struct local_time from;
    struct local_time to;
};

struct perturb {
    struct perturb_setup setup;
    const struct carrier_ops *ops; /* of the carrier below */
    void *carrier;
    const struct clock_model *model; /* NULL: not yet begun */
    struct global_time begin;
    struct stall stalls[CONDITIONS_MAX];
    uint32_t stall_count;
    struct path *paths; /* [nodes] */
    /* [held_max + nodes], a binary heap, the next one to be released first; room for every node's
     * MESSAGE_END besides. */
    struct parcel *held;
    uint32_t held_max;
    uint32_t held_count;
    uint64_t arrivals;
};

/* ---- which conditions hold ---- */

static bool contains(const struct node_set *set, uint32_t node)
{
    switch (set->choice) {
    case NODE_EVERY:
        return true;
    case NODE_EVEN:
    case NODE_ODD:
        return (set->choice == NODE_ODD) == (node % 2 == 1);
    case NODE_ONE:
        return node == set->node;
    }
    return false;
}

static bool is_there(const struct node_set *set, uint32_t nodes)
{
    return set->choice != NODE_ONE || set->node < nodes;
}

bool condition_applies(const struct condition *condition, uint32_t nodes)
{
    bool link = condition->kind == CONDITION_DELAY || condition->kind == CONDITION_LOSS;
    return is_there(&condition->from, nodes) && (!link || is_there(&condition->to, nodes));
}

static bool is_in_force(const struct condition *condition, double since_t0_s)
{
    return since_t0_s >= condition->from_s && since_t0_s < condition->until_s;
}

/* ---- what becomes of a message ---- */

/* In (0, 1), by its place: the same whatever was drawn before. */
static double uniform(uint64_t seed, uint32_t condition, uint64_t link, uint64_t sequence)
{
    uint64_t z = splitmix(splitmix(splitmix(seed ^ condition) ^ link) ^ sequence);
    return ((double)(z >> 12) + 0.5) * 0x1p-52;
}

struct fate perturbation_fate(const struct perturbation *perturbation, uint64_t seed, uint32_t from,
                              uint32_t to, uint64_t sequence, double sent_since_t0_s)
{
    struct fate fate = {false, 0};
    for (uint32_t i = 0; i < perturbation->count; i++) {
        const struct condition *condition = &perturbation->conditions[i];
        if (!is_in_force(condition, sent_since_t0_s) || !contains(&condition->from, from) ||
            !contains(&condition->to, to))
            continue;
        double drawn = uniform(seed, i, (uint64_t)from << 32 | to, sequence);
        if (condition->kind == CONDITION_LOSS)
            fate.lost = fate.lost || drawn < condition->share;
        if (condition->kind == CONDITION_DELAY)
            fate.delay_s += 1e-6 * (condition->constant_us +
                                    gsl_cdf_exponential_Pinv(drawn, condition->exponential_us));
    }
    return fate;
}

/* ---- the heap of what is held ---- */

static bool goes_before(const struct parcel *a, const struct parcel *b)
{
    if (a->release.s != b->release.s)
        return a->release.s < b->release.s;
    return a->arrival < b->arrival;
}

static void hold(struct perturb *perturb, const struct parcel *parcel)
{
    struct parcel *held = perturb->held;
    uint32_t place = perturb->held_count++;
    for (; place > 0 && goes_before(parcel, &held[(place - 1) / 2]); place = (place - 1) / 2)
        held[place] = held[(place - 1) / 2];
    held[place] = *parcel;
    perturb->paths[parcel->peer].held++;
}

static void let_go(struct perturb *perturb, struct parcel *first)
{
    struct parcel *held = perturb->held;
    *first = held[0];
    perturb->paths[first->peer].held--;
    const struct parcel last = held[--perturb->held_count];
    uint32_t place = 0;
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child + 1 < perturb->held_count && goes_before(&held[child + 1], &held[child]))
            child++;
        if (child >= perturb->held_count || !goes_before(&held[child], &last))
            break;
        held[place] = held[child];
        place = child;
    }
    held[place] = last;
}

/* ---- between mailbox and carrier ---- */

static struct local_time now(const struct perturb *perturb)
{
    return perturb->setup.clock.now(perturb->setup.clock.self);
}

static struct fate fate_of(const struct perturb *perturb, uint32_t peer,
                           const struct message *message)
{
    const struct perturb_setup *setup = &perturb->setup;
    return perturbation_fate(setup->perturbation, setup->seed, peer, setup->mailbox->self,
                             message->sequence, global_elapsed_s(perturb->begin, message->sent));
}

static void admit(struct perturb *perturb, uint32_t peer, const struct message *message)
{
    struct link *link = &perturb->setup.mailbox->links[peer];
    struct path *path = &perturb->paths[peer];
    struct fate fate = {false, 0};
    if (message->kind != MESSAGE_END) {
        fate = fate_of(perturb, peer, message);
        if (fate.lost) {
            link->lost++;
            return;
        }
        if (perturb->held_count >= perturb->held_max ||
            path->held >= perturb->setup.held_per_link_max) {
            link->overflowed++;
            return;
        }
    }
    /* Without a delay the order of arrival stands. With one, what is found late still goes in the
     * order of release. */
    struct local_time due = now(perturb);
    if (fate.delay_s > 0)
        due = clock_to_local(perturb->model, global_after(message->sent, fate.delay_s));
    path->last_release = local_later(path->last_release, due);
    struct parcel parcel = {path->last_release, perturb->arrivals++, peer, *message};
    hold(perturb, &parcel);
}

static bool send(void *carrier, uint32_t peer, const struct message *message)
{
    const struct perturb *perturb = carrier;
    return perturb->ops->send(perturb->carrier, peer, message);
}

/* All that has arrived is looked at first: among it may be what is released earliest. */
static bool receive(void *carrier, uint32_t *peer, struct message *message)
{
    struct perturb *perturb = carrier;
    assert(perturb->model != NULL);
    while (perturb->ops->receive(perturb->carrier, peer, message))
        admit(perturb, *peer, message);
    if (perturb->held_count == 0 || perturb->held[0].release.s > now(perturb).s)
        return false;
    struct parcel first;
    let_go(perturb, &first);
    *peer = first.peer;
    *message = first.message;
    return true;
}

static const struct carrier_ops perturb_ops = {.send = send, .receive = receive};

/* ---- stalls ---- */

static void find_stalls(struct perturb *perturb, struct global_time end)
{
    const struct perturbation *perturbation = perturb->setup.perturbation;
    perturb->stall_count = 0;
    for (uint32_t i = 0; i < perturbation->count; i++) {
        const struct condition *condition = &perturbation->conditions[i];
        if (condition->kind != CONDITION_STALL ||
            !contains(&condition->from, perturb->setup.mailbox->self))
            continue;
        struct global_time from = global_after(perturb->begin, condition->from_s);
        struct global_time to = global_after(perturb->begin, condition->until_s);
        perturb->stalls[perturb->stall_count++] = (struct stall){
            isinf(from.s) ? (struct local_time){from.s} : clock_to_local(perturb->model, from),
            clock_to_local(perturb->model, to.s < end.s ? to : end)};
    }
}

struct local_time perturb_awake(const struct perturb *perturb, struct local_time due)
{
    bool moved = true;
    while (moved) { /* stalls may overlap */
        moved = false;
        for (uint32_t i = 0; i < perturb->stall_count; i++) {
            const struct stall *stall = &perturb->stalls[i];
            if (due.s < stall->from.s || due.s >= stall->to.s)
                continue;
            due = stall->to;
            moved = true;
        }
    }
    return due;
}

static struct local_time own_now(void *self)
{
    return now(self);
}

/* Waiting may end early, or at once where a node spins: a stall is slept through all the same. */
static void wait_through_stalls(void *self, struct local_time until)
{
    const struct perturb *perturb = self;
    const struct clock_source *clock = &perturb->setup.clock;
    const struct clock_source *sleeper = &perturb->setup.sleeper;
    const volatile sig_atomic_t *stop = perturb->setup.stop;
    clock->wait(clock->self, until);
    for (;;) {
        struct local_time at = now(perturb);
        struct local_time awake = perturb_awake(perturb, at);
        if (awake.s <= at.s || (stop != NULL && *stop != 0))
            return;
        sleeper->wait(sleeper->self, awake);
    }
}

struct clock_source perturb_clock(struct perturb *perturb)
{
    if (perturb->stall_count == 0)
        return perturb->setup.clock;
    return (struct clock_source){own_now, wait_through_stalls, perturb};
}

/* ---- clocks ---- */

static struct global_time seen(const void *self, uint32_t node, struct global_time truth)
{
    const struct perturb *perturb = self;
    const struct perturbation *perturbation = perturb->setup.perturbation;
    double since_t0_s = global_elapsed_s(perturb->begin, truth);
    double error_us = 0;
    for (uint32_t i = 0; i < perturbation->count; i++) {
        const struct condition *condition = &perturbation->conditions[i];
        if (condition->kind != CONDITION_CLOCK || !contains(&condition->from, node) ||
            !is_in_force(condition, since_t0_s))
            continue;
        double begun_s = isinf(condition->from_s) ? 0 : condition->from_s;
        error_us += condition->offset_us + condition->rate_ppm * (since_t0_s - begun_s);
    }
    return global_after(truth, error_us * 1e-6);
}

struct clock_view perturb_view(const struct perturb *perturb)
{
    const struct perturbation *perturbation = perturb->setup.perturbation;
    for (uint32_t i = 0; i < perturbation->count; i++)
        if (perturbation->conditions[i].kind == CONDITION_CLOCK)
            return (struct clock_view){seen, perturb};
    return (struct clock_view){NULL, NULL};
}

/* ---- life ---- */

static uint32_t held_max(const struct perturb_setup *setup)
{
    uint64_t wanted = (uint64_t)setup->held_per_link_max * setup->mailbox->nodes;
    return wanted < PERTURB_HELD_MAX ? (uint32_t)wanted : PERTURB_HELD_MAX;
}

struct perturb *perturb_open(const struct perturb_setup *setup, struct failure *failure)
{
    struct mailbox *mailbox = setup->mailbox;
    struct perturb *perturb = calloc(1, sizeof *perturb);
    if (perturb != NULL) {
        *perturb = (struct perturb){.setup = *setup,
                                    .ops = mailbox->ops,
                                    .carrier = mailbox->carrier,
                                    .held_max = held_max(setup)};
        perturb->paths = calloc(mailbox->nodes, sizeof *perturb->paths);
        perturb->held = calloc(perturb->held_max + mailbox->nodes, sizeof *perturb->held);
    }
    if (perturb == NULL || perturb->paths == NULL || perturb->held == NULL) {
        perturb_close(perturb);
        (void)failure_set(failure, EXIT_INTERNAL,
                          "no memory for the declared network; lower --inflight");
        return NULL;
    }
    touch_pages(perturb->held, (perturb->held_max + mailbox->nodes) * sizeof *perturb->held);
    for (uint32_t peer = 0; peer < mailbox->nodes; peer++)
        perturb->paths[peer].last_release = (struct local_time){-HUGE_VAL};
    mailbox->ops = &perturb_ops;
    mailbox->carrier = perturb;
    return perturb;
}

void perturb_close(struct perturb *perturb)
{
    if (perturb == NULL)
        return;
    free(perturb->paths);
    free(perturb->held);
    free(perturb);
}

void perturb_begin(struct perturb *perturb, const struct clock_model *model,
                   struct global_time begin, struct global_time end)
{
    perturb->model = model;
    perturb->begin = begin;
    find_stalls(perturb, end);
}
