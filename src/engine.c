#include "engine.h"

#include <math.h>

/* A gap of the loop is a stall beyond this (design: 3 × idle, and no less than half a millisecond).
 */
static const double STALL_FLOOR_S = 500e-6;
static const double STALL_IDLES = 3;

void engine_init(struct engine *engine, const struct engine_setup *setup)
{
    struct local_time start = clock_to_local(setup->model, setup->plan.start);
    *engine = (struct engine){
        .setup = *setup,
        .end = clock_to_local(setup->model, setup->plan.end),
        .heartbeat_due = local_after(start, setup->heartbeat_phase_s),
        .poll_due = start,
        .last_alive = start,
        .stall_min_s = fmax(STALL_IDLES * setup->idle_s, STALL_FLOOR_S),
    };
}

static void report_stall(struct engine *engine, struct local_time before, struct local_time at)
{
    double gap_s = local_elapsed_s(before, at);
    if (gap_s <= engine->stall_min_s)
        return;
    struct boundary_event event = {.measure = MEASURE_STALL_S, .at = at, .key = -1, .value = gap_s};
    boundary_report(engine->setup.boundary, &event);
}

static struct local_time now(struct engine *engine)
{
    struct local_time before = engine->last_alive;
    engine->last_alive = engine->setup.clock->now(engine->setup.clock->self);
    engine->attempted = engine->setup.mailbox->attempted;
    report_stall(engine, before, engine->last_alive);
    return engine->last_alive;
}

static enum window_phase phase_of(const struct engine *engine, struct global_time stamp)
{
    if (stamp.s < engine->setup.plan.begin.s)
        return PHASE_WARMUP;
    return stamp.s < engine->setup.plan.end.s ? PHASE_WINDOW : PHASE_AFTER;
}

/* ---- what is due ---- */

static struct local_time action_due(const struct engine *engine)
{
    const struct engine_setup *setup = &engine->setup;
    if (setup->ops->due == NULL)
        return engine->heartbeat_due;
    return local_earlier(engine->heartbeat_due, setup->ops->due(setup->system));
}

static void send_heartbeat(struct engine *engine, struct global_time due, struct global_time sent)
{
    const struct engine_setup *setup = &engine->setup;
    struct message heartbeat = {
        .kind = MESSAGE_HEARTBEAT, .origin = setup->mailbox->self, .due = due, .sent = sent};
    if (setup->ops->fill_heartbeat != NULL)
        setup->ops->fill_heartbeat(setup->system, &heartbeat);
    mailbox_send_all(setup->mailbox, &heartbeat);
    engine->heartbeat_due = local_after(engine->heartbeat_due, engine->setup.heartbeat_s);
}

static struct local_time stamp(struct engine *engine)
{
    uint64_t sent = engine->setup.mailbox->attempted - engine->attempted;
    return sent < ENGINE_STAMP_SENDS_MAX ? engine->last_alive : now(engine);
}

/* One stamp per action, taken before the fan-out: the later copies of a write are not younger. */
static void act(struct engine *engine, struct local_time due)
{
    struct local_time at = stamp(engine);
    struct global_time due_global = clock_to_global(engine->setup.model, due);
    struct global_time sent = clock_to_global(engine->setup.model, at);
    struct boundary_event event = {.measure = MEASURE_LATENESS_S,
                                   .phase = phase_of(engine, due_global),
                                   .at = at,
                                   .key = -1,
                                   .value = local_elapsed_s(due, at),
                                   .sent = sent};
    boundary_report(engine->setup.boundary, &event);
    if (due.s == engine->heartbeat_due.s)
        send_heartbeat(engine, due_global, sent);
    else
        engine->setup.ops->act(engine->setup.system, due_global, &event);
}

/* All actions whose time has come, the earliest first, never one that is due after the end. A write
 * that is late must not see what arrived while it was: so this goes before the inbox. */
static void act_on_all_due(struct engine *engine, struct local_time until)
{
    for (;;) {
        struct local_time due = action_due(engine);
        if (due.s > until.s || due.s >= engine->end.s)
            return;
        act(engine, due);
    }
}

/* ---- an early end ---- */

static bool is_told_to_end(const struct engine *engine)
{
    const volatile sig_atomic_t *stop = engine->setup.stop;
    return engine->has_heard_end || (stop != NULL && *stop != 0);
}

