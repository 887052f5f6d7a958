#include "config_options.h"

#include <errno.h>
#include <ini.h>
#include <math.h>
#include <string.h>

/* One INI file being read. inih hands over sections, names and values; lines are counted here. */
struct ini_reading {
    struct config *config;
    FILE *file;
    int line;
    size_t key_indent; /* blanks before the last key; more of them make a sequel of its value */
    bool is_sequel;    /* this line */
    bool (*section_take)(struct ini_reading *reading, const char *section, const char *key,
                         const char *value);
    char seen[64][CONFIG_NAME_BYTES]; /* keys met so far: none may come twice */
    size_t seen_count;
    int assumption_line; /* 0: not given */
    int refused_line;    /* 0: none */
    char why[384];
};

/* Keep the first refusal and its line. Always false. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct ini_reading *reading,
                                                         const char *format, ...)
{
    if (reading->refused_line != 0)
        return false;
    reading->refused_line = reading->line;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reading->why, sizeof reading->why, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- lines ---- */

/* Bytes of the UTF-8 sequence that begins there (RFC 3629); 0: it is none, or a control character.
 */
static size_t character_bytes(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] < 0x80)
        return c[0] >= ' ' || c[0] == '\t' || c[0] == '\r';
    size_t bytes = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    bool surrogate = c[0] == 0xed && c[1] > 0x9f, beyond = c[0] == 0xf4 && c[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : bytes;
}

/* What is read here is stored and printed as UTF-8. */
static bool is_text(const char *line, size_t length)
{
    size_t at = 0, bytes = 1;
    for (; at < length && bytes > 0; at += bytes)
        bytes = character_bytes(line + at);
    return bytes > 0;
}

/* One line without its end; what is beyond `size` is left out. False at the end of the file. */
static bool take_line(FILE *file, char *line, size_t size, size_t *length)
{
    int c = fgetc(file);
    bool taken = c != EOF;
    for (*length = 0; c != EOF && c != '\n'; c = fgetc(file), ++*length)
        if (*length < size - 1)
            line[*length] = (char)c;
    line[*length < size ? *length : size - 1] = '\0';
    return taken;
}

/* inih takes every line that begins with a blank as a sequel of the value before. Keys that are
 * indented alike are keys: move them to the front. */
static void settle_indent(struct ini_reading *reading, char *line)
{
    size_t indent = strspn(line, " \t");
    char first = line[indent];
    reading->is_sequel = indent > reading->key_indent;
    if (reading->is_sequel || strchr(";#\r", first) != NULL)
        return;
    reading->key_indent = first == '[' ? SIZE_MAX : indent;
    memmove(line, line + indent, strlen(line + indent) + 1);
}

/* fgets for inih: counts lines, and refuses those which it would silently cut. */
static char *read_line(char *line, int size, void *stream)
{
    struct ini_reading *reading = stream;
    size_t length, room = (size_t)size - 1; /* with its end, as fgets would leave it */
    if (!take_line(reading->file, line, room, &length))
        return NULL;
    reading->line++;
    bool fits = length < room;
    if (!fits)
        (void)refuse(reading,
                     "line is longer than %zu characters; a sentence goes on in the next line if "
                     "that begins with a blank",
                     room - 1);
    else if (!is_text(line, length))
        (void)refuse(reading, "this is no UTF-8 text");
    if (reading->refused_line == reading->line)
        line[0] = '\0';
    settle_indent(reading, line);
    memcpy(line + strlen(line), "\n", sizeof "\n");
    return line;
}

/* ---- keys ---- */

