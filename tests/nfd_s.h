#ifndef MPIDRIFT_NFD_S_H
#define MPIDRIFT_NFD_S_H

#include <stdint.h>

/* The failure detector NFD-S of Chen, Toueg, Aguilera, On the quality of service of failure
 * detectors, IEEE Trans. Comput. 51(5), May 2002, section 3, and its quality by their theorem 5.
 * Heartbeat i is sent at i × interval; from i × interval + shift on the peer is trusted only if
 * heartbeat i or a later one has come. */
struct nfd_s {
    double interval_s; /* eta */
    double shift_s;    /* delta */
    double loss;       /* p_L */
    /* P(D > x) of messages that are not lost; 1 for x < 0. */
    double (*delay_tail)(const struct nfd_s *detector, double x_s);
    double delay_s; /* for delay_tail */
};

struct nfd_quality {
    double detection_max_s; /* bound on T_D */
    double recurrence_s;    /* E(T_MR) */
    double mistake_s;       /* E(T_M) */
};
struct nfd_quality nfd_s_quality(const struct nfd_s *detector);

/* Two laws of delay, of mean delay_s. */
double nfd_constant_tail(const struct nfd_s *detector, double x_s);
double nfd_exponential_tail(const struct nfd_s *detector, double x_s);

#endif