/* After all that was due: no message of this node follows its last. */
static void end_early(struct engine *engine, struct local_time at)
{
    const struct engine_setup *setup = &engine->setup;
    if (at.s >= engine->end.s)
        return;
    engine->end = at;
    engine->setup.plan.end = clock_to_global(setup->model, at);
    struct boundary_event event = {.measure = MEASURE_END, .at = at, .key = -1};
    boundary_report(setup->boundary, &event);
    struct message last = {.kind = MESSAGE_END,
                           .origin = setup->mailbox->self,
                           .due = setup->plan.end,
                           .sent = setup->plan.end};
    mailbox_send_all(setup->mailbox, &last);
}

/* ---- the inbox ---- */

static struct global_time seen(const struct engine *engine, uint32_t node, struct global_time truth)
{
    const struct clock_view *view = &engine->setup.view;
    return view->seen == NULL ? truth : view->seen(view->self, node, truth);
}

static void report_value(const struct engine *engine, struct boundary_event *event,
                         enum measure measure, double value)
{
    event->measure = measure;
    event->value = value;
    boundary_report(engine->setup.boundary, event);
}

/* Stamps are true on the wire. Who takes a message sees it as the sender's clock would have stamped
 * it, and its delay as both clocks show it; the event keeps the true stamp. */
static void take(struct engine *engine, uint32_t peer, struct message *message, uint64_t missing,
                 struct local_time at)
{
    const struct engine_setup *setup = &engine->setup;
    struct boundary_event event = {.phase = phase_of(engine, message->sent),
                                   .at = at,
                                   .peer = peer,
                                   .key = -1,
                                   .sequence = message->sequence,
                                   .sent = message->sent};
    message->due = seen(engine, peer, message->due);
    message->sent = seen(engine, peer, message->sent);
    double delay_s = global_elapsed_s(
        message->sent, seen(engine, setup->mailbox->self, clock_to_global(setup->model, at)));
    report_value(engine, &event, MEASURE_DELAY_S, delay_s);
    report_value(engine, &event, MEASURE_MISSING, (double)missing);
    if (message->kind == MESSAGE_HEARTBEAT)
        report_value(engine, &event, MEASURE_HEARTBEAT_GAP_S, 0);
    event.measure = MEASURE_DELAY_S; /* the arrival, as a system gets it */
    event.value = delay_s;
    if (message->kind != MESSAGE_HEARTBEAT)
        setup->ops->receive(setup->system, message, &event);
    else if (setup->ops->read_heartbeat != NULL)
        setup->ops->read_heartbeat(setup->system, message, &event);
}

static void report_silence(struct engine *engine, struct local_time at)
{
    const struct engine_setup *setup = &engine->setup;
    struct boundary_event empty = {.measure = MEASURE_SILENCE, .at = at, .key = -1};
    boundary_report(setup->boundary, &empty);
    if (setup->ops->inbox_empty != NULL && at.s < engine->end.s)
        setup->ops->inbox_empty(setup->system, at);
}

/* Take messages until the inbox is empty or an action is due. Silence is judged only when it is
 * empty: what has arrived has been heard. */
static bool poll_inbox(struct engine *engine, struct local_time action)
{
    struct mailbox *mailbox = engine->setup.mailbox;
    struct local_time at = {-HUGE_VAL}; /* of the look that found the message */
    struct message message;
    uint32_t peer;
    uint64_t missing;
    while (mailbox_receive(mailbox, &peer, &message, &missing)) {
        if (mailbox->is_new_look || isinf(at.s))
            at = now(engine);
        engine->has_heard_end = engine->has_heard_end || message.kind == MESSAGE_END;
        if (message.kind != MESSAGE_END)
            take(engine, peer, &message, missing, at);
        if (at.s >= action.s || message.kind == MESSAGE_END)
            return false;
    }
    report_silence(engine, now(engine));
    return true;
}

void engine_drain(struct engine *engine)
{
    while (!poll_inbox(engine, (struct local_time){HUGE_VAL})) {
    }
}

/* ---- turns ---- */

struct local_time engine_step(struct engine *engine)
{
    struct local_time at = now(engine);
    act_on_all_due(engine, at);
    if (is_told_to_end(engine))
        end_early(engine, at);
    struct local_time action = action_due(engine);
    if (action.s >= engine->end.s)
        action = engine->end;
    if (at.s >= engine->poll_due.s) {
        bool emptied = poll_inbox(engine, action);
        engine->poll_due = local_after(at, emptied ? engine->setup.idle_s : 0);
    }
    return local_earlier(action, engine->poll_due);
}

bool engine_finished(const struct engine *engine)
{
    return engine->last_alive.s >= engine->end.s && action_due(engine).s >= engine->end.s;
}

void engine_run(struct engine *engine)
{
    const struct clock_source *clock = engine->setup.clock;
    while (!engine_finished(engine))
        clock->wait(clock->self, engine_step(engine));
}
