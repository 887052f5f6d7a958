#include "analysis/comparison/print.h"

#include <string.h>

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

/* Where the line that starts here may end: behind `width` columns, or at its end. */
static const char *line_end(const char *text, size_t width)
{
    size_t columns = 0;
    const char *at = text;
    for (; *at != '\0' && *at != '\n'; at++) {
        if (begins_character(*at) && columns++ == width)
            break;
    }
    return at;
}

/* The last blank, else the last '_', else the very end. */
static const char *break_before(const char *text, const char *end)
{
    for (const char *at = end; at > text; at--)
        if (*at == ' ')
            return at;
    for (const char *at = end; at > text + 1; at--)
        if (at[-1] == '_')
            return at;
    return end;
}

bool fold_next(const char **text, size_t width, struct fold *line)
{
    const char *begin = *text;
    if (*begin == '\0')
        return false;
    const char *end = line_end(begin, width);
    if (*end != '\0' && *end != '\n')
        end = break_before(begin, end);
    line->begin = begin;
    line->bytes = (size_t)(end - begin);
    line->columns = 0;
    for (const char *at = begin; at < end; at++)
        line->columns += begins_character(*at);
    *text = *end == ' ' || *end == '\n' ? end + 1 : end;
    return true;
}

void print_folded(FILE *out, const char *text, size_t width, const char *first, const char *next)
{
    struct fold line;
    const char *begin = first;
    while (fold_next(&text, width, &line)) {
        (void)fprintf(out, "%s%.*s\n", begin, (int)line.bytes, line.begin);
        begin = next;
    }
}
