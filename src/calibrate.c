#include "calibrate.h"

#include "patience.h"
#include "record/gather.h"
#include "sampler.h"
#include "world.h"

#include <errno.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* ---- the corridor file ---- */

/* A sentence in lines of at most 76 characters; further lines begin with blanks, as INI wants. */
static void write_sentence(FILE *file, const char *key, const char *sentence)
{
    char words[ASSUMPTION_BYTES];
    (void)snprintf(words, sizeof words, "%s", sentence);
    int column = fprintf(file, "%s =", key);
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (column + 1 + (int)strlen(word) > 76)
            column = fprintf(file, "\n   ") - 1;
        column += fprintf(file, " %s", word);
    }
    (void)fprintf(file, "\n");
}

/* The limits of the system under calibration, one per line. */
static void print_limits(FILE *file, const struct config *config, const char *between)
{
    uint32_t contexts = system_find(config->system)->contexts;
    for (enum context context = 0; context < CONTEXT_COUNT; context++) {
        const struct context_info *info = &context_table[context];
        double limit = config->corridor.limit[context] / info->limit_unit;
        if (info->limit_key == NULL || !(contexts & 1U << context))
            continue;
        if (isfinite(limit))
            (void)fprintf(file, "%s%s%.10g\n", info->limit_key, between, limit);
        else
            (void)fprintf(file, "%s%soff\n", info->limit_key, between);
    }
}

static void write_limits(FILE *file, const struct config *config)
{
    print_limits(file, config, " = ");
    (void)fprintf(file, "outside_fraction_max = %.10g\n", config->corridor.outside_fraction_max);
}

/* A number in the fewest digits that read back as the same: 6.2, not 6.2000000000000002. */
static void write_value(FILE *file, const struct config_value *value)
{
    char shorter[32];
    char *end = NULL;
    double number = strtod(value->text, &end);
    (void)snprintf(shorter, sizeof shorter, "%.15g", number);
    bool same = *end == '\0' && end != value->text && strtod(shorter, NULL) == number;
    (void)fprintf(file, "%s = %s\n", value->key, same ? shorter : value->text);
}

static void write_corridor(FILE *file, const struct config *config,
                           const struct calibration_note *note)
{
    static struct config_value values[CONFIG_VALUES_MAX];
    size_t count = config_values(config, values);
    (void)fprintf(file,
                  "; The corridor: what normal looks like. Freeze it before the scale changes.\n"
                  "[corridor]\n");
    write_sentence(file, "assumption", config->corridor.assumption);
    for (size_t i = 0; i < count; i++)
        if (strcmp(values[i].key, "watch") == 0)
            write_sentence(file, "watch", values[i].text);
    write_limits(file, config);
    (void)fprintf(file, "\n[load]\n");
    for (size_t i = 0; i < count; i++)
        if (config_is_load(values[i].key))
            write_value(file, &values[i]);
    (void)fprintf(file,
                  "\n; How the limits were found; shown and stored, not used.\n[calibration]\n"
                  "nodes = %s\nsamples = %s\nquantile = %s\nspread = %s\nfactor = %s\nidle = %s\n"
                  "link_class = %s\nload = %s\n",
                  note->nodes, note->samples, note->quantile, note->spread, note->factor,
                  note->idle, note->link_class, note->load);
}

static bool save_corridor(const struct config *config, const struct calibration_note *note,
                          struct failure *failure)
{
    char part[CONFIG_PATH_BYTES + 8];
    (void)snprintf(part, sizeof part, "%s.part", config->calibrate_file);
    FILE *file = fopen(part, "w");
    if (file == NULL)
        return failure_set(failure, EXIT_CANNOT_CREATE, "cannot create %s: %s", part,
                           strerror(errno));
    write_corridor(file, config, note);
    bool written = fflush(file) == 0 && fsync(fileno(file)) == 0 && ferror(file) == 0;
    int error = errno;
    written = fclose(file) == 0 && written;
    if (written && rename(part, config->calibrate_file) == 0)
        return true;
    error = written ? errno : error;
    (void)unlink(part);
    return failure_set(failure, EXIT_WRITE_FAILED, "cannot write %s: %s", config->calibrate_file,
                       strerror(error));
}

/* ---- the result ---- */

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
    (void)snprintf(note.link_class, sizeof note.link_class, "%.60s, %u ranks",
                   strcmp(config->scene, "bare") == 0 ? "as launched" : config->scene,
                   c->world->ranks);
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
    print_limits(stdout, config, ": ");
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
        round_up(config->calibrate_factor * delay.median_s * 1e6) * 1e-6;
    config->corridor.limit[CONTEXT_HEARTBEAT_MISSED] =
        round_up(config->calibrate_factor * gap.median_s * 1e3) * 1e-3;
    propose_deadline(config, &delay);
    struct calibration_note note = note_of(c, &delay, &gap);
    if (save_corridor(config, &note, &c->failure))
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
