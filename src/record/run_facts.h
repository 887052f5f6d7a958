#ifndef MPIDRIFT_RUN_FACTS_H
#define MPIDRIFT_RUN_FACTS_H

#include "config.h"
#include "record/run_file.h"

/* What all nodes of a run share and its file tells, known before the window opens. Every node has
 * the same copy, and its spool keeps it: any one spool is enough to head a run file. */

enum { RUN_SETTINGS_MAX = CONFIG_VALUES_MAX + 32, RUN_SETTINGS_BYTES = 80 * 1024 };

struct run_facts {
    char run_id[128];
    char start_time_utc[32];
    char canonical_text[CANONICAL_TEXT_BYTES];
    double limit[CONTEXT_COUNT]; /* the corridor's, in the measure's unit; INFINITY: off */
    double duration_s;           /* of the window as planned */
    uint32_t nodes;
    uint32_t group_nodes; /* nodes that see each other; all, or those of one group */
    uint32_t contexts;    /* bit (1 << enum context) for each that the system has */
    uint32_t windows;
    uint32_t hosts;
    uint32_t cores;
    uint32_t has_final_state; /* 1: replicas can be compared */
    uint32_t is_observed;     /* 0: --observe off */
    uint32_t has_trace;
    uint32_t has_tables; /* 1: the system keeps rows of its own, which no spool holds */
    uint32_t reserved;
    uint64_t trace_capacity; /* events of each node */
    uint32_t setting_count;
    uint32_t settings_bytes; /* used of settings */
    char settings[RUN_SETTINGS_BYTES];
};

/* Append a setting; `text` NULL: the number. Asserts that there is room: the number of settings and
 * their lengths are bounded by their makers. */
void run_facts_add(struct run_facts *facts, const char *group, const char *key, const char *text,
                   double number);

/* How many bytes of it are used. */
size_t run_facts_bytes(const struct run_facts *facts);

/* Take bytes that somebody else wrote. False when any number or text in them cannot be. */
bool run_facts_take(struct run_facts *facts, const void *bytes, size_t size);

/* The settings as the writer wants them, pointing into `facts`; returns how many. */
size_t run_facts_settings(const struct run_facts *facts,
                          struct run_setting settings[RUN_SETTINGS_MAX]);

/* Codes of the contexts, ascending. Returns how many. */
uint32_t run_facts_contexts(const struct run_facts *facts, uint32_t contexts[CONTEXT_COUNT]);

/* Parts of the window that are counted apart: about 50 ms each, a multiple of 60, at most
 * RUN_WINDOWS_MAX. */
uint32_t run_windows_of(double duration_s);

/* Seconds since 1970 as ISO 8601 in UTC with Z. */
void utc_text(double utc_s, char text[32]);

#endif
