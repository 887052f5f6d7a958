#include "analysis/metrics/coupling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const coupling_words[COUPLING_VERDICTS] = {
    [COUPLING_NOT_APPLICABLE] = "not applicable (two nodes)",
    [COUPLING_TOO_MANY] = "unknown (too many)",
    [COUPLING_TOO_FEW] = "too few",
    [COUPLING_COUPLED] = "coupled",
    [COUPLING_CLUSTERED] = "clustered without direction",
    [COUPLING_NONE_FOUND] = "no coupling found",
};

/* The events of each run, and one arrangement of them that is drawn anew again and again. */
struct repetitions {
    size_t count;
    struct event_list *lists;     /* [count] */
    struct arrangement *arranged; /* [count] */
    size_t kept;                  /* episodes that are no own stalls */
    size_t events;
    size_t sightings;
    uint32_t sources; /* of all runs together */
    double window_s;
    struct step_times times;
};

static void repetitions_free(struct repetitions *all)
{
    for (size_t r = 0; r < all->count; r++) {
        if (all->lists != NULL)
            events_free(&all->lists[r]);
        if (all->arranged != NULL)
            arrangement_free(&all->arranged[r]);
    }
    free(all->lists);
    free(all->arranged);
}

/* ---- events ---- */

static bool add_run(struct repetitions *all, size_t r, const struct episode_run *run,
                    uint32_t nodes, double tau_s)
{
    struct episode_start *episodes = malloc((run->count + 1) * sizeof *episodes);
    size_t kept = 0;
    bool done = episodes != NULL;
    if (done && run->count > 0) {
        memcpy(episodes, run->episodes, run->count * sizeof *episodes);
        episodes_sort(episodes, run->count);
        done = drop_own_stalls(episodes, run->count, nodes, tau_s, &kept);
    }
    done = done && events_collapse(&all->lists[r], episodes, kept, nodes, tau_s) &&
           arrangement_init(&all->arranged[r], &all->lists[r]);
    all->kept += kept;
    all->events += all->lists[r].count;
    all->sightings += all->lists[r].sighting_count;
    free(episodes);
    return done;
}

static uint32_t count_sources(const struct repetitions *all, uint32_t nodes)
{
    uint32_t sources = 0;
    for (uint32_t k = 0; k < nodes; k++) {
        bool seen = false;
        for (size_t r = 0; r < all->count; r++)
            seen |= all->lists[r].of_source[k + 1] > all->lists[r].of_source[k];
        sources += seen;
    }
    return sources;
}

static bool find_events(struct repetitions *all, const struct episode_run *runs, uint32_t nodes)
{
    all->lists = calloc(all->count + 1, sizeof *all->lists);
    all->arranged = calloc(all->count + 1, sizeof *all->arranged);
    bool done = all->lists != NULL && all->arranged != NULL;
    for (size_t r = 0; done && r < all->count; r++)
        done = add_run(all, r, &runs[r], nodes, all->times.reach_s);
    all->sources = done ? count_sources(all, nodes) : 0;
    return done;
}

/* ---- steps, as seen and by chance ---- */

/* Of one sighting, in the block of time in which it was made. */
static struct block_count count_sighting(const struct repetitions *all, size_t run,
                                         const struct drift_event *event,
                                         const struct sighting *seen)
{
    const struct arrangement *arranged = &all->arranged[run];
    double seen_s = event->begin_s + seen->delay_s;
    size_t forward =
        steps_of(arranged, seen->observer, event->source, seen_s, all->times, STEP_FORWARD);
    size_t backward =
        steps_of(arranged, seen->observer, event->source, seen_s, all->times, STEP_BACKWARD);
    return (struct block_count){run, floor(seen_s / step_block_s(all->times)), (double)forward,
                                (double)backward};
}

static void observe(void *self, struct block_count *blocks)
{
    struct repetitions *all = self;
    size_t filled = 0;
    for (size_t r = 0; r < all->count; r++) {
        const struct event_list *list = &all->lists[r];
        arrange_observed(&all->arranged[r]);
        for (size_t e = 0; e < list->count; e++)
            for (size_t s = 0; s < list->events[e].sightings; s++)
                blocks[filled++] = count_sighting(all, r, &list->events[e],
                                                  &list->sightings[list->events[e].first + s]);
    }
}

static double count_shifted(void *self, gsl_rng *rng)
{
    struct repetitions *all = self;
    double steps = 0;
    for (size_t r = 0; r < all->count; r++) {
        arrange_shifted(&all->arranged[r], all->window_s, rng);
        steps += (double)steps_count(&all->arranged[r], all->times);
    }
    return steps;
}

static double count_jittered(void *self, gsl_rng *rng)
{
    struct repetitions *all = self;
    double steps = 0;
    for (size_t r = 0; r < all->count; r++) {
        arrange_jittered(&all->arranged[r], step_block_s(all->times), rng);
        steps += (double)steps_count(&all->arranged[r], all->times);
    }
    return steps;
}

static bool judge(struct repetitions *all, unsigned seed, struct coupling *found)
{
    static const enum coupling_verdict verdicts[] = {[NULL_NOT_REJECTED] = COUPLING_NONE_FOUND,
                                                     [NULL_CLUSTERED] = COUPLING_CLUSTERED,
                                                     [NULL_DIRECTED] = COUPLING_COUPLED};
    struct null_subject subject = {all->sightings, observe, count_shifted, count_jittered, all};
    if (!null_test_run(&subject, all->events, seed, &found->test))
        return false;
    found->verdict = verdicts[found->test.outcome];
    return true;
}

bool coupling_of(const struct episode_run *runs, size_t count, uint32_t nodes, double window_s,
                 struct step_times times, unsigned seed, struct coupling *found)
{
    struct repetitions all = {.count = count, .window_s = window_s, .times = times};
    bool few_nodes = nodes < COUPLING_NODES_LEAST;
    *found = (struct coupling){.verdict = few_nodes ? COUPLING_NOT_APPLICABLE : COUPLING_TOO_MANY,
                               .observers = (double)NAN,
                               .left_out_share = (double)NAN};
    for (size_t r = 0; r < count; r++)
        found->episodes += runs[r].count;
    if (found->episodes > COUPLING_EPISODES_MAX)
        return true;
    bool done = find_events(&all, runs, nodes);
    if (done) {
        found->events = all.events;
        if (all.events > 0)
            found->observers = (double)all.sightings / (double)all.events;
        if (found->episodes > 0)
            found->left_out_share = 1 - (double)all.kept / (double)found->episodes;
        bool few = all.events < COUPLING_EVENTS_LEAST || all.sources < 2;
        if (!few_nodes && few)
            found->verdict = COUPLING_TOO_FEW;
        else if (!few_nodes)
            done = judge(&all, seed, found);
    }
    repetitions_free(&all);
    return done;
}
