#include "drawn_episodes.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const drawn_names[DRAWN_KINDS] = {
    [DRAWN_POISSON] = "Poisson",
    [DRAWN_STALLING_SENDER] = "one stalling sender",
    [DRAWN_SHARED_BURSTS] = "shared bursts",
    [DRAWN_TRAINS] = "trains",
    [DRAWN_SLOW_MODULATION] = "slow modulation",
    [DRAWN_MACHINE_STALLS] = "machine stalls",
    [DRAWN_CHAINS] = "planted chains",
};

struct drawn_plan drawn_plan_of(enum drawn_kind kind, uint32_t nodes)
{
    return (struct drawn_plan){.kind = kind,
                               .nodes = nodes,
                               .window_s = 5,
                               .rate_per_node_s = 2,
                               .times = {.minimum_s = 1e-4, .reach_s = 5e-3}};
}

/* ---- one episode ---- */

static void add(const struct drawn_plan *plan, struct drawn_episodes *drawn, double begin_s,
                uint32_t node, uint32_t peer)
{
    if (!(begin_s >= 0 && begin_s < plan->window_s))
        return;
    if (drawn->count == drawn->capacity) {
        drawn->capacity = drawn->capacity > 0 ? 2 * drawn->capacity : 1024;
        drawn->items = realloc(drawn->items, drawn->capacity * sizeof *drawn->items);
        if (drawn->items == NULL)
            abort();
    }
    drawn->items[drawn->count++] = (struct episode_start){begin_s, node, peer};
}

static uint32_t other_node(const struct drawn_plan *plan, gsl_rng *rng, uint32_t than)
{
    uint32_t drawn = (uint32_t)gsl_rng_uniform_int(rng, plan->nodes - 1);
    return drawn < than ? drawn : drawn + 1;
}

static uint32_t any_node(const struct drawn_plan *plan, gsl_rng *rng)
{
    return (uint32_t)gsl_rng_uniform_int(rng, plan->nodes);
}

/* A time of the window; the rate grows steadily, and is 1 in the middle of the first of 20 windows
 * and `growth` in that of the last. */
static double any_time_s(const struct drawn_plan *plan, gsl_rng *rng)
{
    double rise = plan->growth > 0 ? (plan->growth - 1) / 0.95 : 0, at, rate;
    double at_ends[] = {1 - 0.025 * rise, 1 + 0.975 * rise};
    do {
        at = gsl_rng_uniform(rng);
        rate = at_ends[0] + rise * at;
    } while (gsl_rng_uniform(rng) * fmax(at_ends[0], at_ends[1]) >= rate);
    return at * plan->window_s;
}

/* ---- the kinds ---- */

/* Three periods in the window, between 0.2 and 1.8 times the rate. */
static bool kept_by_swing(const struct drawn_plan *plan, gsl_rng *rng, double at_s)
{
    if (plan->kind != DRAWN_SLOW_MODULATION)
        return true;
    double rate = 1 + 0.8 * sin(2 * M_PI * 3 * at_s / plan->window_s);
    return gsl_rng_uniform(rng) * 1.8 < rate;
}

static void add_background(const struct drawn_plan *plan, gsl_rng *rng,
                           struct drawn_episodes *drawn)
{
    double swing = plan->kind == DRAWN_SLOW_MODULATION ? 1.8 : 1;
    for (uint32_t node = 0; node < plan->nodes; node++) {
        double busy = node == 0 && plan->busy_node > 0 ? plan->busy_node : 1;
        double mean = plan->rate_per_node_s * plan->window_s * busy * swing;
        for (unsigned left = gsl_ran_poisson(rng, mean); left > 0; left--) {
            double at_s = any_time_s(plan, rng);
            if (kept_by_swing(plan, rng, at_s))
                add(plan, drawn, at_s, node, other_node(plan, rng, node));
        }
    }
}

/* The nodes of `still` stop for a while. Once awake, one of them may believe at first that a peer
 * was late; then its own messages arrive late at those that ran, a little apart. */
static void add_stall(const struct drawn_plan *plan, gsl_rng *rng, const bool *still,
                      struct drawn_episodes *drawn)
{
    double awake_s = gsl_rng_uniform(rng) * plan->window_s;
    for (uint32_t node = 0; node < plan->nodes; node++)
        for (uint32_t peer = 0; peer < plan->nodes; peer++) {
            double late_s = gsl_ran_exponential(rng, plan->times.reach_s / 10);
            double noticed = gsl_rng_uniform(rng);
            if (peer == node)
                continue;
            if (still[node] && plan->keep_own_stalls && noticed < 0.3)
                add(plan, drawn, awake_s, node, peer);
            else if (!still[node] && still[peer] && noticed < 0.8)
                add(plan, drawn, awake_s + plan->times.minimum_s + late_s, node, peer);
        }
}

