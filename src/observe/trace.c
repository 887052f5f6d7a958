#include "observe/trace.h"

#include "touch.h"

#include <math.h>
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

struct trace {
    struct trace_setup setup;
    struct trace_slot *slots; /* [setup.capacity] */
    uint64_t count;
    uint64_t dropped;
    struct local_time begin;
    struct local_time covered_until;
    struct boundary next;
};

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

struct trace *trace_create(const struct trace_setup *setup, struct failure *failure)
{
    struct trace *trace = calloc(1, sizeof *trace);
    struct trace_slot *slots = calloc(setup->capacity + 1, sizeof *slots);
    if (trace == NULL || slots == NULL) {
        free(trace);
        free(slots);
        (void)failure_set(
            failure, EXIT_INTERNAL,
            "node %u has no memory for a trace of %.0f MiB: lower --trace-max-mib, or "
            "--trace off",
            setup->node, (double)trace_bytes(setup->capacity) / MIB);
        return NULL;
    }
    touch_pages(slots, trace_bytes(setup->capacity));
    *trace = (struct trace){.setup = *setup, .slots = slots};
    return trace;
}

void trace_free(struct trace *trace)
{
    if (trace == NULL)
        return;
    free(trace->slots);
    free(trace);
}

void trace_set_window(struct trace *trace, struct local_time begin, struct local_time end)
{
    trace->begin = begin;
    trace->covered_until = end;
}

/* ---- the boundary ---- */

static void keep(struct trace *trace, enum boundary_kind kind, const struct boundary_event *event)
{
    if (event->at.s < trace->begin.s)
        return;
    if (trace->count == trace->setup.capacity) {
        if (trace->dropped++ == 0)
            trace->covered_until = event->at;
        return;
    }
    trace->slots[trace->count++] = (struct trace_slot){.at = event->at,
                                                       .sent = event->sent,
                                                       .version = event->version_received,
                                                       .sequence = event->sequence,
                                                       .peer = event->peer,
                                                       .base = event->base,
                                                       .key = event->key,
                                                       .kind = kind};
}

static void report(void *self, const struct boundary_event *event)
{
    struct trace *trace = self;
    if (event->measure == MEASURE_WRITE)
        keep(trace, BOUNDARY_SEND, event);
    else if (event->measure == MEASURE_VERSION_GAP)
        keep(trace, BOUNDARY_UPDATE, event);
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
    return trace->count;
}

uint64_t trace_dropped(const struct trace *trace)
{
    return trace->dropped;
}

double trace_covered_until_s(const struct trace *trace)
{
    return local_elapsed_s(trace->begin, trace->covered_until);
}

struct trace_event trace_read(const struct trace *trace, uint64_t place,
                              const struct clock_model *model, struct global_time t0)
{
    assert(place < trace->count);
    const struct trace_slot *slot = &trace->slots[place];
    uint32_t first = trace->setup.first_rank;
    return (struct trace_event){
        .time_s = local_elapsed_s(trace->begin, slot->at),
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
