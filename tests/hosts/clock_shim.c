/* LD_PRELOAD=clock_shim.so: what a test needs to know and to do about the clock of a program.
 *
 * The file that HOST_CLOCK names is mapped and holds two numbers, struct host_clock below. All
 * programs of a host share them and read them at every call, so that a clock can be made to jump
 * while they run. CLOCK_MONOTONIC then shows  t × (1 + rate) + jump,  t the kernel's own reading.
 *
 * The truth: MPI_Wtime is called between two readings of the kernel's own clock, less what the time
 * namespace adds (/proc/self/timens_offsets), so that the processes of all hosts read one clock. Of
 * each 5 ms the tightest such reading is kept and written at exit to TRUTH_FOLDER/RANK, as rows of
 * five native doubles, struct reading below. */

#include <dlfcn.h>
#include <fcntl.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct host_clock {
    double rate; /* 100e-6: 100 ppm fast */
    int64_t jump_ns;
};

struct reading {
    double wtime_s;
    double before_s; /* on the kernel's clock */
    double after_s;
    double rate; /* these two as in struct host_clock */
    double jump_s;
};

enum { READINGS = 24000 }; /* two minutes; what comes later is not kept */
static const int64_t SLOT_NS = 5000000;

static struct {
    int (*gettime)(clockid_t, struct timespec *);
    double (*wtime)(void);
    const volatile struct host_clock *clock; /* NULL: as the kernel shows it */
    int64_t namespace_ns;                    /* what the time namespace adds */
    int64_t begin_ns;                        /* of the first slot; 0: MPI_Wtime not called yet */
    struct reading readings[READINGS];       /* before_s 0: none in that slot */
} shim;

static int64_t kernel_ns(void)
{
    struct timespec now;
    (void)shim.gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* From a line "monotonic SECONDS NANOSECONDS"; 0 without a time namespace. */
static int64_t namespace_shift_ns(void)
{
    static const char word[] = "monotonic";
    char line[128], *rest;
    int64_t shift_ns = 0;
    FILE *file = fopen("/proc/self/timens_offsets", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, word, sizeof word - 1) == 0) {
            shift_ns = strtoll(line + sizeof word - 1, &rest, 10) * 1000000000;
            shift_ns += strtoll(rest, NULL, 10);
        }
    if (file != NULL)
        (void)fclose(file);
    return shift_ns;
}

static const struct host_clock *map_clock(void)
{
    const char *path = getenv("HOST_CLOCK");
    int file = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return NULL;
    void *page = mmap(NULL, sizeof(struct host_clock), PROT_READ, MAP_SHARED, file, 0);
    (void)close(file);
    return page != MAP_FAILED ? page : NULL;
}

__attribute__((constructor)) static void open_shim(void)
{
    if (shim.gettime != NULL)
        return;
    *(void **)&shim.wtime = dlsym(RTLD_NEXT, "MPI_Wtime");
    *(void **)&shim.gettime = dlsym(RTLD_NEXT, "clock_gettime");
    shim.namespace_ns = namespace_shift_ns();
    shim.clock = map_clock();
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): theirs are reserved */
int clock_gettime(clockid_t which, struct timespec *time)
{
    open_shim();
    int failed = shim.gettime(which, time);
    if (failed || which != CLOCK_MONOTONIC || shim.clock == NULL)
        return failed;
    int64_t kernel = (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
    double gained_ns = (double)kernel * shim.clock->rate;
    int64_t shown = kernel + (int64_t)gained_ns + shim.clock->jump_ns;
    time->tv_sec = shown / 1000000000;
    time->tv_nsec = shown % 1000000000;
    return 0;
}

static int64_t jump_ns(void)
{
    return shim.clock != NULL ? shim.clock->jump_ns : 0;
}

static void keep(double wtime_s, int64_t before_ns, int64_t after_ns, int64_t jumped_ns)
{
    if (jumped_ns != jump_ns())
        return; /* just now: nobody knows on which side of it this reading is */
    if (shim.begin_ns == 0)
        shim.begin_ns = before_ns;
    int64_t slot = (before_ns - shim.begin_ns) / SLOT_NS;
    if (slot < 0 || slot >= READINGS)
        return;
    struct reading *kept = &shim.readings[slot];
    struct reading seen = {.wtime_s = wtime_s,
                           .before_s = (double)(before_ns - shim.namespace_ns) * 1e-9,
                           .after_s = (double)(after_ns - shim.namespace_ns) * 1e-9,
                           .rate = shim.clock != NULL ? shim.clock->rate : 0,
                           .jump_s = (double)jumped_ns * 1e-9};
    if (kept->before_s == 0 || seen.after_s - seen.before_s < kept->after_s - kept->before_s)
        *kept = seen;
}

double MPI_Wtime(void)
{
    open_shim();
    int64_t jumped_ns = jump_ns(), before_ns = kernel_ns();
    double wtime_s = shim.wtime();
    keep(wtime_s, before_ns, kernel_ns(), jumped_ns);
    return wtime_s;
}

__attribute__((destructor)) static void write_truth(void)
{
    char path[4096];
    const char *folder = getenv("TRUTH_FOLDER"), *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (shim.begin_ns == 0 || folder == NULL || rank == NULL)
        return;
    (void)snprintf(path, sizeof path, "%s/%s", folder, rank);
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return;
    for (size_t i = 0; i < READINGS; i++)
        if (shim.readings[i].before_s > 0)
            (void)fwrite(&shim.readings[i], sizeof shim.readings[i], 1, file);
    (void)fclose(file);
}
