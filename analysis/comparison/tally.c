#include "analysis/comparison/tally.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Of numbers that are none of them NaN, which is what fmin and fmax would cost a call to look at,
 * some fifty times for each badge. */
static inline double earlier(double a, double b)
{
    return a < b ? a : b;
}
static inline double later(double a, double b)
{
    return a > b ? a : b;
}

/* Length of a union of intervals that come in the order of their beginnings. Of one that comes out
 * of order nothing is counted before the last gap, so that the length is never too large. */
struct cover {
    double closed_s; /* nothing before this can be covered any more */
    double from_s;
    double until_s;
    double total_s; /* of the closed intervals */
};

static void cover_add(struct cover *cover, double from_s, double until_s)
{
    if (until_s <= later(from_s, cover->closed_s))
        return;
    if (until_s < cover->from_s) { /* in the last gap */
        cover->total_s += until_s - later(from_s, cover->closed_s);
        cover->closed_s = until_s;
        return;
    }
    if (from_s > cover->until_s) {
        cover->total_s += cover->until_s - cover->from_s;
        cover->closed_s = cover->until_s;
        cover->from_s = from_s;
        cover->until_s = until_s;
    }
    cover->from_s = earlier(cover->from_s, later(from_s, cover->closed_s));
    cover->until_s = later(cover->until_s, until_s);
}

static double cover_length(const struct cover *cover)
{
    return cover->total_s + (cover->until_s - cover->from_s);
}

/* An episode within TRAIN_GAP_S of the one before joins its train: metrics.py, trains(), one
 * episode at a time. */
struct train {
    double end_s; /* until then a new episode would join */
    double covered_s;
};

struct work {
    struct tally *tally;
    double window_s;
    struct episode_sink also;
    struct cover system[VARIANT_COUNT][CONTEXT_ROWS];
    struct train trains[VARIANT_COUNT][CONTEXT_ROWS];
    struct cover *nodes; /* [nodes][VARIANT_COUNT][CONTEXT_ROWS] */
};

/* An episode as every row counts it. */
struct counted {
    const struct episode *episode;
    double begin_s; /* within the window, on the global clock */
    double until_s; /* the length is taken on the node's own clock, the place on the global one */
    double own_begin_s;
    double own_until_s;
    size_t window;
};

static struct counted counted_of(const struct work *work, const struct episode *e)
{
    double part = floor(e->local_begin_s / work->window_s * TALLY_WINDOWS);
    double until_s = e->begin_s + (e->local_end_s - e->local_begin_s);
    return (struct counted){
        .episode = e,
        .begin_s = later(0, e->begin_s),
        .until_s = earlier(until_s, work->window_s),
        .own_begin_s = later(0, e->local_begin_s),
        .own_until_s = earlier(e->local_end_s, work->window_s),
        .window = (size_t)earlier(later(part, 0), TALLY_WINDOWS - 1),
    };
}

static void count_train(struct work *work, struct tally_row *row, struct train *train, double at_s)
{
    if (row->trains == 0 || at_s > train->end_s)
        row->trains++;
    double covered_from_s =
        later(earlier(train->end_s, work->window_s), earlier(at_s, work->window_s));
    train->covered_s += later(0, earlier(work->window_s, at_s + TRAIN_GAP_S) - covered_from_s);
    train->end_s = later(train->end_s, at_s + TRAIN_GAP_S);
}

static void count_in(struct work *work, enum variant variant, size_t context,
                     const struct counted *counted)
{
    const struct episode *e = counted->episode;
    struct tally_row *row = &work->tally->rows[variant][context];
    row->episodes++;
    row->windows[counted->window]++;
    row->node_windows[(size_t)e->node * TALLY_WINDOWS + counted->window]++;
    if (isnan(row->first_s) || e->local_begin_s < row->first_s) {
        row->first_s = e->local_begin_s;
        row->first_node = e->node;
    }
    count_train(work, row, &work->trains[variant][context], counted->begin_s);
    cover_add(&work->system[variant][context], counted->begin_s, counted->until_s);
    size_t place = ((size_t)e->node * VARIANT_COUNT + variant) * CONTEXT_ROWS + context;
    cover_add(&work->nodes[place], counted->own_begin_s, counted->own_until_s);
}

