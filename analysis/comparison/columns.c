#include "analysis/comparison/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool same_kind(const struct column *a, const struct column *b)
{
    return a->scene == b->scene && a->nodes == b->nodes && a->group_nodes == b->group_nodes &&
           a->load_total == b->load_total && a->total_of_two == b->total_of_two;
}

static struct column kind_of(const struct comparison *c, size_t scene, const struct run *run)
{
    const struct run *reference = c->scenes[scene].reference;
    /* One group that holds every node is the same system as no groups. */
    bool grouped = run->group_nodes != run->nodes;
    bool same_groups = run->groups == reference->groups || (!grouped && reference->groups == 0);
    return (struct column){.scene = scene,
                           .nodes = run->nodes,
                           .group_nodes = run->group_nodes,
                           .control = !same_groups || run->load_total != reference->load_total,
                           .load_total = run->load_total,
                           .total_of_two = run->total_of_two};
}

/* "16 nodes, lan2ms", "8 × 2 nodes (control)"; the scene is named where there are several. */
static void label_column(const struct comparison *c, struct column *column)
{
    char size[40];
    bool grouped = column->group_nodes != column->nodes;
    bool named = c->scene_count > 1;
    if (grouped)
        (void)snprintf(size, sizeof size, "%u × %u nodes", column->nodes / column->group_nodes,
                       column->group_nodes);
    else if (column->nodes == 2)
        (void)snprintf(size, sizeof size, "Two nodes");
    else
        (void)snprintf(size, sizeof size, "%u nodes", column->nodes);
    (void)snprintf(column->label, sizeof column->label, "%s%s%.40s%s%s", size, named ? ", " : "",
                   named ? c->scenes[column->scene].name : "",
                   column->total_of_two ? ", load of two"
                   : column->load_total ? ", load total"
                                        : "",
                   column->control ? " (control)" : "");
}

/* Make the column of this kind if it is not there. False when memory is short. */
static bool need_column(struct comparison *c, const struct column *kind)
{
    for (size_t i = 0; i < c->column_count; i++)
        if (same_kind(&c->columns[i], kind))
            return true;
    struct column *columns = realloc(c->columns, (c->column_count + 1) * sizeof *columns);
    if (columns == NULL)
        return false;
    c->columns = columns;
    columns[c->column_count] = *kind;
    label_column(c, &columns[c->column_count]);
    c->column_count++;
    return true;
}

static int order(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *a, const void *b)
{
    const struct column *x = a, *y = b;
    int orders[] = {order(x->scene, y->scene),           order(x->control, y->control),
                    order(x->nodes, y->nodes),           order(x->group_nodes, y->group_nodes),
                    order(x->load_total, y->load_total), order(x->total_of_two, y->total_of_two)};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (orders[i] != 0)
            return orders[i];
    return 0;
}

static bool give_runs(struct comparison *c, struct column *column)
{
    const struct scene *scene = &c->scenes[column->scene];
    column->runs = calloc(scene->run_count + 1, sizeof(const struct run *));
    if (column->runs == NULL)
        return false;
    for (size_t i = 0; i < scene->run_count; i++) {
        struct column kind = kind_of(c, column->scene, &scene->runs[i]);
        if (same_kind(&kind, column))
            column->runs[column->run_count++] = &scene->runs[i];
    }
    return true;
}

static bool need_columns(struct comparison *c, size_t scene)
{
    struct column two = {.scene = scene,
                         .nodes = 2,
                         .group_nodes = 2,
                         .load_total = c->scenes[scene].reference->load_total};
    if (!need_column(c, &two))
        return false;
    for (size_t i = 0; i < c->scenes[scene].run_count; i++) {
        struct column kind = kind_of(c, scene, &c->scenes[scene].runs[i]);
        if (!need_column(c, &kind))
            return false;
    }
    return true;
}

bool columns_make(struct comparison *c)
{
    for (size_t s = 0; s < c->scene_count; s++)
        if (!need_columns(c, s))
            return false;
    qsort(c->columns, c->column_count, sizeof *c->columns, by_place);
    for (size_t i = c->column_count; i-- > 0;) {
        struct column *column = &c->columns[i];
        struct scene *scene = &c->scenes[column->scene];
        if (!give_runs(c, column))
            return false;
        scene->two = i; /* the first column of the scene is met last */
        if (!column->control && scene->largest == 0)
            scene->largest = i;
    }
    return true;
}

