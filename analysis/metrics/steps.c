#include "analysis/metrics/steps.h"

#include <math.h>
#include <stdlib.h>

bool arrangement_init(struct arrangement *arrangement, const struct event_list *list)
{
    *arrangement =
        (struct arrangement){.list = list,
                             .begin_s = calloc(list->count + 1, sizeof(double)),
                             .arrivals = calloc(list->count + 1, sizeof(struct arrival))};
    return arrangement->begin_s != NULL && arrangement->arrivals != NULL;
}

void arrangement_free(struct arrangement *arrangement)
{
    free(arrangement->begin_s);
    free(arrangement->arrivals);
    *arrangement = (struct arrangement){0};
}

/* ---- times of the events ---- */

static struct arrival arrival_of(const struct arrangement *arrangement, size_t event)
{
    const struct drift_event *e = &arrangement->list->events[event];
    uint32_t sole =
        e->sightings == 1 ? arrangement->list->sightings[e->first].observer : NOBODY_ALONE;
    return (struct arrival){arrangement->begin_s[event], sole};
}

/* Put the events from … to - 1 of one source in order, beginning with `first` and wrapping around.
 * From there on they are all but sorted: a shift only turns them, a jitter moves each past the few
 * events that lie in its block. */
static void order_arrivals(struct arrangement *arrangement, size_t from, size_t to, size_t first)
{
    for (size_t n = 0; n < to - from; n++) {
        size_t event = first + n < to ? first + n : first + n - (to - from);
        struct arrival arrival = arrival_of(arrangement, event);
        size_t place = from + n;
        for (; place > from && arrangement->arrivals[place - 1].begin_s > arrival.begin_s; place--)
            arrangement->arrivals[place] = arrangement->arrivals[place - 1];
        arrangement->arrivals[place] = arrival;
    }
}

void arrange_observed(struct arrangement *arrangement)
{
    const struct event_list *list = arrangement->list;
    for (size_t i = 0; i < list->count; i++)
        arrangement->begin_s[i] = list->events[i].begin_s;
    for (uint32_t k = 0; k < list->nodes; k++)
        order_arrivals(arrangement, list->of_source[k], list->of_source[k + 1], list->of_source[k]);
}

static double wrapped(double time_s, double window_s)
{
    if (time_s >= 0 && time_s < window_s)
        return time_s;
    return time_s - window_s * floor(time_s / window_s);
}

static void shift_source(struct arrangement *arrangement, uint32_t source, double window_s,
                         double offset_s)
{
    const struct event_list *list = arrangement->list;
    size_t from = list->of_source[source], to = list->of_source[source + 1], first = from;
    for (size_t i = from; i < to; i++) {
        arrangement->begin_s[i] = wrapped(list->events[i].begin_s + offset_s, window_s);
        if (first == from && i > from && arrangement->begin_s[i] < arrangement->begin_s[i - 1])
            first = i;
    }
    order_arrivals(arrangement, from, to, first);
}

void arrange_shifted(struct arrangement *arrangement, double window_s, gsl_rng *rng)
{
    for (uint32_t k = 0; k < arrangement->list->nodes; k++)
        shift_source(arrangement, k, window_s, gsl_rng_uniform(rng) * window_s);
}

void arrange_shifted_together(struct arrangement *arrangement, double window_s, gsl_rng *rng)
{
    double offset_s = gsl_rng_uniform(rng) * window_s;
    for (uint32_t k = 0; k < arrangement->list->nodes; k++)
        shift_source(arrangement, k, window_s, offset_s);
}

void arrange_jittered(struct arrangement *arrangement, double block_s, gsl_rng *rng)
{
    const struct event_list *list = arrangement->list;
    for (size_t i = 0; i < list->count; i++) {
        double block = floor(list->events[i].begin_s / block_s);
        arrangement->begin_s[i] = (block + gsl_rng_uniform(rng)) * block_s;
    }
    for (uint32_t k = 0; k < list->nodes; k++)
        order_arrivals(arrangement, list->of_source[k], list->of_source[k + 1], list->of_source[k]);
}

/* ---- steps ---- */

/* The first of the arrivals from … to - 1 at `time_s` or later; `to` if there is none. */
static size_t first_from(const struct arrival *arrivals, size_t from, size_t to, double time_s)
{
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (arrivals[middle].begin_s < time_s)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

size_t steps_of(const struct arrangement *arrangement, uint32_t observer, uint32_t source,
                double seen_s, struct step_times times, enum step_direction direction)
{
    const struct arrival *arrivals = arrangement->arrivals;
    size_t to = arrangement->list->of_source[observer + 1];
    double from_s = seen_s + times.minimum_s, to_s = seen_s + times.reach_s;
    if (direction == STEP_BACKWARD) {
        from_s = seen_s - times.reach_s;
        to_s = seen_s - times.minimum_s;
    }
    size_t found = 0;
    for (size_t i = first_from(arrivals, arrangement->list->of_source[observer], to, from_s);
         i < to && arrivals[i].begin_s <= to_s; i++) {
        /* The end at the minimum is open, the one at the reach is closed. */
        double at_minimum_s = direction == STEP_FORWARD ? from_s : to_s;
        if (arrivals[i].begin_s < at_minimum_s || arrivals[i].begin_s > at_minimum_s)
            found += arrivals[i].sole_observer != source;
    }
    return found;
}

size_t steps_count(const struct arrangement *arrangement, struct step_times times)
{
    const struct event_list *list = arrangement->list;
    size_t steps = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct drift_event *event = &list->events[i];
        for (size_t s = event->first; s < event->first + event->sightings; s++) {
            double seen_s = arrangement->begin_s[i] + list->sightings[s].delay_s;
            steps += steps_of(arrangement, list->sightings[s].observer, event->source, seen_s,
                              times, STEP_FORWARD);
        }
    }
    return steps;
}
