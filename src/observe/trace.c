#include "observe/trace.h"

#include "touch.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

/* What is kept in memory: times as they were read, ranks as indices within the group. */
struct trace_slot {
    struct local_time at;
    struct global_time sent;
    uint64_t version;
    uint64_t sequence;
    uint32_t peer;
    uint32_t base;
    int32_t key;
    uint32_t kind;
};
static_assert(sizeof(struct trace_slot) == 48, "a slot has no padding");

/* The block: this, then the slots. */
struct trace_state {
    _Atomic uint64_t count; /* stored after the slot that it counts */
    uint64_t dropped;
    struct local_time begin;
    struct local_time covered_until;
};

struct trace {
    struct trace_setup setup;
    struct trace_state *state;
    struct trace_slot *slots; /* [setup.capacity] */
    void *own_block;          /* NULL: the block is the caller's */
    struct boundary next;
};

enum { SLOTS_AHEAD = 16 };

/* ---- size ---- */

static const double MIB = 1024 * 1024;
/* Six standard deviations of Poisson arrivals, and a second's worth of what is under way. */
static const double DEVIATIONS = 6, UNDER_WAY_S = 1;

uint64_t trace_capacity(const struct trace_load *load)
{
    /* A write is one event where it is made and one at each peer. */
    double events = load->writes_per_s * (load->duration_s + UNDER_WAY_S) * load->nodes;
    double wanted = ceil(events + DEVIATIONS * sqrt(events));
    double share = floor(load->max_mib * MIB / load->ranks / sizeof(struct trace_slot));
    return (uint64_t)fmin(wanted, share);
}

uint64_t trace_bytes(uint64_t capacity)
{
    return capacity * sizeof(struct trace_slot);
}

bool trace_memory_suffices(double bytes, double free_bytes, struct failure *failure)
{
    if (!(bytes > free_bytes / 2))
        return true;
    return failure_set(failure, EXIT_BAD_USAGE,
                       "the trace would take %.0f MiB on this host, more than half of the %.0f MiB "
                       "of memory that are free: lower --trace-max-mib, or --trace off",
                       bytes / MIB, free_bytes / MIB);
}

/* ---- life ---- */

size_t trace_block_bytes(uint64_t capacity)
{
    return sizeof(struct trace_state) + trace_bytes(capacity);
}

static struct trace *new_trace(const struct trace_setup *setup, struct failure *failure)
{
    struct trace *trace = calloc(1, sizeof *trace);
    void *own_block = NULL;
    if (setup->block == NULL)
        own_block = calloc(1, trace_block_bytes(setup->capacity));
    if (trace == NULL || (setup->block == NULL && own_block == NULL)) {
        free(trace);
        free(own_block);
        (void)failure_set(
            failure, EXIT_INTERNAL,
            "node %u has no memory for a trace of %.0f MiB: lower --trace-max-mib, or "
            "--trace off",
            setup->node, (double)trace_bytes(setup->capacity) / MIB);
        return NULL;
    }
    *trace = (struct trace){.setup = *setup, .own_block = own_block};
    trace->state = own_block != NULL ? own_block : setup->block;
    trace->slots = (void *)(trace->state + 1);
    return trace;
}

struct trace *trace_create(const struct trace_setup *setup, struct failure *failure)
{
    struct trace *trace = new_trace(setup, failure);
    if (trace != NULL && trace->own_block != NULL)
        touch_pages(trace->slots, trace_bytes(setup->capacity));
    return trace;
}

void trace_free(struct trace *trace)
{
    if (trace == NULL)
        return;
    free(trace->own_block);
    free(trace);
}

void trace_set_window(struct trace *trace, struct local_time begin, struct local_time end)
{
    trace->state->begin = begin;
    trace->state->covered_until = end;
}

/* ---- a block that outlived its process ---- */

static bool slot_is_sane(const struct trace_slot *slot, uint32_t nodes)
{
    return seconds_are_possible(slot->at.s) && seconds_are_possible(slot->sent.s) &&
           slot->peer < nodes && slot->base < nodes && slot->key >= -1 && slot->key <= INT16_MAX &&
           (slot->kind == BOUNDARY_SEND || slot->kind == BOUNDARY_UPDATE);
}

