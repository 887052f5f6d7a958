#ifndef MPIDRIFT_FAKE_CLOCK_H
#define MPIDRIFT_FAKE_CLOCK_H

#include "clock/clock.h"

/* One true time for all nodes of a test; each node reads it with an offset of its own. */
struct true_time {
    double s;
};

struct fake_clock {
    const struct true_time *time;
    double offset_s; /* local = true - offset, so that global = local + offset = true */
};

/* Reads the true time; waiting returns at once: the test moves time itself. */
struct clock_source fake_clock_source(struct fake_clock *clock);

/* The model that a perfect synchronisation would find. */
struct clock_model fake_clock_model(const struct fake_clock *clock);

#endif
