#ifndef MPIDRIFT_RUN_FILE_H
#define MPIDRIFT_RUN_FILE_H

#include "failure.h"
#include "observe/badge.h"
#include "observe/histogram.h"
#include "observe/trace.h"
#include "system/table.h"

/* One run, one HDF5 file. This header is the definition of the format, version 1.2.0; a new minor
 * version only adds, a new major one may break. Readers find members by name.
 *
 *   /            attributes format, format_version, run_id, start_time_utc, end_time_utc, complete,
 *                digest, text_checksums
 *   /provenance  attributes: what was found on the machine
 *   /config      attributes: every resolved option; `canonical_text`, the sorted key=value lines
 *                of all that must be equal between comparable runs; digest is its FNV-1a
 *   /config/corridor, /config/perturb   attributes: the declared limits, the perturbations
 *   /nodes       [nodes] struct run_node
 *   /badges      [badges] struct badge, in the order of the nodes, each node's in the order of
 *                emission; run_node.badges_first says where a node's rows begin
 *   /histograms/KIND   edges [bins + 1], counts [nodes, bins], underflow [nodes], overflow [nodes];
 *                attributes unit, limit
 *   /windows     contexts [C] (codes); observations, beyond, episodes [nodes, C, W] uint32;
 *                outside_s [nodes, C, W]; node_outside_s [nodes, W]; attribute window_s
 *   /pairs       [pairs] struct run_pair, only peers of the node's own group
 *   /trace/index   [nodes] struct run_trace: where a node's events lie, and how far they reach
 *   /trace/events  [events] struct trace_event, in the order of the nodes, each node's as they
 *                  happened; none with --trace off or --observe off
 *   /system/TABLE  [rows] what the system keeps besides, in the order of the nodes: rows as it
 *                declares them, with a member `node`; attribute `dropped`: rows that did not fit.
 *                No tables: an empty group
 *
 * `complete` is 1 when every node came to the end of its run; a file that mpidrift-recover made of
 * spools with something missing has 0, RUN_UNKNOWN and NaN where nobody can know any more, and
 * /provenance names the nodes it is without. `books` at / says whether they add up (books.h).
 *
 * 1.1.0 added lost and overflowed to /nodes, read as 0 from an older file, and /system. 1.2.0 added
 * to /nodes sync2_…, clock_rate to window_begin_local_s, messages_early, messages_impossible,
 * host_first_rank and clock_flags, and to /pairs early, impossible and clock_uncertainty_s; they
 * are 0 when read from an older file. It also added text_checksums: a line "GROUP KEY CHECKSUM" for
 * each text among the attributes, FNV-1a.
 *
 * Text is UTF-8. Each member of a compound with a unit ends in it, and the unit stands as attribute
 * `unit_MEMBER` of its dataset. Doubles are IEEE 754 little-endian, as is everything. Metadata and
 * rows carry HDF5's checksums; the texts of attributes those in text_checksums.
 */

#define RUN_FORMAT "mpidrift-run"
#define RUN_FORMAT_VERSION "1.2.0"
enum { RUN_FORMAT_MINOR = 2 };

enum { RUN_HOST_BYTES = 64, RUN_BINDING_BYTES = 64, RUN_WINDOWS_MAX = 600, RUN_SYNCS = 3 };

/* A count that nobody can know any more, in a run that was recovered from its spools; a number is
 * NaN then. */
#define RUN_UNKNOWN UINT64_MAX

/* Members of run_node.clock_flags. The first three make a clock suspect. */
enum run_clock_flag {
    RUN_CLOCK_CONTRADICTED = 1, /* a synchronisation excluded itself or what had been proven */
    RUN_CLOCK_JUMPED = 2,       /* the one after the window lies outside what those before admit */
    RUN_CLOCK_IMPOSSIBLE = 4,   /* messages_impossible > 0 */
    RUN_CLOCK_SUSPECT = RUN_CLOCK_CONTRADICTED | RUN_CLOCK_JUMPED | RUN_CLOCK_IMPOSSIBLE,
    RUN_CLOCK_HAS_SECOND = 8, /* there was a second synchronisation before the window: sync2_… */
    RUN_CLOCK_UNCHECKED = 16, /* the run died before the last one, sync1_… */
};

/* With node 0's clock: sync0_… and, between clocks that are not proven to be one, sync2_… before
 * the window, sync1_… after it. NaN: there was none. */
struct run_sync {
    double time_s; /* node's clock since its window opened */
    double offset_s;
    double uncertainty_s;
    double round_trip_s;
};

