#include "planted.h"

#include "config_options.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* A number in (0, 1) that belongs to (seed, a, b, c, d) alone. */
static double drawn(uint32_t seed, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    uint64_t z = seed;
    const uint64_t parts[] = {a, b, c, d};
    for (size_t i = 0; i < 4; i++) {
        z = (z ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15) + 0x1234567;
        z ^= z >> 29;
        z *= UINT64_C(0xbf58476d1ce4e5b9);
        z ^= z >> 32;
    }
    return ((double)(z >> 12) + 0.5) / 4503599627370496.0;
}

double planted_delay(void *plan, uint32_t from, uint32_t to, const struct message *message,
                     double now_s)
{
    const struct planted_net *net = plan;
    uint64_t half_second = (uint64_t)(now_s * 2);
    uint64_t sequence = message->sequence;
    if (message->kind == MESSAGE_HEARTBEAT &&
        drawn(net->seed, from, to, half_second, 1) < net->silence_share)
        return -1;
    if (message->kind != MESSAGE_HEARTBEAT &&
        drawn(net->seed, from, to, sequence, 2) < net->loss_share)
        return -1;
    double delay_s = net->delay_s - net->jitter_s * log(drawn(net->seed, from, to, sequence, 3));
    bool late = drawn(net->seed, from, to, sequence, 4) < net->late_share;
    return delay_s + (late ? net->late_s : 0);
}

struct planted_net planted_wild_net(void)
{
    return (struct planted_net){.delay_s = 100e-6,
                                .jitter_s = 300e-6,
                                .late_share = 0.02,
                                .late_s = 8e-3,
                                .loss_share = 0.02,
                                .silence_share = 0.25};
}

struct fake_run_setup planted_setup(uint32_t nodes, uint32_t seed, struct planted_net *net)
{
    struct fake_run_setup setup = {
        .nodes = nodes,
        .keys = 1,
        .seed = seed,
        .rate_per_s = 100,
        .heartbeat_s = 0.02,
        .leader_timeout_s = 0.0999, /* off the grid of polls, so that nothing is due at one */
        .round_s = 0.02,
        .deadline_s = 0.95e-3,
        .idle_s = 200e-6,
        .warmup_s = 1,
        .duration_s = 5,
        .clock_offset_max_s = 100,
        .observe = true,
        .corridor = corridor_default(),
        .delay = planted_delay,
        .plan = net,
    };
    net->seed = seed;
    setup.corridor.limit[CONTEXT_MESSAGE_DELAY_EXCEEDED] = 2e-3;
    setup.corridor.limit[CONTEXT_HEARTBEAT_MISSED] = 50e-3;
    return setup;
}

void planted_declare(struct fake_run_setup *setup, const char *conditions)
{
    char why[256] = "";
    bool added = perturbation_add(&setup->perturbation, conditions, why);
    if (!added)
        printf("  %s\n", why);
    assert(added);
}

static int in_order(const void *a, const void *b)
{
    const struct badge *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    if (x->peer != y->peer)
        return x->peer < y->peer ? -1 : 1;
    if (x->context != y->context)
        return x->context < y->context ? -1 : 1;
    return (x->time_s > y->time_s) - (x->time_s < y->time_s);
}

static struct badge *all_badges(const struct fake_run *run, size_t *count)
{
    size_t total = 0;
    for (uint32_t i = 0; i < run->setup.nodes; i++)
        total += spool_count(run->node[i].spool);
    struct badge *badges = calloc(total + 1, sizeof *badges);
    assert(badges != NULL);
    *count = 0;
    for (uint32_t i = 0; i < run->setup.nodes; i++)
        for (uint64_t place = 0; place < spool_count(run->node[i].spool); place++)
            badges[(*count)++] = spool_read(run->node[i].spool, place);
    qsort(badges, *count, sizeof *badges, in_order);
    return badges;
}

/* Clocks of the nodes are offset by up to 100 s, so times agree to rounding, not to the bit. */
static bool near(double a, double b)
{
    return (isnan(a) && isnan(b)) || fabs(a - b) < 1e-9;
}

static bool matches(const struct fake_run *run, const struct badge *badge,
                    const struct expected *expected)
{
    return badge->node == expected->node && badge->peer == expected->peer &&
           badge->context == expected->context && badge->key == expected->key &&
           badge->limit == run->setup.corridor.limit[expected->context] &&
           badge->sequence == expected->sequence && near(badge->time_s, expected->entry_s) &&
           near(badge->end_s, expected->end_s) && near(badge->peak, expected->peak) &&
           isnan(expected->end_s) == ((badge->flags & BADGE_CENSORED) != 0);
}

