#ifndef MPIDRIFT_CALIBRATE_H
#define MPIDRIFT_CALIBRATE_H

#include "config.h"
#include "pass.h"

struct world;

/* Measure what is normal at this scale and write a corridor with a matching load. A short pass
 * finds the load; the second runs at that load until it has config.calibrate_samples of delay and
 * of heartbeat gap, takes the quantile per block of time, and says what rate × delay it reached. */

enum { CALIBRATION_BLOCKS = 10 };

enum sample_kind { SAMPLE_DELAY, SAMPLE_GAP, SAMPLE_KINDS };

struct sample {
    double value_s;
    uint32_t kind;  /* enum sample_kind */
    uint32_t block; /* of the pass in time, 0 … CALIBRATION_BLOCKS - 1 */
};

/* The quantile per block, and over the blocks their median and spread. */
struct block_quantile {
    uint64_t samples;
    double mean_s;
    double median_s;
    double low_s;
    double high_s;
};

/* Of the samples of that kind; all zero if there are none. Reorders `samples`. False when memory is
 * short. */
bool block_quantile(struct sample *samples, size_t count, enum sample_kind kind, double quantile,
                    struct block_quantile *result);

/* Up to two significant digits, never down. */
double round_up(double value);
/* Of a limit and what the clocks can be apart: the limit, or the latter rounded up if that is more.
 */
double resolved_limit_us(double limit_us, double clock_uncertainty_us);
/* The load that reaches `load_factor` at that mean delay, to two significant digits. A node that
 * sleeps between polls stays meaningful up to 100 writes per second. */
double matching_rate_per_s(double load_factor, double mean_delay_s, enum idle_mode idle);

/* Collective. The same exit code on every rank; messages are printed. */
enum exit_code calibrate(const struct world *world, const struct config *config);

#endif
