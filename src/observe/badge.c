#include "observe/badge.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void node_name(uint32_t node, char name[NODE_NAME_BYTES])
{
    char letters[8]; /* 26^7 > 2^32 */
    size_t count = 0;
    uint64_t rest = (uint64_t)node + 1;
    for (; rest > 0; rest = (rest - 1) / 26)
        letters[count++] = (char)('A' + (rest - 1) % 26);
    size_t at = (size_t)snprintf(name, NODE_NAME_BYTES, "node_");
    while (count > 0)
        name[at++] = letters[--count];
    name[at] = '\0';
}

static long letters_to_rank(const char *letters)
{
    long rank = 0;
    for (const char *c = letters; *c != '\0'; c++) {
        if (!isupper((unsigned char)*c) || rank > INT_MAX / 26)
            return -1;
        rank = rank * 26 + (*c - 'A' + 1);
    }
    return rank - 1;
}

long node_from_name(const char *name)
{
    if (strncmp(name, "node_", 5) == 0)
        return letters_to_rank(name + 5);
    char *end = NULL;
    errno = 0;
    long rank = strtol(name, &end, 10);
    return errno == 0 && end != name && *end == '\0' && rank >= 0 ? rank : -1;
}

long long badge_timestamp_us(const struct badge *badge)
{
    return (long long)floor(badge->time_s * 1e6);
}

void badge_print_lab(FILE *out, const struct badge *badge)
{
    char name[NODE_NAME_BYTES];
    node_name(badge->node, name);
    const char *context =
        badge->context < CONTEXT_COUNT ? context_table[badge->context].name : "unknown";
    (void)fprintf(out, "[BADGE]\ntype: COHERENCE_DRIFT\nnode: %s\ncontext: %s\ntimestamp: %lld\n",
                  name, context, badge_timestamp_us(badge));
}

void badge_flags_text(uint32_t flags, char separator, char text[96])
{
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {
        {BADGE_SELF_STALLED, "self_stalled"},
        {BADGE_BELOW_CLOCK_RESOLUTION, "below_clock_resolution"},
        {BADGE_CENSORED, "censored"},
        {BADGE_CLOCK_SUSPECT, "clock_suspect"},
    };
    int used = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (flags & words[i].bit)
            used += snprintf(text + used, 96 - (size_t)used, "%s%.1s", words[i].word, &separator);
    if (used == 0)
        (void)snprintf(text, 96, "none");
    else
        text[used - 1] = '\0';
}

/* A value of a time context is shown in microseconds, any other as it is. */
static void value_text(const struct badge *badge, double value, char text[40])
{
    bool seconds =
        badge->context < CONTEXT_COUNT && strcmp(context_table[badge->context].unit, "s") == 0;
    (void)snprintf(text, 40, seconds ? "%.1f us" : "%.0f", seconds ? value * 1e6 : value);
}

void badge_print_full(FILE *out, const struct badge *badge, const char *module, const char *run)
{
    char peer[NODE_NAME_BYTES], observed[40], limit[40], peak[40], flags[96];
    node_name(badge->peer, peer);
    value_text(badge, badge->observed, observed);
    value_text(badge, badge->limit, limit);
    value_text(badge, badge->peak, peak);
    badge_flags_text(badge->flags, ' ', flags);
    badge_print_lab(out, badge);
    (void)fprintf(out, "module: %s\npeer: %s\nboundary: %s\n", module, peer,
                  boundary_name((enum boundary_kind)badge->boundary));
    (void)fprintf(out, "observed: %s\nlimit: %s\npeak: %s\n", observed, limit, peak);
    if (isnan(badge->end_s))
        (void)fprintf(out, "until: still outside at the end\n");
    else
        (void)fprintf(out, "until: %lld\n", (long long)floor(badge->end_s * 1e6));
    (void)fprintf(out, "own_stall_us: %.0f\nclock_uncertainty_us: %.3f\nflags: %s\nrun: %s\n",
                  badge->own_stall_s * 1e6, badge->uncertainty_s * 1e6, flags, run);
}
