#include "analysis/comparison/answers.h"
#include "analysis/comparison/curve.h"
#include "analysis/comparison/figures.h"
#include "analysis/metrics/disagreement.h"
#include "analysis/metrics/theory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Theory beside measurement: the metrics page, section 4. */

struct desk {
    struct scene_answers *answers;
    const struct column *two;
    const struct column *column;
    double delay_s;      /* mean of all messages in this column; NaN: unknown */
    double writes_per_s; /* of each node */
    uint32_t nodes;      /* that see each other */
    double limit;        /* version lag; NaN: off */
};

static const char no_delay[] = "no message delay";
static const char by_delay[] = "with the mean delay as measured at this node count";

static struct figure known(double value, const char *why)
{
    if (!isfinite(value))
        return figure_unknown(why);
    return figure_interval(value, (double)NAN, (double)NAN);
}

static void put(struct desk *desk, struct theory_row row)
{
    row.column = desk->column;
    row.ratio = (double)NAN;
    if (row.predicted.unknown == NULL && row.measured.unknown == NULL && row.predicted.value > 0)
        row.ratio = row.measured.value / row.predicted.value;
    desk->answers->theory[desk->answers->theory_count++] = row;
}

/* ---- delays ---- */

/* NaN: none, or beyond what the histogram holds. Bins are 3 % wide. */
static double mean_of(const struct binned_values *values)
{
    double sum = (double)values->underflow * values->edges[0] / 2,
           count = (double)values->underflow;
    for (size_t i = 0; i < values->bins; i++) {
        sum += (double)values->counts[i] * (values->edges[i] + values->edges[i + 1]) / 2;
        count += (double)values->counts[i];
    }
    return values->overflow == 0 && count > 0 ? sum / count : (double)NAN;
}

/* Time beyond a limit as a share of all time between heartbeats. */
static double silent_share(const struct binned_values *gaps, double limit_s)
{
    double beyond = 0, all = (double)gaps->underflow * gaps->edges[0] / 2;
    for (size_t i = 0; i < gaps->bins; i++) {
        double gap_s = (gaps->edges[i] + gaps->edges[i + 1]) / 2;
        beyond += (double)gaps->counts[i] * fmax(0, gap_s - limit_s);
        all += (double)gaps->counts[i] * gap_s;
    }
    return gaps->overflow == 0 && all > 0 ? beyond / all : (double)NAN;
}

/* ---- replication ---- */

static struct figure from_trace(const struct desk *desk, const struct figure *figure)
{
    return desk->column->trace.unknown != NULL ? figure_unknown(desk->column->trace.unknown)
                                               : *figure;
}

static void put_backlog(struct desk *desk)
{
    const struct backlog_figures *b = &desk->column->trace.backlog;
    double d = desk->delay_s, writes = desk->writes_per_s;
    bool has_limit = !isnan(desk->limit);
    uint32_t limit = has_limit ? (uint32_t)fmin(desk->limit, 1e9) : 0;
    put(desk,
        (struct theory_row){.key = "backlog_mean",
                            .quantity = "backlog of a node, mean",
                            .unit = "writes",
                            .predicted = known(backlog_mean(desk->nodes, writes, d), no_delay),
                            .measured = from_trace(desk, &b->mean),
                            .note = by_delay});
    put(desk,
        (struct theory_row){.key = "write_on_stale",
                            .quantity = "writes made on a stale replica",
                            .unit = "share",
                            .predicted = known(write_on_stale(desk->nodes, writes, d), no_delay),
                            .measured = from_trace(desk, &b->stale_writes),
                            .note = by_delay});
    if (!has_limit)
        return;
    put(desk, (struct theory_row){
                  .key = "backlog_outside",
                  .quantity = "time with a backlog above the limit",
                  .unit = "share",
                  .predicted = known(backlog_outside(desk->nodes, writes, d, limit), no_delay),
                  .measured = from_trace(desk, &b->share_above_limit),
                  .note = "the limit is version_lag_max; a lag that shows is smaller "
                          "than the backlog, as concurrent writes take the same version"});
    put(desk, (struct theory_row){
                  .key = "backlog_rises",
                  .quantity = "rises above it, per node",
                  .unit = "1/s",
                  .predicted = known(backlog_rises_per_s(desk->nodes, writes, d, limit), no_delay),
                  .measured = from_trace(desk, &b->rises_per_node_s),
                  .note = by_delay});
}

