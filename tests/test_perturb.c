/* The layer of declared conditions by itself: what it holds, for how long, in which order. */

#include "config_options.h"
#include "cunit_main.h"
#include "fake_net.h"

#include <math.h>
#include <string.h>

/* Nodes A and C send to B over a net that delivers at once; the layer stands at B, whose clock is
 * 100 s off. T0 is at true time 10 s, the end at 20 s. */
enum { NODE_A, NODE_B, NODE_C, NODES };
static const double T0_S = 10, END_S = 20, CLOCK_OFFSET_S = 100;

static struct true_time now;
static struct fake_net *net;
static struct fake_clock clock_b;
static struct clock_model model;
static struct mailbox mailbox[NODES];
static struct perturbation declared;
static struct perturb *layer;

static double at_once(void *plan, uint32_t from, uint32_t to, const struct message *message,
                      double now_s)
{
    (void)plan, (void)from, (void)to, (void)message, (void)now_s;
    return 0;
}

static void declare(const char *conditions)
{
    char why[256] = "";
    declared.count = 0;
    if (!perturbation_add(&declared, conditions, why))
        CU_FAIL_FATAL(why);
}

static void open_layer(const char *conditions, uint64_t seed, uint32_t held_per_link_max)
{
    struct failure failure = {0};
    now.s = T0_S;
    net = fake_net_create(NODES, &now, at_once, NULL, FAKE_LOG_NOTHING);
    for (uint32_t i = 0; i < NODES; i++)
        CU_ASSERT_FATAL(
            mailbox_open(&mailbox[i], &fake_net_ops, fake_net_port(net, i), i, NODES, &failure));
    clock_b = (struct fake_clock){&now, CLOCK_OFFSET_S};
    model = fake_clock_model(&clock_b);
    declare(conditions);
    struct perturb_setup setup = {.perturbation = &declared,
                                  .mailbox = &mailbox[NODE_B],
                                  .clock = fake_clock_source(&clock_b),
                                  .sleeper = fake_clock_source(&clock_b),
                                  .seed = seed,
                                  .held_per_link_max = held_per_link_max};
    layer = perturb_open(&setup, &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(layer);
    perturb_begin(layer, &model, (struct global_time){T0_S}, (struct global_time){END_S});
}

static void close_layer(void)
{
    for (uint32_t i = 0; i < NODES; i++)
        mailbox_close(&mailbox[i]);
    perturb_close(layer);
    fake_net_free(net);
}

static void send_kind_to_b(enum message_kind kind, uint32_t from)
{
    struct message message = {.kind = kind, .origin = from, .sent = {now.s}};
    mailbox_send(&mailbox[from], NODE_B, &message);
}

static void send_to_b(uint32_t from)
{
    send_kind_to_b(MESSAGE_UPDATE, from);
}

/* The sequence number of the next message at B and who sent it; 0: there is none. */
static uint64_t taken_at_b(uint32_t *from)
{
    struct message message;
    uint64_t missing;
    if (!mailbox_receive(&mailbox[NODE_B], from, &message, &missing))
        return 0;
    return message.sequence;
}

/* ---- the law of a delay ---- */

static void test_a_constant_delay_is_exact(void)
{
    open_layer("delay link=A>B constant_us=3000", 1, 64);
    uint32_t from;
    for (uint64_t i = 1; i <= 50; i++) {
        double sent_s = now.s += 0.0123;
        send_to_b(NODE_A);
        CU_ASSERT_EQUAL(taken_at_b(&from), 0);
        now.s = sent_s + 3e-3 - 1e-9;
        CU_ASSERT_EQUAL(taken_at_b(&from), 0);
        now.s = sent_s + 3e-3 + 1e-9;
        CU_ASSERT_EQUAL(taken_at_b(&from), i);
        CU_ASSERT_EQUAL(from, NODE_A);
        CU_ASSERT_EQUAL(taken_at_b(&from), 0);
    }
    close_layer();
}

/* It counts from the send stamp: what the way has taken already is part of it. */
static void test_a_late_look_adds_nothing(void)
{
    open_layer("delay link=A>B constant_us=3000", 1, 64);
    uint32_t from;
    send_to_b(NODE_A);
    now.s += 2.9e-3;
    CU_ASSERT_EQUAL(taken_at_b(&from), 0);
    now.s += 0.2e-3;
    CU_ASSERT_EQUAL(taken_at_b(&from), 1);
    send_to_b(NODE_A);
    now.s += 1;
    CU_ASSERT_EQUAL(taken_at_b(&from), 2);
    close_layer();
}

struct moments {
    double mean;
    double variance;
    double correlation; /* of neighbours */
};

static struct moments moments_of(const double *values, size_t count)
{
    struct moments m = {0, 0, 0};
    for (size_t i = 0; i < count; i++)
        m.mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++) {
        m.variance += (values[i] - m.mean) * (values[i] - m.mean) / (double)count;
        if (i > 0)
            m.correlation += (values[i] - m.mean) * (values[i - 1] - m.mean) / (double)count;
    }
    m.correlation /= m.variance;
    return m;
}

