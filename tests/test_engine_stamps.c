/* Which messages share one reading of the clock, and which must not. */

#include "cunit_main.h"
#include "engine.h"

#include <assert.h>
#include <math.h>

enum { MESSAGES = 30, PER_LOOK = 8 };
static const double READING_S = 1e-6; /* the clock moves on by this whenever it is read */

/* A carrier that finds up to PER_LOOK messages at a time. */
struct carrier {
    uint32_t arrived;
    uint32_t handed_out;
    uint64_t looks;
    struct global_time sent[MESSAGES]; /* stamps of what was sent */
    uint32_t sends;
};

struct system {
    double at_s[MESSAGES]; /* of each message taken, in order */
    uint32_t taken;
    uint32_t due_actions;
    struct mailbox *mailbox;
};

static double true_s;
static uint32_t readings;

static struct local_time now(void *self)
{
    (void)self;
    readings++;
    return (struct local_time){true_s += READING_S};
}

static void wait_not(void *self, struct local_time until)
{
    (void)self, (void)until;
}

/* ---- the carrier ---- */

static bool send(void *self, uint32_t peer, const struct message *message)
{
    struct carrier *carrier = self;
    (void)peer;
    assert(carrier->sends < MESSAGES);
    carrier->sent[carrier->sends++] = message->sent;
    return true;
}

static bool receive(void *self, uint32_t *peer, struct message *message)
{
    struct carrier *carrier = self;
    if (carrier->handed_out % PER_LOOK == 0 || carrier->handed_out == carrier->arrived)
        carrier->looks++;
    if (carrier->handed_out == carrier->arrived)
        return false;
    *peer = 1;
    *message = (struct message){.kind = MESSAGE_LETTER, .sequence = ++carrier->handed_out};
    return true;
}

static uint64_t looks(const void *self)
{
    const struct carrier *carrier = self;
    return carrier->looks;
}

static const struct carrier_ops looking = {.send = send, .receive = receive, .looks = looks};
static const struct carrier_ops one_by_one = {.send = send, .receive = receive};

/* ---- the system ---- */

static struct local_time due(const struct system *system)
{
    return (struct local_time){system->due_actions > 0 ? 0 : HUGE_VAL};
}

static void act(struct system *system, struct global_time due_at,
                const struct boundary_event *action)
{
    struct message message = {.kind = MESSAGE_LETTER, .due = due_at, .sent = action->sent};
    system->due_actions--;
    mailbox_send(system->mailbox, 1, &message);
}

static void take(struct system *system, const struct message *message,
                 const struct boundary_event *arrival)
{
    (void)message;
    system->at_s[system->taken++] = arrival->at.s;
}

static const struct system_ops ops = {.name = "stamps", .due = due, .act = act, .receive = take};

/* One turn of the loop over that carrier. */
static struct system turn(struct carrier *carrier, const struct carrier_ops *carrier_ops,
                          uint32_t due_actions)
{
    static const struct boundary nobody = {boundary_ignore, NULL};
    const struct clock_source clock = {now, wait_not, NULL};
    const struct clock_model model = {.offset_s = 0};
    struct failure failure = {0};
    struct mailbox mailbox;
    struct system system = {.due_actions = due_actions, .mailbox = &mailbox};
    struct engine engine;
    if (!mailbox_open(&mailbox, carrier_ops, carrier, 0, 2, &failure))
        abort();
    struct engine_setup setup = {.clock = &clock,
                                 .model = &model,
                                 .mailbox = &mailbox,
                                 .boundary = &nobody,
                                 .ops = &ops,
                                 .system = &system,
                                 .plan = {{0}, {0}, {1}},
                                 .heartbeat_s = 1,
                                 .heartbeat_phase_s = 1};
    true_s = 0;
    readings = 0;
    engine_init(&engine, &setup);
    (void)engine_step(&engine);
    mailbox_close(&mailbox);
    return system;
}

/* ---- what shares a stamp ---- */

static void test_one_look_is_one_stamp(void)
{
    struct carrier carrier = {.arrived = MESSAGES};
    struct system system = turn(&carrier, &looking, 0);
    CU_ASSERT_EQUAL(system.taken, MESSAGES);
    for (uint32_t i = 1; i < MESSAGES; i++) {
        double passed_s = system.at_s[i] - system.at_s[i - 1];
        CU_ASSERT_DOUBLE_EQUAL(passed_s, i % PER_LOOK == 0 ? READING_S : 0, 1e-12);
    }
    /* the turn, four looks that found something, the one that found nothing */
    CU_ASSERT_EQUAL(readings, 6);
}

static void test_a_carrier_that_does_not_tell_is_stamped_each_time(void)
{
    struct carrier carrier = {.arrived = MESSAGES};
    struct system system = turn(&carrier, &one_by_one, 0);
    for (uint32_t i = 1; i < MESSAGES; i++)
        CU_ASSERT_DOUBLE_EQUAL(system.at_s[i] - system.at_s[i - 1], READING_S, 1e-12);
}

static void test_a_burst_is_stamped_anew_after_so_many_sends(void)
{
    struct carrier carrier = {.arrived = 0};
    (void)turn(&carrier, &looking, MESSAGES);
    CU_ASSERT_EQUAL(carrier.sends, MESSAGES);
    for (uint32_t i = 1; i < MESSAGES; i++) {
        double passed_s = global_elapsed_s(carrier.sent[i - 1], carrier.sent[i]);
        double expected_s = i % ENGINE_STAMP_SENDS_MAX == 0 ? READING_S : 0;
        CU_ASSERT_DOUBLE_EQUAL(passed_s, expected_s, 1e-12);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {{"one look is one stamp", test_one_look_is_one_stamp},
                           {"a carrier that does not tell is stamped each time",
                            test_a_carrier_that_does_not_tell_is_stamped_each_time},
                           {"a burst is stamped anew after so many sends",
                            test_a_burst_is_stamped_anew_after_so_many_sends},
                           CU_TEST_INFO_NULL};
    return cunit_main("engine stamps", tests);
}
