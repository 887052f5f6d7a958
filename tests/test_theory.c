/* Theory beside measurement: the closed forms against figures of the reference, and against what
 * the traces of the fake net say. `test_theory FACTOR` runs that many times longer, up to 50:
 * beyond that even the light load shows that writes wait for each other. */

#include "cunit_main.h"
#include "theory_run.h"

#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdbool.h>

static bool near(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-12 * fabs(b) + 1e-15;
}

/* ---- figures of the reference ---- */

static void test_backlog_forms(void)
{
    static const struct {
        uint32_t nodes;
        uint32_t limit;
        double rate, delay;
        double mean, outside, rises, stale, critical;
    } rows[] = {
        {2, 0, 100, 0.0002, 0.02, 0.019801326693244699, 98.019867330675524, 0.019801326693244747,
         34.333333333333329},
        {2, 1, 50, 0.01, 0.5, 0.090204010431049864, 15.163266492815836, 0.39346934028736658,
         4.333333333333333},
        {5, 1, 100, 0.004, 1.6, 0.47506905321389592, 129.21377151657947, 0.79810348200534464,
         5.1666666666666661},
        {16, 2, 100, 0.0002, 0.3, 0.0035994931830894672, 50.005229896015976, 0.25918177931828212,
         134.33333333333331},
        {64, 3, 3, 0.01, 1.89, 0.123592931662202, 32.127682222783861, 0.84892819116362916,
         123.22222222222223},
        {64, 120, 100, 0.02, 126, 0.68390166383434836, 198.29300603337467, 1, 61.333333333333336},
        {1, 0, 100, 0.1, 0, 0, 0, 0, 1.0666666666666667},
        {5, 1, 0, 0.1, 0, 0, 0, 0, HUGE_VAL},
        {8, 7, 40, 0.025, 7, 0.4012861644769628, 41.720778308814566, 0.99908811803444553,
         8.6666666666666679},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t n = rows[i].nodes, limit = rows[i].limit;
        double rate = rows[i].rate, delay_s = rows[i].delay;
        CU_ASSERT(near(backlog_mean(n, rate, delay_s), rows[i].mean));
        CU_ASSERT(fabs(backlog_outside(n, rate, delay_s, limit) - rows[i].outside) < 1e-12);
        CU_ASSERT(fabs(backlog_rises_per_s(n, rate, delay_s, limit) - rows[i].rises) < 1e-9);
        CU_ASSERT(near(write_on_stale(n, rate, delay_s), rows[i].stale));
        CU_ASSERT(near(critical_nodes(rate, delay_s, limit), rows[i].critical));
    }
}

static void test_forms_of_chance(void)
{
    CU_ASSERT(near(any_peer_beyond(2, 0.01), 0.010000000000000009));
    CU_ASSERT(near(any_peer_beyond(5, 0.01), 0.039403990000000055));
    CU_ASSERT(near(any_peer_beyond(16, 0.2), 0.96481562791116793));
    CU_ASSERT(near(any_peer_beyond(64, 0.05), 0.96050090609356209));
    CU_ASSERT_EQUAL(any_peer_beyond(1, 0.3), 0);
    CU_ASSERT(near(first_drift_mean_s(2, 150, 0.001), 3.3333333333333335));
    CU_ASSERT(near(first_drift_mean_s(16, 150, 0.001), 0.027777777777777776));
    CU_ASSERT_EQUAL(first_drift_mean_s(5, 0, 0.1), HUGE_VAL);
    CU_ASSERT_EQUAL(first_drift_mean_s(64, 20, 0), HUGE_VAL);
}

/* The quantile of the slowest of N - 1: put back into the law it gives q. */
static void test_visibility_form(void)
{
    static const uint32_t scales[] = {2, 64, 3, 16, 100000};
    static const double shares[] = {0.01, 0.5, 0.9, 0.999999};
    struct delay_law law = {2e-3, 3e-3};
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 4; k++) {
            double x_s = visible_at_all_s(scales[i], law, shares[k]);
            double one = 1 - exp(-(x_s - 2e-3) / 3e-3);
            CU_ASSERT(fabs(pow(one, scales[i] - 1) - shares[k]) < 1e-9);
        }
    CU_ASSERT_EQUAL(visible_at_all_s(64, (struct delay_law){2e-3, 0}, 0.9), 2e-3);
    CU_ASSERT_EQUAL(visible_at_all_s(1, law, 0.9), 0);
}

/* ---- delivery in order ---- */

enum { LEVELS = 200 };

static void test_constant_delays_need_no_order(void)
{
    double p[LEVELS];
    backlog_in_order(5, 100, (struct delay_law){4e-3, 0}, p, LEVELS);
    double above = 1;
    for (uint32_t level = 0; level < 10; level++) {
        above -= p[level];
        CU_ASSERT(fabs(above - backlog_outside(5, 100, 4e-3, level)) < 1e-12);
    }
    CU_ASSERT(near(delay_in_order_s(100, (struct delay_law){4e-3, 0}), 4e-3));
}

