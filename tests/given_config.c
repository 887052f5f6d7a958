#include "given_config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/mpidrift-test-XXXXXX";
static char paths[GIVEN_FILES][64];

static void remove_folder(void)
{
    for (int i = 0; i < GIVEN_FILES; i++)
        (void)unlink(paths[i]);
    (void)rmdir(folder);
}

const char *given_path(enum given_file file)
{
    static const char *const names[] = {[GIVEN_SCENE] = "scene.ini",
                                        [GIVEN_CORRIDOR] = "corridor.ini",
                                        [GIVEN_OPTIONS] = "options.ini"};
    if (paths[0][0] == '\0') {
        if (mkdtemp(folder) == NULL || atexit(remove_folder) != 0)
            abort();
        for (int i = 0; i < GIVEN_FILES; i++)
            (void)snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    }
    return paths[file];
}

void given_write(enum given_file file, const void *bytes, size_t size)
{
    /* ext4 waits for the disk when a file is truncated and closed. */
    (void)unlink(given_path(file));
    FILE *out = fopen(given_path(file), "w");
    if (out == NULL || fwrite(bytes, 1, size, out) != size || fclose(out) != 0)
        abort();
}

/* Copies, because getopt takes its arguments as writable. */
static int take_words(const char *const *words, char **taken, int count)
{
    for (int i = 0; i < GIVEN_WORDS && words[i] != NULL; i++)
        taken[count++] = strdup(words[i]);
    taken[count] = NULL;
    return count;
}

static int take_file(enum given_file file, const char *option, const char *text, char **taken,
                     int count)
{
    if (text == NULL)
        return count;
    given_write(file, text, strlen(text));
    taken[count++] = strdup(option);
    taken[count++] = strdup(given_path(file));
    return count;
}

static void free_words(char **words)
{
    for (; *words != NULL; words++)
        free(*words);
}

struct outcome read_given(const struct given *given)
{
    char *argv[GIVEN_WORDS + 2 + 2 * GIVEN_FILES], *environment[GIVEN_WORDS + 1];
    struct outcome outcome = {.failure = {EXIT_DONE, ""}};
    int argc = 0;
    argv[argc++] = strdup("mpidrift");
    argc = take_file(GIVEN_SCENE, "--scene", given->scene, argv, argc);
    argc = take_file(GIVEN_CORRIDOR, "--corridor", given->corridor, argv, argc);
    argc = take_file(GIVEN_OPTIONS, "--config", given->options, argv, argc);
    argc = take_words(given->arguments, argv, argc);
    (void)take_words(given->environment, environment, 0);
    outcome.done =
        config_read(&outcome.config, argc, argv, environment, &outcome.request, &outcome.failure);
    free_words(argv);
    free_words(environment);
    return outcome;
}

const char *value_text(const struct config *config, const char *key)
{
    static struct config_value values[CONFIG_VALUES_MAX];
    size_t count = config_values(config, values);
    for (size_t i = 0; i < count; i++)
        if (strcmp(values[i].key, key) == 0)
            return values[i].text;
    return "(none)";
}