const struct column *column_of_two(const struct comparison *c, const struct column *column)
{
    return &c->columns[c->scenes[column->scene].two];
}

void columns_free(struct comparison *c)
{
    for (size_t i = 0; i < c->column_count; i++)
        free((void *)c->columns[i].runs);
    free(c->columns);
    c->columns = NULL;
    c->column_count = 0;
}

bool column_is_oversubscribed(const struct column *column)
{
    return column->conditions.nodes_per_core > 1;
}

/* ---- conditions ---- */

static double total_writes_per_s(const struct run *run)
{
    double rate = run_reader_number(run->reader, "/config", "rate_per_s");
    if (strcmp(run_reader_text(run->reader, "/provenance", "rate_counts"), "nothing") == 0)
        return 0;
    return run->load_total ? rate : rate * run->nodes;
}

static void add_run(struct column_conditions *k, const struct run *run)
{
    if (run->longest_stall_s > k->longest_stall_s) {
        k->longest_stall_s = run->longest_stall_s;
        k->longest_stall_node = run->longest_stall_node;
    }
    double cores = run_reader_number(run->reader, "/provenance", "cores");
    if (cores > 0)
        k->cores = fmin(k->cores, cores); /* ignores NaN */
    k->clock_uncertainty_s = fmax(k->clock_uncertainty_s, run->clock_uncertainty_s);
    k->same_host_share = fmin(k->same_host_share, run->same_host_share);
    k->late_start_s = fmax(k->late_start_s, run->late_start_s);
    k->badges_lost += run->badges_lost;
    k->suppressed += run->suppressed;
    k->in_flight += run->in_flight;
    k->trace_dropped += run->trace_dropped;
    k->late_badges += run->tally.late;
    k->clock_suspect += run->clock_suspect;
    k->clock_flags |= run->clocks.flags;
    k->clock_told += run->clocks.is_told;
    k->clock_unchecked += (run->clocks.flags & RUN_CLOCK_UNCHECKED) != 0;
    k->messages_early += run->clocks.early;
    k->messages_impossible += run->clocks.impossible;
    for (int class = 0; class < PAIR_CLASSES; class ++)
        k->class_uncertainty_s[class] =
            fmax(k->class_uncertainty_s[class], run->clocks.class_uncertainty_s[class]);
    k->clock_perturbed += run->clock_perturbed;
    k->incomplete += !run_reader_complete(run->reader);
    k->final_states += run->has_final_state;
    k->counts_unknown += run->counts_unknown;
    k->converged += run->converged;
    k->already_outside += run->already_outside > 0;
    k->already_outside_streams += run->already_outside;
    if (run->most_seen_episodes == 0)
        return;
    double share = (double)run->most_seen_episodes /
                   (double)(run->episodes[ALL_CONTEXTS] + run->tally.below_clock[ALL_CONTEXTS]);
    if (isnan(k->most_seen_share) || share > k->most_seen_share) {
        k->most_seen_share = share;
        k->most_seen_peer = run->most_seen_peer;
    }
}

static void count_late(struct column *column)
{
    for (int class = 0; class < PAIR_CLASSES; class ++) {
        double delays = 0, beyond = 0;
        for (size_t i = 0; i < column->run_count; i++) {
            delays += (double)column->runs[i]->clocks.delays[class];
            beyond += (double)column->runs[i]->clocks.beyond[class];
        }
        column->conditions.class_late_share[class] = delays > 0 ? beyond / delays : (double)NAN;
    }
}

void column_conditions(struct column *column)
{
    struct column_conditions *k = &column->conditions;
    *k = (struct column_conditions){.cores = (double)NAN,
                                    .nodes_per_core = (double)NAN,
                                    .same_host_share = 1,
                                    .class_uncertainty_s = {(double)NAN, (double)NAN},
                                    .most_seen_share = (double)NAN};
    double cpu_s = 0, elapsed_s = 0;
    for (size_t i = 0; i < column->run_count; i++) {
        const struct run *run = column->runs[i];
        add_run(k, run);
        cpu_s += run->cpu_s;
        elapsed_s += run->window_s;
    }
    count_late(column);
    if (column->run_count == 0)
        return;
    k->nodes_per_core = column->nodes / k->cores;
    k->writes_per_s = total_writes_per_s(column->runs[0]);
    k->cpus_used = cpu_s / elapsed_s;
}
