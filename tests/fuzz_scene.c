#include "fuzz.h"

/* A scene, as mpidrift reads it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_config_file("--scene", bytes, size);
    return 0;
}
