#include "analysis/chrome_trace.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

enum { ROWS_AT_A_TIME = 4096, WRITES_TRACK = 1, DELIVERIES_TRACK = 2, EPISODES_TRACK = 3 };
static const double SLICE_US = 1, TICK_US = 0.001;

struct writer {
    FILE *out;
    struct run_reader *reader;
    const struct chrome_setup *setup;
    struct chrome_left_out *left_out;
    struct failure *failure;
    bool has_events;
    uint64_t episodes;
    uint64_t flows;
};

/* All that every event has; the caller adds what is its own, and the closing brace. */
static void begin_event(struct writer *w, const char *phase, uint32_t node, uint32_t track,
                        double at_us)
{
    (void)fprintf(w->out, "%s\n{\"ph\":\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":%.3f",
                  w->has_events ? "," : "", phase, node + 1, track, at_us);
    w->has_events = true;
}

/* `value`: JSON. */
static void write_metadata(struct writer *w, const char *what, uint32_t node, uint32_t track,
                           const char *key, const char *value)
{
    begin_event(w, "M", node, track, 0);
    (void)fprintf(w->out, ",\"name\":\"%s\",\"args\":{\"%s\":%s}}", what, key, value);
}

static void name_track(struct writer *w, uint32_t node, uint32_t track, const char *name,
                       uint32_t number)
{
    char value[40];
    if (number > 0)
        (void)snprintf(value, sizeof value, "\"%s %u\"", name, number);
    else
        (void)snprintf(value, sizeof value, "\"%s\"", name);
    write_metadata(w, "thread_name", node, track, "name", value);
    (void)snprintf(value, sizeof value, "%u", track);
    write_metadata(w, "thread_sort_index", node, track, "sort_index", value);
}

static void name_node(struct writer *w, uint32_t node)
{
    char name[NODE_NAME_BYTES], value[40];
    node_name(node, name);
    (void)snprintf(value, sizeof value, "\"%s\"", name);
    write_metadata(w, "process_name", node, 0, "name", value);
    (void)snprintf(value, sizeof value, "%u", node);
    write_metadata(w, "process_sort_index", node, 0, "sort_index", value);
}

/* ---- episodes ---- */

/* Episodes of one node that overlap stand on tracks of their own. */
struct lanes {
    double end_us[CHROME_LANES_MAX];
    uint32_t count;
};

/* CHROME_LANES_MAX: none is free. */
static uint32_t find_lane(struct lanes *lanes, double begin_us, double end_us)
{
    uint32_t lane = 0;
    while (lane < lanes->count && lanes->end_us[lane] > begin_us)
        lane++;
    if (lane < CHROME_LANES_MAX)
        lanes->end_us[lane] = end_us;
    if (lane == lanes->count && lane < CHROME_LANES_MAX)
        lanes->count++;
    return lane;
}

static void write_number(FILE *out, const char *key, double number)
{
    if (isfinite(number))
        (void)fprintf(out, ",\"%s\":%.9g", key, number);
}

static void write_episode(struct writer *w, struct lanes *lanes, const struct badge *badge,
                          double watched_s)
{
    double end_s = isnan(badge->end_s) ? watched_s : badge->end_s;
    double begin_us = badge->global_s * 1e6;
    double length_us = fmax(TICK_US, (end_s - badge->time_s) * 1e6);
    uint64_t most = w->setup->limit == UINT64_MAX ? CHROME_EPISODES_MAX : w->setup->limit;
    uint32_t lane =
        w->episodes < most ? find_lane(lanes, begin_us, begin_us + length_us) : CHROME_LANES_MAX;
    if (lane == CHROME_LANES_MAX || badge->context >= CONTEXT_COUNT) {
        w->left_out->episodes++;
        return;
    }
    const struct context_info *info = &context_table[badge->context];
    char peer[NODE_NAME_BYTES], flags[96];
    node_name(badge->peer, peer);
    badge_flags_text(badge->flags, ' ', flags);
    w->episodes++;
    begin_event(w, "X", badge->node, EPISODES_TRACK + lane, begin_us);
    (void)fprintf(w->out,
                  ",\"dur\":%.3f,\"name\":\"%s\",\"cat\":\"%s\",\"args\":{\"peer\":\"%s\","
                  "\"boundary\":\"%s\",\"flags\":\"%s\"",
                  length_us, info->name, class_name(info->class), peer,
                  boundary_name((enum boundary_kind)badge->boundary), flags);
    write_number(w->out, "observed", badge->observed);
    write_number(w->out, "limit", badge->limit);
    write_number(w->out, "peak", badge->peak);
    write_number(w->out, "own_stall_us", badge->own_stall_s * 1e6);
    (void)fputs("}}", w->out);
}

