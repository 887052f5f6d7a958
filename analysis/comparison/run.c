#include "analysis/comparison/run.h"

#include "analysis/metrics/exceedance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS_AT_A_TIME = 4096, KEYS_OF_A_RUN_MAX = 64 };

static bool whole_number(struct run *run, const char *key, uint32_t *number,
                         struct failure *failure)
{
    double value = run_reader_number(run->reader, "/config", key);
    if (!(value >= 0 && value <= UINT32_MAX))
        return failure_set(failure, EXIT_BAD_INPUT, "%s: /config has no usable '%s'", run->path,
                           key);
    *number = (uint32_t)value;
    return true;
}

/* A window shorter than declared by more than its clock's rounding was ended early. */
static double watched_window_s(const struct run *run)
{
    const double rounding = 1e-6;
    const struct run_node *rows = run_reader_node_rows(run->reader);
    double longest_s = 0;
    for (uint32_t i = 0; i < run->nodes; i++)
        longest_s = fmax(longest_s, rows[i].watched_s);
    return longest_s > 0 && longest_s < run->planned_s * (1 - rounding) ? longest_s
                                                                        : run->planned_s;
}

static bool read_shape(struct run *run, struct failure *failure)
{
    run->nodes = run_reader_nodes(run->reader);
    run->planned_s = run_reader_number(run->reader, "/config", "duration_s");
    if (!(run->planned_s > 0 && isfinite(run->planned_s)))
        return failure_set(failure, EXIT_BAD_INPUT, "%s: /config has no usable 'duration_s'",
                           run->path);
    run->window_s = watched_window_s(run);
    if (!whole_number(run, "groups", &run->groups, failure) ||
        !whole_number(run, "keys", &run->keys, failure))
        return false;
    if (run->keys > KEYS_OF_A_RUN_MAX)
        return failure_set(failure, EXIT_BAD_INPUT, "%s: %u keys is no run", run->path, run->keys);
    run->group_nodes = run->groups > 0 ? run->groups : run->nodes;
    if (run->nodes < 2 || run->group_nodes < 2 || run->nodes % run->group_nodes != 0)
        return failure_set(failure, EXIT_BAD_INPUT, "%s: %u nodes in groups of %u is no run",
                           run->path, run->nodes, run->group_nodes);
    run->links = (double)run->nodes * (run->group_nodes - 1);
    run->load_total = strcmp(run_reader_text(run->reader, "/config", "load"), "total") == 0;
    run->scene = run_reader_text(run->reader, "/config", "scene");
    run->clock_perturbed =
        run_reader_number(run->reader, "/config/perturb", "clock_perturbed") > 0; /* NaN: not */
    return true;
}

bool run_open(struct run *run, const char *path, struct failure *failure)
{
    const char *slash = strrchr(path, '/');
    *run = (struct run){.path = path, .name = slash != NULL ? slash + 1 : path};
    run->reader = run_reader_open(path, failure);
    return run->reader != NULL && read_shape(run, failure);
}

static bool digests_agree(const struct run *run, const struct run_node *rows)
{
    for (uint32_t i = 0; i < run->nodes; i++) {
        uint32_t first = i - i % run->group_nodes;
        if (rows[i].state_digest != rows[first].state_digest)
            return false;
    }
    return true;
}

/* Share of the watched pairs whose two nodes sit on one host. */
static double same_host_share(const struct run *run, const struct run_node *rows)
{
    double same = 0;
    for (uint32_t i = 0; i < run->nodes; i++) {
        uint32_t first = i - i % run->group_nodes;
        for (uint32_t j = first; j < first + run->group_nodes; j++)
            same += i != j && run_clocks_class(&run->clocks, &rows[i], &rows[j]) == PAIRS_SAME_HOST;
    }
    return same / run->links;
}

static uint64_t known(struct run *run, uint64_t count)
{
    run->counts_unknown = run->counts_unknown || count == RUN_UNKNOWN;
    return count == RUN_UNKNOWN ? 0 : count;
}

static void add_node(struct run *run, const struct run_node *node)
{
    run->watched_s += node->watched_s;
    run->messages += node->messages_observed;
    run->already_outside += node->already_outside;
    run->outside_node_s[ALL_CONTEXTS] += node->outside_node_s;
    run->badges_lost += node->badges_lost;
    run->suppressed += known(run, node->suppressed);
    run->in_flight += known(run, node->in_flight);
    run->cpu_s += node->cpu_s;
    run->late_start_s = fmax(run->late_start_s, node->late_start_s);
    run->clock_suspect = run->clock_suspect || node->clock_suspect != 0;
    if (node->longest_stall_s > run->longest_stall_s) {
        run->longest_stall_s = node->longest_stall_s;
        run->longest_stall_node = node->node;
    }
    run_clocks_add_node(&run->clocks, node);
    for (size_t s = 0; s < RUN_SYNCS; s++)
        run->clock_uncertainty_s = fmax(run->clock_uncertainty_s, node->sync[s].uncertainty_s);
}

