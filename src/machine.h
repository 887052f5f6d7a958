#ifndef MPIDRIFT_MACHINE_H
#define MPIDRIFT_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What this process runs on, as found. */
struct machine {
    char host[64];
    char binding[64];   /* CPUs this process may use, as a list: 0-1 */
    char topology[128]; /* one line */
    uint32_t cores;     /* of this host, that it may use */
    bool binding_widened;
};

/* Look at the machine; with `widen` first let this process use every CPU that its host allows it
 * (mpirun binds two ranks to cores and sixteen to none, which would change behaviour between
 * scales). What cannot be found reads "unknown". */
struct machine machine_look(bool widen);

/* Memory of this host that can be had without swapping (MemAvailable); NaN: unknown. */
double machine_free_bytes(void);

/* CPU time of this process and how often it was made to wait for a CPU, so far. */
struct machine_usage {
    double cpu_s;
    uint64_t involuntary_switches;
};
struct machine_usage machine_usage(void);

/* The calendar: seconds since 1970. */
double machine_utc_s(void);

#endif
