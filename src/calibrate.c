#include "calibrate.h"

#include "corridor_file.h"
#include "patience.h"
#include "record/gather.h"
#include "sampler.h"
#include "world.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PASSES_MAX = 6, DELAYS_LEAST = 100 };
static const double PROBE_S = 1;
/* A pass aims a little above what is needed, so that one is enough. */
static const double PASS_MARGIN = 1.03;
static const double SLEEPING_RATE_MAX_PER_S = 100;

/* ---- figures ---- */

static double rounded(double value, bool up)
{
    if (!(value > 0))
        return 0;
    double unit = pow(10, floor(log10(value)) - 1);
    double steps = value / unit;
    return (up ? ceil(steps - 1e-9) : round(steps)) * unit;
}

double round_up(double value)
{
    return rounded(value, true);
}

double resolved_limit_us(double limit_us, double clock_uncertainty_us)
{
    return limit_us < clock_uncertainty_us ? round_up(clock_uncertainty_us) : limit_us;
}

double matching_rate_per_s(double load_factor, double mean_delay_s, enum idle_mode idle)
{
    double most = idle == IDLE_SLEEP ? SLEEPING_RATE_MAX_PER_S : 1e6;
    return mean_delay_s > 0 ? fmin(most, rounded(load_factor / mean_delay_s, false)) : most;
}

static int by_block(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    return (x->block > y->block) - (x->block < y->block);
}

/* Values of one kind, block after block. */
static size_t values_of(const struct sample *samples, size_t count, enum sample_kind kind,
                        double *values, size_t ends[CALIBRATION_BLOCKS])
{
    size_t kept = 0;
    memset(ends, 0, CALIBRATION_BLOCKS * sizeof ends[0]);
    for (size_t i = 0; i < count; i++)
        if (samples[i].kind == (uint32_t)kind) {
            values[kept++] = samples[i].value_s;
            ends[samples[i].block] = kept;
        }
    return kept;
}

bool block_quantile(struct sample *samples, size_t count, enum sample_kind kind, double quantile,
                    struct block_quantile *result)
{
    size_t ends[CALIBRATION_BLOCKS], blocks = 0, begin = 0;
    double quantiles[CALIBRATION_BLOCKS];
    *result = (struct block_quantile){0, 0, 0, 0, 0};
    double *values = calloc(count + 1, sizeof *values);
    if (values == NULL)
        return false;
    qsort(samples, count, sizeof samples[0], by_block);
    result->samples = values_of(samples, count, kind, values, ends);
    for (size_t b = 0; b < CALIBRATION_BLOCKS; b++) {
        if (ends[b] <= begin)
            continue;
        gsl_sort(values + begin, 1, ends[b] - begin);
        quantiles[blocks++] =
            gsl_stats_quantile_from_sorted_data(values + begin, 1, ends[b] - begin, quantile);
        begin = ends[b];
    }
    if (blocks > 0) {
        gsl_sort(quantiles, 1, blocks);
        result->mean_s = gsl_stats_mean(values, 1, result->samples);
        result->median_s = gsl_stats_median_from_sorted_data(quantiles, 1, blocks);
        result->low_s = quantiles[0];
        result->high_s = quantiles[blocks - 1];
    }
    free(values);
    return true;
}

/* ---- passes ---- */

/* Samples of all ranks so far; on node 0 only. */
struct calibration {
    const struct world *world;
    struct config config;
    struct sampler *sampler;
    struct sample *samples;
    size_t count;
    size_t room;
    uint64_t of_kind[SAMPLE_KINDS];
    struct pair_clocks clocks; /* of the last pass; uncertainties: the largest of any */
    struct failure failure;
};

static void give(void *self, uint64_t first, size_t count, void *records)
{
    const struct calibration *calibration = self;
    size_t all;
    const struct sample *samples = sampler_samples(calibration->sampler, &all);
    memcpy(records, samples + first, count * sizeof samples[0]);
}

static void take(void *self, uint32_t rank, const void *records, size_t count)
{
    struct calibration *c = self;
    const struct sample *samples = records;
    (void)rank;
    if (c->count + count > c->room) {
        size_t room = 2 * (c->count + count);
        struct sample *larger = realloc(c->samples, room * sizeof *larger);
        if (larger == NULL) {
            (void)failure_set(&c->failure, EXIT_INTERNAL, "no memory for the samples");
            return;
        }
        c->samples = larger;
        c->room = room;
    }
    memcpy(c->samples + c->count, samples, count * sizeof samples[0]);
    c->count += count;
    for (size_t i = 0; i < count; i++)
        c->of_kind[samples[i].kind]++;
}

static double links(const struct world *world)
{
    return (double)world->nodes * (world->nodes - 1);
}

static double node_rate_per_s(const struct calibration *c)
{
    return config_node_rate_per_s(&c->config, c->world->nodes);
}

static double samples_per_s(const struct calibration *c, enum sample_kind kind)
{
    double heartbeats_per_s = 1e3 / c->config.heartbeat_ms;
    return links(c->world) *
           (kind == SAMPLE_GAP ? heartbeats_per_s : heartbeats_per_s + node_rate_per_s(c));
}

