#ifndef MPIDRIFT_METRICS_THEORY_H
#define MPIDRIFT_METRICS_THEORY_H

#include <stddef.h>
#include <stdint.h>

/* What to expect of N replicas before looking: closed forms to set beside what was measured. Each
 * node writes at random (Poisson) at `writes_per_s` to all others; a write takes delay_s on average
 * to each. The backlog of a node is the number of writes made elsewhere and not yet applied there.
 * No node, no load or no delay: nothing is unseen. */

/* ρ = λ (N - 1) d, whatever the law of the delays (Little, Oper. Res. 9, 1961). */
double backlog_mean(uint32_t nodes, double writes_per_s, double delay_s);
/* Share of the time with a backlog above `limit`: Poisson with mean ρ, exact for delays that do not
 * depend on each other (M/G/∞; Takács, Introduction to the Theory of Queues, 1962). */
double backlog_outside(uint32_t nodes, double writes_per_s, double delay_s, uint32_t limit);
/* How often per second the backlog rises above `limit`. */
double backlog_rises_per_s(uint32_t nodes, double writes_per_s, double delay_s, uint32_t limit);
/* The number of nodes at which the backlog is above `limit` half of the time; INFINITY without
 * load. The median of a Poisson law is its mean less about 1/3. */
double critical_nodes(double writes_per_s, double delay_s, uint32_t limit);
/* Share of the writes that are made while another node's write is unseen. */
double write_on_stale(uint32_t nodes, double writes_per_s, double delay_s);
/* At least one of the peers beyond its limit, if each is with probability p. */
double any_peer_beyond(uint32_t nodes, double p);
/* Mean time to the first drift, if every message is one with probability p; INFINITY if none is. */
double first_drift_mean_s(uint32_t nodes, double messages_per_link_s, double p);

/* A delay of a constant and, on top of it, an exponential part with that mean. */
struct delay_law {
    double constant_s;
    double exponential_s;
};
/* The time after which a share q < 1 of the writes is seen by all peers: F⁻¹(q^(1/(N-1))). Exact
 * where delays do not depend on each other. 0 for one node. */
double visible_at_all_s(uint32_t nodes, struct delay_law law, double q);

/* ---- delivery in the order of each link ----
 * A write that would overtake an earlier one of its link waits for it. With constant delays that
 * never happens; with random ones the backlog grows beyond the forms above, of which two stay
 * exact with the delay as drawn: a link carries something just when it would without waiting, so
 * backlog_outside at limit 0 and write_on_stale hold. */

/* Mean delay with this waiting, to be used as delay_s in backlog_mean. */
double delay_in_order_s(double writes_per_s, struct delay_law law);
/* Probabilities of a backlog of 0, 1, … levels - 1, over N - 1 links that deliver in order. NaN
 * when memory is short. */
void backlog_in_order(uint32_t nodes, double writes_per_s, struct delay_law law,
                      double *probability, size_t levels);

#endif
