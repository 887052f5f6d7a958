#ifndef MPIDRIFT_RECORDED_H
#define MPIDRIFT_RECORDED_H

#include "fake_run.h"

/* What leader and consensus record besides, as a test reads it. */

struct recorded_belief {
    double time_s;
    uint32_t node;
    uint32_t leader;
};

struct recorded_detection {
    uint64_t suspicions;
    uint64_t recurrences;
    uint64_t mistakes;
    double recurrence_sum_s;
    double mistake_sum_s;
    double detection_sum_s;
    double detection_max_s;
    uint32_t node;
    uint32_t peer;
};

struct recorded_round {
    double time_s;
    uint32_t node;
    int32_t round;
    uint32_t proposal;
    uint32_t heard;
    uint32_t late;
    uint32_t decision;
};

enum { RECORDED_BELIEFS = 0, RECORDED_DETECTION = 1, RECORDED_ROUNDS = 0 };

const struct row_store *recorded_rows(const struct fake_run *run, uint32_t node, size_t table);

/* Of the window of a run of leader. */
struct recorded_shares {
    double split; /* of the time: not all believe in the same leader */
    double dual;  /* two believe in themselves */
};
struct recorded_shares recorded_shares(const struct fake_run *run);

/* Share of the window's rounds in which not all nodes decided alike. */
double recorded_split_rounds(const struct fake_run *run);

#endif