/* The figures that the reference states for random delays. */
static void test_order_raises_the_backlog(void)
{
    struct delay_law law = {0, 1};
    CU_ASSERT(fabs(delay_in_order_s(0.05, law) - 1.02) < 0.006);
    CU_ASSERT(fabs(delay_in_order_s(0.4, law) - 1.19) < 0.005);
    CU_ASSERT(fabs(delay_in_order_s(1, law) - 1.43) < 0.005);
    CU_ASSERT_EQUAL(delay_in_order_s(0, law), 1);
    CU_ASSERT(near(delay_in_order_s(1e-9, law), 1 + 0.5e-9) ||
              fabs(delay_in_order_s(1e-9, law) - 1) < 1e-6);
}

/* Probabilities add up to 1, their mean is Little's, the first is that without waiting. */
static void test_law_in_order_is_a_law(void)
{
    static const struct delay_law laws[] = {{0, 1}, {1, 1}, {1, 0}, {0.3, 3}, {5, 0.1}};
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++)
        for (uint32_t nodes = 1; nodes <= 7; nodes += 3) {
            double p[LEVELS], sum = 0, mean = 0, rate = 0.7;
            double delay_s = laws[i].constant_s + laws[i].exponential_s;
            backlog_in_order(nodes, rate, laws[i], p, LEVELS);
            for (size_t level = 0; level < LEVELS; level++) {
                sum += p[level];
                mean += (double)level * p[level];
            }
            CU_ASSERT(fabs(sum - 1) < 1e-9);
            CU_ASSERT(fabs(mean - backlog_mean(nodes, rate, delay_in_order_s(rate, laws[i]))) <
                      1e-9);
            CU_ASSERT(fabs(1 - p[0] - backlog_outside(nodes, rate, delay_s, 0)) < 1e-12);
        }
}

/* ---- the fake net ---- */

enum { SEEDS = 20, WRITES_LIGHT = 500, WRITES_HEAVY = 1500 };
static const double DELAY_S = 10e-3;
/* So rare that hardly a write has to wait for another of its link … */
static const double LOAD_LIGHT = 0.005;
/* … and two unseen at a time. */
static const double BACKLOG_HEAVY = 2;
static double longer = 1;

static struct {
    size_t comparisons;
    size_t misses;    /* by more than three standard errors */
    size_t imprecise; /* standard error above 2 % of the value */
} tally;

/* The forms of the reference. */
static double without_order(const struct theory_case *c, enum theory_quantity quantity)
{
    double rate = theory_case_rate_per_s(c), delay_s = theory_case_delay_s(c);
    switch (quantity) {
    case UNSEEN_MEAN:
        return backlog_mean(c->nodes, rate, delay_s);
    case UNSEEN_ABOVE_0:
    case UNSEEN_ABOVE_1:
    case UNSEEN_ABOVE_2:
    case UNSEEN_ABOVE_3:
        return backlog_outside(c->nodes, rate, delay_s, quantity - UNSEEN_ABOVE_0);
    case UNSEEN_RISES_ABOVE_1:
        return backlog_rises_per_s(c->nodes, rate, delay_s, 1) * delay_s;
    case WRITTEN_ON_STALE:
        return write_on_stale(c->nodes, rate, delay_s);
    case VISIBLE_TO_HALF:
        return visible_at_all_s(c->nodes, c->law, 0.5) / delay_s;
    case VISIBLE_TO_MOST:
        return visible_at_all_s(c->nodes, c->law, 0.9) / delay_s;
    case VERSION_LAG_ABOVE_0:
    case VERSION_LAG_ABOVE_1:
    case THEORY_QUANTITIES:
        break;
    }
    return (double)NAN;
}

/* Where writes wait for each other, the forms that know of it. */
static double in_order(const struct theory_case *c, enum theory_quantity quantity)
{
    double rate = theory_case_rate_per_s(c), p[4], above = 1;
    backlog_in_order(c->nodes, rate, c->law, p, 4);
    if (quantity == UNSEEN_MEAN)
        return backlog_mean(c->nodes, rate, delay_in_order_s(rate, c->law));
    if (quantity == UNSEEN_RISES_ABOVE_1)
        return rate * (c->nodes - 1) * p[1] * theory_case_delay_s(c);
    if (quantity < UNSEEN_ABOVE_1 || quantity > UNSEEN_ABOVE_3)
        return without_order(c, quantity);
    for (enum theory_quantity level = UNSEEN_ABOVE_0; level <= quantity; level++)
        above -= p[level - UNSEEN_ABOVE_0];
    return above;
}

