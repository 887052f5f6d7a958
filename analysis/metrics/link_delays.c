#include "analysis/metrics/link_delays.h"

#include <gsl/gsl_rstat.h>
#include <stdlib.h>

struct link_delays {
    uint32_t nodes;
    size_t unheard;                      /* links that have carried nothing */
    gsl_rstat_quantile_workspace all;    /* for those */
    gsl_rstat_quantile_workspace *links; /* [nodes][nodes], by sender and receiver */
};

static void median_init(gsl_rstat_quantile_workspace *median)
{
    median->p = 0.5;
    (void)gsl_rstat_quantile_reset(median);
}

struct link_delays *link_delays_new(uint32_t nodes)
{
    size_t count = (size_t)nodes * nodes;
    struct link_delays *delays = calloc(1, sizeof *delays);
    if (delays == NULL)
        return NULL;
    delays->nodes = nodes;
    delays->unheard = count - nodes;
    delays->links = calloc(count + 1, sizeof *delays->links);
    if (delays->links == NULL) {
        free(delays);
        return NULL;
    }
    median_init(&delays->all);
    for (size_t i = 0; i < count; i++)
        median_init(&delays->links[i]);
    return delays;
}

void link_delays_free(struct link_delays *delays)
{
    if (delays == NULL)
        return;
    free(delays->links);
    free(delays);
}

static gsl_rstat_quantile_workspace *link_of(struct link_delays *delays, uint32_t from, uint32_t to)
{
    return &delays->links[(size_t)from * delays->nodes + to];
}

void link_delays_add(struct link_delays *delays, uint32_t from, uint32_t to, double delay_s)
{
    gsl_rstat_quantile_workspace *link = link_of(delays, from, to);
    if (delays->unheard > 0)
        (void)gsl_rstat_quantile_add(delay_s, &delays->all);
    delays->unheard -= link->n == 0;
    (void)gsl_rstat_quantile_add(delay_s, link);
}

double link_delays_median_s(struct link_delays *delays, uint32_t from, uint32_t to)
{
    gsl_rstat_quantile_workspace *link = link_of(delays, from, to);
    if (link->n > 0)
        return gsl_rstat_quantile_get(link);
    return delays->all.n > 0 ? gsl_rstat_quantile_get(&delays->all) : 0;
}
