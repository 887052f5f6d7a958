#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/* The words of a command line, each ended by a zero byte; those that look like it stand in the
 * environment. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *words[FUZZ_WORDS + 1] = {NULL}, *environment[FUZZ_WORDS + 1] = {NULL};
    size_t given = 0, set = 0;
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, bytes, size);
    text[size] = '\0';
    for (char *word = text; word < text + size; word += strlen(word) + 1)
        if (strncmp(word, "MPIDRIFT_", 9) == 0 && set < FUZZ_WORDS)
            environment[set++] = word;
        else if (given < FUZZ_WORDS)
            words[given++] = word;
    fuzz_config(words, environment);
    free(text);
    return 0;
}