static bool write_episodes(struct writer *w, uint32_t node)
{
    const struct run_node *row = &run_reader_node_rows(w->reader)[node];
    struct badge *rows = calloc(ROWS_AT_A_TIME, sizeof *rows);
    struct lanes lanes = {.count = 0};
    if (rows == NULL)
        return failure_set(w->failure, EXIT_INTERNAL, "no memory for badges");
    bool done = true;
    for (uint64_t at = 0; done && at < row->badges; at += ROWS_AT_A_TIME) {
        uint64_t left = row->badges - at;
        size_t count = left < ROWS_AT_A_TIME ? (size_t)left : ROWS_AT_A_TIME;
        done = run_reader_badges(w->reader, row->badges_first + at, count, rows, w->failure);
        for (size_t i = 0; done && i < count; i++)
            if (rows[i].node == node && isfinite(rows[i].global_s) && isfinite(rows[i].time_s) &&
                w->setup->passes(w->setup->self, &rows[i]))
                write_episode(w, &lanes, &rows[i], row->watched_s);
    }
    free(rows);
    for (uint32_t lane = 0; lane < lanes.count; lane++)
        name_track(w, node, EPISODES_TRACK + lane, "outside", lane + 1);
    return done;
}

/* ---- messages ---- */

/* Slices of one track must not overlap, or they would be nested: the one before waits for its
 * length until the next is known. */
struct track {
    struct trace_event event; /* the waiting one */
    double begin_us;
    bool is_waiting;
};

static void end_slice(struct writer *w, struct track *track, bool is_write, double next_us)
{
    const struct trace_event *event = &track->event;
    char peer[NODE_NAME_BYTES];
    if (!track->is_waiting)
        return;
    begin_event(w, "X", event->node, is_write ? WRITES_TRACK : DELIVERIES_TRACK, track->begin_us);
    (void)fprintf(w->out, ",\"dur\":%.3f,\"name\":\"%s\",\"cat\":\"message\",\"args\":{\"key\":%d",
                  fmin(SLICE_US, next_us - track->begin_us), is_write ? "write" : "delivery",
                  event->key);
    (void)fprintf(w->out, ",\"version\":%llu", (unsigned long long)event->version);
    if (!is_write) {
        node_name(event->peer, peer);
        (void)fprintf(w->out, ",\"from\":\"%s\",\"delay_us\":%.3f", peer,
                      (event->global_s - event->sent_s) * 1e6);
    }
    (void)fputs("}}", w->out);
    track->is_waiting = false;
}

/* From the write on its writer's track to this delivery. */
static void write_flow(struct writer *w, const struct trace_event *event, double at_us)
{
    uint64_t flow = ++w->flows;
    begin_event(w, "s", event->peer, WRITES_TRACK, event->sent_s * 1e6);
    (void)fprintf(w->out, ",\"id\":%llu,\"name\":\"message\",\"cat\":\"message\"}",
                  (unsigned long long)flow);
    begin_event(w, "f", event->node, DELIVERIES_TRACK, at_us);
    (void)fprintf(w->out, ",\"bp\":\"e\",\"id\":%llu,\"name\":\"message\",\"cat\":\"message\"}",
                  (unsigned long long)flow);
}