enum { DRAWS = 100000 };

static void draw_delays(double *delay_s, uint64_t seed, uint32_t from, uint32_t to)
{
    for (uint64_t i = 0; i < DRAWS; i++)
        delay_s[i] = perturbation_fate(&declared, seed, from, to, i + 1, 0).delay_s;
}

/* Four standard errors; the numbers are seeded, so this holds always or never. */
static void test_constant_and_exponential_have_their_law(void)
{
    static double delay_s[DRAWS];
    declare("delay link=*>* constant_us=2000 exponential_us=2000");
    for (uint64_t seed = 1; seed <= 5; seed++) {
        size_t beyond = 0;
        draw_delays(delay_s, seed, 0, 1);
        struct moments m = moments_of(delay_s, DRAWS);
        CU_ASSERT(fabs(m.mean - 4e-3) < 4 * 2e-3 / sqrt(DRAWS));
        /* The fourth central moment of an exponential is nine times its squared variance. */
        CU_ASSERT(fabs(m.variance - 4e-6) < 4 * sqrt(8.0 / DRAWS) * 4e-6);
        CU_ASSERT(fabs(m.correlation) < 4 / sqrt(DRAWS));
        for (size_t i = 0; i < DRAWS; i++) {
            beyond += delay_s[i] > 2e-3 + 3 * 2e-3;
            CU_ASSERT(delay_s[i] > 2e-3);
        }
        double share = exp(-3);
        CU_ASSERT(fabs((double)beyond / DRAWS - share) < 4 * sqrt(share * (1 - share) / DRAWS));
    }
}

/* Conditions add up, each with numbers of its own: variances add up, too. */
static void test_delays_add_up_independently(void)
{
    static double delay_s[DRAWS];
    declare("delay link=*>* exponential_us=1000; delay link=A>* exponential_us=1000;"
            "delay link=C>B constant_us=70000");
    draw_delays(delay_s, 3, NODE_A, NODE_B);
    struct moments m = moments_of(delay_s, DRAWS);
    CU_ASSERT(fabs(m.mean - 2e-3) < 4 * sqrt(2.0 / DRAWS) * 1e-3);
    CU_ASSERT(fabs(m.variance - 2e-6) < 4 * sqrt(20.0 / DRAWS) * 1e-6);
    draw_delays(delay_s, 3, NODE_C, NODE_B);
    CU_ASSERT(fabs(moments_of(delay_s, DRAWS).mean - 71e-3) < 4 * 1e-3 / sqrt(DRAWS));
}

/* What is drawn is what a message meets, as far as its way keeps the order. */
static void test_the_layer_applies_the_law(void)
{
    enum { SENT = 2000 };
    static double delay_s[SENT];
    const double step_s = 20e-6, pause_s = 40e-3;
    open_layer("delay link=A>B constant_us=2000 exponential_us=2000", 9, 64);
    for (uint64_t i = 0; i < SENT; i++) {
        uint32_t from;
        double sent_s = now.s;
        send_to_b(NODE_A);
        while (taken_at_b(&from) != i + 1 && now.s < sent_s + pause_s)
            now.s += step_s;
        delay_s[i] = now.s - sent_s;
        now.s = sent_s + pause_s;
    }
    struct moments m = moments_of(delay_s, SENT);
    CU_ASSERT(fabs(m.mean - step_s / 2 - 4e-3) < 4 * 2e-3 / sqrt(SENT));
    CU_ASSERT(fabs(m.variance - 4e-6) < 4 * sqrt(8.0 / SENT) * 4e-6);
    close_layer();
}