static bool read_nodes(struct run *run, struct failure *failure)
{
    const struct run_node *rows = run_reader_node_rows(run->reader);
    run->clocks = run_clocks_begin(run->reader);
    for (uint32_t i = 0; i < run->nodes; i++) {
        add_node(run, &rows[i]);
        run->trace_dropped += run_reader_trace_index(run->reader)[i].dropped;
        run->has_final_state = run->has_final_state || rows[i].state_digest != 0;
    }
    run->has_final_state = run->has_final_state && !run->counts_unknown;
    run->converged = run->has_final_state && digests_agree(run, rows);
    run->same_host_share = same_host_share(run, rows);
    if (!(run->watched_s > 0))
        return failure_set(failure, EXIT_BAD_INPUT, "%s: its nodes watched for no time", run->path);
    return true;
}

struct pair_sums {
    double *already; /* [nodes][CONTEXT_ROWS] */
    uint64_t *seen;  /* [nodes] episodes about that peer */
};

static bool add_pair(struct run *run, const struct run_pair *pair, const struct pair_sums *sums,
                     struct failure *failure)
{
    if (pair->node >= run->nodes || pair->peer >= run->nodes || pair->context >= CONTEXT_COUNT)
        return failure_set(failure, EXIT_BAD_INPUT,
                           "%s: /pairs names rank %u, peer %u, context code %u", run->path,
                           pair->node, pair->peer, pair->context);
    const size_t rows[2] = {pair->context, ALL_CONTEXTS};
    for (size_t i = 0; i < 2; i++) {
        run->observations[rows[i]] += pair->observations;
        run->beyond[rows[i]] += pair->beyond;
        run->episodes[rows[i]] += pair->episodes;
        double *until_s = &sums->already[(size_t)pair->node * CONTEXT_ROWS + rows[i]];
        *until_s = fmax(*until_s, pair->already_outside_until_s); /* fmax ignores NaN */
    }
    sums->seen[pair->peer] += pair->episodes;
    run_clocks_add_pair(&run->clocks, run_reader_node_rows(run->reader), pair);
    return true;
}

static bool read_pairs(struct run *run, const struct pair_sums *sums, struct failure *failure)
{
    struct run_pair *rows = calloc(PAIRS_AT_A_TIME, sizeof *rows);
    uint64_t total = run_reader_pair_count(run->reader);
    if (rows == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory for /pairs");
    bool done = true;
    for (uint64_t first = 0; done && first < total; first += PAIRS_AT_A_TIME) {
        uint64_t left = total - first;
        size_t count = left < PAIRS_AT_A_TIME ? (size_t)left : PAIRS_AT_A_TIME;
        done = run_reader_pairs(run->reader, first, count, rows, failure);
        for (size_t i = 0; done && i < count; i++)
            done = add_pair(run, &rows[i], sums, failure);
    }
    free(rows);
    double of_pairs_s = run_clocks_largest_s(&run->clocks);
    if (of_pairs_s > 0)
        run->clock_uncertainty_s = of_pairs_s;
    for (uint32_t peer = 0; peer < run->nodes; peer++)
        if (sums->seen[peer] > run->most_seen_episodes) {
            run->most_seen_episodes = sums->seen[peer];
            run->most_seen_peer = peer;
        }
    return done;
}

/* Time outside per context, from the windows that each node kept itself. */
static void add_windows(struct run *run, const double *outside_s, uint32_t windows)
{
    const uint32_t *contexts = run_reader_contexts(run->reader);
    for (uint32_t c = 0; c < run_reader_context_count(run->reader); c++)
        for (uint32_t w = 0; w < windows; w++)
            run->outside_node_s[contexts[c]] += outside_s[(size_t)c * windows + w];
}

static bool read_windows(struct run *run, struct failure *failure)
{
    uint32_t windows = run_reader_window_count(run->reader);
    size_t cells = (size_t)run_reader_context_count(run->reader) * windows;
    uint32_t *counts = calloc(cells * 3 + 1, sizeof *counts);
    double *times_s = calloc(cells + windows + 1, sizeof *times_s);
    bool done = (counts != NULL && times_s != NULL) ||
                failure_set(failure, EXIT_INTERNAL, "no memory for /windows");
    for (uint32_t node = 0; done && node < run->nodes; node++) {
        struct run_windows rows = {counts, counts + cells, counts + 2 * cells, times_s,
                                   times_s + cells};
        done = run_reader_windows(run->reader, node, &rows, failure);
        if (done)
            add_windows(run, times_s, windows);
    }
    free(counts);
    free(times_s);
    return done;
}

/* Does the corridor's list, "all" or names between commas, hold this context? */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    if (list[0] == '\0' || strcmp(list, "all") == 0)
        return true;
    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + length, name))
        if ((at == list || at[-1] == ' ' || at[-1] == ',') &&
            (at[length] == '\0' || at[length] == ',' || at[length] == ' '))
            return true;
    return false;
}

/* What was watched is what the system has and the corridor watches with a limit. Whether anything
 * was observed does not matter: a peer that is silent all the time gives no observation. */
