#include "analysis/comparison/notes.h"

#include "analysis/comparison/columns.h"
#include "analysis/comparison/measures.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool text_list_add(struct text_list *list, const char *format, ...)
{
    char **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items == NULL)
        return false;
    list->items = items;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&items[list->count], format, arguments);
    va_end(arguments);
    if (length < 0)
        return false;
    list->count++;
    return true;
}

void text_list_free(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct text_list){NULL, 0};
}

/* ---- right under the table ---- */

static const char scheduler[] = "The scheduler is part of what was measured: some of these scales "
                                "have more nodes than cores and some have not. ";

/* Do some scales of the main series of a scene have more nodes than cores, and some not? */
static bool is_half_crowded(const struct comparison *c)
{
    bool over = false, within = false;
    for (size_t i = 0; i < c->column_count; i++) {
        const struct column *column = &c->columns[i];
        if (column->control || column->run_count == 0 || isnan(column->conditions.nodes_per_core))
            continue;
        over = over || column_is_oversubscribed(column);
        within = within || !column_is_oversubscribed(column);
    }
    return over && within;
}

/* Columns that tell scale from crowding: two nodes, the largest N, and controls at that N. */
static bool tells_crowding(const struct comparison *c, size_t index)
{
    const struct column *column = &c->columns[index];
    const struct scene *scene = &c->scenes[column->scene];
    bool at_largest = column->nodes == c->columns[scene->largest].nodes;
    return column->run_count > 0 && column->rows[ALL_CONTEXTS].outside_node[0].unknown == NULL &&
           (index == scene->two || at_largest);
}

static bool has_control(const struct comparison *c)
{
    for (size_t i = 0; i < c->column_count; i++)
        if (c->columns[i].control && tells_crowding(c, i))
            return true;
    return false;
}

static bool say_separation(struct comparison *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return false;
    const char *before = "";
    for (size_t i = 0; i < c->column_count; i++) {
        if (!tells_crowding(c, i))
            continue;
        char digits[32];
        number_text(c->columns[i].rows[ALL_CONTEXTS].outside_node[WITH_STALLED].value, digits);
        (void)fprintf(out, "%s%s %s", before, c->columns[i].label, digits);
        before = "; ";
    }
    bool done = fclose(out) == 0 &&
                text_list_add(&c->first_lines,
                              "%sCrowding or scale? Share of node-time outside: %s. What isolated "
                              "pairs on the same cores show more than two nodes alone is crowding; "
                              "what the whole system shows more than those pairs is scale, or its "
                              "load where the load of two does not show it.",
                              is_half_crowded(c) ? scheduler : "", text);
    free(text);
    return done;
}

static bool say_scheduler(struct comparison *c)
{
    if (has_control(c))
        return say_separation(c);
    if (!is_half_crowded(c))
        return true;
    return text_list_add(&c->first_lines,
                         "%sThe controls tell scale from crowding: --groups 2 (the same crowding "
                         "at scale two) and --load total (the same total load).",
                         scheduler);
}

static bool say_calibrated_at_two(struct comparison *c)
{
    const char *nodes =
        run_reader_text(c->reference->reader, "/config/corridor", "calibration_nodes");
    char *end = NULL;
    if (nodes[0] == '\0' || strtod(nodes, &end) != 2.0 || end == nodes)
        return true;
    return text_list_add(&c->first_lines,
                         "That drift is rare at two nodes is so by construction: the corridor was "
                         "calibrated at two.");
}

/* ---- one sentence for all columns ---- */

bool note_each(struct comparison *c, struct text_list *list, const char *what,
               write_condition *write)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return false;
    const char *before = "";
    for (size_t i = 0; i < c->column_count; i++) {
        if (c->columns[i].run_count == 0)
            continue;
        (void)fprintf(out, "%s%s: ", before, c->columns[i].label);
        write(out, &c->columns[i]);
        before = "; ";
    }
    bool done = fclose(out) == 0 && text_list_add(list, "%s. %s.", what, text);
    free(text);
    return done;
}

void write_digits(FILE *out, double number, const char *unit)
{
    char digits[32];
    number_text(number, digits);
    if (isfinite(number))
        (void)fprintf(out, "%s%s", digits, unit);
    else
        (void)fputs("unknown (not recorded)", out);
}

static void write_nodes_per_core(FILE *out, const struct column *column)
{
    write_digits(out, column->conditions.nodes_per_core, "");
}