/* ---- order ---- */

static void test_each_link_keeps_its_order(void)
{
    open_layer("delay link=*>* exponential_us=5000", 4, 4096);
    uint64_t before[NODES] = {0}, overtaken = 0, taken = 0, latest[2] = {0};
    for (int i = 0; i <= 3000; i++) {
        now.s += i < 3000 ? 0.2e-3 : 1;
        if (i < 3000)
            send_to_b(i % 2 == 0 ? NODE_A : NODE_C);
        uint32_t from;
        for (uint64_t sequence; (sequence = taken_at_b(&from)) > 0; taken++) {
            CU_ASSERT_EQUAL(sequence, before[from] + 1);
            before[from] = sequence;
            latest[from == NODE_A] = sequence;
            overtaken += latest[0] + 5 < latest[1] || latest[1] + 5 < latest[0];
        }
    }
    CU_ASSERT_EQUAL(taken, 3000);
    CU_ASSERT(overtaken > 100); /* links pass each other, or order would be no feat */
    close_layer();
}

static void test_the_earliest_release_goes_first(void)
{
    open_layer("delay link=A>B constant_us=3000 until_s=1; delay link=C>B constant_us=1000", 1, 64);
    uint32_t from;
    send_to_b(NODE_A); /* released at 3 ms */
    now.s += 1e-3;
    send_to_b(NODE_C); /* at 2 ms */
    now.s += 9e-3;
    CU_ASSERT(taken_at_b(&from) == 1 && from == NODE_C);
    CU_ASSERT(taken_at_b(&from) == 1 && from == NODE_A);
    CU_ASSERT_EQUAL(taken_at_b(&from), 0);
    close_layer();
}

/* A message that meets no delay does not overtake one of its link that does. */
static void test_the_end_of_a_condition_keeps_the_order(void)
{
    open_layer("delay link=A>B constant_us=50000 until_s=0.01", 1, 64);
    uint32_t from;
    now.s = T0_S + 0.0099;
    send_to_b(NODE_A);
    now.s = T0_S + 0.0101;
    send_to_b(NODE_A);
    CU_ASSERT_EQUAL(taken_at_b(&from), 0);
    now.s = T0_S + 0.0099 + 0.05 + 1e-9;
    CU_ASSERT_EQUAL(taken_at_b(&from), 1);
    CU_ASSERT_EQUAL(taken_at_b(&from), 2);
    close_layer();
}

/* ---- seeds ---- */

static void fates_at_b(uint64_t seed, bool with_others, char fates[1001])
{
    open_layer("loss link=*>* share=0.5", seed, 64);
    uint32_t from;
    memset(fates, '-', 1000);
    fates[1000] = '\0';
    for (int i = 0; i < 1000; i++) {
        if (with_others)
            send_to_b(NODE_C);
        send_to_b(NODE_A);
        now.s += 1e-3;
        for (uint64_t sequence; (sequence = taken_at_b(&from)) > 0;)
            if (from == NODE_A)
                fates[sequence - 1] = '+';
    }
    close_layer();
}

static void test_a_fate_belongs_to_seed_link_and_number(void)
{
    char alone[1001], among[1001], other[1001];
    fates_at_b(1, false, alone);
    fates_at_b(1, true, among);
    fates_at_b(2, false, other);
    CU_ASSERT_STRING_EQUAL(alone, among);
    size_t same_by_seed = 0, same_by_link = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        same_by_seed += alone[i] == other[i];
        same_by_link +=
            (alone[i] == '-') == perturbation_fate(&declared, 1, NODE_C, NODE_B, i + 1, 0).lost;
    }
    CU_ASSERT(same_by_seed > 400 && same_by_seed < 600);
    CU_ASSERT(same_by_link > 400 && same_by_link < 600);
}

static void test_loss_has_its_share(void)
{
    declare("loss link=*>* share=0.05");
    for (uint64_t seed = 1; seed <= 5; seed++) {
        size_t lost = 0;
        for (uint64_t i = 1; i <= DRAWS; i++)
            lost += perturbation_fate(&declared, seed, 1, 0, i, 0).lost;
        CU_ASSERT(fabs((double)lost / DRAWS - 0.05) < 4 * sqrt(0.05 * 0.95 / DRAWS));
    }
}

