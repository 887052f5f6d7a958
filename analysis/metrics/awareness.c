#include "analysis/metrics/awareness.h"

#include "analysis/metrics/replicas.h"

#include <assert.h>
#include <gsl/gsl_rstat.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ends are as seen, not widened. */
struct interval {
    double begin_s;
    double end_s;         /* INFINITY: some replica is still beyond */
    double first_badge_s; /* NaN: none */
    uint32_t knowing;     /* nodes marked in its row of `knows` */
};

struct waiting_badge {
    double time_s;
    uint32_t node;
};

/* Both queues are rings: entry i is items[(first + i) % MAX]. */
struct awareness_pass {
    struct awareness_setup setup;
    struct replicas *replicas;
    double first_event_s;                               /* the horizon, until there is one */
    struct interval intervals[AWARENESS_INTERVALS_MAX]; /* that a badge may still match, by time */
    size_t interval_first;
    size_t interval_count;
    bool *knows;                                       /* [AWARENESS_INTERVALS_MAX][nodes] */
    struct waiting_badge badges[AWARENESS_BADGES_MAX]; /* until all that began by then is known */
    size_t badge_first;
    size_t badge_count;
    gsl_rstat_workspace *first_badges;
    struct awareness found;
};

struct awareness_pass *awareness_begin(const struct awareness_setup *setup)
{
    struct awareness_pass *pass = calloc(1, sizeof *pass);
    if (pass == NULL)
        return NULL;
    assert(setup->uncertainty_s >= 0 && setup->reaction_s >= 0);
    pass->setup = *setup;
    pass->first_event_s = setup->horizon_s;
    pass->replicas = replicas_new(setup->nodes, setup->keys, setup->lag_max);
    pass->knows = calloc((size_t)AWARENESS_INTERVALS_MAX * setup->nodes, sizeof *pass->knows);
    pass->first_badges = gsl_rstat_alloc();
    if (pass->replicas != NULL && pass->knows != NULL && pass->first_badges != NULL)
        return pass;
    awareness_free(pass);
    return NULL;
}

void awareness_free(struct awareness_pass *pass)
{
    if (pass == NULL)
        return;
    replicas_free(pass->replicas);
    free(pass->knows);
    if (pass->first_badges != NULL)
        gsl_rstat_free(pass->first_badges);
    free(pass);
}

/* ---- intervals ---- */

static size_t place_of(const struct awareness_pass *pass, size_t i)
{
    return (pass->interval_first + i) % AWARENESS_INTERVALS_MAX;
}

/* Until then a badge matches the interval. */
static double matches_until_s(const struct awareness_pass *pass, const struct interval *interval)
{
    return interval->end_s + pass->setup.uncertainty_s + pass->setup.reaction_s;
}

static void judge_oldest(struct awareness_pass *pass)
{
    const struct interval *oldest = &pass->intervals[pass->interval_first];
    bool *knows = pass->knows + pass->interval_first * pass->setup.nodes;
    pass->found.intervals++;
    pass->found.none += oldest->knowing == 0;
    pass->found.some += oldest->knowing > 0 && oldest->knowing < pass->setup.nodes;
    pass->found.all += oldest->knowing == pass->setup.nodes;
    if (oldest->knowing > 0)
        (void)gsl_rstat_add(fmax(0, oldest->first_badge_s - oldest->begin_s), pass->first_badges);
    memset(knows, 0, pass->setup.nodes * sizeof *knows);
    pass->interval_first = place_of(pass, 1);
    pass->interval_count--;
}

static void begin_interval(struct awareness_pass *pass, double at_s)
{
    struct interval *last = &pass->intervals[place_of(pass, pass->interval_count - 1)];
    if (pass->interval_count > 0 && at_s - last->end_s <= 2 * pass->setup.uncertainty_s) {
        last->end_s = HUGE_VAL;
        return;
    }
    if (pass->interval_count == AWARENESS_INTERVALS_MAX) {
        pass->found.cut_short++;
        judge_oldest(pass);
    }
    pass->intervals[place_of(pass, pass->interval_count++)] =
        (struct interval){at_s, HUGE_VAL, (double)NAN, 0};
}

