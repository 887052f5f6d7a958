#include "machine.h"

#include <hwloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void look_at_topology(struct machine *machine, hwloc_topology_t topology, bool widen)
{
    hwloc_const_bitmap_t allowed = hwloc_topology_get_allowed_cpuset(topology);
    hwloc_bitmap_t bound = hwloc_bitmap_alloc();
    if (bound == NULL)
        return;
    if (widen)
        machine->binding_widened = hwloc_set_cpubind(topology, allowed, HWLOC_CPUBIND_PROCESS) == 0;
    if (hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) == 0)
        (void)hwloc_bitmap_list_snprintf(machine->binding, sizeof machine->binding, bound);
    hwloc_bitmap_free(bound);
    int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    int threads = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    int packages = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE);
    machine->cores = cores > 0 ? (uint32_t)cores : 0;
    (void)snprintf(machine->topology, sizeof machine->topology,
                   "%d packages, %d cores, %d hardware threads", packages, cores, threads);
}

struct machine machine_look(bool widen)
{
    struct machine machine = {.host = "unknown", .binding = "unknown", .topology = "unknown"};
    hwloc_topology_t topology;
    if (gethostname(machine.host, sizeof machine.host - 1) != 0)
        (void)snprintf(machine.host, sizeof machine.host, "unknown");
    if (hwloc_topology_init(&topology) != 0)
        return machine;
    if (hwloc_topology_load(topology) == 0)
        look_at_topology(&machine, topology, widen);
    hwloc_topology_destroy(topology);
    return machine;
}

double machine_free_bytes(void)
{
    static const char name[] = "MemAvailable:";
    char line[128];
    double kibibytes = (double)NAN;
    FILE *file = fopen("/proc/meminfo", "r");
    if (file == NULL)
        return kibibytes;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, sizeof name - 1) == 0)
            kibibytes = strtod(line + sizeof name - 1, NULL);
    (void)fclose(file);
    return kibibytes * 1024;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

struct machine_usage machine_usage(void)
{
    struct rusage usage;
#ifdef MPIDRIFT_SIMULATED
    return (struct machine_usage){(double)NAN, 0}; /* all simulated nodes are one process */
#endif
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return (struct machine_usage){0, 0};
    return (struct machine_usage){seconds(usage.ru_utime) + seconds(usage.ru_stime),
                                  (uint64_t)usage.ru_nivcsw};
}

double machine_utc_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
