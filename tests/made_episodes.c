#include "made_run.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>

/* ---- from a list ---- */

static bool next_of_list(void *self, uint32_t node, struct made_episode *episode)
{
    struct made_list *list = self;
    while (list->at < list->count) {
        *episode = list->episodes[list->at++];
        if (episode->node == node)
            return true;
    }
    list->at = 0; /* for the next node */
    return false;
}

struct made_source made_list_source(struct made_list *list)
{
    list->at = 0;
    return (struct made_source){next_of_list, list};
}

/* ---- from a seed ---- */

struct made_poisson {
    const struct made_run *run;
    struct made_poisson_setup setup;
    gsl_rng *rng;
    uint32_t contexts[CONTEXT_COUNT]; /* watched ones */
    uint32_t context_count;
    uint32_t node; /* the one that is being drawn */
    double at_s;
    double *outside_until_s; /* [group_nodes][CONTEXT_COUNT] */
};

static void begin_node(struct made_poisson *p, uint32_t node)
{
    size_t streams = (size_t)made_group_nodes(p->run) * CONTEXT_COUNT;
    p->node = node;
    p->at_s = 0;
    for (size_t i = 0; i < streams; i++)
        p->outside_until_s[i] = -1;
}

static void draw(struct made_poisson *p, struct made_episode *e)
{
    uint32_t group = made_group_nodes(p->run);
    uint32_t peer = (uint32_t)gsl_rng_uniform_int(p->rng, group - 1);
    peer += peer >= p->node % group; /* a node does not watch itself */
    *e = (struct made_episode){
        .begin_s = p->at_s,
        .end_s = p->at_s + gsl_ran_exponential(p->rng, p->setup.mean_s),
        .node = p->node,
        .peer = p->node - p->node % group + peer,
        .context = (enum context)p->contexts[gsl_rng_uniform_int(p->rng, p->context_count)],
        .flags = gsl_rng_uniform(p->rng) < p->setup.stalled_share ? BADGE_SELF_STALLED : 0};
    if (e->end_s >= p->run->config.duration_s)
        e->end_s = (double)NAN;
}

static bool next_of_poisson(void *self, uint32_t node, struct made_episode *e)
{
    struct made_poisson *p = self;
    const struct made_poisson_setup *setup = &p->setup;
    double rate = setup->episodes_per_node_s * (node == setup->busy_node ? setup->busy_factor : 1);
    if (node != p->node)
        begin_node(p, node);
    while (rate > 0) {
        p->at_s += gsl_ran_exponential(p->rng, 1 / rate);
        if (p->at_s >= p->run->config.duration_s)
            return false;
        draw(p, e);
        double *until_s =
            &p->outside_until_s[e->peer % made_group_nodes(p->run) * CONTEXT_COUNT + e->context];
        if (p->at_s < *until_s)
            continue;
        *until_s = isnan(e->end_s) ? (double)INFINITY : e->end_s;
        return true;
    }
    return false;
}

struct made_poisson *made_poisson_create(const struct made_run *run,
                                         const struct made_poisson_setup *setup)
{
    struct made_poisson *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->run = run;
    p->setup = *setup;
    p->outside_until_s =
        calloc((size_t)made_group_nodes(run) * CONTEXT_COUNT, sizeof *p->outside_until_s);
    p->rng = gsl_rng_alloc(gsl_rng_mt19937);
    if (p->outside_until_s == NULL || p->rng == NULL) {
        made_poisson_free(p);
        return NULL;
    }
    gsl_rng_set(p->rng, setup->seed);
    uint32_t of_system[CONTEXT_COUNT], count = made_contexts(run, of_system);
    for (uint32_t i = 0; i < count; i++)
        if (run->config.corridor.watched[of_system[i]] &&
            !isinf(run->config.corridor.limit[of_system[i]]))
            p->contexts[p->context_count++] = of_system[i];
    begin_node(p, 0);
    return p;
}

struct made_source made_poisson_source(struct made_poisson *poisson)
{
    return (struct made_source){next_of_poisson, poisson};
}

void made_poisson_free(struct made_poisson *poisson)
{
    if (poisson->rng != NULL)
        gsl_rng_free(poisson->rng);
    free(poisson->outside_until_s);
    free(poisson);
}
