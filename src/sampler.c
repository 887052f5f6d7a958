#include "sampler.h"

#include "observe/outside.h"
#include "touch.h"

#include <math.h>
#include <stdlib.h>

struct sampler {
    struct sample *samples;
    size_t samples_max;
    size_t count;
    uint32_t nodes;
    struct local_time *heard; /* [nodes], NaN: not yet */
    struct window_grid grid;
    struct local_time end;
};

struct sampler *sampler_create(uint32_t nodes, size_t samples_max)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (sampler == NULL)
        return NULL;
    sampler->nodes = nodes;
    sampler->samples_max = samples_max;
    sampler->samples = calloc(samples_max, sizeof *sampler->samples);
    sampler->heard = calloc(nodes, sizeof *sampler->heard);
    if (sampler->samples == NULL || sampler->heard == NULL) {
        sampler_free(sampler);
        return NULL;
    }
    touch_pages(sampler->samples, samples_max * sizeof *sampler->samples);
    return sampler;
}

void sampler_free(struct sampler *sampler)
{
    if (sampler == NULL)
        return;
    free(sampler->samples);
    free(sampler->heard);
    free(sampler);
}

const struct sample *sampler_samples(const struct sampler *sampler, size_t *count)
{
    *count = sampler->count;
    return sampler->samples;
}

static void keep(struct sampler *sampler, enum sample_kind kind, double value_s,
                 struct local_time at)
{
    if (sampler->count < sampler->samples_max)
        sampler->samples[sampler->count++] =
            (struct sample){value_s, kind, window_part(&sampler->grid, at)};
}

static void report(void *self, const struct boundary_event *event)
{
    struct sampler *sampler = self;
    if (event->measure == MEASURE_DELAY_S && event->phase == PHASE_WINDOW)
        keep(sampler, SAMPLE_DELAY, event->value, event->at);
    if (event->measure != MEASURE_HEARTBEAT_GAP_S)
        return;
    struct local_time *heard = &sampler->heard[event->peer];
    bool inside = event->at.s >= sampler->grid.begin.s && event->at.s < sampler->end.s;
    if (inside && !isnan(heard->s))
        keep(sampler, SAMPLE_GAP, local_elapsed_s(*heard, event->at), event->at);
    *heard = event->at;
}

static bool prepare(void *self, const double *pair_uncertainty_s, bool clock_suspect,
                    struct failure *failure)
{
    (void)self, (void)pair_uncertainty_s, (void)clock_suspect, (void)failure;
    return true;
}

static void window(void *self, const struct pass *pass)
{
    struct sampler *sampler = self;
    double block_s = local_elapsed_s(pass->begin, pass->end) / CALIBRATION_BLOCKS;
    sampler->grid = (struct window_grid){pass->begin, block_s, CALIBRATION_BLOCKS};
    sampler->end = pass->end;
    sampler->count = 0;
    for (uint32_t peer = 0; peer < sampler->nodes; peer++)
        sampler->heard[peer] = (struct local_time){(double)NAN};
}

static struct boundary boundary(void *self)
{
    return (struct boundary){report, self};
}

static void finish(void *self)
{
    (void)self;
}

struct watcher sampler_watcher(struct sampler *sampler)
{
    return (struct watcher){prepare, window, boundary, finish, sampler};
}
