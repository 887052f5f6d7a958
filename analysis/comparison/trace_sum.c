#include "analysis/comparison/trace_sum.h"

#include <math.h>

/* A double in each of several systems, at that place of struct system_found. */
static double number_at(const struct system_found *system, size_t offset)
{
    return *(const double *)(const void *)((const char *)system + offset);
}

/* Over the systems that have one; NaN: none has. */
static double mean_at(const struct system_found *systems, size_t count, size_t offset)
{
    double sum = 0, known = 0;
    for (size_t i = 0; i < count; i++) {
        double number = number_at(&systems[i], offset);
        sum += isnan(number) ? 0 : number;
        known += isnan(number) ? 0 : 1;
    }
    return known > 0 ? sum / known : (double)NAN;
}

static double longest_at(const struct system_found *systems, size_t count, size_t offset)
{
    double longest = (double)NAN;
    for (size_t i = 0; i < count; i++)
        longest = fmax(longest, number_at(&systems[i], offset)); /* ignores NaN */
    return longest;
}

#define AT(member) offsetof(struct system_found, member)

void awareness_add(struct awareness *sum, const struct awareness *one)
{
    sum->intervals += one->intervals;
    sum->none += one->none;
    sum->some += one->some;
    sum->all += one->all;
    sum->not_judged += one->not_judged;
    sum->watched_s += one->watched_s;
    sum->beyond_s += one->beyond_s;
    sum->badges += one->badges;
    sum->badges_unmatched += one->badges_unmatched;
    sum->cut_short += one->cut_short;
    sum->badges_early += one->badges_early;
}

void enforcement_add(struct enforcement *sum, const struct enforcement *one)
{
    sum->watched_s += one->watched_s;
    sum->writes += one->writes;
    sum->forgotten += one->forgotten;
    sum->open += one->open;
    sum->state_episodes += one->state_episodes;
    sum->delay_episodes += one->delay_episodes;
}

static void sum_awareness(const struct system_found *systems, size_t count, struct awareness *sum)
{
    for (size_t i = 0; i < count; i++)
        awareness_add(sum, &systems[i].awareness);
    sum->first_badge_mean_s = mean_at(systems, count, AT(awareness.first_badge_mean_s));
    sum->first_badge_median_s = mean_at(systems, count, AT(awareness.first_badge_median_s));
    sum->first_badge_longest_s = longest_at(systems, count, AT(awareness.first_badge_longest_s));
}

/* What one rule cost; `waits` is where it stands in struct system_found. */
static void sum_waits(const struct system_found *systems, size_t count, size_t waits,
                      struct enforced_wait *sum)
{
    double cap = (double)NAN;
    for (size_t i = 0; i < count; i++) {
        const struct enforced_wait *one =
            (const struct enforced_wait *)(const void *)((const char *)&systems[i] + waits);
        sum->writes += one->writes;
        sum->delay_episodes += one->delay_episodes;
        if (isnan(cap) || one->cap_per_s < cap) {
            cap = one->cap_per_s;
            sum->cap_per_s = one->cap_per_s; /* the key that could take the least */
            sum->asked_per_s = one->asked_per_s;
            sum->slowest_key = one->slowest_key;
        }
    }
    sum->mean_s = mean_at(systems, count, waits + offsetof(struct enforced_wait, mean_s));
    sum->median_s = mean_at(systems, count, waits + offsetof(struct enforced_wait, median_s));
    sum->longest_s = longest_at(systems, count, waits + offsetof(struct enforced_wait, longest_s));
}

static void sum_enforcement(const struct system_found *systems, size_t count,
                            struct enforcement *sum)
{
    for (size_t i = 0; i < count; i++)
        enforcement_add(sum, &systems[i].enforcement);
    sum_waits(systems, count, AT(enforcement.all), &sum->all);
    sum_waits(systems, count, AT(enforcement.majority), &sum->majority);
}

static void sum_backlog(const struct system_found *systems, size_t count, struct backlog_found *sum)
{
    for (size_t i = 0; i < count; i++) {
        const struct backlog_found *one = &systems[i].backlog;
        sum->watched_s += one->watched_s;
        sum->unseen_s += one->unseen_s;
        sum->beyond_s += one->beyond_s;
        sum->rises += one->rises;
        sum->writes += one->writes;
        sum->writes_on_stale += one->writes_on_stale;
        sum->everywhere += one->everywhere;
        sum->late_somewhere += one->late_somewhere;
        sum->forgotten += one->forgotten;
    }
    sum->visible_median_s = mean_at(systems, count, AT(backlog.visible_median_s));
    sum->visible_p99_s = mean_at(systems, count, AT(backlog.visible_p99_s));
}

void trace_sum(const struct system_found *systems, struct trace_found *found)
{
    found->awareness = (struct awareness){.intervals = 0};
    found->enforcement = (struct enforcement){.writes = 0};
    found->backlog = (struct backlog_found){.writes = 0};
    sum_awareness(systems, found->systems, &found->awareness);
    sum_enforcement(systems, found->systems, &found->enforcement);
    sum_backlog(systems, found->systems, &found->backlog);
}
