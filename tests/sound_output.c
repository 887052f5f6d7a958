#include "sound_output.h"

#include "analysis/comparison/print.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_COLUMNS = 80 };

bool has_no_number_word(const char *text)
{
    static const char *const bad[] = {"nan", "inf", "infinity"};
    for (const char *at = text; *at != '\0';) {
        size_t length = 0;
        while (isalpha((unsigned char)at[length]))
            length++;
        for (size_t i = 0; i < LENGTH(bad); i++)
            if (length == strlen(bad[i]) && strncasecmp(at, bad[i], length) == 0)
                return true;
        at += length > 0 ? length : 1;
    }
    return false;
}

size_t widest_line(const char *text)
{
    size_t widest = 0, width = 0;
    for (const char *at = text; *at != '\0'; at++) {
        width += ((unsigned char)*at & 0xC0) != 0x80;
        if (*at == '\n')
            width = 0;
        widest = width > widest ? width : widest;
    }
    return widest;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static bool complain(const char *name, const char *what, const char *text)
{
    (void)fprintf(stderr, "%s: %s\n%s\n", name, what, text);
    return false;
}

static bool text_is_sound(const char *name, const struct made_comparison *made,
                          const char *const *words)
{
    char *text = made_print(made, print_text);
    bool sound = true;
    if (has_no_number_word(text))
        sound = complain(name, "no number", text);
    if (widest_line(text) > PAGE_COLUMNS)
        sound = complain(name, "a line is too long", text);
    if (strstr(text, " \n") != NULL)
        sound = complain(name, "a line ends in blanks", text);
    free(text);
    /* Cells are folded in the text; here each stands in one line. */
    text = made_print(made, print_markdown);
    if (has_no_number_word(text))
        sound = complain(name, "no number in Markdown", text);
    for (size_t i = 0; i < SOUND_WORDS_MAX && words[i] != NULL; i++)
        if (strstr(text, words[i]) == NULL)
            sound = complain(name, words[i], text);
    free(text);
    return sound;
}

static bool lab_is_sound(const char *name, const struct made_comparison *made)
{
    static const char *const rows[] = {"| Aspect | Two Nodes | N Nodes |\n|---|---|---|\n",
                                       "\n| First drift observed | ", "\n| Badge frequency | ",
                                       "\n| Drift symmetry | ", "\n| Time sensitivity | "};
    char *text = made_print(made, print_lab);
    bool sound = !has_no_number_word(text) && count_lines(text) == 6;
    for (size_t i = 0; i < LENGTH(rows); i++)
        sound = sound && strstr(text, rows[i]) != NULL;
    /* No cell is empty. */
    sound = sound && strstr(text, "|  |") == NULL;
    if (!sound)
        (void)complain(name, "--lab", text);
    free(text);
    return sound;
}

static bool csv_is_sound(const char *name, const struct made_comparison *made)
{
    char *text = made_print(made, print_csv);
    bool sound = !has_no_number_word(text) && strstr(text, ",unknown\r\n") != NULL;
    if (!sound)
        (void)complain(name, "--csv", text);
    free(text);
    return sound;
}

/* A figure is a number, or it says why not; both or neither is wrong. */
static bool json_is_sound(const char *name, const struct made_comparison *made)
{
    char *text = made_print(made, print_json);
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    bool sound = root != NULL && !has_no_number_word(text);
    if (!sound)
        (void)complain(name, root == NULL ? error.text : "no number in JSON", text);
    size_t columns = json_array_size(json_object_get(root, "columns"));
    if (columns != made->comparison.column_count)
        sound = complain(name, "columns in JSON", "");
    json_decref(root);
    free(text);
    return sound;
}

bool output_is_sound(const char *name, const struct made_comparison *made, const char *const *words)
{
    bool sound = text_is_sound(name, made, words);
    sound = lab_is_sound(name, made) && sound;
    sound = csv_is_sound(name, made) && sound;
    return json_is_sound(name, made) && sound;
}