/* ---- books ---- */

static void test_the_books_balance(void)
{
    open_layer("loss link=A>B share=0.3; delay link=*>* constant_us=100000", 8, 16);
    uint32_t from;
    uint64_t taken = 0;
    for (int i = 0; i < 100; i++) {
        send_to_b(NODE_A);
        if (i < 10)
            send_to_b(NODE_C);
        CU_ASSERT_EQUAL(taken_at_b(&from), 0);
    }
    const struct link *a = &mailbox[NODE_B].links[NODE_A], *c = &mailbox[NODE_B].links[NODE_C];
    CU_ASSERT(a->lost > 10 && a->lost < 50);
    CU_ASSERT_EQUAL(a->lost + a->overflowed, 100 - 16); /* room for 16 of them */
    CU_ASSERT(c->lost == 0 && c->overflowed == 0);      /* another link's room is its own */
    now.s += 1;
    while (taken_at_b(&from) > 0)
        taken++;
    CU_ASSERT_EQUAL(taken, 16 + 10);
    struct link_totals totals = mailbox_totals(&mailbox[NODE_B]);
    CU_ASSERT_EQUAL(totals.received + totals.lost + totals.overflowed, 110);
    send_to_b(NODE_A); /* and room again */
    now.s += 1;
    CU_ASSERT(taken_at_b(&from) > 0 || a->lost + a->overflowed == 100 - 16 + 1);
    close_layer();
}

/* The last message of a node that was told to end is neither lost, nor delayed, nor without room.
 */
static void test_an_end_arrives_whatever_is_declared(void)
{
    open_layer("loss link=A>B share=1; delay link=*>B constant_us=50000", 1, 4);
    uint32_t from;
    send_to_b(NODE_A);
    send_kind_to_b(MESSAGE_END, NODE_A);
    CU_ASSERT(taken_at_b(&from) == 2 && from == NODE_A);
    for (int i = 0; i < 6; i++)
        send_to_b(NODE_C);
    send_kind_to_b(MESSAGE_END, NODE_C);
    CU_ASSERT_EQUAL(taken_at_b(&from), 0); /* its link's order stands */
    CU_ASSERT_EQUAL(mailbox[NODE_B].links[NODE_C].overflowed, 2);
    now.s += 0.1;
    for (uint64_t sequence = 1; sequence <= 4; sequence++)
        CU_ASSERT_EQUAL(taken_at_b(&from), sequence);
    CU_ASSERT_EQUAL(taken_at_b(&from), 7);
    CU_ASSERT_EQUAL(taken_at_b(&from), 0);
    close_layer();
}

/* ---- stalls ---- */

