#include "fuzz.h"

/* A file of options, as mpidrift reads it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_config_file("--config", bytes, size);
    return 0;
}
