#include "fuzz.h"

/* A corridor, as mpidrift reads it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_config_file("--corridor", bytes, size);
    return 0;
}
