#ifndef MPIDRIFT_CLAIM_H
#define MPIDRIFT_CLAIM_H

#include "clock/clock.h"

/* Where a process runs, as far as clocks go. */
struct clock_place {
    uint64_t clock; /* of boot id and time namespace; 0: unknown, or claims are not wanted */
    uint64_t host;  /* of the boot id and the host's name: alike on ranks of one host */
};
/* Of what the kernel tells: boot id, time namespace, host's name; "": it does not tell. */
struct clock_place clock_place_of(const char *boot, const char *space, const char *name);
struct clock_place clock_place_here(void);

/* What a process can claim about its clock: which kernel clock it reads, and where on it MPI_Wtime
 * has its zero. */
struct clock_claim {
    uint64_t clock;                  /* struct clock_place */
    struct offset_interval to_wtime; /* of (MPI_Wtime - CLOCK_MONOTONIC) */
};
struct clock_claim clock_claim_begin(uint64_t place_clock);
/* Read both clocks; before and after what the claim is to cover, so that a clock that runs at
 * another rate or steps contradicts it. */
void clock_claim_read(struct clock_claim *claim, const struct clock_source *clock);

/* What two claims say of the offset between the clocks; only if both read one kernel clock and
 * neither contradicts itself. The uncertainty is the whole of the tightest readings, not its half,
 * so that it covers a drift too small to show. */
struct claimed_offset {
    bool is_made;
    double offset_s; /* reference - own */
    double uncertainty_s;
};
struct claimed_offset clock_claim_offset(const struct clock_claim *own,
                                         const struct clock_claim *reference);

/* Take what is claimed into the synchronisation that was measured. The first claim that was
 * accepted stands (`first`, not made before); a later one proves it again, or ends it and marks
 * `sync` as contradicted: then the clocks were never one, or are no more. A later one that proves
 * nothing leaves it to the measurement. */
void clock_claim_judge(struct claimed_offset *first, struct clock_sync *sync,
                       const struct claimed_offset *claim);

#endif
