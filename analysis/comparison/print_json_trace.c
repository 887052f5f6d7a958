#include "analysis/comparison/print_json_evidence.h"

#include <math.h>

json_t *json_of_awareness(const struct awareness_figures *a)
{
    if (a->unknown != NULL)
        return json_of_unknown(a->unknown);
    json_t *object = json_object();
    json_set(object, "limit", json_of_number(a->limit));
    json_set(object, "uncertainty_s", json_of_number(a->uncertainty_s));
    json_set(object, "reaction_s", json_of_number(a->reaction_s));
    json_set(object, "watched_s", json_of_number(a->sum.watched_s));
    json_set(object, "beyond_s", json_of_number(a->sum.beyond_s));
    json_set(object, "intervals", json_of_count(a->sum.intervals));
    json_set(object, "none", json_of_count(a->sum.none));
    json_set(object, "some", json_of_count(a->sum.some));
    json_set(object, "all", json_of_count(a->sum.all));
    json_set(object, "not_judged", json_of_count(a->sum.not_judged));
    json_set(object, "none_share", json_of_figure(&a->none));
    json_set(object, "some_share", json_of_figure(&a->some));
    json_set(object, "all_share", json_of_figure(&a->all));
    json_set(object, "first_badge_mean_s", json_of_figure(&a->first_badge_mean_s));
    json_set(object, "first_badge_median_s", json_of_figure(&a->first_badge_median_s));
    json_set(object, "first_badge_longest_s", json_of_number(a->sum.first_badge_longest_s));
    json_set(object, "badges", json_of_count(a->sum.badges));
    json_set(object, "badges_unmatched", json_of_count(a->sum.badges_unmatched));
    json_set(object, "unmatched_share", json_of_figure(&a->unmatched));
    json_set(object, "cut_short", json_of_count(a->sum.cut_short));
    json_set(object, "badges_early", json_of_count(a->sum.badges_early));
    return object;
}

static json_t *wait_of(const struct wait_figures *w)
{
    json_t *object = json_object();
    json_set(object, "writes", json_of_count(w->writes));
    json_set(object, "mean_s", json_of_figure(&w->mean_s));
    json_set(object, "median_s", json_of_figure(&w->median_s));
    json_set(object, "longest_s", json_of_number(w->longest_s));
    json_set(object, "cap_per_s", json_of_figure(&w->cap_per_s));
    json_set(object, "asked_per_s", json_of_figure(&w->asked_per_s));
    json_set(object, "delay_episodes", json_of_count(w->delay_episodes));
    return object;
}

json_t *json_of_enforcement(const struct enforcement_figures *e)
{
    if (e->unknown != NULL)
        return json_of_unknown(e->unknown);
    json_t *object = json_object();
    json_set(object, "watched_s", json_of_number(e->sum.watched_s));
    json_set(object, "writes", json_of_count(e->sum.writes));
    json_set(object, "forgotten", json_of_count(e->sum.forgotten));
    json_set(object, "open", json_of_count(e->sum.open));
    json_set(object, "state_episodes", json_of_count(e->sum.state_episodes));
    json_set(object, "delay_episodes", json_of_count(e->sum.delay_episodes));
    json_set(object, "all", wait_of(&e->all));
    json_set(object, "majority", wait_of(&e->majority));
    return object;
}

static json_t *backlog_of(const struct backlog_figures *b)
{
    if (b->unknown != NULL)
        return json_of_unknown(b->unknown);
    json_t *object = json_object();
    json_set(object, "limit", json_of_number(b->limit));
    json_set(object, "mean", json_of_figure(&b->mean));
    json_set(object, "share_above_limit", json_of_figure(&b->share_above_limit));
    json_set(object, "rises_per_node_s", json_of_figure(&b->rises_per_node_s));
    json_set(object, "stale_writes", json_of_figure(&b->stale_writes));
    json_set(object, "visible_median_s", json_of_figure(&b->visible_median_s));
    json_set(object, "visible_p99_s", json_of_figure(&b->visible_p99_s));
    json_set(object, "late_somewhere", json_of_figure(&b->late_somewhere));
    json_set(object, "forgotten", json_of_count(b->forgotten));
    return object;
}

json_t *json_of_trace(const struct trace_figures *t, uint64_t dropped)
{
    if (t->unknown != NULL)
        return json_of_unknown(t->unknown);
    json_t *object = json_object();
    json_set(object, "runs", json_of_count(t->runs));
    json_set(object, "systems", json_of_count(t->systems));
    json_set(object, "events", json_of_count(t->events));
    json_set(object, "dropped", json_of_count(dropped));
    json_set(object, "out_of_order", json_of_count(t->out_of_order));
    json_set(object, "covered_s", json_of_figure(&t->covered_s));
    json_set(object, "awareness", json_of_awareness(&t->awareness));
    json_set(object, "enforcement", json_of_enforcement(&t->enforcement));
    json_set(object, "backlog", backlog_of(&t->backlog));
    return object;
}