/* A row of /nodes; the synchronisations are flattened in the file. */
struct run_node {
    struct run_sync sync[RUN_SYNCS];
    /* As known before the window, of this clock against node 0's: what it gains per second, and the
     * uncertainty of a time on it at the end of the window. */
    double clock_rate;
    double clock_rate_uncertainty;
    double clock_uncertainty_s;
    double clock_domain_uncertainty_s; /* the same against the other clocks of its domain */
    double window_begin_local_s;       /* MPI_Wtime of this node when its window opened */
    double window_begin_global_s;      /* on node 0's clock: T0 as this node met it */
    double watched_s;
    double first_drift_s; /* since its window opened; NaN: none */
    double outside_node_s;
    double cpu_s;
    double longest_stall_s;
    double late_start_s; /* how long after T0 - warm-up it began; 0: in time */
    uint64_t attempted;  /* messages, whole activity */
    uint64_t sent;
    uint64_t suppressed;
    uint64_t received;
    uint64_t lost;                /* of what peers sent: dropped by declaration */
    uint64_t overflowed;          /* of what peers sent: the declared network had no room */
    uint64_t in_flight;           /* sent by peers and neither received nor dropped at the end */
    uint64_t messages_observed;   /* received, stamped inside the window */
    uint64_t messages_early;      /* whole activity: seen to arrive before they were sent … */
    uint64_t messages_impossible; /* … by more than the uncertainty of the two clocks */
    uint64_t episodes;            /* emitted = badges + badges_lost */
    uint64_t badges;              /* rows in the file */
    uint64_t badges_first;        /* index of the first of them */
    uint64_t badges_lost;
    uint64_t already_outside; /* streams outside when the window opened */
    uint64_t stalls;
    uint64_t involuntary_switches;
    uint64_t state_digest; /* of the final replica; 0: the system has none */
    uint32_t node;         /* rank */
    uint32_t group;
    uint32_t clock_domain;    /* nodes with the same number share one proven clock */
    uint32_t clock_suspect;   /* 1: clock_flags say why */
    uint32_t host_first_rank; /* lowest rank on this host: names may be the same on two hosts */
    uint32_t clock_flags;     /* enum run_clock_flag */
    char name[NODE_NAME_BYTES];
    char host[RUN_HOST_BYTES];
    char binding[RUN_BINDING_BYTES]; /* CPUs this rank may use, as a list */
};

/* A row of /pairs: what `node` watched about `peer` in one context. */
struct run_pair {
    uint64_t observations;
    uint64_t beyond;
    uint64_t episodes;
    double already_outside_until_s; /* since the node's window opened; NaN: was not outside then */
    /* In the row of message_delay_exceeded, whether it is watched or not; 0 in the others: */
    uint64_t early;             /* messages seen to arrive before they were sent … */
    uint64_t impossible;        /* … by more than the next */
    double clock_uncertainty_s; /* of the two clocks against each other, at the window's end */
    uint32_t node;
    uint32_t peer;
    uint32_t context; /* enum context */
    uint32_t reserved;
};

/* A row of /trace/index; its place is the node's rank. */
struct run_trace {
    uint64_t first;   /* index of the node's first event */
    uint64_t events;  /* rows in the file */
    uint64_t dropped; /* events that did not fit into memory */
    /* Since the node's window opened: every event before this is there. The length of the window if
     * none was dropped; 0: nothing was traced. */
    double covered_until_s;
};

/* An attribute of /, /provenance, /config, /config/corridor or /config/perturb. */
struct run_setting {
    const char *group; /* "/provenance" … */
    const char *key;
    const char *text; /* NULL: a number */
    double number;
};

/* What all nodes share. */
struct run_header {
    const char *run_id;
    const char *start_time_utc; /* ISO 8601 with Z */
    const char *end_time_utc;
    const char *canonical_text;
    const struct run_setting *settings;
    size_t setting_count;
    bool is_incomplete; /* recovered, with something missing: `complete` stays 0 */
    uint32_t nodes;
    uint32_t context_count;
    uint32_t contexts[CONTEXT_COUNT]; /* codes, ascending: those of the system */
    uint32_t windows;
    double window_s;
    /* Bins of each kind; the counts are not used. */
    const struct histogram *histograms; /* [HISTOGRAM_KINDS] */
    const struct system_table *tables;  /* [table_count], at most SYSTEM_TABLES_MAX */
    size_t table_count;
};

/* One node's windows, flat: [context_count][windows], and node_outside_s [windows]. */
struct run_windows {
    uint32_t *observations;
    uint32_t *beyond;
    uint32_t *episodes;
    double *outside_s;
    double *node_outside_s;
};

/* digest: FNV-1a, 64 bit, of the text; 16 hex digits and a zero byte. */
uint64_t run_fnv1a(const void *bytes, size_t size, uint64_t start);
#define RUN_FNV1A_START 14695981039346656037u
void run_digest(const char *canonical_text, char digest[17]);

/* ---- writing: node 0 alone, serial driver ---- */
struct run_writer;

/* Create PATH.part and write all that the header holds. NULL after filling in `failure` (73 when it
 * cannot be created, 74 when a write fails). `path` that exists is replaced at the end only. */
