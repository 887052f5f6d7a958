#include "fake_clock.h"

static struct local_time now(void *self)
{
    const struct fake_clock *clock = self;
    return (struct local_time){clock->time->s - clock->offset_s};
}

static void wait(void *self, struct local_time until)
{
    (void)self;
    (void)until;
}

struct clock_source fake_clock_source(struct fake_clock *clock)
{
    return (struct clock_source){now, wait, clock};
}

struct clock_model fake_clock_model(const struct fake_clock *clock)
{
    return (struct clock_model){.offset_s = clock->offset_s};
}
