#include "file_faults.h"
#include "fuzz.h"
#include "mutation.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* fuzz_TARGET [-runs=N] [-seed=S] FILE_OR_FOLDER...: gives the target each file as it is, and then
 * N times one of them damaged, where there is no libFuzzer to do better. The options are its. */

enum { FILES_MAX = 256, DAMAGES_MAX = 4, ROOM = 256 };

static struct bytes files[FILES_MAX];
static size_t file_count;

static void take_file(const char *path)
{
    if (file_count < FILES_MAX)
        files[file_count++] = bytes_of_file(path);
}

static void take(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        take_file(path);
    for (int i = 0; i < count; i++) {
        char file[1024];
        (void)snprintf(file, sizeof file, "%.500s/%.255s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            take_file(file);
        free(entries[i]);
    }
    free(entries);
}

static void run_damaged(uint64_t *seed)
{
    const struct bytes *file = &files[sample_random(seed) % file_count];
    size_t size = file->size, room = size + ROOM;
    unsigned char *bytes = malloc(room);
    if (bytes == NULL)
        abort();
    memcpy(bytes, file->data, size);
    for (uint64_t i = 1 + sample_random(seed) % DAMAGES_MAX; i > 0; i--)
        size = mutate(bytes, size, room, seed);
    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
}

int main(int argc, char **argv)
{
    unsigned long runs = 0;
    uint64_t seed = 1;
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "-runs=", 6) == 0)
            runs = strtoul(argv[i] + 6, NULL, 10);
        else if (strncmp(argv[i], "-seed=", 6) == 0)
            seed = strtoull(argv[i] + 6, NULL, 10);
        else
            take(argv[i]);
    for (size_t i = 0; i < file_count; i++)
        (void)LLVMFuzzerTestOneInput(files[i].data, files[i].size);
    for (unsigned long i = 0; i < runs && file_count > 0; i++)
        run_damaged(&seed);
    (void)printf("%zu files, %lu of them damaged\n", file_count, runs);
    for (size_t i = 0; i < file_count; i++)
        free(files[i].data);
    return file_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