/* F⁻¹(q^(1/(N-1))) of the delays as measured. */
static struct figure visible_at(const struct binned_values *delays, uint32_t nodes, double q)
{
    if (delays->counts == NULL)
        return figure_unknown("the runs have other limits");
    struct quantile_bounds bounds = binned_quantile(delays, pow(q, 1.0 / (nodes - 1)));
    return known((bounds.low + bounds.high) / 2, no_delay);
}

static void put_visible(struct desk *desk, const struct binned_values *delays)
{
    static const char note[] = "from the delays of all messages as measured at this node count";
    const struct backlog_figures *b = &desk->column->trace.backlog;
    put(desk, (struct theory_row){.key = "visible_median",
                                  .quantity = "visible at all peers, median",
                                  .unit = "s",
                                  .predicted = visible_at(delays, desk->nodes, 0.5),
                                  .measured = from_trace(desk, &b->visible_median_s),
                                  .note = note});
    put(desk, (struct theory_row){.key = "visible_p99",
                                  .quantity = "visible at all peers, p99",
                                  .unit = "s",
                                  .predicted = visible_at(delays, desk->nodes, 0.99),
                                  .measured = from_trace(desk, &b->visible_p99_s),
                                  .note = note});
}

/* p from two nodes. */
static void put_any_peer(struct desk *desk)
{
    const struct figure *p = &desk->two->rows[CONTEXT_MESSAGE_DELAY_EXCEEDED].outside_messages;
    struct figure predicted = desk->two->run_count == 0 ? figure_unknown("no run at two nodes")
                              : p->unknown != NULL
                                  ? *p
                                  : known(any_peer_beyond(desk->nodes, p->value), no_delay);
    put(desk, (struct theory_row){.key = "any_peer_late",
                                  .quantity = "writes late at one peer at least",
                                  .unit = "share",
                                  .predicted = predicted,
                                  .measured =
                                      from_trace(desk, &desk->column->trace.backlog.late_somewhere),
                                  .note = "from the share of late messages at two nodes"});
}

/* The node count at which half of the time is outside, of the scene; stands with the largest. */
static void put_critical(struct desk *desk)
{
    const struct pace_figures *pace = &desk->answers->pace;
    double nodes[64], shares[64];
    size_t count = 0;
    if (isnan(desk->limit) || desk->column != desk->answers->sides[SIDE_LARGEST])
        return;
    for (size_t i = 0; i < pace->count && count < 64; i++) {
        const struct trace_figures *trace = &pace->scales[i]->trace;
        if (trace->unknown != NULL || trace->backlog.share_above_limit.unknown != NULL)
            continue;
        nodes[count] = pace->scales[i]->nodes;
        shares[count++] = trace->backlog.share_above_limit.value;
    }
    struct crossing half = scale_crossing(nodes, shares, count, 0.5);
    struct figure measured = half.place == CROSSING_BETWEEN ? known(half.nodes, "")
                             : half.place == CROSSING_NOT_SEEN
                                 ? figure_unknown("not reached at the largest N")
                                 : figure_unknown("reached at the smallest N already");
    put(desk,
        (struct theory_row){.key = "critical_nodes",
                            .quantity = "N with half of the time above",
                            .unit = "nodes",
                            .predicted = known(critical_nodes(desk->writes_per_s, desk->delay_s,
                                                              (uint32_t)fmin(desk->limit, 1e9)),
                                               no_delay),
                            .measured = measured,
                            .note = by_delay});
}

static void put_triples(struct desk *desk)
{
    double n = desk->nodes;
    if (desk->column != desk->two && desk->column != desk->answers->sides[SIDE_LARGEST])
        return;
    put(desk, (struct theory_row){.key = "causal_triples",
                                  .quantity = "triples that can break causality",
                                  .unit = "",
                                  .predicted = known(n * (n - 1) * (n - 2), ""),
                                  .measured =
                                      figure_unknown("a number of ways; see causal_order_violated"),
                                  .note = "none at two nodes: causal order cannot break there"});
}

/* ---- all systems ---- */

static void put_first_drift(struct desk *desk)
{
    const struct first_drift_figures *first = &desk->column->rows[ALL_CONTEXTS].first[WITH_STALLED];
    struct figure measured = first->unknown != NULL ? figure_unknown(first->unknown)
                             : !first->reached ? figure_unknown("not reached in half of the runs")
                                               : known(first->median_s, "");
    struct figure predicted = first->exposure_s;
    if (desk->column == desk->two)
        return;
    if (predicted.unknown == NULL && isnan(predicted.value))
        predicted = figure_unknown("no drift at two nodes");
    put(desk, (struct theory_row){.key = "first_drift",
                                  .quantity = "first drift, by exposure alone",
                                  .unit = "s",
                                  .predicted = predicted,
                                  .measured = measured,
                                  .note = "as if each observation were as risky as at two nodes"});
}

