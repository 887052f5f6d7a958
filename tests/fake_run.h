#ifndef MPIDRIFT_FAKE_RUN_H
#define MPIDRIFT_FAKE_RUN_H

#include "engine.h"
#include "fake_net.h"
#include "net/perturb.h"
#include "observe/observer.h"
#include "observe/trace.h"
#include "record/spool.h"

/* A whole run of N nodes in one process, step by step on the fake clock: the product's engine,
 * system, observer and spool, with nothing real around them. The same setup gives the same run. */

enum { FAKE_NODES_MAX = 64, FAKE_PLANS_MAX = 8 };

/* A node that stands still: its turns that fall into [from_s, to_s) happen at to_s. */
struct fake_stall {
    uint32_t node;
    double from_s; /* since T0 */
    double to_s;
};

struct fake_run_setup {
    const char *system; /* NULL: replication */
    uint32_t nodes;
    uint32_t keys;
    uint32_t seed;
    double rate_per_s;
    double heartbeat_s;
    double leader_timeout_s;
    double round_s;
    double deadline_s;
    double idle_s; /* 0: polls without pause, so it takes each message when it is released */
    double warmup_s;
    double duration_s;
    double clock_offset_max_s; /* offsets of the nodes' clocks are drawn up to this */
    bool observe;
    /* Who watches a node instead of the observer, from the moment its window opens; NULL: it. */
    struct boundary (*watch)(void *watcher, uint32_t node, struct local_time begin);
    void *watcher;
    uint64_t badges_max;     /* of all nodes, memory that is touched; 0: plenty */
    uint64_t trace_capacity; /* of each node; 0: no trace */
    struct corridor corridor;
    fake_delay delay;
    void *plan;
    enum fake_log log;
    struct fake_stall stalls[FAKE_PLANS_MAX];
    size_t stall_count;
    double stop_s; /* since T0: one node is told to end its window; 0: none is */
    uint32_t stop_node;
    struct perturbation perturbation; /* the product's layer, on top of the fake net */
    uint32_t held_per_link_max;       /* of that layer; 0: plenty */
    /* What the declared clocks show too much, told once more for the oracle; NULL: nothing. */
    double (*clock_error_s)(uint32_t node, double since_t0_s);
};

struct fake_run {
    struct fake_run_setup setup;
    struct true_time time;
    double t0_s; /* true time of T0 */
    struct fake_net *net;
    struct fake_node {
        struct fake_clock clock;
        struct clock_source source;
        struct clock_model model;
        struct mailbox mailbox;
        struct perturb *perturb; /* NULL: nothing is declared */
        struct spool *spool;
        struct observer *observer;
        struct trace *trace; /* NULL: none */
        struct boundary boundary;
        const struct system_ops *ops;
        struct system *system;
        gsl_rng *schedule;
        gsl_rng *choice;
        struct engine engine;
        volatile sig_atomic_t stop;
        double wake_s; /* true time of its next turn */
    } node[FAKE_NODES_MAX];
};

/* The event of that place in that node's trace, with its global time. */
struct trace_event fake_run_trace(const struct fake_run *run, uint32_t node, uint64_t place);

/* Run to the end of the drain. */
struct fake_run *fake_run(const struct fake_run_setup *setup);
void fake_run_free(struct fake_run *run);

#endif