static bool note_key(struct ini_reading *reading, const char *section, const char *key)
{
    char name[CONFIG_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%.20s.%.40s", section, key);
    for (size_t i = 0; i < reading->seen_count; i++)
        if (strcmp(reading->seen[i], name) == 0)
            return refuse(reading, "'%.60s' is given twice", key);
    if (reading->seen_count == sizeof reading->seen / sizeof reading->seen[0])
        return refuse(reading, "more than %zu keys", reading->seen_count);
    memcpy(reading->seen[reading->seen_count++], name, sizeof name);
    return true;
}

static bool is_sentence(const char *key)
{
    return strcmp(key, "assumption") == 0 || strcmp(key, "watch") == 0 ||
           strcmp(key, "description") == 0;
}

static int handle(void *user, const char *section, const char *key, const char *value)
{
    struct ini_reading *reading = user;
    if (reading->is_sequel && !is_sentence(key))
        return refuse(reading,
                      "a line that begins with a blank goes on with the value of '%.60s', which "
                      "has one line only",
                      key);
    return reading->section_take(reading, section, key, value);
}

static bool read_ini(struct ini_reading *reading, const char *path, const char *what,
                     struct failure *failure)
{
    reading->file = fopen(path, "r");
    if (reading->file == NULL)
        return failure_set(failure, EXIT_BAD_INPUT, "cannot read the %s %s: %s", what, path,
                           strerror(errno));
    int line = ini_parse_stream(read_line, reading, handle, reading);
    bool broken = ferror(reading->file) != 0;
    (void)fclose(reading->file);
    if (broken)
        return failure_set(failure, EXIT_BAD_INPUT, "cannot read the %s %s: it is no text file",
                           what, path);
    /* inih found a line that is neither section, comment nor KEY = VALUE before our own refusal. */
    if (line > 0 && (reading->refused_line == 0 || line < reading->refused_line))
        return failure_set(failure, EXIT_BAD_INPUT, "%s:%d: this is not KEY = VALUE", path, line);
    if (reading->refused_line != 0)
        return failure_set(failure, EXIT_BAD_INPUT, "%s:%d: %s", path, reading->refused_line,
                           reading->why);
    return true;
}

/* ---- the corridor ---- */

static bool take_sentence(struct ini_reading *reading, const char *key, const char *value,
                          char text[ASSUMPTION_BYTES])
{
    size_t used = reading->is_sequel ? strlen(text) : 0;
    int added = snprintf(text + used, ASSUMPTION_BYTES - used, "%s%s", used > 0 ? " " : "", value);
    return (added >= 0 && used + (size_t)added < ASSUMPTION_BYTES) ||
           refuse(reading, "the %s is longer than %d characters", key, ASSUMPTION_BYTES - 1);
}

/* Watch the context of that name, or all contexts of the boundary of that name. */
static bool watch_name(struct corridor *corridor, const char *name)
{
    bool found = false;
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        if (strcmp(context_table[c].name, name) == 0 ||
            strcmp(boundary_name(context_table[c].boundary), name) == 0)
            corridor->watched[c] = found = true;
    return found;
}

static bool refuse_watch(struct ini_reading *reading, const char *name)
{
    char known[320] = "";
    size_t used = 0;
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        used += (size_t)snprintf(known + used, sizeof known - used, " %s", context_table[c].name);
    return refuse(reading,
                  "watch: '%.60s' is no context and no boundary; all, boundaries (receive, "
                  "timeout ...), or a list of:%s",
                  name, known);
}

static bool take_watch(struct ini_reading *reading, const char *value)
{
    struct corridor *corridor = &reading->config->corridor;
    bool all = !reading->is_sequel && strcmp(value, "all") == 0;
    for (enum context c = 0; !reading->is_sequel && c < CONTEXT_COUNT; c++)
        corridor->watched[c] = all;
    if (!reading->is_sequel)
        reading->config->corridor_lines.watch = reading->line;
    if (all)
        return true;
    char list[512];
    (void)snprintf(list, sizeof list, "%s", value);
    char *rest = NULL;
    for (char *name = strtok_r(list, ", \t", &rest); name; name = strtok_r(NULL, ", \t", &rest))
        if (!watch_name(corridor, name))
            return refuse_watch(reading, name);
    return true;
}

static bool take_limit(struct ini_reading *reading, enum context context, const char *value)
{
    const struct context_info *info = &context_table[context];
    double number;
    if (strcmp(value, "off") == 0)
        number = HUGE_VAL;
    else if (!number_read(value, &number) || number < 0 || number > 1e12)
        return refuse(reading, "%s: '%.60s' is neither a number from 0 to 1e12 nor off",
                      info->limit_key, value);
    reading->config->corridor.limit[context] = number * info->limit_unit;
    reading->config->corridor_lines.limit[context] = reading->line;
    return true;
}

static bool take_corridor_key(struct ini_reading *reading, const char *key, const char *value)
{
    struct corridor *corridor = &reading->config->corridor;
    if (!reading->is_sequel && !note_key(reading, "corridor", key))
        return false;
    if (strcmp(key, "assumption") == 0) {
        if (!reading->is_sequel)
            reading->assumption_line = reading->line;
        return take_sentence(reading, key, value, corridor->assumption);
    }
    if (strcmp(key, "watch") == 0)
        return take_watch(reading, value);
    if (strcmp(key, "outside_fraction_max") == 0) {
        if (!number_read(value, &corridor->outside_fraction_max) ||
            corridor->outside_fraction_max < 0 || corridor->outside_fraction_max > 1)
            return refuse(reading, "outside_fraction_max: '%.60s' is no number from 0 to 1", value);
        return true;
    }
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        if (context_table[c].limit_key != NULL && strcmp(context_table[c].limit_key, key) == 0)
            return take_limit(reading, c, value);
    return refuse(reading,
                  "unknown key '%.60s' in [corridor]; it takes assumption, watch, "
                  "message_delay_max_us, version_lag_max, heartbeat_gap_max_ms, "
                  "outside_fraction_max",
                  key);
}

static bool take_calibration_key(struct ini_reading *reading, const char *key, const char *value)
{
    struct calibration_note *note = &reading->config->calibration;
    const struct {
        const char *key;
        char *text;
    } places[] = {{"nodes", note->nodes},           {"samples", note->samples},
                  {"quantile", note->quantile},     {"spread", note->spread},
                  {"factor", note->factor},         {"idle", note->idle},
                  {"link_class", note->link_class}, {"load", note->load}};
    if (!note_key(reading, "calibration", key))
        return false;
    if (strlen(value) >= CALIBRATION_TEXT_BYTES)
        return refuse(reading, "%.60s: is longer than %d characters", key,
                      CALIBRATION_TEXT_BYTES - 1);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcmp(places[i].key, key) == 0) {
            (void)snprintf(places[i].text, CALIBRATION_TEXT_BYTES, "%s", value);
            return true;
        }
    return refuse(reading, "unknown key '%.60s' in [calibration]", key);
}

