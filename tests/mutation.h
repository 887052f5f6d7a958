#ifndef MPIDRIFT_MUTATION_H
#define MPIDRIFT_MUTATION_H

#include <stddef.h>
#include <stdint.h>

/* Damage to bytes, drawn from a seed: flipped bits, other bytes, cuts, zeroed blocks, blocks
 * swapped or written twice, numbers as of lengths and indices. Three of four places are drawn among
 * bytes that are not zero, because files are mostly empty. */

/* Damage `bytes` once; returns the new size, at most `room`. `seed` goes on. */
size_t mutate(unsigned char *bytes, size_t size, size_t room, uint64_t *seed);

/* The same for a spool (record/spool_file.h), where half of it hits what is small and says much:
 * header, facts, and the fronts of text, counts and badges. */
size_t mutate_spool(unsigned char *bytes, size_t size, size_t room, uint64_t *seed);

/* Give a mutated spool the checksums that belong to its content, as far as
 * its header makes sense: what is read then is stopped by nothing but checks of the content.
 * Records that were not committed stay so. */
void reseal_spool(unsigned char *bytes, size_t size);

#endif
