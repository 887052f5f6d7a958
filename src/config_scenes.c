#include "config_options.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where scenes may lie: beside the program that was started, however the prefix was moved; in the
 * source tree it was built from; where it was to be installed. */
enum { SCENE_PLACES = 3 };

static void scene_places(char places[SCENE_PLACES][CONFIG_PATH_BYTES])
{
    char program[CONFIG_PATH_BYTES / 2] = "";
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length > 0)
        program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    (void)snprintf(places[0], CONFIG_PATH_BYTES, "%s/../share/mpidrift/jobs/scenes", program);
    (void)snprintf(places[1], CONFIG_PATH_BYTES, "%s", MPIDRIFT_SCENES_SOURCE);
    (void)snprintf(places[2], CONFIG_PATH_BYTES, "%s", MPIDRIFT_SCENES_INSTALLED);
}

/* The length of a scene's name without .ini; 0: the file is none. */
static size_t name_length(const char *file)
{
    static const char ending[] = ".ini";
    size_t length = strlen(file), cut = strlen(ending);
    return length > cut && strcmp(file + length - cut, ending) == 0 ? length - cut : 0;
}

static int is_scene(const struct dirent *entry)
{
    return name_length(entry->d_name) > 0;
}

/* The names of the scenes in the first place that has any. */
static void list_scenes(char places[SCENE_PLACES][CONFIG_PATH_BYTES], char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < SCENE_PLACES && used == 0; i++) {
        struct dirent **entries = NULL;
        int count = scandir(places[i], &entries, is_scene, alphasort);
        for (int e = 0; e < count; e++) {
            const char *name = entries[e]->d_name;
            if (used < size)
                used += (size_t)snprintf(text + used, size - used, " %.*s", (int)name_length(name),
                                         name);
            free(entries[e]);
        }
        free(entries);
    }
}

bool config_find_scene(const char *scene, char path[CONFIG_PATH_BYTES], struct failure *failure)
{
    char places[SCENE_PLACES][CONFIG_PATH_BYTES], names[256];
    if (strchr(scene, '/') != NULL || name_length(scene) > 0) {
        (void)snprintf(path, CONFIG_PATH_BYTES, "%s", scene);
        return true;
    }
    scene_places(places);
    for (int i = 0; i < SCENE_PLACES; i++) {
        int needed = snprintf(path, CONFIG_PATH_BYTES, "%s/%s.ini", places[i], scene);
        if (needed < CONFIG_PATH_BYTES && access(path, R_OK) == 0)
            return true;
    }
    path[0] = '\0';
    list_scenes(places, names, sizeof names);
    return failure_set(failure, EXIT_BAD_USAGE,
                       "--scene: there is no '%.80s'; there are:%s; or name a file of your own, as "
                       "in --scene ./mine.ini",
                       scene, names[0] != '\0' ? names : " bare");
}

void config_scene_name(const char *path, char name[CONFIG_PATH_BYTES])
{
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    size_t length = name_length(file);
    (void)snprintf(name, CONFIG_PATH_BYTES, "%.*s", (int)(length > 0 ? length : strlen(file)),
                   file);
}