struct run_writer *run_writer_create(const char *path, const struct run_header *header,
                                     struct failure *failure);

/* Append rows; any number, in the order that the format states. False after a failure, and the
 * writer then only waits for run_writer_abandon. */
bool run_writer_badges(struct run_writer *writer, const struct badge *rows, size_t count);
bool run_writer_nodes(struct run_writer *writer, const struct run_node *rows, size_t count);
bool run_writer_pairs(struct run_writer *writer, const struct run_pair *rows, size_t count);
bool run_writer_trace(struct run_writer *writer, const struct trace_event *rows, size_t count);
/* Nodes that get no row here have no trace. */
bool run_writer_trace_index(struct run_writer *writer, const struct run_trace *rows, size_t count);
/* Rows of that table of the system, and how many more there would have been. */
bool run_writer_system(struct run_writer *writer, size_t table, const void *rows, size_t count);
void run_writer_system_dropped(struct run_writer *writer, size_t table, uint64_t dropped);
/* Counts [bins], underflow and overflow of one node. */
bool run_writer_histogram(struct run_writer *writer, uint32_t node, enum histogram_kind kind,
                          const uint64_t *counts, uint64_t underflow, uint64_t overflow);
bool run_writer_windows(struct run_writer *writer, uint32_t node,
                        const struct run_windows *windows);

/* complete = 1 unless the header says otherwise, flush, close, fsync, reopen, verify that each
 * node's badges and events are there, rename to PATH, fsync the directory. Frees the writer either
 * way; on false PATH.part is removed. */
bool run_writer_finish(struct run_writer *writer);
/* Free the writer and remove PATH.part. */
void run_writer_abandon(struct run_writer *writer);

/* ---- reading ---- */
struct run_reader;

/* NULL after filling in `failure` (65): no such file, not HDF5, not a run file, truncated, an
 * unknown major version, a dataset missing or of the wrong shape or type, counts that disagree. It
 * is tried in a child process first, because HDF5 may crash on damaged texts; so call it outside of
 * MPI programs. A context code of a newer minor version may be CONTEXT_COUNT or more. */
struct run_reader *run_reader_open(const char *path, struct failure *failure);
void run_reader_close(struct run_reader *reader);

/* An attribute as text (numbers as %.17g); "" if it is not there. Owned by the reader. Groups: "/",
 * "/provenance", "/config", "/config/corridor", "/config/perturb". */
const char *run_reader_text(struct run_reader *reader, const char *group, const char *key);
/* An attribute as number; NaN if it is not there or is no number. */
double run_reader_number(struct run_reader *reader, const char *group, const char *key);
const char *run_reader_path(const struct run_reader *reader);
bool run_reader_complete(const struct run_reader *reader);

/* The minor version of the format that the file was written in. */
uint32_t run_reader_minor(const struct run_reader *reader);

uint32_t run_reader_nodes(const struct run_reader *reader);
/* [nodes], owned by the reader. */
const struct run_node *run_reader_node_rows(const struct run_reader *reader);

/* Rows [first, first + count) into `rows`; false after filling in `failure`. */
uint64_t run_reader_badge_count(const struct run_reader *reader);
bool run_reader_badges(struct run_reader *reader, uint64_t first, size_t count, struct badge *rows,
                       struct failure *failure);
uint64_t run_reader_pair_count(const struct run_reader *reader);
bool run_reader_pairs(struct run_reader *reader, uint64_t first, size_t count,
                      struct run_pair *rows, struct failure *failure);

/* [nodes], owned by the reader. */
const struct run_trace *run_reader_trace_index(const struct run_reader *reader);
/* Events [first, first + count) of one node. Ranks are below the number of nodes, times finite; a
 * file of a newer minor version may have kinds of BOUNDARY_COUNT or more. */
bool run_reader_trace(struct run_reader *reader, uint32_t node, uint64_t first, size_t count,
                      struct trace_event *rows, struct failure *failure);

struct run_histogram {
    size_t bins;
    double *edges;    /* [bins + 1] */
    uint64_t *counts; /* [bins], summed over the nodes */
    uint64_t underflow;
    uint64_t overflow;
    double limit; /* 0: none */
};
bool run_reader_histogram(struct run_reader *reader, enum histogram_kind kind,
                          struct run_histogram *histogram, struct failure *failure);
void run_histogram_free(struct run_histogram *histogram);

uint32_t run_reader_context_count(const struct run_reader *reader);
/* [context_count] codes, ascending. */
const uint32_t *run_reader_contexts(const struct run_reader *reader);
uint32_t run_reader_window_count(const struct run_reader *reader);
double run_reader_window_s(const struct run_reader *reader);
/* The windows of one node into memory of the caller, shapes as in struct run_windows. */
bool run_reader_windows(struct run_reader *reader, uint32_t node, struct run_windows *windows,
                        struct failure *failure);

#endif
