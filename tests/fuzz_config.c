#include "fuzz.h"

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_refusal(const struct failure *failure)
{
    bool documented = failure->code == EXIT_BAD_USAGE || failure->code == EXIT_BAD_INPUT;
    if (documented && failure->text[0] != '\0' && strchr(failure->text, '\n') == NULL)
        return;
    (void)fprintf(stderr, "exit code %d: %s\n", (int)failure->code, failure->text);
    abort();
}

static void check_config(const struct config *config)
{
    static char text[CANONICAL_TEXT_BYTES];
    static struct config_value values[CONFIG_VALUES_MAX];
    if (config->keys < 1 || config->keys > KEYS_MAX || config->duration_s < 0.01 ||
        config->perturbation.count > CONDITIONS_MAX || system_find(config->system) == NULL ||
        strchr(config->corridor.assumption, '\n') != NULL)
        abort();
    config_canonical_text(config, "all", text);
    (void)config_values(config, values);
}

void fuzz_config(char *const *words, char **environment)
{
    static char program[] = "mpidrift";
    static struct config config;
    char *arguments[FUZZ_WORDS + 2] = {program};
    int count = 1;
    for (; count <= FUZZ_WORDS && words[count - 1] != NULL; count++)
        arguments[count] = words[count - 1];
    struct failure failure = {EXIT_DONE, ""};
    enum config_request request;
    bool done = config_read(&config, count, arguments, environment, &request, &failure);
    if (!done)
        check_refusal(&failure);
    else if (failure.code != EXIT_DONE)
        abort();
    else if (request == REQUEST_RUN)
        check_config(&config);
}

/* In memory, and yet a file: as many of them as a disk would not like. */
static const char *file_of(const uint8_t *bytes, size_t size)
{
    static char path[64];
    static int file = -1;
    if (file < 0) {
        file = memfd_create("input", 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (file < 0 || ftruncate(file, 0) != 0 || pwrite(file, bytes, size, 0) != (ssize_t)size)
        abort();
    return path;
}

void fuzz_config_file(const char *option, const uint8_t *bytes, size_t size)
{
    char given[32], path[64], *words[] = {given, path, NULL}, *environment[] = {NULL};
    (void)snprintf(given, sizeof given, "%s", option);
    (void)snprintf(path, sizeof path, "%s", file_of(bytes, size));
    fuzz_config(words, environment);
}
