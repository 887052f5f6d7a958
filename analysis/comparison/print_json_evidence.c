#include "analysis/comparison/print_json_evidence.h"

#include <math.h>

/* Nothing was tested: all null. */
static void set_test(json_t *object, const struct null_test *test, bool is_tested)
{
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"forward", test->forward},
                   {"backward", test->backward},
                   {"expected", test->expected},
                   {"effect", test->effect},
                   {"p", test->p},
                   {"p_shift", test->p_shift},
                   {"p_jitter", test->p_jitter},
                   {"p_direction", test->p_direction}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        json_set(object, numbers[i].key,
                 json_of_number(is_tested ? numbers[i].value : (double)NAN));
}

static json_t *coupling_of_row(const struct stability_figures *s)
{
    const struct coupling *c = &s->coupling;
    if (s->no_coupling != NULL)
        return json_of_unknown(s->no_coupling);
    json_t *object = json_object();
    json_set(object, "verdict", json_of_text(coupling_words[c->verdict]));
    json_set(object, "tau_s", json_of_number(s->times.reach_s));
    json_set(object, "tau_min_s", json_of_number(s->times.minimum_s));
    json_set(object, "episodes", json_of_count(c->episodes));
    json_set(object, "self_stalled_left_out", json_of_count(s->left_out));
    json_set(object, "events", json_of_count(c->events));
    json_set(object, "observers_per_event", json_of_number(c->observers));
    json_set(object, "left_out_share", json_of_number(c->left_out_share));
    set_test(object, &c->test,
             c->verdict == COUPLING_COUPLED || c->verdict == COUPLING_CLUSTERED ||
                 c->verdict == COUPLING_NONE_FOUND);
    return object;
}

static json_t *trend_of_row(const struct stability_figures *s)
{
    json_t *object = json_object();
    json_set(object, "rising", json_boolean(s->trend.rising));
    json_set(object, "p", json_of_number(s->trend.p));
    json_set(object, "s", json_of_number(s->trend.s));
    json_set(object, "rho", json_of_number(s->trend.rho));
    json_set(object, "factor", json_of_number(s->trend.factor));
    json_set(object, "runs_up", json_of_count(s->trend.up));
    json_set(object, "runs", json_of_count(s->trend.runs));
    json_set(object, "windows", json_of_count(TREND_WINDOWS));
    json_set(object, "slope_per_window", json_of_figure(&s->slope));
    return object;
}

json_t *json_of_stability(const struct stability_figures *s)
{
    if (s->unknown != NULL)
        return json_of_unknown(s->unknown);
    json_t *object = json_object();
    json_set(object, "text", json_of_text(s->text));
    json_set(object, "verdict", json_of_text(stability_words[s->stability.verdict]));
    json_set(object, "runs_agreeing", json_of_count(s->stability.agree));
    json_set(object, "runs", json_of_count(s->stability.runs));
    json_set(object, "runs_silent", json_of_count(s->stability.silent));
    json_set(object, "runs_saturated", json_of_count(s->stability.saturated));
    json_set(object, "coupling", coupling_of_row(s));
    json_set(object, "trend", trend_of_row(s));
    return object;
}

json_t *json_of_precedence(const struct precedence_figures *p)
{
    const struct precedence *found = &p->found;
    if (p->unknown != NULL)
        return json_of_unknown(p->unknown);
    json_t *object = json_object();
    json_set(object, "verdict", json_of_text(precedence_words[found->verdict]));
    json_set(object, "reach_s", json_of_number(p->reach_s));
    json_set(object, "time_episodes", json_of_count(found->time_episodes));
    json_set(object, "state_episodes", json_of_count(found->state_episodes));
    json_set(object, "share", json_of_number(found->share));
    json_set(object, "simultaneous_share", json_of_number(found->simultaneous));
    json_set(object, "state_events", json_of_count(found->state_events));
    set_test(object, &found->test,
             found->verdict == PRECEDENCE_TIME_FIRST || found->verdict == PRECEDENCE_TOGETHER ||
                 found->verdict == PRECEDENCE_NONE_FOUND);
    return object;
}

json_t *json_of_curve(const struct curve_figures *curve)
{
    if (curve->unknown != NULL)
        return json_of_unknown(curve->unknown);
    json_t *object = json_object(), *limits = json_array(), *shares = json_array();
    for (size_t i = 0; i < curve->count; i++) {
        json_push(limits, json_of_number(curve->limits[i]));
        json_push(shares, json_of_number(curve->shares[i]));
    }
    json_set(object, "unit", json_of_text(curve->unit));
    json_set(object, "limit_key", json_of_text(curve->limit_key));
    json_set(object, "per_key_unit", json_of_number(curve->per_key_unit));
    json_set(object, "declared",
             curve->declared > 0 ? json_of_number(curve->declared) : json_null());
    json_set(object, "limits", limits);
    json_set(object, "beyond_share", shares);
    return object;
}

json_t *json_of_what_if(const struct what_if_figures *w)
{
    if (!w->is_asked)
        return json_null();
    if (w->unknown != NULL)
        return json_of_unknown(w->unknown);
    json_t *object = json_object();
    json_set(object, "limit", json_of_number(w->limit));
    json_set(object, "share", json_of_figure(&w->share));
    json_set(object, "share_declared", json_of_figure(&w->share_declared));
    json_set(object, "ratio", json_of_figure(&w->ratio));
    return object;
}
