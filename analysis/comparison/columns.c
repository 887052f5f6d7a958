#include "analysis/comparison/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool belongs(const struct run *run, const struct column *column)
{
    return run->nodes == column->nodes && run->group_nodes == column->group_nodes &&
           run->load_total == column->load_total;
}

static void label_column(struct column *column)
{
    char size[40];
    bool grouped = column->group_nodes != column->nodes;
    if (grouped)
        (void)snprintf(size, sizeof size, "%u × %u nodes", column->nodes / column->group_nodes,
                       column->group_nodes);
    else if (column->nodes == 2)
        (void)snprintf(size, sizeof size, "Two nodes");
    else
        (void)snprintf(size, sizeof size, "%u nodes", column->nodes);
    (void)snprintf(column->label, sizeof column->label, "%s%s%s", size,
                   column->load_total ? ", load total" : "", column->control ? " (control)" : "");
}

/* The column of this kind, made if it is not there; NULL when memory is short. */
static struct column *column_of(struct comparison *c, const struct column *kind)
{
    for (size_t i = 0; i < c->column_count; i++) {
        struct column *column = &c->columns[i];
        if (column->nodes == kind->nodes && column->group_nodes == kind->group_nodes &&
            column->load_total == kind->load_total)
            return column;
    }
    struct column *columns = realloc(c->columns, (c->column_count + 1) * sizeof *columns);
    if (columns == NULL)
        return NULL;
    c->columns = columns;
    columns[c->column_count] = *kind;
    label_column(&columns[c->column_count]);
    return &columns[c->column_count++];
}

static int by_place(const void *a, const void *b)
{
    const struct column *x = a, *y = b;
    if (x->control != y->control)
        return x->control - y->control;
    if (x->nodes != y->nodes)
        return x->nodes < y->nodes ? -1 : 1;
    if (x->group_nodes != y->group_nodes)
        return x->group_nodes < y->group_nodes ? -1 : 1;
    return x->load_total - y->load_total;
}

static bool give_runs(struct comparison *c, struct column *column)
{
    column->runs = calloc(c->run_count + 1, sizeof *column->runs);
    if (column->runs == NULL)
        return false;
    for (size_t i = 0; i < c->run_count; i++)
        if (belongs(&c->runs[i], column))
            column->runs[column->run_count++] = &c->runs[i];
    return true;
}

bool columns_make(struct comparison *c)
{
    struct column two = {.nodes = 2, .group_nodes = 2, .load_total = c->reference->load_total};
    if (column_of(c, &two) == NULL)
        return false;
    for (size_t i = 0; i < c->run_count; i++) {
        const struct run *run = &c->runs[i];
        struct column kind = {.nodes = run->nodes,
                              .group_nodes = run->group_nodes,
                              .control = is_control(run, c->reference),
                              .load_total = run->load_total};
        /* One group that holds every node is the same system as no groups. */
        if (run->group_nodes == run->nodes && run->load_total == two.load_total)
            kind.control = false;
        if (column_of(c, &kind) == NULL)
            return false;
    }
    qsort(c->columns, c->column_count, sizeof *c->columns, by_place);
    for (size_t i = 0; i < c->column_count; i++) {
        if (!give_runs(c, &c->columns[i]))
            return false;
        if (!c->columns[i].control && c->columns[i].nodes > 2)
            c->largest = i;
    }
    return true;
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
    return run->load_total ? rate : rate * run->nodes;
}

static void add_run(struct column_conditions *k, const struct run *run)
{
    if (run->longest_stall_s > k->longest_stall_s) {
        k->longest_stall_s = run->longest_stall_s;
        k->longest_stall_node = run->longest_stall_node;
    }
    k->cores = fmin(k->cores, run_reader_number(run->reader, "/provenance", "cores"));
    k->clock_uncertainty_s = fmax(k->clock_uncertainty_s, run->clock_uncertainty_s);
    k->same_host_share = fmin(k->same_host_share, run->same_host_share);
    k->late_start_s = fmax(k->late_start_s, run->late_start_s);
    k->badges_lost += run->badges_lost;
    k->suppressed += run->suppressed;
    k->in_flight += run->in_flight;
    k->late_badges += run->tally.late;
    k->clock_suspect += run->clock_suspect;
    k->incomplete += !run_reader_complete(run->reader);
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

void column_conditions(struct column *column)
{
    struct column_conditions *k = &column->conditions;
    *k = (struct column_conditions){.cores = (double)NAN,
                                    .nodes_per_core = (double)NAN,
                                    .same_host_share = 1,
                                    .most_seen_share = (double)NAN};
    double cpu_s = 0, elapsed_s = 0;
    for (size_t i = 0; i < column->run_count; i++) {
        const struct run *run = column->runs[i];
        add_run(k, run);
        cpu_s += run->cpu_s;
        elapsed_s += run->window_s;
    }
    if (column->run_count == 0)
        return;
    k->nodes_per_core = column->nodes / k->cores;
    k->writes_per_s = total_writes_per_s(column->runs[0]);
    k->cpus_used = cpu_s / elapsed_s;
}