static void print_difference(const struct badge *badge, const struct expected *expected)
{
    printf("  found    node %u peer %u context %u key %d at %.9f until %.9f peak %g seq %llu\n",
           badge->node, badge->peer, badge->context, badge->key, badge->time_s, badge->end_s,
           badge->peak, (unsigned long long)badge->sequence);
    printf("  expected node %u peer %u context %u key %d at %.9f until %.9f peak %g seq %llu\n",
           expected->node, expected->peer, expected->context, expected->key, expected->entry_s,
           expected->end_s, expected->peak, (unsigned long long)expected->sequence);
}

/* Sums that the observer keeps beside its badges. */
static size_t wrong_sums(const struct fake_run *run, const struct expected *episodes, size_t count)
{
    size_t wrong = 0;
    for (uint32_t node = 0; node < run->setup.nodes; node++) {
        uint64_t already = 0;
        for (size_t i = 0; i < count; i++)
            already += episodes[i].node == node && !episodes[i].has_badge;
        struct observer_totals totals = observer_totals(run->node[node].observer);
        double outside_s = oracle_outside_s(run, episodes, count, node);
        if (totals.already_outside == already && fabs(totals.outside_node_s - outside_s) < 1e-6)
            continue;
        printf("  node %u: outside %.9f s, expected %.9f; already outside %llu, expected %llu\n",
               node, totals.outside_node_s, outside_s, (unsigned long long)totals.already_outside,
               (unsigned long long)already);
        wrong++;
    }
    return wrong;
}

size_t planted_differences(const struct fake_run *run, uint64_t *found)
{
    size_t badge_count, episode_count, expected_count = 0, differences = 0;
    struct badge *badges = all_badges(run, &badge_count);
    struct expected *episodes = oracle_episodes(run, &episode_count);
    differences += wrong_sums(run, episodes, episode_count);
    for (size_t i = 0; i < episode_count; i++) {
        if (!episodes[i].has_badge)
            continue;
        size_t k = expected_count++;
        if (k < badge_count && matches(run, &badges[k], &episodes[i])) {
            found[badges[k].context]++;
            continue;
        }
        if (differences++ < 3 && k < badge_count)
            print_difference(&badges[k], &episodes[i]);
    }
    if (badge_count != expected_count) {
        printf("  %zu badges found, %zu expected\n", badge_count, expected_count);
        differences++;
    }
    free(badges);
    free(episodes);
    return differences;
}

/* ---- counting ---- */

size_t planted_badges_of(const struct fake_run *run, uint32_t node, enum context context)
{
    size_t count = 0;
    for (uint64_t place = 0; place < spool_count(run->node[node].spool); place++)
        count += spool_read(run->node[node].spool, place).context == context;
    return count;
}

size_t planted_badges_in_run(const struct fake_run *run, enum context context)
{
    size_t count = 0;
    for (uint32_t node = 0; node < run->setup.nodes; node++)
        count += planted_badges_of(run, node, context);
    return count;
}

/* ---- causal order ---- */

bool planted_had_base(const struct fake_event *log, size_t before, uint32_t to,
                      const struct message *update)
{
    for (size_t i = 0; i < before; i++) {
        const struct message *message = &log[i].message;
        bool same = message->kind == MESSAGE_UPDATE && message->key == update->key &&
                    message->version == update->version - 1 &&
                    message->origin == update->base_origin;
        bool known = log[i].kind == FAKE_TAKEN ? log[i].to == to : log[i].from == to;
        if (same && known)
            return true;
    }
    return false;
}

size_t planted_false_causal_badges(const struct fake_run *run, uint32_t node)
{
    size_t events, wrong = 0;
    const struct fake_event *log = fake_net_log(run->net, &events);
    for (uint64_t place = 0; place < spool_count(run->node[node].spool); place++) {
        struct badge badge = spool_read(run->node[node].spool, place);
        if (badge.context != CONTEXT_CAUSAL_ORDER_VIOLATED)
            continue;
        for (size_t i = 0; i < events; i++)
            if (log[i].kind == FAKE_TAKEN && log[i].to == node && log[i].from == badge.peer &&
                log[i].message.sequence == badge.sequence)
                wrong += planted_had_base(log, i, node, &log[i].message);
    }
    return wrong;
}