static void remember_clocks(struct calibration *c, const struct pair_clocks *clocks)
{
    struct pair_clocks before = c->clocks;
    c->clocks = *clocks;
    for (int class = 0; class < LINK_CLASSES; class ++)
        c->clocks.uncertainty_max_s[class] =
            fmax(before.uncertainty_max_s[class], clocks->uncertainty_max_s[class]);
}

/* One pass; its samples are added to those on node 0. */
static enum exit_code sample_pass(struct calibration *c, double duration_s)
{
    double per_node = duration_s / c->world->nodes *
                      (samples_per_s(c, SAMPLE_DELAY) + samples_per_s(c, SAMPLE_GAP));
    struct pass pass;
    c->sampler = sampler_create(c->world->nodes, (size_t)(2 * per_node) + 1024);
    if (c->sampler == NULL)
        (void)failure_set(&c->failure, EXIT_INTERNAL, "no memory for the samples");
    enum exit_code code = world_agree(c->world, &c->failure);
    if (code != EXIT_DONE)
        return code;
    struct pass_setup setup = {.world = c->world,
                               .config = &c->config,
                               .duration_s = duration_s,
                               .rate_per_s = node_rate_per_s(c),
                               .watcher = sampler_watcher(c->sampler)};
    code = pass_run(&pass, &setup);
    if (code == EXIT_DONE)
        remember_clocks(c, &pass.clocks.pairs);
    pass_close(&pass);
    if (code == EXIT_DONE) {
        size_t count;
        (void)sampler_samples(c->sampler, &count);
        struct gather gather = {sizeof(struct sample), count, give, take, c};
        gather_records(c->world, &gather);
        patience_begin("go on with the calibration", 1, 0);
        code = world_agree(c->world, &c->failure);
    }
    sampler_free(c->sampler);
    return code;
}

static void forget_samples(struct calibration *c)
{
    c->count = 0;
    memset(c->of_kind, 0, sizeof c->of_kind);
}

/* A short pass, and from its mean delay the load of the next. */
static enum exit_code choose_load(struct calibration *c)
{
    enum exit_code code = sample_pass(c, PROBE_S);
    if (code != EXIT_DONE)
        return code;
    struct block_quantile delay;
    if (c->world->rank == 0) {
        if (c->of_kind[SAMPLE_DELAY] < DELAYS_LEAST)
            (void)failure_set(&c->failure, EXIT_INTERNAL,
                              "calibration saw %llu messages in %g s; raise --rate",
                              (unsigned long long)c->of_kind[SAMPLE_DELAY], PROBE_S);
        else if (!block_quantile(c->samples, c->count, SAMPLE_DELAY, 0.5, &delay))
            (void)failure_set(&c->failure, EXIT_INTERNAL, "no memory for the samples");
        else
            c->config.rate_per_s = matching_rate_per_s(c->config.load_factor, delay.mean_s,
                                                       (enum idle_mode)c->config.idle);
        forget_samples(c);
    }
    world_share(c->world, &c->config, sizeof c->config);
    return world_agree(c->world, &c->failure);
}

/* Passes at that load until both kinds are many enough. */
static enum exit_code sample_enough(struct calibration *c)
{
    enum exit_code code = EXIT_DONE;
    for (int pass = 0; pass < PASSES_MAX && code == EXIT_DONE; pass++) {
        double duration_s = 0;
        for (enum sample_kind kind = 0; kind < SAMPLE_KINDS; kind++) {
            double missing = c->config.calibrate_samples - (double)c->of_kind[kind];
            duration_s = fmax(duration_s, PASS_MARGIN * missing / samples_per_s(c, kind));
        }
        world_share(c->world, &duration_s, sizeof duration_s);
        if (duration_s <= 0)
            return EXIT_DONE;
        code = sample_pass(c, fmax(duration_s, 0.2));
    }
    if (code == EXIT_DONE && c->world->rank == 0)
        for (enum sample_kind kind = 0; kind < SAMPLE_KINDS; kind++)
            if (c->of_kind[kind] < c->config.calibrate_samples)
                (void)failure_set(&c->failure, EXIT_INTERNAL,
                                  "calibration got %llu of %u samples in %d passes: messages are "
                                  "missing",
                                  (unsigned long long)c->of_kind[kind], c->config.calibrate_samples,
                                  PASSES_MAX);
    return world_agree(c->world, &c->failure);
}

/* ---- the result ---- */

/* "same host", "cross host", or how many pairs are; and the declared network. The comparison knows
 * the first two. */
static void link_class_text(const struct calibration *c, char text[CALIBRATION_TEXT_BYTES])
{
    double same = c->clocks.pairs[LINK_SAME_HOST], cross = c->clocks.pairs[LINK_CROSS_HOST];
    bool bare = strcmp(c->config.scene, "bare") == 0;
    char class[64];
    if (cross == 0)
        (void)snprintf(class, sizeof class, "same host");
    else if (same == 0)
        (void)snprintf(class, sizeof class, "cross host");
    else
        (void)snprintf(class, sizeof class, "mixed: %.3g of the pairs on one host",
                       same / (same + cross));
    (void)snprintf(text, CALIBRATION_TEXT_BYTES, "%s%s%.20s", class, bare ? "" : ", scene ",
                   bare ? "" : c->config.scene);
}

