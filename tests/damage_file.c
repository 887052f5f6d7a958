#include "file_faults.h"
#include "mutation.h"

#include <stdlib.h>
#include <string.h>

/* damage_file SEED COUNT FOLDER FILE [spool|sealed]: COUNT damaged copies of the file, FOLDER/0 and
 * so on; those of a spool where it says much; with checksums that fit, if they shall be sealed. */

enum { ROOM = 600 };

int main(int argc, char **argv)
{
    if (argc < 5) {
        (void)fprintf(stderr, "usage: damage_file SEED COUNT FOLDER FILE [spool|sealed]\n");
        return EXIT_BAD_USAGE;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10);
    unsigned long count = strtoul(argv[2], NULL, 10);
    bool sealed = argc > 5 && strcmp(argv[5], "sealed") == 0;
    struct bytes whole = bytes_of_file(argv[4]);
    unsigned char *bytes = malloc(whole.size + ROOM);
    for (unsigned long i = 0; bytes != NULL && i < count; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, "%.480s/%lu", argv[3], i);
        memcpy(bytes, whole.data, whole.size);
        size_t size =
            (argc > 5 ? mutate_spool : mutate)(bytes, whole.size, whole.size + ROOM, &seed);
        if (sealed)
            reseal_spool(bytes, size);
        bytes_to_file(path, bytes, size);
    }
    free(bytes);
    free(whole.data);
    return bytes != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
