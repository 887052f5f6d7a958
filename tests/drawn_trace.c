#include "drawn_trace.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

void merged_add(struct merged_list *list, struct merged_event event)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        list->items = realloc(list->items, list->capacity * sizeof *list->items);
        if (list->items == NULL)
            abort();
    }
    list->items[list->count++] = event;
}

void merged_free(struct merged_list *list)
{
    free(list->items);
    *list = (struct merged_list){NULL, 0, 0};
}

static bool comes_after(const struct merged_event *a, const struct merged_event *b)
{
    if (a->time_s > b->time_s || a->time_s < b->time_s)
        return a->time_s > b->time_s;
    return a->kind == MERGED_BADGE && b->kind != MERGED_BADGE;
}

void merged_sort(struct merged_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        struct merged_event event = list->items[i];
        size_t place = i;
        for (; place > 0 && comes_after(&list->items[place - 1], &event); place--)
            list->items[place] = list->items[place - 1];
        list->items[place] = event;
    }
}

struct merged_event wrote(double at_s, uint32_t node, int32_t key, uint64_t version)
{
    return (struct merged_event){.kind = MERGED_WRITE,
                                 .time_s = at_s,
                                 .node = node,
                                 .key = key,
                                 .version = version,
                                 .origin = node};
}

struct merged_event took(double at_s, uint32_t node, uint32_t from, int32_t key, uint64_t version,
                         double sent_s)
{
    return (struct merged_event){.kind = MERGED_DELIVERY,
                                 .time_s = at_s,
                                 .node = node,
                                 .peer = from,
                                 .key = key,
                                 .version = version,
                                 .origin = from,
                                 .sent_s = sent_s};
}

struct merged_event opened(double at_s, uint32_t node, uint32_t peer, enum context context)
{
    return (struct merged_event){.kind = MERGED_BADGE,
                                 .time_s = at_s,
                                 .node = node,
                                 .peer = peer,
                                 .key = -1,
                                 .context = context};
}

/* ---- from a seed ---- */

/* The version that a node holds of a key, from what is in the list so far. */
static uint64_t version_at(const struct merged_list *list, uint32_t node, int32_t key, double at_s)
{
    uint64_t version = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct merged_event *event = &list->items[i];
        if (event->node == node && event->key == key && event->time_s <= at_s &&
            event->version > version)
            version = event->version;
    }
    return version;
}

static void draw_write(const struct drawn_system *system, gsl_rng *rng, double at_s,
                       double *link_free_s, struct merged_list *list)
{
    uint32_t from = (uint32_t)gsl_rng_uniform_int(rng, system->nodes);
    int32_t key = (int32_t)gsl_rng_uniform_int(rng, system->keys);
    uint64_t version = version_at(list, from, key, at_s) + 1;
    merged_add(list, wrote(at_s, from, key, version));
    for (uint32_t to = 0; to < system->nodes; to++) {
        double *free_s = &link_free_s[from * system->nodes + to];
        bool lost = gsl_rng_uniform(rng) < system->lost_share;
        if (to == from || lost)
            continue;
        *free_s = fmax(*free_s, at_s + system->delay_s(rng, from, to));
        merged_add(list, took(*free_s, to, from, key, version, at_s));
    }
}

void drawn_trace(const struct drawn_system *system, gsl_rng *rng, struct merged_list *list)
{
    double *link_free_s = calloc((size_t)system->nodes * system->nodes, sizeof *link_free_s);
    double apart_s = 1 / (system->writes_per_s * system->nodes);
    double at_s = gsl_ran_exponential(rng, apart_s);
    if (link_free_s == NULL)
        abort();
    while (at_s < system->until_s) {
        draw_write(system, rng, at_s, link_free_s, list);
        at_s += gsl_ran_exponential(rng, apart_s);
    }
    merged_sort(list);
    free(link_free_s);
}