/* No limit that is written is finer than the clocks can tell. */
static double written_limit_us(const struct calibration *c, double limit_us)
{
    double apart_us = 1e6 * fmax(c->clocks.uncertainty_max_s[LINK_SAME_HOST],
                                 c->clocks.uncertainty_max_s[LINK_CROSS_HOST]);
    double written_us = resolved_limit_us(limit_us, apart_us);
    if (written_us > limit_us && !c->config.quiet)
        (void)fprintf(
            stderr,
            "mpidrift: warning: a delay limit of %g us would be normal, but the clocks can "
            "be apart by %.3g us: the limit that is written is %g us\n",
            limit_us, apart_us, written_us);
    return written_us;
}

static struct calibration_note note_of(const struct calibration *c,
                                       const struct block_quantile *delay,
                                       const struct block_quantile *gap)
{
    static const char *const idles[] = {"sleep", "yield", "spin"};
    struct calibration_note note;
    const struct config *config = &c->config;
    (void)snprintf(note.nodes, sizeof note.nodes, "%u", c->world->nodes);
    (void)snprintf(note.samples, sizeof note.samples, "%llu delays, %llu heartbeat gaps",
                   (unsigned long long)delay->samples, (unsigned long long)gap->samples);
    (void)snprintf(note.quantile, sizeof note.quantile, "p%g delay %.1f us, gap %.2f ms",
                   100 * config->calibrate_quantile, delay->median_s * 1e6, gap->median_s * 1e3);
    (void)snprintf(note.spread, sizeof note.spread,
                   "over %d blocks: delay %.1f to %.1f us, gap %.2f to %.2f ms", CALIBRATION_BLOCKS,
                   delay->low_s * 1e6, delay->high_s * 1e6, gap->low_s * 1e3, gap->high_s * 1e3);
    (void)snprintf(note.factor, sizeof note.factor, "%g", config->calibrate_factor);
    (void)snprintf(note.idle, sizeof note.idle, "%s, %g us", idles[config->idle], config->idle_us);
    link_class_text(c, note.link_class);
    (void)snprintf(note.load, sizeof note.load, "rate x mean delay = %.4f per link",
                   node_rate_per_s(c) * delay->mean_s);
    return note;
}

static void print_result(const struct config *config, const struct calibration_note *note)
{
    if (config->quiet)
        return;
    printf("mpidrift: calibrated %s at %s nodes\n", config->system, note->nodes);
    printf("samples: %s\nquantile: %s\nspread: %s\nfactor: %s\n", note->samples, note->quantile,
           note->spread, note->factor);
    corridor_file_print_limits(stdout, config, ": ");
    printf("link_class: %s\n", note->link_class);
    printf("rate_per_s: %.10g\ndeadline_us: %.10g\nround_ms: %.10g\nload_reached: %s\nfile: %s\n",
           config->rate_per_s, config->deadline_us, config->round_ms, note->load,
           config->calibrate_file);
}

/* What a message takes is what a proposal takes. The round leaves as much time again, because a
 * decision travels with the next. */
static void propose_deadline(struct config *config, const struct block_quantile *delay)
{
    config->deadline_us = fmax(1, round_up(config->calibrate_factor * delay->median_s * 1e6));
    config->round_ms = fmax(config->round_ms, round_up(2 * config->deadline_us * 1e-3));
}

static void conclude(struct calibration *c)
{
    struct config *config = &c->config;
    struct block_quantile delay, gap;
    double quantile = config->calibrate_quantile;
    if (!block_quantile(c->samples, c->count, SAMPLE_DELAY, quantile, &delay) ||
        !block_quantile(c->samples, c->count, SAMPLE_GAP, quantile, &gap)) {
        (void)failure_set(&c->failure, EXIT_INTERNAL, "no memory for the samples");
        return;
    }
    config->corridor.limit[CONTEXT_MESSAGE_DELAY_EXCEEDED] =
        written_limit_us(c, round_up(config->calibrate_factor * delay.median_s * 1e6)) * 1e-6;
    config->corridor.limit[CONTEXT_HEARTBEAT_MISSED] =
        round_up(config->calibrate_factor * gap.median_s * 1e3) * 1e-3;
    propose_deadline(config, &delay);
    struct calibration_note note = note_of(c, &delay, &gap);
    if (corridor_file_save(config, &note, &c->failure))
        print_result(config, &note);
}

enum exit_code calibrate(const struct world *world, const struct config *config)
{
    struct calibration calibration = {.world = world, .config = *config};
    enum exit_code code = choose_load(&calibration);
    if (code == EXIT_DONE)
        code = sample_enough(&calibration);
    if (code == EXIT_DONE) {
        if (world->rank == 0)
            conclude(&calibration);
        code = world_agree(world, &calibration.failure);
    }
    free(calibration.samples);
    return code;
}
