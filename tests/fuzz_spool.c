#include "analysis/recovery/recovery.h"
#include "file_faults.h"
#include "fuzz.h"
#include "mutation.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A spool, as mpidrift-recover reads it: as it came, and with checksums that fit what it claims. */

static char directory[] = "/dev/shm/mpidrift-fuzz-XXXXXX";

static void remove_ours(void)
{
    remove_directory(directory);
}

static void recover(const uint8_t *bytes, size_t size)
{
    struct failure failure = {EXIT_DONE, ""};
    struct recovery recovery;
    char spool[64], run[64];
    (void)snprintf(spool, sizeof spool, "%s/node_A.spool", directory);
    (void)snprintf(run, sizeof run, "%s/run.h5", directory);
    bytes_to_file(spool, bytes, size);
    if (recovery_read(&recovery, directory, &failure))
        (void)recovery_write(&recovery, run, &failure);
    recovery_free(&recovery);
    bool told = failure.code == EXIT_BAD_INPUT && failure.text[0] != '\0';
    if (failure.code == EXIT_DONE || told)
        return;
    (void)fprintf(stderr, "exit code %d: %s\n", (int)failure.code, failure.text);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (directory[sizeof directory - 2] == 'X' &&
        (mkdtemp(directory) == NULL || atexit(remove_ours) != 0))
        abort();
    recover(bytes, size);
    uint8_t *sealed = aligned_alloc(64, (size + 64) / 64 * 64);
    if (sealed == NULL)
        abort();
    memcpy(sealed, bytes, size);
    reseal_spool(sealed, size);
    recover(sealed, size);
    free(sealed);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed;
    return mutate_spool(bytes, size, room, &state);
}