static void write_message(struct writer *w, struct track *track, const struct trace_event *event)
{
    bool is_write = event->kind == (uint16_t)BOUNDARY_SEND;
    double at_us = (is_write ? event->sent_s : event->global_s) * 1e6;
    if (track->is_waiting)
        at_us = fmax(at_us, track->begin_us + TICK_US);
    end_slice(w, track, is_write, at_us);
    *track = (struct track){*event, at_us, true};
    if (!is_write && event->sent_s >= fmax(0, w->setup->from_s))
        write_flow(w, event, at_us);
}

static bool write_messages(struct writer *w, uint32_t node)
{
    const struct run_trace *index = &run_reader_trace_index(w->reader)[node];
    struct trace_event *rows = calloc(ROWS_AT_A_TIME, sizeof *rows);
    struct track writes = {.is_waiting = false}, deliveries = writes;
    double to_s = fmin(w->setup->to_s, w->left_out->messages_from_s);
    if (rows == NULL)
        return failure_set(w->failure, EXIT_INTERNAL, "no memory for a trace");
    bool done = true;
    for (uint64_t at = 0; done && at < index->events; at += ROWS_AT_A_TIME) {
        uint64_t left = index->events - at;
        size_t count = left < ROWS_AT_A_TIME ? (size_t)left : ROWS_AT_A_TIME;
        done = run_reader_trace(w->reader, node, at, count, rows, w->failure);
        for (size_t i = 0; done && i < count; i++) {
            bool is_write = rows[i].kind == (uint16_t)BOUNDARY_SEND;
            if ((!is_write && rows[i].kind != (uint16_t)BOUNDARY_UPDATE) ||
                rows[i].global_s < w->setup->from_s || !(rows[i].global_s < to_s))
                continue;
            write_message(w, is_write ? &writes : &deliveries, &rows[i]);
        }
    }
    end_slice(w, &writes, true, HUGE_VAL);
    end_slice(w, &deliveries, false, HUGE_VAL);
    free(rows);
    if (index->events > 0) {
        name_track(w, node, WRITES_TRACK, "writes", 0);
        name_track(w, node, DELIVERIES_TRACK, "deliveries", 0);
    }
    return done;
}

/* Each node may have an equal part of the messages; the earliest time at which one has used its
 * part up is the end for all, so that every flow has both its ends. */
static bool find_end(struct writer *w)
{
    uint32_t nodes = run_reader_nodes(w->reader);
    uint64_t part = CHROME_MESSAGES_MAX / nodes;
    for (uint32_t i = 0; i < nodes; i++) {
        struct trace_event row;
        if (run_reader_trace_index(w->reader)[i].events <= part)
            continue;
        if (!run_reader_trace(w->reader, i, part, 1, &row, w->failure))
            return false;
        w->left_out->messages_from_s = fmin(w->left_out->messages_from_s, row.global_s);
    }
    return true;
}

/* ---- the whole ---- */

static bool write_end(struct writer *w)
{
    json_t *run = json_string(run_reader_text(w->reader, "/", "run_id"));
    char *text = run != NULL ? json_dumps(run, JSON_ENCODE_ANY) : NULL;
    json_decref(run);
    (void)fprintf(w->out, "\n],\"otherData\":{\"run\":%s,\"episodes_left_out\":%llu",
                  text != NULL ? text : "null", (unsigned long long)w->left_out->episodes);
    write_number(w->out, "messages_left_out_from_s", w->left_out->messages_from_s);
    (void)fputs("}}\n", w->out);
    free(text);
    return true;
}

bool chrome_trace_print(FILE *out, struct run_reader *reader, const struct chrome_setup *setup,
                        struct chrome_left_out *left_out, struct failure *failure)
{
    struct writer w = {
        .out = out, .reader = reader, .setup = setup, .left_out = left_out, .failure = failure};
    *left_out = (struct chrome_left_out){0, HUGE_VAL};
    bool done = !setup->with_messages || find_end(&w);
    (void)fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[", out);
    for (uint32_t node = setup->first_node; done && node < setup->end_node; node++) {
        name_node(&w, node);
        done = write_episodes(&w, node) && (!setup->with_messages || write_messages(&w, node));
    }
    return done && write_end(&w);
}
