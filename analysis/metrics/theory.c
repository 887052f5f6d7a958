#include "analysis/metrics/theory.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_expint.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

double backlog_mean(uint32_t nodes, double writes_per_s, double delay_s)
{
    return nodes > 1 ? writes_per_s * (nodes - 1) * delay_s : 0;
}

double backlog_outside(uint32_t nodes, double writes_per_s, double delay_s, uint32_t limit)
{
    double mean = backlog_mean(nodes, writes_per_s, delay_s);
    return mean > 0 ? gsl_cdf_poisson_Q(limit, mean) : 0;
}

double backlog_rises_per_s(uint32_t nodes, double writes_per_s, double delay_s, uint32_t limit)
{
    double mean = backlog_mean(nodes, writes_per_s, delay_s);
    return mean > 0 ? writes_per_s * (nodes - 1) * gsl_ran_poisson_pdf(limit, mean) : 0;
}

double critical_nodes(double writes_per_s, double delay_s, uint32_t limit)
{
    double per_peer = writes_per_s * delay_s;
    return per_peer > 0 ? 1 + (limit + 2.0 / 3) / per_peer : HUGE_VAL;
}

double write_on_stale(uint32_t nodes, double writes_per_s, double delay_s)
{
    return -expm1(-backlog_mean(nodes, writes_per_s, delay_s));
}

double any_peer_beyond(uint32_t nodes, double p)
{
    return nodes > 1 ? 1 - pow(1 - p, nodes - 1) : 0;
}

double first_drift_mean_s(uint32_t nodes, double messages_per_link_s, double p)
{
    double per_s = nodes > 1 ? (double)nodes * (nodes - 1) * messages_per_link_s * p : 0;
    return per_s > 0 ? 1 / per_s : HUGE_VAL;
}

double visible_at_all_s(uint32_t nodes, struct delay_law law, double q)
{
    if (nodes < 2)
        return 0;
    /* 1 - q^(1/(N-1)) without cancellation. */
    double tail = -expm1(log(q) / (nodes - 1));
    return law.constant_s - (law.exponential_s > 0 ? law.exponential_s * log(tail) : 0);
}

/* ---- delivery in the order of each link ----
 * Let F be the law of the delays as drawn, m the mean of its exponential part, c the constant. A
 * link's backlog is 0 if no write on it is still under way as drawn; otherwise it is the oldest of
 * those under way and every write after it. That oldest one has an age of at most x just when of
 * all writes older than x none is under way: with Poisson writes at rate λ,
 *     G(x) = exp(-λ ∫_x^∞ (1 - F(u)) du),
 * and the number of writes since is Poisson with mean λx. So, with n >= 1,
 *     P(0) = G(0),   P(n) = ∫ Poisson(n - 1; λx) dG(x). */

/* ∫_0^a (1 - e^-t) / t dt */
static double entire_exponential_integral(double a)
{
    if (!(a > 0))
        return 0;
    double tail = a < 50 ? gsl_sf_expint_E1(a) : 0; /* it underflows far beyond */
    return tail + log(a) + M_EULER;
}

/* The mean of 1 + λx over G, by Little's law over λ. */
double delay_in_order_s(double writes_per_s, struct delay_law law)
{
    double c = law.constant_s, m = law.exponential_s, rate = writes_per_s;
    if (!(rate > 0))
        return c + m;
    double oldest_age_s = c - exp(-rate * (c + m)) * expm1(rate * c) / rate +
                          m * entire_exponential_integral(rate * m);
    return -expm1(-rate * (c + m)) / rate + oldest_age_s;
}

struct integrand {
    double writes_per_s;
    struct delay_law law;
    unsigned earlier; /* n - 1 */
};

/* Of P(n), over the ages x = c + mt beyond the constant: t from 0 to ∞. */
static double of_age(double t, void *data)
{
    const struct integrand *integrand = data;
    double rate = integrand->writes_per_s, m = integrand->law.exponential_s;
    double age_s = integrand->law.constant_s + m * t;
    return rate * m * exp(-t - rate * m * exp(-t)) *
           gsl_ran_poisson_pdf(integrand->earlier, rate * age_s);
}

/* Pieces so short that the integrand is smooth in each; what lies beyond is below 1e-17. */
static double integrate(struct integrand *integrand, gsl_integration_glfixed_table *points)
{
    const double end = 40;
    size_t pieces =
        (size_t)ceil(end * (1 + integrand->writes_per_s * integrand->law.exponential_s));
    double step = end / (double)pieces, sum = 0;
    gsl_function function = {of_age, integrand};
    for (size_t i = 0; i < pieces; i++)
        sum += gsl_integration_glfixed(&function, (double)i * step, (double)(i + 1) * step, points);
    return sum;
}

/* Of one link. Ages up to the constant: all that was written since is under way. */
static void one_link(double writes_per_s, struct delay_law law, double *probability, size_t levels,
                     gsl_integration_glfixed_table *points)
{
    double idle = exp(-writes_per_s * (law.constant_s + law.exponential_s));
    double constant = writes_per_s * law.constant_s, term = idle;
    for (size_t n = 0; n < levels; n++) {
        struct integrand integrand = {writes_per_s, law, n > 0 ? (unsigned)n - 1 : 0};
        bool random = n > 0 && law.exponential_s > 0;
        probability[n] = term + (random ? integrate(&integrand, points) : 0);
        term *= constant / (double)(n + 1);
    }
}

/* The law of a sum of two independent backlogs, in place of the first. */
static void convolve(double *sum, const double *one, size_t levels)
{
    for (size_t n = levels; n-- > 0;) {
        double probability = 0;
        for (size_t k = 0; k <= n; k++)
            probability += sum[k] * one[n - k];
        sum[n] = probability;
    }
}

void backlog_in_order(uint32_t nodes, double writes_per_s, struct delay_law law,
                      double *probability, size_t levels)
{
    gsl_integration_glfixed_table *points = gsl_integration_glfixed_table_alloc(20);
    double *one = calloc(levels + 1, sizeof *one);
    bool done = points != NULL && one != NULL;
    for (size_t n = 0; n < levels; n++)
        probability[n] = !done ? (double)NAN : n == 0 ? 1 : 0;
    if (done)
        one_link(writes_per_s, law, one, levels, points);
    for (uint32_t link = 1; done && link < nodes; link++)
        convolve(probability, one, levels);
    free(one);
    if (points != NULL)
        gsl_integration_glfixed_table_free(points);
}
