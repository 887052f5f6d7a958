#include "clock/claim.h"

#include "fnv1a.h"
#include "mpi_check.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { READINGS = 200 };

static uint64_t hash_of(const char *text, uint64_t start)
{
    return fnv1a(text, strlen(text), start);
}

/* The boot id tells kernels apart even where host names do not. */
struct clock_place clock_place_of(const char *boot, const char *space, const char *name)
{
    uint64_t kernel = hash_of(boot, FNV1A_START);
    return (struct clock_place){.clock = *boot == '\0' ? 0 : hash_of(space, kernel),
                                .host = hash_of(name, kernel)};
}

#ifndef MPIDRIFT_SIMULATED
static void read_boot_id(char *text, size_t size)
{
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (file == NULL)
        return;
    text[fread(text, 1, size - 1, file)] = '\0';
    (void)fclose(file);
}
#endif

struct clock_place clock_place_here(void)
{
    char boot[64] = "", space[64] = "", name[MPI_MAX_PROCESSOR_NAME + 1] = "";
    int length = 0;
#ifndef MPIDRIFT_SIMULATED /* where time stands on no kernel's clock */
    read_boot_id(boot, sizeof boot);
#endif
    if (readlink("/proc/self/ns/time", space, sizeof space - 1) < 0)
        space[0] = '\0';
    MPI_CHECK(MPI_Get_processor_name(name, &length));
    name[length] = '\0';
    return clock_place_of(boot, space, name);
}

struct clock_claim clock_claim_begin(uint64_t place_clock)
{
    return (struct clock_claim){place_clock, offset_interval_all()};
}

static double monotonic_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* MPI_Wtime between two readings of CLOCK_MONOTONIC, many times: a ping-pong with the kernel. */
void clock_claim_read(struct clock_claim *claim, const struct clock_source *clock)
{
    for (int i = 0; i < READINGS; i++) {
        struct local_time before = {monotonic_s()};
        struct global_time wtime = {clock->now(clock->self).s};
        offset_interval_add(&claim->to_wtime, before, wtime, (struct local_time){monotonic_s()});
    }
}

struct claimed_offset clock_claim_offset(const struct clock_claim *own,
                                         const struct clock_claim *reference)
{
    const struct local_time any = {0};
    struct clock_sync here = offset_interval_result(&own->to_wtime, any, any);
    struct clock_sync there = offset_interval_result(&reference->to_wtime, any, any);
    if (own->clock == 0 || own->clock != reference->clock || here.contradicted ||
        there.contradicted)
        return (struct claimed_offset){.is_made = false};
    return (struct claimed_offset){true, there.offset_s - here.offset_s,
                                   here.round_trip_min_s + there.round_trip_min_s};
}

void clock_claim_judge(struct claimed_offset *first, struct clock_sync *sync,
                       const struct claimed_offset *claim)
{
    if (!first->is_made) {
        if (claim->is_made && clock_sync_accept_claim(sync, claim->offset_s, claim->uncertainty_s))
            *first = *claim;
        return;
    }
    bool agrees = !claim->is_made || claim->uncertainty_s > CLAIMS_AGREE_S ||
                  clock_claims_agree(first->offset_s, claim->offset_s);
    if (agrees && clock_sync_accept_claim(sync, first->offset_s, first->uncertainty_s))
        return;
    first->is_made = false;
    sync->contradicted = true;
}
