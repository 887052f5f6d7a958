#ifndef MPIDRIFT_FUZZ_H
#define MPIDRIFT_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* A parser under random input: whatever comes, it reads or refuses. Linked with libFuzzer by the
 * preset `fuzz`, and with fuzz_main.c everywhere else. A finding is a crash, a sanitizer's report
 * or an abort. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A target's own damage to its input, if it has any. Returns the new size, at most `room`. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);

enum { FUZZ_WORDS = 24 };

/* config_read with these words behind the program's name; NULL ends them. Aborts unless what it
 * promises comes about: everything in its range, or one line and one of two exit codes. */
void fuzz_config(char *const *words, char **environment);
/* The same with one option whose file has this content. */
void fuzz_config_file(const char *option, const uint8_t *bytes, size_t size);

#endif