static void write_stall(FILE *out, const struct column *column)
{
    const struct context_figures *all = &column->rows[ALL_CONTEXTS];
    char name[NODE_NAME_BYTES];
    node_name(column->conditions.longest_stall_node, name);
    write_digits(out, column->conditions.longest_stall_s * 1e3, " ms");
    if (column->conditions.longest_stall_s > 0)
        (void)fprintf(out, " (%s)", name);
    if (all->episodes > 0)
        (void)fprintf(out, ", %llu of %llu badges self-stalled",
                      (unsigned long long)all->self_stalled, (unsigned long long)all->episodes);
}

static void write_perturbed(FILE *out, const struct column *column)
{
    (void)fprintf(out, "%zu/%zu runs", column->conditions.clock_perturbed, column->run_count);
}

static void write_losses(FILE *out, const struct column *column)
{
    const struct column_conditions *k = &column->conditions;
    if (k->badges_lost + k->suppressed + k->in_flight + k->trace_dropped == 0)
        (void)fputs("none", out);
    else
        (void)fprintf(out, "%llu, %llu, %llu, %llu", (unsigned long long)k->badges_lost,
                      (unsigned long long)k->suppressed, (unsigned long long)k->in_flight,
                      (unsigned long long)k->trace_dropped);
    if (k->counts_unknown > 0)
        (void)fprintf(out, " (sends unknown in %zu runs)", k->counts_unknown);
}

static void write_runs(FILE *out, const struct column *column)
{
    (void)fprintf(out, "%zu", column->run_count);
}

static void write_load(FILE *out, const struct column *column)
{
    const char *counted = run_reader_text(column->runs[0]->reader, "/provenance", "rate_counts");
    write_digits(out, column->conditions.writes_per_s, "");
    (void)fprintf(out, " %s/s, ",
                  column->conditions.writes_per_s > 0 && *counted ? counted : "writes");
    write_digits(out, column->conditions.cpus_used, " CPUs used");
}

static void write_converged(FILE *out, const struct column *column)
{
    if (column->conditions.final_states == 0)
        (void)fputs("not applicable", out);
    else
        (void)fprintf(out, "%zu/%zu runs", column->conditions.converged,
                      column->conditions.final_states);
}

static void write_most_seen(FILE *out, const struct column *column)
{
    char name[NODE_NAME_BYTES];
    if (isnan(column->conditions.most_seen_share)) {
        (void)fputs("no episode", out);
        return;
    }
    node_name(column->conditions.most_seen_peer, name);
    (void)fprintf(out, "%s ", name);
    write_digits(out, column->conditions.most_seen_share, "");
}

/* Delays are then as long as the declared clocks make them look, and nothing else shows it. */
static bool say_perturbed(struct comparison *c)
{
    for (size_t i = 0; i < c->run_count; i++)
        if (c->runs[i].clock_perturbed)
            return note_each(c, &c->notes,
                             "clock_perturbed: clocks are wrong by declaration, and so is every "
                             "delay that they measure",
                             write_perturbed);
    return true;
}

/* ---- what the settings say ---- */

static bool say_settings(struct comparison *c)
{
    struct run_reader *reader = c->reference->reader;
    bool done = true;
    if (strcmp(run_reader_text(reader, "/provenance", "time_is"), "simulated") == 0)
        done =
            text_list_add(&c->notes, "These runs are simulated: time, network and hosts are those "
                                     "of a model. Nothing here was measured.");
    done = done && text_list_add(&c->notes,
                                 "Idle mode %s, every %s us; binding as found: %s; "
                                 "mpi_yield_when_idle as found: %s.",
                                 run_reader_text(reader, "/config", "idle"),
                                 run_reader_text(reader, "/config", "idle_us"),
                                 run_reader_text(reader, "/provenance", "bind_found"),
                                 run_reader_text(reader, "/provenance", "mpi_yield_when_idle"));
    for (size_t i = 0; done && i < c->machine.count; i++)
        done = text_list_add(&c->notes, "Differs as found on the machine: %s.",
                             c->machine.rows[i].text);
    return done && say_clocks(c) && say_perturbed(c);
}

static int by_start(const void *a, const void *b)
{
    const struct run *const *x = a, *const *y = b;
    return strcmp(run_reader_text((*x)->reader, "/", "start_time_utc"),
                  run_reader_text((*y)->reader, "/", "start_time_utc"));
}