static void compare(const struct theory_case *c, enum theory_quantity quantity, const double *found)
{
    bool random = c->law.exponential_s > 0, light = c->load <= LOAD_LIGHT;
    double mean = gsl_stats_mean(found, 1, SEEDS);
    double error = gsl_stats_sd(found, 1, SEEDS) / sqrt(SEEDS);
    double theory = random && !light ? in_order(c, quantity) : without_order(c, quantity);
    printf("  %2u  %-11s  %.4f  %-21s", c->nodes, random ? "exponential" : "constant", c->load,
           theory_quantity_names[quantity]);
    if (isnan(theory)) {
        printf("         -  %9.6f  no closed form\n", mean);
        return;
    }
    double off = (mean - theory) / error;
    bool missed = !(fabs(off) <= 3), imprecise = !(error <= 0.02 * mean);
    printf(" %9.6f  %9.6f  %6.4f  %6.4f  %6.2f%s%s", theory, mean, mean / theory, error / mean, off,
           missed ? "  MISSED" : "", imprecise ? "  IMPRECISE" : "");
    if (theory != without_order(c, quantity))
        printf("  (%.6f if none waited)", without_order(c, quantity));
    printf("\n");
    tally.comparisons++;
    tally.misses += missed;
    tally.imprecise += imprecise;
}

/* `wanted`: one bit per quantity. */
static void compare_case(const struct theory_case *c, unsigned wanted)
{
    static double found[THEORY_QUANTITIES][SEEDS];
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        double one[THEORY_QUANTITIES];
        theory_run(c, seed, one);
        for (size_t quantity = 0; quantity < THEORY_QUANTITIES; quantity++)
            found[quantity][seed - 1] = one[quantity];
    }
    for (enum theory_quantity quantity = 0; quantity < THEORY_QUANTITIES; quantity++)
        if (wanted >> quantity & 1)
            compare(c, quantity, found[quantity]);
}

static const uint32_t scales[] = {2, 8, 3, 5, 16, 64};
enum { SCALES = sizeof scales / sizeof scales[0] };

static void test_light_load(void)
{
    printf(
        "\n  nodes, delays, rate x delay of a link, quantity, predicted, measured, ratio, standard "
        "error\n  over the value, standard errors off\n");
    const unsigned both = 1U << UNSEEN_MEAN | 1U << UNSEEN_ABOVE_0;
    const unsigned random = both | 1U << VISIBLE_TO_HALF | 1U << VISIBLE_TO_MOST;
    for (size_t i = 0; i < SCALES; i++) {
        struct theory_case c = {scales[i], {DELAY_S, 0}, LOAD_LIGHT, WRITES_LIGHT * longer};
        compare_case(&c, both);
        c.law = (struct delay_law){0, DELAY_S};
        compare_case(&c, random);
    }
}

static void test_heavy_load(void)
{
    const unsigned all = (1U << THEORY_QUANTITIES) - 1;
    const unsigned wanted = all & ~(1U << VISIBLE_TO_HALF | 1U << VISIBLE_TO_MOST);
    for (size_t i = 0; i < SCALES; i++) {
        struct theory_case c = {
            scales[i], {DELAY_S, 0}, BACKLOG_HEAVY / (scales[i] - 1), WRITES_HEAVY * longer};
        compare_case(&c, wanted);
        c.law = (struct delay_law){0, DELAY_S};
        compare_case(&c, wanted);
    }
}

/* Without random delays every write is visible everywhere after the same time. */
static void test_constant_delays_are_seen_to_the_nanosecond(void)
{
    double found[THEORY_QUANTITIES];
    struct theory_case c = {5, {DELAY_S, 0}, 0.5, 1000};
    theory_run(&c, 1, found);
    CU_ASSERT(fabs(found[VISIBLE_TO_HALF] - 1) < 1e-7 && fabs(found[VISIBLE_TO_MOST] - 1) < 1e-7);
}

static void test_theory_and_measurement_agree(void)
{
    printf("  %zu comparisons, %zu missed by more than 3 standard errors ", tally.comparisons,
           tally.misses);
    CU_ASSERT(tally.comparisons >= 100);
    CU_ASSERT(tally.misses <= tally.comparisons / 100);
    CU_ASSERT_EQUAL(tally.imprecise, 0);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        longer = strtod(argv[1], NULL);
    const CU_TestInfo tests[] = {
        {"backlog as the reference has it", test_backlog_forms},
        {"chances as the reference has them", test_forms_of_chance},
        {"visibility is the law's own quantile", test_visibility_form},
        {"constant delays need no order", test_constant_delays_need_no_order},
        {"order raises the backlog", test_order_raises_the_backlog},
        {"the law in order is a law", test_law_in_order_is_a_law},
        {"constant delays are seen to the nanosecond",
         test_constant_delays_are_seen_to_the_nanosecond},
        {"light load", test_light_load},
        {"heavy load", test_heavy_load},
        {"theory and measurement agree", test_theory_and_measurement_agree},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("theory", tests);
}