static double awake_s(double due_s)
{
    struct local_time due = {due_s - CLOCK_OFFSET_S};
    return perturb_awake(layer, due).s + CLOCK_OFFSET_S;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void test_turns_wait_for_the_end_of_a_stall(void)
{
    open_layer("stall node=B from_s=1 until_s=2; stall node=B from_s=3 until_s=4;"
               "stall node=B from_s=1.5 until_s=3; stall node=A from_s=5 until_s=6;"
               "stall node=odd from_s=9",
               1, 4);
    CU_ASSERT(near(awake_s(T0_S + 0.999), T0_S + 0.999));
    CU_ASSERT(near(awake_s(T0_S + 1.2), T0_S + 4)); /* three that touch are one */
    CU_ASSERT(near(awake_s(T0_S + 3.999), T0_S + 4));
    CU_ASSERT(near(awake_s(T0_S + 4.1), T0_S + 4.1));
    CU_ASSERT(near(awake_s(T0_S + 5.5), T0_S + 5.5)); /* not its own */
    CU_ASSERT(near(awake_s(T0_S + 9.5), END_S));      /* the activity ends for all */
    CU_ASSERT(near(awake_s(END_S + 1), END_S + 1));
    close_layer();
}

/* Waits that return early, as sleeping may and spinning does. */
static uint32_t naps, spins;

static void spin(void *self, struct local_time until)
{
    (void)self, (void)until;
    spins++;
}

static void nap(void *self, struct local_time until)
{
    (void)self;
    naps++;
    double rest_s = until.s + CLOCK_OFFSET_S - now.s;
    now.s += fmin(0.3, fmax(0, rest_s));
}

static void test_a_stall_is_slept_through(void)
{
    open_layer("stall node=B from_s=1 until_s=2", 1, 4);
    close_layer();
    struct failure failure = {0};
    CU_ASSERT_FATAL(mailbox_open(&mailbox[NODE_B], NULL, NULL, NODE_B, NODES, &failure));
    struct clock_source spinning = fake_clock_source(&clock_b), sleeping = spinning;
    sleeping.wait = nap;
    spinning.wait = spin;
    volatile sig_atomic_t stop = 0;
    struct perturb_setup setup = {&declared, &mailbox[NODE_B], spinning, sleeping, 1, 4, &stop};
    layer = perturb_open(&setup, &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(layer);
    perturb_begin(layer, &model, (struct global_time){T0_S}, (struct global_time){END_S});
    struct clock_source clock = perturb_clock(layer);
    struct local_time soon = {T0_S - CLOCK_OFFSET_S};
    now.s = T0_S + 0.5;
    clock.wait(clock.self, soon);
    CU_ASSERT(near(now.s, T0_S + 0.5) && naps == 0 && spins == 1);
    now.s = T0_S + 1.1;
    clock.wait(clock.self, soon);
    CU_ASSERT(near(now.s, T0_S + 2) && naps == 3 && spins == 2);
    CU_ASSERT(near(clock.now(clock.self).s + CLOCK_OFFSET_S, T0_S + 2));
    now.s = T0_S + 1.1;
    stop = 1;
    clock.wait(clock.self, soon);
    CU_ASSERT(near(now.s, T0_S + 1.1) && naps == 3); /* whoever is told to stop wakes */
    mailbox_close(&mailbox[NODE_B]);
    perturb_close(layer);
}

/* ---- clocks ---- */

static double error_us(uint32_t node, double since_t0_s)
{
    struct clock_view view = perturb_view(layer);
    struct global_time truth = {T0_S + since_t0_s};
    return 1e6 * global_elapsed_s(truth, view.seen(view.self, node, truth));
}

static void test_a_clock_shows_offset_and_rate(void)
{
    open_layer(
        "clock node=B offset_us=500 rate_ppm=50 from_s=2 until_s=4; clock node=* offset_us=-20;"
        "clock node=A rate_ppm=100",
        1, 4);
    CU_ASSERT(fabs(error_us(NODE_B, 1.999) + 20) < 1e-3);
    CU_ASSERT(fabs(error_us(NODE_B, 2.0) - 480) < 1e-3);
    CU_ASSERT(fabs(error_us(NODE_B, 3.0) - 530) < 1e-3);
    CU_ASSERT(fabs(error_us(NODE_B, 4.0) + 20) < 1e-3);
    CU_ASSERT(fabs(error_us(NODE_A, 3.0) - 280) < 1e-3);
    CU_ASSERT(fabs(error_us(NODE_A, -1.0) + 120) < 1e-3);
    CU_ASSERT(fabs(error_us(NODE_C, 3.0) + 20) < 1e-3);
    close_layer();
    open_layer("delay link=*>* constant_us=1", 1, 4);
    CU_ASSERT_PTR_NULL(perturb_view(layer).seen);
    close_layer();
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"a constant delay is exact", test_a_constant_delay_is_exact},
        {"a late look adds nothing", test_a_late_look_adds_nothing},
        {"constant and exponential have their law", test_constant_and_exponential_have_their_law},
        {"delays add up independently", test_delays_add_up_independently},
        {"the layer applies the law", test_the_layer_applies_the_law},
        {"each link keeps its order", test_each_link_keeps_its_order},
        {"the earliest release goes first", test_the_earliest_release_goes_first},
        {"the end of a condition keeps the order", test_the_end_of_a_condition_keeps_the_order},
        {"a fate belongs to seed, link and number", test_a_fate_belongs_to_seed_link_and_number},
        {"loss has its share", test_loss_has_its_share},
        {"the books balance", test_the_books_balance},
        {"an end arrives whatever is declared", test_an_end_arrives_whatever_is_declared},
        {"turns wait for the end of a stall", test_turns_wait_for_the_end_of_a_stall},
        {"a stall is slept through", test_a_stall_is_slept_through},
        {"a clock shows offset and rate", test_a_clock_shows_offset_and_rate},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("declared conditions", tests);
}