/* Scales are interleaved if, in the order of time, the node count changes more often than once per
 * node count. */
static bool say_order(struct comparison *c)
{
    const struct run **order = calloc(c->run_count, sizeof(const struct run *));
    if (order == NULL)
        return false;
    for (size_t i = 0; i < c->run_count; i++)
        order[i] = &c->runs[i];
    qsort(order, c->run_count, sizeof(const struct run *), by_start);
    size_t changes = 0, used = 0;
    for (size_t i = 1; i < c->run_count; i++)
        changes += order[i]->nodes != order[i - 1]->nodes || is_control(order[i], order[i - 1]);
    for (size_t i = 0; i < c->column_count; i++)
        used += c->columns[i].run_count > 0;
    free((void *)order);
    if (used < 2)
        return true;
    return text_list_add(&c->notes, changes + 1 > used
                                        ? "The scales are interleaved in time."
                                        : "The scales are not interleaved: a machine that changed "
                                          "in the meantime looks like scale.");
}

static bool say_weak_symmetry(struct comparison *c)
{
    for (size_t i = 0; i < c->column_count; i++) {
        const struct column *column = &c->columns[i];
        const struct symmetry_figures *s = &column->rows[ALL_CONTEXTS].symmetry[WITH_STALLED];
        if (s->unknown == NULL && strncmp(s->verdict, "symmetric", 9) == 0 &&
            s->episodes.unknown == NULL &&
            s->episodes.value < 40.0 * column->nodes * fmax(1, s->dispersion.value) &&
            !text_list_add(&c->notes,
                           "%s: 'symmetric' rests on %.0f episodes in the median run, which is "
                           "weak evidence.",
                           column->label, s->episodes.value))
            return false;
    }
    return true;
}

/* ---- warnings ---- */

/* Times of a shorter window count as they are; nothing is scaled up. */
static bool warn_of_run(struct comparison *c, const struct run *run)
{
    if (!run_reader_complete(run->reader) &&
        !text_list_add(&c->warnings, "%s is incomplete: its run did not end as planned", run->path))
        return false;
    return run->window_s >= run->planned_s ||
           text_list_add(&c->warnings, "%s was watched for %.3g s of %g s", run->path,
                         run->window_s, run->planned_s);
}

static bool warn(struct comparison *c)
{
    bool done = true;
    for (size_t i = 0; done && i < c->run_count; i++)
        done = warn_of_run(c, &c->runs[i]);
    for (size_t i = 0; done && i < c->column_count; i++) {
        const struct column *column = &c->columns[i];
        if (column->conditions.badges_lost > 0)
            done = text_list_add(&c->warnings,
                                 "%s: badges lost: %llu; counts hold them, but first drift, "
                                 "symmetry and figures without self-stalled do not",
                                 column->label, (unsigned long long)column->conditions.badges_lost);
        if (done && column->conditions.late_badges > 0)
            done = text_list_add(&c->warnings,
                                 "%s: badges out of order beyond the look-ahead: %llu; "
                                 "outside_system is a lower bound",
                                 column->label, (unsigned long long)column->conditions.late_badges);
    }
    size_t same = count_same_draws(c->runs, c->run_count);
    if (done && same > 0)
        done = text_list_add(&c->warnings,
                             "%zu runs share seed and repetition with another of their node count: "
                             "they are no independent repetitions",
                             same);
    for (size_t i = 0; done && i < c->warnings.count; i++)
        done = text_list_add(&c->notes, "Warning: %s.", c->warnings.items[i]);
    return done;
}

bool notes_make(struct comparison *c)
{
    return say_link_class(c) && say_clock_suspects(c) && say_scheduler(c) &&
           say_calibrated_at_two(c) &&
           note_each(c, &c->notes, "Nodes per core", write_nodes_per_core) && say_settings(c) &&
           note_each(c, &c->notes, "Longest stall of a node", write_stall) &&
           note_each(
               c, &c->notes,
               "Badges lost, sends suppressed, messages still in flight, trace events dropped",
               write_losses) &&
           note_each(c, &c->notes, "Repetitions", write_runs) && say_order(c) &&
           note_each(c, &c->notes, "Total load", write_load) &&
           note_each(c, &c->notes, "Largest share of a run's episodes about one peer",
                     write_most_seen) &&
           note_each(c, &c->notes, "Final replicas agree (converged)", write_converged) &&
           say_weak_symmetry(c) && warn(c);
}