static void note_watched(struct run *run)
{
    const uint32_t *contexts = run_reader_contexts(run->reader);
    const char *list = run_reader_text(run->reader, "/config/corridor", "watch");
    for (uint32_t c = 0; c < run_reader_context_count(run->reader); c++) {
        const struct context_info *info = &context_table[contexts[c]];
        bool off = info->limit_key != NULL &&
                   isinf(run_reader_number(run->reader, "/config/corridor", info->limit_key));
        run->watched[contexts[c]] = !off && is_listed(list, info->name);
    }
    run->watched[ALL_CONTEXTS] = true;
}

/* Who looks at the badges of a run as they pass by. */
struct onlookers {
    struct kept_episodes *kept;
    struct trace_pass *trace; /* NULL: there is nothing to tell */
};

static void look_at(void *self, const struct episode *episode)
{
    struct onlookers *onlookers = self;
    kept_episodes_add(onlookers->kept, episode);
    if (onlookers->trace != NULL && (episode->flags & BADGE_BELOW_CLOCK_RESOLUTION) == 0)
        trace_pass_badge(onlookers->trace, episode);
}

/* Largest of any pair. An older file does not tell: two clocks are as far apart as both are from
 * node 0's. */
static double pair_uncertainty_s(const struct run *run)
{
    double told_s = run_clocks_largest_s(&run->clocks);
    return told_s > 0 ? told_s : 2 * fmax(0, run->clock_uncertainty_s);
}

static struct trace_pass_setup trace_setup(const struct run *run)
{
    const struct run_histogram *h = &run->histograms[HISTOGRAM_DELAY];
    struct binned_values delays = {h->edges, h->counts, h->bins, h->underflow, h->overflow};
    double p99_s = binned_quantile(&delays, 0.99).high;
    double delay_max_us =
        run_reader_number(run->reader, "/config/corridor", "message_delay_max_us");
    double lag_max = run_reader_number(run->reader, "/config/corridor", "version_lag_max");
    return (struct trace_pass_setup){.reader = run->reader,
                                     .nodes = run->nodes,
                                     .group_nodes = run->group_nodes,
                                     .keys = run->keys,
                                     .lag_max = lag_max >= 0 ? lag_max : HUGE_VAL,
                                     .delay_max_s =
                                         delay_max_us > 0 ? delay_max_us / 1e6 : HUGE_VAL,
                                     .uncertainty_s = pair_uncertainty_s(run),
                                     .reaction_s = isfinite(p99_s) ? p99_s : (double)NAN,
                                     .window_s = run->window_s};
}

/* One pass over the badges, for everybody who wants to see them. */
static bool pass_over_badges(struct run *run, const double *already, struct failure *failure)
{
    const struct trace_pass_setup setup = trace_setup(run);
    struct onlookers onlookers = {&run->kept, trace_pass_begin(&setup, &run->trace, failure)};
    bool done = (onlookers.trace != NULL || run->trace.unknown != NULL) &&
                tally_run(&run->tally, run->reader, run->window_s, already,
                          (struct episode_sink){look_at, &onlookers}, failure) &&
                (onlookers.trace == NULL || trace_pass_end(onlookers.trace, &run->trace));
    trace_pass_free(onlookers.trace);
    return done;
}

static bool count_badges(struct run *run, struct failure *failure)
{
    struct pair_sums sums = {calloc((size_t)run->nodes * CONTEXT_ROWS, sizeof *sums.already),
                             calloc(run->nodes, sizeof *sums.seen)};
    bool done = sums.already != NULL && sums.seen != NULL;
    if (!done)
        (void)failure_set(failure, EXIT_INTERNAL, "no memory for %u nodes", run->nodes);
    done = done && read_pairs(run, &sums, failure) && pass_over_badges(run, sums.already, failure);
    free(sums.already);
    free(sums.seen);
    if (done && run->kept.is_short_of_memory)
        done = failure_set(failure, EXIT_INTERNAL, "no memory for the episodes of %s", run->path);
    for (size_t c = 0; done && c < CONTEXT_ROWS; c++) {
        uint64_t below = run->tally.below_clock[c];
        run->episodes[c] -= below < run->episodes[c] ? below : run->episodes[c];
    }
    return done;
}

bool run_load(struct run *run, struct failure *failure)
{
    const uint32_t *contexts = run_reader_contexts(run->reader);
    for (uint32_t c = 0; c < run_reader_context_count(run->reader); c++)
        if (contexts[c] >= CONTEXT_COUNT)
            return failure_set(failure, EXIT_BAD_INPUT, "%s: unknown context code %u", run->path,
                               contexts[c]);
    for (enum histogram_kind kind = 0; kind < HISTOGRAM_KINDS; kind++)
        if (!run_reader_histogram(run->reader, kind, &run->histograms[kind], failure))
            return false;
    if (!read_nodes(run, failure) || !count_badges(run, failure) || !read_windows(run, failure))
        return false;
    note_watched(run);
    return true;
}

void run_close(struct run *run)
{
    for (enum histogram_kind kind = 0; kind < HISTOGRAM_KINDS; kind++)
        run_histogram_free(&run->histograms[kind]);
    tally_free(&run->tally);
    kept_episodes_free(&run->kept);
    if (run->reader != NULL)
        run_reader_close(run->reader);
    run->reader = NULL;
}
