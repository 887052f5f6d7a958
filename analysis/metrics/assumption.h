#ifndef MPIDRIFT_METRICS_ASSUMPTION_H
#define MPIDRIFT_METRICS_ASSUMPTION_H

/* Did the assumption hold? The metrics page, section 5.1. */

enum assumption_verdict {
    ASSUMPTION_HELD,
    ASSUMPTION_FAILED,
    ASSUMPTION_CANNOT_TELL,
    ASSUMPTION_VERDICTS
};
extern const char *const assumption_words[ASSUMPTION_VERDICTS];

/* From the interval of outside_node between the runs and the declared outside_fraction_max: held
 * where the upper end is at most that, failed where the lower end is above it. An end that is not
 * known (NaN, as with fewer than six runs) decides nothing. */
enum assumption_verdict assumption_of(double outside_low, double outside_high,
                                      double outside_fraction_max);

#endif