static bool block_is_sane(const struct trace *trace, uint32_t nodes)
{
    const struct trace_state *state = trace->state;
    uint64_t count = trace_count(trace);
    bool sane =
        count <= trace->setup.capacity && (state->dropped == 0 || count == trace->setup.capacity) &&
        seconds_are_possible(state->begin.s) && seconds_are_possible(state->covered_until.s);
    for (uint64_t i = 0; sane && i < count; i++)
        sane = slot_is_sane(&trace->slots[i], nodes);
    return sane;
}

struct trace *trace_revive(const struct trace_setup *setup, uint32_t nodes, double watched_s,
                           struct failure *failure)
{
    struct trace *trace = new_trace(setup, failure);
    if (trace == NULL)
        return NULL;
    if (!block_is_sane(trace, nodes)) {
        (void)failure_set(failure, EXIT_BAD_INPUT,
                          "the trace of node %u has an event that cannot be", setup->node);
        trace_free(trace);
        return NULL;
    }
    struct trace_state *state = trace->state;
    state->covered_until =
        local_earlier(state->covered_until, local_after(state->begin, watched_s));
    return trace;
}

/* ---- the boundary ---- */

static void keep(struct trace *trace, enum boundary_kind kind, const struct boundary_event *event)
{
    struct trace_state *state = trace->state;
    uint64_t count = trace_count(trace);
    if (event->at.s < state->begin.s)
        return;
    if (count == trace->setup.capacity) {
        if (state->dropped++ == 0)
            state->covered_until = local_earlier(state->covered_until, event->at);
        return;
    }
    trace->slots[count] = (struct trace_slot){.at = event->at,
                                              .sent = event->sent,
                                              .version = event->version_received,
                                              .sequence = event->sequence,
                                              .peer = event->peer,
                                              .base = event->base,
                                              .key = event->key,
                                              .kind = kind};
    atomic_store_explicit(&state->count, count + 1, memory_order_release);
    /* The place of a later event, which no cache holds yet; the places were taken in order. */
    if (count + SLOTS_AHEAD < trace->setup.capacity)
        __builtin_prefetch(&trace->slots[count + SLOTS_AHEAD], 1);
}

static void report(void *self, const struct boundary_event *event)
{
    struct trace *trace = self;
    if (event->measure == MEASURE_WRITE)
        keep(trace, BOUNDARY_SEND, event);
    else if (event->measure == MEASURE_VERSION_GAP)
        keep(trace, BOUNDARY_UPDATE, event);
    else if (event->measure == MEASURE_END)
        trace->state->covered_until = local_earlier(trace->state->covered_until, event->at);
    boundary_report(&trace->next, event);
}

struct boundary trace_boundary(struct trace *trace, struct boundary next)
{
    trace->next = next;
    return (struct boundary){report, trace};
}

/* ---- what it holds ---- */

uint64_t trace_reserved_bytes(const struct trace *trace)
{
    return trace_bytes(trace->setup.capacity);
}

uint64_t trace_count(const struct trace *trace)
{
    return atomic_load_explicit(&trace->state->count, memory_order_relaxed);
}

uint64_t trace_dropped(const struct trace *trace)
{
    return trace->state->dropped;
}

double trace_covered_until_s(const struct trace *trace)
{
    return fmax(0, local_elapsed_s(trace->state->begin, trace->state->covered_until));
}

struct trace_event trace_read(const struct trace *trace, uint64_t place,
                              const struct clock_model *model, struct global_time t0)
{
    assert(place < trace_count(trace));
    const struct trace_slot *slot = &trace->slots[place];
    uint32_t first = trace->setup.first_rank;
    return (struct trace_event){
        .time_s = local_elapsed_s(trace->state->begin, slot->at),
        .global_s = global_elapsed_s(t0, clock_to_global(model, slot->at)),
        .sent_s = global_elapsed_s(t0, slot->sent),
        .version = slot->version,
        .sequence = slot->sequence,
        .node = trace->setup.node,
        .peer = first + slot->peer,
        .base = slot->version > 1 ? first + slot->base : 0,
        .key = (int16_t)slot->key,
        .kind = (uint16_t)slot->kind,
    };
}
