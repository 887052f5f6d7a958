#include "record/run_file_hdf5.h"

#include "fnv1a.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* HDF5 keeps texts of variable length where no checksum reaches, so the file has one line for each,
 * "GROUP KEY CHECKSUM". Attributes that somebody added later have none and are let pass. */

static const char checksums_name[] = "text_checksums";

static uint64_t checksum(const char *text)
{
    return fnv1a(text, strlen(text), FNV1A_START);
}

char *texts_checksums(const struct run_setting *settings, size_t count, char *lines)
{
    size_t used = lines != NULL ? strlen(lines) : 0, more = 1;
    for (size_t i = 0; i < count; i++)
        more += strlen(settings[i].group) + strlen(settings[i].key) + 20;
    const size_t size = used + more;
    char *grown = realloc(lines, size);
    if (grown == NULL) {
        free(lines);
        return NULL;
    }
    grown[used] = '\0';
    for (size_t i = 0; i < count; i++)
        if (settings[i].text != NULL)
            used +=
                (size_t)snprintf(grown + used, size - used, "%s %s %016" PRIx64 "\n",
                                 settings[i].group, settings[i].key, checksum(settings[i].text));
    return grown;
}

bool texts_write(const struct hdf_file *file, hid_t root, const char *lines)
{
    return attribute_write_text(file, root, checksums_name, lines);
}

/* One line, its parts ended by zero bytes. */
static bool line_fits(const struct settings *settings, char *line)
{
    char *rest = NULL, *end = NULL;
    const char *group = strtok_r(line, " ", &rest), *key = strtok_r(NULL, " ", &rest);
    const char *digits = strtok_r(NULL, " ", &rest);
    const struct setting *setting = digits != NULL ? settings_find(settings, group, key) : NULL;
    return setting != NULL && strtoull(digits, &end, 16) == checksum(setting->text) &&
           *end == '\0' && end != digits;
}

bool texts_check(const struct hdf_file *file, const struct settings *settings)
{
    const struct setting *setting = settings_find(settings, "/", checksums_name);
    if (setting == NULL) /* older than 1.2.0 */
        return true;
    char *lines = strdup(setting->text), *rest = NULL;
    bool fits = lines != NULL;
    for (char *line = fits ? strtok_r(lines, "\n", &rest) : NULL; fits && line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        fits = line_fits(settings, line);
    free(lines);
    return fits || failure_set(file->failure, file->code,
                               "%s is damaged, or was changed after it was written: a text has "
                               "another checksum",
                               file->path);
}