static bool refuse_option(struct ini_reading *reading, const char *key, bool only_load)
{
    if (!only_load)
        return refuse(reading, "unknown key '%.60s'; mpidrift --help lists the keys", key);
    char known[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < option_count; i++)
        if (option_rows[i].is_load)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s %s",
                                     used > 0 ? "," : "", option_rows[i].key);
    return refuse(reading, "unknown key '%.60s' in [load]; it takes%s", key, known);
}

static bool take_option_key(struct ini_reading *reading, const char *key, const char *value,
                            bool only_load)
{
    const struct option_row *row = option_find(key);
    char why[256];
    if (row == NULL || row->key == NULL || (only_load && !row->is_load))
        return refuse_option(reading, key, only_load);
    if (!note_key(reading, "mpidrift", row->key)) /* however it is spelled, in which section */
        return false;
    if (!option_store(reading->config, row, value, why))
        return refuse(reading, "%s: %s", key, why);
    return true;
}

/* A condition has one line, and its name is the user's own. */
static bool take_condition(struct ini_reading *reading, const char *key, const char *value)
{
    char why[256];
    if (!note_key(reading, "perturb", key))
        return false;
    return perturbation_add(&reading->config->perturbation, value, why) ||
           refuse(reading, "%.60s: %s", key, why);
}

static bool take_in_corridor_file(struct ini_reading *reading, const char *section, const char *key,
                                  const char *value)
{
    if (strcmp(section, "corridor") == 0)
        return take_corridor_key(reading, key, value);
    if (strcmp(section, "load") == 0)
        return take_option_key(reading, key, value, true);
    if (strcmp(section, "perturb") == 0)
        return take_condition(reading, key, value);
    if (strcmp(section, "calibration") == 0)
        return take_calibration_key(reading, key, value);
    return refuse(reading,
                  "unknown section [%.60s]; a corridor has [corridor], [load], [perturb] and "
                  "[calibration]",
                  section);
}

/* What only the end of the file shows, because a value may begin in the line below its key. */
static bool check_sentences(const struct ini_reading *reading, const char *path,
                            struct failure *failure)
{
    const struct corridor *corridor = &reading->config->corridor;
    if (reading->assumption_line > 0 && corridor->assumption[0] == '\0')
        return failure_set(failure, EXIT_BAD_INPUT, "%s:%d: the assumption is empty", path,
                           reading->assumption_line);
    for (enum context c = 0; c < CONTEXT_COUNT; c++)
        if (corridor->watched[c])
            return true;
    return failure_set(failure, EXIT_BAD_INPUT, "%s:%d: watch names no context", path,
                       reading->config->corridor_lines.watch);
}

bool config_read_corridor(struct config *config, const char *path, struct failure *failure)
{
    struct ini_reading reading = {
        .config = config, .key_indent = SIZE_MAX, .section_take = take_in_corridor_file};
    return read_ini(&reading, path, "corridor", failure) &&
           check_sentences(&reading, path, failure);
}

static bool take_in_options_file(struct ini_reading *reading, const char *section, const char *key,
                                 const char *value)
{
    if (strcmp(section, "perturb") == 0)
        return take_condition(reading, key, value);
    if (*section != '\0' && strcmp(section, "mpidrift") != 0)
        return refuse(reading,
                      "unknown section [%.60s]; options stand under [mpidrift] or under "
                      "no section, conditions under [perturb]",
                      section);
    return take_option_key(reading, key, value, false);
}

bool config_read_options(struct config *config, const char *path, struct failure *failure)
{
    struct ini_reading reading = {
        .config = config, .key_indent = SIZE_MAX, .section_take = take_in_options_file};
    return read_ini(&reading, path, "options file", failure);
}

static bool take_in_scene_file(struct ini_reading *reading, const char *section, const char *key,
                               const char *value)
{
    if (strcmp(section, "perturb") == 0)
        return take_condition(reading, key, value);
    if (strcmp(section, "load") == 0)
        return take_option_key(reading, key, value, true);
    if (strcmp(section, "scene") != 0)
        return refuse(reading, "unknown section [%.60s]; a scene has [scene], [perturb] and [load]",
                      section);
    if (strcmp(key, "description") != 0)
        return refuse(reading, "unknown key '%.60s' in [scene]; it takes description", key);
    return (reading->is_sequel || note_key(reading, section, key)) &&
           take_sentence(reading, key, value, reading->config->scene_description);
}

bool config_read_scene(struct config *config, const char *path, struct failure *failure)
{
    struct ini_reading reading = {
        .config = config, .key_indent = SIZE_MAX, .section_take = take_in_scene_file};
    return read_ini(&reading, path, "scene", failure);
}