static void take_episode(void *self, const struct episode *e)
{
    struct work *work = self;
    struct tally *tally = work->tally;
    size_t rows[2] = {e->context, ALL_CONTEXTS};
    struct counted counted = counted_of(work, e);
    for (size_t i = 0; i < 2; i++) {
        if (e->flags & BADGE_BELOW_CLOCK_RESOLUTION) {
            tally->below_clock[rows[i]]++;
            continue;
        }
        count_in(work, WITH_STALLED, rows[i], &counted);
        if (e->flags & BADGE_SELF_STALLED)
            tally->self_stalled[rows[i]]++;
        else
            count_in(work, WITHOUT_STALLED, rows[i], &counted);
    }
    work->also.take(work->also.self, e);
}

/* A stream outside when the window opened has no badge: it covers the beginning. */
static void start_covers(struct work *work, uint32_t nodes, const double *already)
{
    assert(work->nodes != NULL);
    for (uint32_t node = 0; node < nodes; node++)
        for (size_t v = 0; v < VARIANT_COUNT; v++)
            for (size_t c = 0; c < CONTEXT_ROWS; c++) {
                double until_s = fmin(already[(size_t)node * CONTEXT_ROWS + c], work->window_s);
                struct cover *cover =
                    &work->nodes[((size_t)node * VARIANT_COUNT + v) * CONTEXT_ROWS + c];
                cover->until_s = until_s;
                work->system[v][c].until_s = fmax(work->system[v][c].until_s, until_s);
            }
}

static void finish_row(struct work *work, uint32_t nodes, enum variant variant, size_t context)
{
    struct tally_row *row = &work->tally->rows[variant][context];
    row->at_risk_s = work->window_s - work->trains[variant][context].covered_s;
    row->outside_system_s = cover_length(&work->system[variant][context]);
    for (uint32_t node = 0; node < nodes; node++) {
        size_t place = ((size_t)node * VARIANT_COUNT + variant) * CONTEXT_ROWS + context;
        row->outside_node_s += cover_length(&work->nodes[place]);
    }
}

static bool tally_init(struct tally *tally, uint32_t nodes, struct failure *failure)
{
    size_t size = (size_t)nodes * TALLY_WINDOWS;
    *tally = (struct tally){
        .node_counts = calloc(size * VARIANT_COUNT * CONTEXT_ROWS, sizeof *tally->node_counts)};
    if (tally->node_counts == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory to count the badges of %u nodes",
                           nodes);
    for (size_t v = 0; v < VARIANT_COUNT; v++)
        for (size_t c = 0; c < CONTEXT_ROWS; c++) {
            tally->rows[v][c].first_s = (double)NAN;
            tally->rows[v][c].node_windows = tally->node_counts + (v * CONTEXT_ROWS + c) * size;
        }
    return true;
}

bool tally_run(struct tally *tally, struct run_reader *reader, double window_s,
               const double *already, struct episode_sink also, struct failure *failure)
{
    uint32_t nodes = run_reader_nodes(reader);
    struct work work = {.tally = tally, .window_s = window_s, .also = also};
    if (!tally_init(tally, nodes, failure))
        return false;
    work.nodes = calloc((size_t)nodes * VARIANT_COUNT * CONTEXT_ROWS, sizeof *work.nodes);
    if (work.nodes == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory for %u nodes", nodes);
    start_covers(&work, nodes, already);
    struct episode_sink sink = {take_episode, &work};
    bool done = episode_stream(reader, sink, &tally->late, failure);
    for (enum variant v = 0; done && v < VARIANT_COUNT; v++)
        for (size_t c = 0; c < CONTEXT_ROWS; c++)
            finish_row(&work, nodes, v, c);
    free(work.nodes);
    return done;
}

void tally_free(struct tally *tally)
{
    free(tally->node_counts);
    tally->node_counts = NULL;
}
