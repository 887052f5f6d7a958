#include "speed/speed.h"

#include "touch.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>

bool counter_open(struct counter *counter, size_t room)
{
    *counter = (struct counter){.room = room,
                                .delays_s = calloc(room, sizeof(double)),
                                .lags = calloc(room, sizeof(double))};
    if (counter->delays_s == NULL || counter->lags == NULL)
        return false;
    touch_pages(counter->delays_s, room * sizeof(double));
    touch_pages(counter->lags, room * sizeof(double));
    return true;
}

void counter_close(struct counter *counter)
{
    free(counter->delays_s);
    free(counter->lags);
}

static double delay_or_age_s(const struct counter *counter, const struct boundary_event *event)
{
    if (!counter->ages)
        return event->value;
    return local_elapsed_s(event->at, counter->clock->now(counter->clock->self));
}

static void report(void *self, const struct boundary_event *event)
{
    struct counter *counter = self;
    bool counts = event->phase == PHASE_WINDOW;
    if (counts && event->measure == MEASURE_DELAY_S && counter->delay_count < counter->room)
        counter->delays_s[counter->delay_count++] = delay_or_age_s(counter, event);
    if (counts && event->measure == MEASURE_VERSION_GAP && counter->lag_count < counter->room)
        counter->lags[counter->lag_count++] = fmax(0, -event->value);
    boundary_report(&counter->next, event);
}

struct boundary counter_boundary(struct counter *counter, struct boundary next)
{
    counter->next = next;
    return (struct boundary){report, counter};
}

static double quantile_of(double *values, size_t count, double quantile)
{
    if (count == 0)
        return (double)NAN;
    gsl_sort(values, 1, count);
    return gsl_stats_quantile_from_sorted_data(values, 1, count, quantile);
}

double counter_delay_quantile_s(struct counter *counter, double quantile)
{
    return quantile_of(counter->delays_s, counter->delay_count, quantile);
}

double counter_lag_quantile(struct counter *counter, double quantile)
{
    return quantile_of(counter->lags, counter->lag_count, quantile);
}
