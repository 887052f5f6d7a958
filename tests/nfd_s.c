#include "nfd_s.h"

#include <math.h>

/* p_j(x): heartbeat i + j has not come by freshness point i + x. */
static double not_come(const struct nfd_s *d, uint32_t j, double x_s)
{
    double late = d->delay_tail(d, d->shift_s + x_s - j * d->interval_s);
    return d->loss + (1 - d->loss) * late;
}

/* u(x): suspected at freshness point i + x: none of the heartbeats from i on has come. */
static double suspected(const struct nfd_s *d, double x_s)
{
    uint32_t last = (uint32_t)ceil(d->shift_s / d->interval_s);
    double share = 1;
    for (uint32_t j = 0; j <= last; j++)
        share *= not_come(d, j, x_s);
    return share;
}

struct nfd_quality nfd_s_quality(const struct nfd_s *d)
{
    enum { STEPS = 100000 };
    double before = (1 - d->loss) * (1 - d->delay_tail(d, d->shift_s + d->interval_s));
    double begins = before * suspected(d, 0); /* p_S: a suspicion begins at a freshness point */
    double suspected_s = 0;
    for (int i = 0; i < STEPS; i++)
        suspected_s += suspected(d, (i + 0.5) * d->interval_s / STEPS) * d->interval_s / STEPS;
    return (struct nfd_quality){d->shift_s + d->interval_s, d->interval_s / begins,
                                suspected_s / begins};
}

double nfd_constant_tail(const struct nfd_s *detector, double x_s)
{
    return x_s < detector->delay_s ? 1 : 0;
}

double nfd_exponential_tail(const struct nfd_s *detector, double x_s)
{
    return x_s < 0 ? 1 : exp(-x_s / detector->delay_s);
}
