#include "record/run_facts.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

enum { WINDOWS_STEP = 60 };
/* Room for what is added when the file is written. */
enum { SPARE_SETTINGS = 8, SPARE_BYTES = 4096 };

/* ---- settings: group, key, 't' or 'n', then the text with its zero byte, or the number ---- */

static void append(struct run_facts *facts, const void *bytes, size_t size)
{
    assert(size <= RUN_SETTINGS_BYTES - facts->settings_bytes);
    memcpy(facts->settings + facts->settings_bytes, bytes, size);
    facts->settings_bytes += (uint32_t)size;
}

void run_facts_add(struct run_facts *facts, const char *group, const char *key, const char *text,
                   double number)
{
    assert(facts->setting_count < RUN_SETTINGS_MAX);
    append(facts, group, strlen(group) + 1);
    append(facts, key, strlen(key) + 1);
    append(facts, text != NULL ? "t" : "n", 1);
    if (text != NULL)
        append(facts, text, strlen(text) + 1);
    else
        append(facts, &number, sizeof number);
    facts->setting_count++;
}

/* Takes settings off the front of the bytes. */
struct settings_view {
    const char *at;
    size_t rest;
};

static const char *next_text(struct settings_view *view)
{
    size_t length = strnlen(view->at, view->rest);
    const char *text = view->at;
    if (length == view->rest)
        return NULL;
    view->at += length + 1;
    view->rest -= length + 1;
    return text;
}

static bool next_number(struct settings_view *view, double *number)
{
    if (view->rest < sizeof *number)
        return false;
    memcpy(number, view->at, sizeof *number);
    view->at += sizeof *number;
    view->rest -= sizeof *number;
    return true;
}

static bool next_setting(struct settings_view *view, struct run_setting *setting)
{
    *setting = (struct run_setting){.group = next_text(view), .key = NULL};
    if (setting->group != NULL)
        setting->key = next_text(view);
    if (setting->key == NULL || setting->key[0] == '\0' || view->rest == 0)
        return false;
    char kind = *view->at;
    view->at++;
    view->rest--;
    if (kind == 'n')
        return next_number(view, &setting->number);
    setting->text = next_text(view);
    return kind == 't' && setting->text != NULL;
}

size_t run_facts_settings(const struct run_facts *facts,
                          struct run_setting settings[RUN_SETTINGS_MAX])
{
    struct settings_view view = {facts->settings, facts->settings_bytes};
    size_t count = 0;
    while (count < facts->setting_count && next_setting(&view, &settings[count]))
        count++;
    return count;
}

/* ---- bytes that somebody else wrote ---- */

size_t run_facts_bytes(const struct run_facts *facts)
{
    return offsetof(struct run_facts, settings) + facts->settings_bytes;
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* None of those that the file's writer adds by itself, and none that came before. */
static bool setting_is_sane(const struct run_setting *settings, size_t place)
{
    static const char *const groups[] = {"/provenance", "/config", "/config/corridor",
                                         "/config/perturb"};
    static const char *const added[] = {"canonical_text", "recovered_spools", "recovered_without"};
    const struct run_setting *setting = &settings[place];
    bool known = false;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        known = known || strcmp(groups[i], setting->group) == 0;
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        known = known && strcmp(added[i], setting->key) != 0;
    for (size_t i = 0; i < place; i++)
        known = known && (strcmp(settings[i].group, setting->group) != 0 ||
                          strcmp(settings[i].key, setting->key) != 0);
    return known && strlen(setting->key) < CONFIG_NAME_BYTES;
}

static bool settings_are_sane(const struct run_facts *facts)
{
    struct run_setting settings[RUN_SETTINGS_MAX];
    if (facts->setting_count > RUN_SETTINGS_MAX - SPARE_SETTINGS ||
        facts->settings_bytes > RUN_SETTINGS_BYTES - SPARE_BYTES ||
        run_facts_settings(facts, settings) != facts->setting_count)
        return false;
    bool sane = true;
    for (size_t i = 0; sane && i < facts->setting_count; i++)
        sane = setting_is_sane(settings, i);
    return sane;
}

bool run_facts_take(struct run_facts *facts, const void *bytes, size_t size)
{
    const size_t least = offsetof(struct run_facts, settings);
    memset(facts, 0, sizeof *facts);
    if (size < least || size > sizeof *facts)
        return false;
    memcpy(facts, bytes, size);
    return facts->settings_bytes == size - least && is_text(facts->run_id, sizeof facts->run_id) &&
           is_text(facts->start_time_utc, sizeof facts->start_time_utc) &&
           is_text(facts->canonical_text, sizeof facts->canonical_text) &&
           isfinite(facts->duration_s) && facts->duration_s > 0 && facts->nodes >= 1 &&
           facts->group_nodes >= 1 && facts->nodes % facts->group_nodes == 0 &&
           facts->trace_capacity <= UINT32_MAX && facts->contexts < 1U << CONTEXT_COUNT &&
           facts->windows >= 1 && facts->windows <= RUN_WINDOWS_MAX && settings_are_sane(facts);
}

/* ---- what follows from it ---- */

uint32_t run_facts_contexts(const struct run_facts *facts, uint32_t contexts[CONTEXT_COUNT])
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < CONTEXT_COUNT; c++)
        if (facts->contexts & 1U << c)
            contexts[count++] = c;
    return count;
}

uint32_t run_windows_of(double duration_s)
{
    double steps = ceil(duration_s / 0.05 / WINDOWS_STEP);
    uint32_t most = RUN_WINDOWS_MAX / WINDOWS_STEP;
    return WINDOWS_STEP * (steps < most ? (uint32_t)fmax(1, steps) : most);
}

/* ---- dates ---- */

void utc_text(double utc_s, char text[32])
{
    struct tm utc;
    time_t whole = (time_t)utc_s;
    (void)gmtime_r(&whole, &utc);
    size_t used = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(text + used, 32 - used, ".%03dZ", (int)((utc_s - (double)whole) * 1e3));
}