static void add_stalls(const struct drawn_plan *plan, gsl_rng *rng, struct drawn_episodes *drawn)
{
    enum { STALLS_PER_S = 8 };
    bool *still = calloc(plan->nodes, sizeof *still);
    if (still == NULL)
        abort();
    for (unsigned left = gsl_ran_poisson(rng, STALLS_PER_S * plan->window_s); left > 0; left--) {
        for (uint32_t node = 0; node < plan->nodes; node++)
            still[node] =
                plan->kind == DRAWN_STALLING_SENDER ? node == 0 : gsl_rng_uniform(rng) < 0.3;
        add_stall(plan, rng, still, drawn);
    }
    free(still);
}

static void add_bursts(const struct drawn_plan *plan, gsl_rng *rng, struct drawn_episodes *drawn)
{
    enum { BURSTS_PER_S = 4 };
    for (unsigned left = gsl_ran_poisson(rng, BURSTS_PER_S * plan->window_s); left > 0; left--) {
        double begin_s = gsl_rng_uniform(rng) * plan->window_s;
        for (uint32_t node = 0; node < plan->nodes; node++)
            if (gsl_rng_uniform(rng) < 0.5)
                add(plan, drawn, begin_s + 2 * plan->times.reach_s * gsl_rng_uniform(rng), node,
                    other_node(plan, rng, node));
    }
}

/* Five episodes per train, on average, two reaches apart. */
static void add_trains(const struct drawn_plan *plan, gsl_rng *rng, struct drawn_episodes *drawn)
{
    const double length = 5;
    double trains = plan->rate_per_node_s * plan->window_s * plan->nodes / length;
    for (unsigned left = gsl_ran_poisson(rng, trains); left > 0; left--) {
        uint32_t node = any_node(plan, rng), peer = other_node(plan, rng, node);
        double at_s = gsl_rng_uniform(rng) * plan->window_s;
        for (unsigned i = gsl_ran_geometric(rng, 1 / length); i > 0; i--) {
            add(plan, drawn, at_s, node, peer);
            at_s += gsl_ran_exponential(rng, 2 * plan->times.reach_s);
        }
    }
}

/* Each episode, planted ones included, makes its observer drift with the mean `branching`: somebody
 * sees that a little later. */
static void add_chains(const struct drawn_plan *plan, gsl_rng *rng, struct drawn_episodes *drawn)
{
    for (size_t i = 0; i < drawn->count; i++)
        for (unsigned left = gsl_ran_poisson(rng, plan->branching); left > 0; left--) {
            struct episode_start from = drawn->items[i];
            double after_s =
                plan->times.minimum_s + gsl_ran_exponential(rng, plan->times.reach_s * 0.55);
            add(plan, drawn, from.begin_s + after_s, other_node(plan, rng, from.node), from.node);
        }
}

void drawn_run(const struct drawn_plan *plan, gsl_rng *rng, struct drawn_episodes *drawn)
{
    drawn->count = 0;
    if (plan->kind != DRAWN_TRAINS)
        add_background(plan, rng, drawn);
    switch (plan->kind) {
    case DRAWN_STALLING_SENDER:
    case DRAWN_MACHINE_STALLS:
        add_stalls(plan, rng, drawn);
        break;
    case DRAWN_SHARED_BURSTS:
        add_bursts(plan, rng, drawn);
        break;
    case DRAWN_TRAINS:
        add_trains(plan, rng, drawn);
        break;
    case DRAWN_CHAINS:
        add_chains(plan, rng, drawn);
        break;
    case DRAWN_POISSON:
    case DRAWN_SLOW_MODULATION:
    case DRAWN_KINDS:
        break;
    }
}

void drawn_free(struct drawn_episodes *drawn)
{
    free(drawn->items);
    *drawn = (struct drawn_episodes){NULL, 0, 0};
}

static size_t window_of(const struct drawn_plan *plan, const struct episode_start *episode,
                        size_t windows)
{
    return (size_t)(episode->begin_s / plan->window_s * (double)windows);
}

void drawn_node_windows(const struct drawn_plan *plan, const struct drawn_episodes *drawn,
                        size_t windows, uint32_t *counts)
{
    memset(counts, 0, plan->nodes * windows * sizeof *counts);
    for (size_t i = 0; i < drawn->count; i++)
        counts[drawn->items[i].node * windows + window_of(plan, &drawn->items[i], windows)]++;
}

void drawn_windows(const struct drawn_plan *plan, const struct drawn_episodes *drawn,
                   size_t windows, uint64_t *counts)
{
    memset(counts, 0, windows * sizeof *counts);
    for (size_t i = 0; i < drawn->count; i++)
        counts[window_of(plan, &drawn->items[i], windows)]++;
}