/* ---- leader ---- */

static bool put_leader(struct desk *desk)
{
    static const char note[] = "from the share of time a peer is silent beyond leader_timeout_ms";
    uint64_t *counts;
    struct binned_values gaps;
    bool done = column_values_of(desk->column, HISTOGRAM_GAP, &gaps, &counts);
    double timeout_s =
        run_reader_number(desk->column->runs[0]->reader, "/config", "leader_timeout_ms") / 1e3;
    double suspected = done && gaps.counts != NULL ? silent_share(&gaps, timeout_s) : (double)NAN;
    const char *why = "no gap between heartbeats";
    put(desk,
        (struct theory_row){
            .key = "views_split",
            .quantity = "time with leader views split",
            .unit = "share",
            .predicted = known(
                isnan(suspected) ? suspected : split_views_share(desk->nodes, suspected), why),
            .measured = desk->column->rows[CONTEXT_LEADER_VIEW_SPLIT].outside_system[WITH_STALLED],
            .note = note});
    put(desk,
        (struct theory_row){
            .key = "two_leaders",
            .quantity = "time with two leaders",
            .unit = "share",
            .predicted = known(
                isnan(suspected) ? suspected : dual_leaders_share(desk->nodes, suspected), why),
            .measured =
                desk->column->rows[CONTEXT_DUAL_LEADER_OBSERVED].outside_system[WITH_STALLED],
            .note = note});
    free(counts);
    return done;
}

/* ---- consensus ---- */

static void put_consensus(struct desk *desk, const struct binned_values *delays)
{
    double deadline_s =
        run_reader_number(desk->column->runs[0]->reader, "/config", "deadline_us") / 1e6;
    double in_time = (double)NAN;
    if (delays->counts != NULL) {
        struct exceedance_bounds late = exceedance_at(delays, deadline_s);
        if (late.observations > 0)
            in_time = 1 - (double)(late.least + late.most) / 2 / (double)late.observations;
    }
    put(desk,
        (struct theory_row){
            .key = "majority_disagrees",
            .quantity = "rounds decided differently",
            .unit = "share",
            .predicted =
                known(isnan(in_time) ? in_time : majority_disagrees_share(desk->nodes, in_time),
                      no_delay),
            .measured = desk->column->rows[CONTEXT_DECISION_SPLIT].outside_system[WITH_STALLED],
            .note = "from the share of messages within deadline_us; measured as time, a "
                    "decision being known until the next"});
}

/* ---- one column ---- */

static bool put_column(struct desk *desk)
{
    const char *system = run_reader_text(desk->column->runs[0]->reader, "/config", "system");
    uint64_t *counts;
    struct binned_values delays;
    bool done = column_values_of(desk->column, HISTOGRAM_DELAY, &delays, &counts);
    if (!done)
        return false;
    desk->delay_s = delays.counts != NULL ? mean_of(&delays) : (double)NAN;
    if (strcmp(system, "replication") == 0) {
        put_backlog(desk);
        put_critical(desk);
        put_visible(desk, &delays);
        put_any_peer(desk);
        put_triples(desk);
    }
    if (strcmp(system, "leader") == 0)
        done = put_leader(desk);
    if (strcmp(system, "consensus") == 0)
        put_consensus(desk, &delays);
    put_first_drift(desk);
    free(counts);
    return done;
}

bool set_theory(const struct comparison *c, size_t scene, struct scene_answers *answers)
{
    const struct pace_figures *pace = &answers->pace;
    bool done = true;
    answers->theory = calloc(pace->count * THEORY_ROWS_PER_COLUMN + 1, sizeof *answers->theory);
    if (answers->theory == NULL)
        return false;
    for (size_t i = 0; done && i < pace->count; i++) {
        const struct column *column = pace->scales[i];
        double limit =
            run_reader_number(column->runs[0]->reader, "/config/corridor", "version_lag_max");
        struct desk desk = {.answers = answers,
                            .two = &c->columns[c->scenes[scene].two],
                            .column = column,
                            .writes_per_s = column->conditions.writes_per_s / column->nodes,
                            .nodes = column->group_nodes,
                            .limit = isfinite(limit) ? floor(limit) : (double)NAN};
        done = put_column(&desk);
    }
    return done;
}