static void end_interval(struct awareness_pass *pass, double at_s)
{
    pass->intervals[place_of(pass, pass->interval_count - 1)].end_s = at_s;
}

/* ---- badges ---- */

static void mark(struct awareness_pass *pass, size_t place, const struct waiting_badge *badge)
{
    struct interval *interval = &pass->intervals[place];
    bool *knows = pass->knows + place * pass->setup.nodes + badge->node;
    interval->knowing += !*knows;
    *knows = true;
    interval->first_badge_s = fmin(interval->first_badge_s, badge->time_s);
}

static void match_oldest_badge(struct awareness_pass *pass)
{
    const struct waiting_badge *badge = &pass->badges[pass->badge_first];
    bool matched = false;
    for (size_t i = 0; i < pass->interval_count; i++) {
        const struct interval *interval = &pass->intervals[place_of(pass, i)];
        if (interval->begin_s - pass->setup.uncertainty_s <= badge->time_s &&
            badge->time_s <= matches_until_s(pass, interval)) {
            mark(pass, place_of(pass, i), badge);
            matched = true;
        }
    }
    pass->found.badges++;
    pass->found.badges_unmatched += !matched;
    pass->badge_first = (pass->badge_first + 1) % AWARENESS_BADGES_MAX;
    pass->badge_count--;
}

static void add_badge(struct awareness_pass *pass, const struct merged_event *event)
{
    if (pass->badge_count == AWARENESS_BADGES_MAX) {
        pass->found.badges_early++;
        match_oldest_badge(pass);
    }
    size_t place = (pass->badge_first + pass->badge_count++) % AWARENESS_BADGES_MAX;
    pass->badges[place] = (struct waiting_badge){event->time_s, event->node};
}

/* ---- the pass ---- */

/* Judge what nothing at or after `now_s` can change. An interval that begins by then, widened, may
 * reach back to badges up to the uncertainty before; those wait, and with them the intervals that
 * they may match. */
static void settle(struct awareness_pass *pass, double now_s)
{
    double known_s = now_s - pass->setup.uncertainty_s;
    while (pass->badge_count > 0 && pass->badges[pass->badge_first].time_s < known_s)
        match_oldest_badge(pass);
    while (pass->interval_count > 0 &&
           matches_until_s(pass, &pass->intervals[pass->interval_first]) < known_s)
        judge_oldest(pass);
}

void awareness_take(struct awareness_pass *pass, const struct merged_event *event)
{
    bool was_beyond = replicas_beyond(pass->replicas);
    if (event->time_s > pass->setup.horizon_s)
        return;
    pass->first_event_s = fmin(pass->first_event_s, event->time_s);
    settle(pass, event->time_s);
    if (event->kind == MERGED_BADGE) {
        add_badge(pass, event);
        return;
    }
    replicas_take(pass->replicas, event);
    bool is_beyond = replicas_beyond(pass->replicas);
    if (is_beyond && !was_beyond)
        begin_interval(pass, event->time_s);
    if (!is_beyond && was_beyond)
        end_interval(pass, event->time_s);
}

struct awareness awareness_end(struct awareness_pass *pass)
{
    settle(pass, pass->setup.horizon_s);
    struct awareness found = pass->found;
    found.not_judged = pass->interval_count;
    found.watched_s = pass->setup.horizon_s - pass->first_event_s;
    found.beyond_s = replicas_beyond_s(pass->replicas, pass->setup.horizon_s);
    bool known = gsl_rstat_n(pass->first_badges) > 0;
    found.first_badge_mean_s = known ? gsl_rstat_mean(pass->first_badges) : (double)NAN;
    found.first_badge_median_s = known ? gsl_rstat_median(pass->first_badges) : (double)NAN;
    found.first_badge_longest_s = known ? gsl_rstat_max(pass->first_badges) : (double)NAN;
    return found;
}
