#include "observe/corridor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct context_info context_table[CONTEXT_COUNT] = {
    [CONTEXT_MESSAGE_DELAY_EXCEEDED] = {.name = "message_delay_exceeded",
                                        .class = CLASS_TIME,
                                        .boundary = BOUNDARY_RECEIVE,
                                        .measure = MEASURE_DELAY_S,
                                        .sign = 1,
                                        .limit_key = "message_delay_max_us",
                                        .limit_unit = 1e-6,
                                        .limit_default = 1000,
                                        .unit = "s"},
    [CONTEXT_HEARTBEAT_MISSED] = {.name = "heartbeat_missed",
                                  .class = CLASS_TIME,
                                  .boundary = BOUNDARY_TIMEOUT,
                                  .measure = MEASURE_HEARTBEAT_GAP_S,
                                  .sign = 1,
                                  .limit_key = "heartbeat_gap_max_ms",
                                  .limit_unit = 1e-3,
                                  .limit_default = 100,
                                  .unit = "s"},
    [CONTEXT_MESSAGE_MISSING] = {.name = "message_missing",
                                 .class = CLASS_STATE,
                                 .boundary = BOUNDARY_RECEIVE,
                                 .measure = MEASURE_MISSING,
                                 .sign = 1,
                                 .limit_unit = 1,
                                 .unit = "messages"},
    [CONTEXT_VERSION_LAG_EXCEEDED] = {.name = "version_lag_exceeded",
                                      .class = CLASS_STATE,
                                      .boundary = BOUNDARY_UPDATE,
                                      .measure = MEASURE_VERSION_GAP,
                                      .sign = -1,
                                      .keyed = true,
                                      .limit_key = "version_lag_max",
                                      .limit_unit = 1,
                                      .limit_default = 1,
                                      .unit = "versions"},
    [CONTEXT_CAUSAL_ORDER_VIOLATED] = {.name = "causal_order_violated",
                                       .class = CLASS_STATE,
                                       .boundary = BOUNDARY_UPDATE,
                                       .measure = MEASURE_VERSION_GAP,
                                       .sign = 1,
                                       .keyed = true,
                                       .limit_unit = 1,
                                       .unit = "versions"},
    [CONTEXT_DUAL_LEADER_OBSERVED] = {.name = "dual_leader_observed",
                                      .class = CLASS_STATE,
                                      .boundary = BOUNDARY_LEADERSHIP,
                                      .measure = MEASURE_DUAL_LEADERS,
                                      .sign = 1,
                                      .limit_unit = 1,
                                      .unit = "leaders"},
    [CONTEXT_LEADER_VIEW_SPLIT] = {.name = "leader_view_split",
                                   .class = CLASS_STATE,
                                   .boundary = BOUNDARY_LEADERSHIP,
                                   .measure = MEASURE_LEADER_VIEWS,
                                   .sign = 1,
                                   .limit_unit = 1,
                                   .unit = "views"},
    [CONTEXT_DECISION_SPLIT] = {.name = "decision_split",
                                .class = CLASS_STATE,
                                .boundary = BOUNDARY_DECISION,
                                .measure = MEASURE_DECISIONS,
                                .sign = 1,
                                .limit_unit = 1,
                                .unit = "decisions"},
};

static const char *const boundary_names[BOUNDARY_COUNT] = {
    [BOUNDARY_SEND] = "send",
    [BOUNDARY_RECEIVE] = "receive",
    [BOUNDARY_UPDATE] = "update",
    [BOUNDARY_TIMEOUT] = "timeout",
    [BOUNDARY_LEADERSHIP] = "leadership",
    [BOUNDARY_DECISION] = "decision",
};

static const char *const class_names[CLASS_COUNT] = {
    [CLASS_TIME] = "time", [CLASS_STATE] = "state"};

const char *boundary_name(enum boundary_kind kind)
{
    return (unsigned)kind < BOUNDARY_COUNT ? boundary_names[kind] : "unknown";
}

const char *class_name(enum context_class class)
{
    return (unsigned)class < CLASS_COUNT ? class_names[class] : "unknown";
}

enum context context_find(const char *name)
{
    enum context context = 0;
    while (context < CONTEXT_COUNT && strcmp(context_table[context].name, name) != 0)
        context++;
    return context;
}

struct corridor corridor_default(void)
{
    struct corridor corridor = {.outside_fraction_max = 0.01};
    for (enum context c = 0; c < CONTEXT_COUNT; c++) {
        corridor.watched[c] = true;
        corridor.limit[c] = context_table[c].limit_default * context_table[c].limit_unit;
    }
    return corridor;
}
