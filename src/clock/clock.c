#include "clock/clock.h"

#include <mpi.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <time.h>

static struct local_time now(void *self)
{
    (void)self;
    return (struct local_time){MPI_Wtime()};
}

static void wait_sleeping(void *self, struct local_time until)
{
    double rest_s = local_elapsed_s(now(self), until);
    if (rest_s <= 0)
        return;
    struct timespec rest = {.tv_sec = (time_t)rest_s};
    rest.tv_nsec = (long)((rest_s - (double)rest.tv_sec) * 1e9);
    (void)nanosleep(&rest, NULL); /* waking early only means one more turn */
}

static void wait_yielding(void *self, struct local_time until)
{
    (void)self;
    (void)until;
    (void)sched_yield();
}

static void wait_spinning(void *self, struct local_time until)
{
    (void)self;
    (void)until;
}

struct clock_source clock_mpi(enum idle_mode idle)
{
    static void (*const waits[])(void *, struct local_time) = {
        [IDLE_SLEEP] = wait_sleeping, [IDLE_YIELD] = wait_yielding, [IDLE_SPIN] = wait_spinning};
    /* The kernel groups timers within 50 µs by default, a quarter of the poll interval. */
    (void)prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
    return (struct clock_source){now, waits[idle], NULL};
}

double clock_resolution_s(void)
{
    return MPI_Wtick();
}
