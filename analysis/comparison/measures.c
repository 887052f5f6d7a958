#include "analysis/comparison/measures.h"

#include <math.h>

#define AT(member) offsetof(struct context_figures, member)

const struct measure_row measure_rows[] = {
    {"outside_messages", "outside_messages", AT(outside_messages)},
    {"outside_node", "outside_node", AT(outside_node[WITH_STALLED])},
    {"outside_node_without_self_stalled", "  without self-stalled",
     AT(outside_node[WITHOUT_STALLED])},
    {"outside_system", "outside_system", AT(outside_system[WITH_STALLED])},
    {"outside_system_without_self_stalled", "  without self-stalled",
     AT(outside_system[WITHOUT_STALLED])},
    {"episodes_per_node_s", "episodes per node-second", AT(per_node_s[WITH_STALLED])},
    {"episodes_per_node_s_counting_error_only", "  counting error only", AT(counting)},
    {"episodes_per_node_s_without_self_stalled", "  without self-stalled",
     AT(per_node_s[WITHOUT_STALLED])},
    {"episodes_per_message", "  per message", AT(per_message)},
    {"episodes_per_pair_s", "  per directed pair-s", AT(per_pair_s)},
};
const size_t measure_count = sizeof measure_rows / sizeof measure_rows[0];

const char recorded_words[] =
    "Median of the runs, [exact interval between runs] from six runs on, below that (all runs). "
    "Counting error only: the run with the median rate. Three shares of being outside: "
    "outside_messages of the observations, outside_node of the node-time with at least one stream "
    "outside, outside_system of the time with some node outside.";

const struct figure *measure_of(const struct context_figures *row, size_t measure)
{
    return (const struct figure *)(const void *)((const char *)row + measure_rows[measure].offset);
}

const char *context_row_name(size_t context)
{
    return context < CONTEXT_COUNT ? context_table[context].name : "all contexts";
}

bool context_is_watched(const struct comparison *c, size_t context)
{
    for (size_t i = 0; i < c->column_count; i++)
        if (c->columns[i].rows[context].watched)
            return true;
    return false;
}

void number_text(double number, char text[32])
{
    if (!isfinite(number))
        (void)snprintf(text, 32, "unknown");
    else
        (void)snprintf(text, 32, fabs(number) >= 100 && fabs(number) < 1e6 ? "%.0f" : "%.3g",
                       number);
}

static int append(char *text, int used, const char *before, double number, const char *after)
{
    char digits[32];
    number_text(number, digits);
    int room = FIGURE_TEXT_BYTES - used;
    int added = room > 0 ? snprintf(text + used, (size_t)room, "%s%s%s", before, digits, after) : 0;
    return used + added;
}

void figure_text(const struct figure *figure, const char *unit, char text[FIGURE_TEXT_BYTES])
{
    if (figure->unknown != NULL) {
        (void)snprintf(text, FIGURE_TEXT_BYTES, "unknown (%s)", figure->unknown);
        return;
    }
    if (isnan(figure->value)) {
        (void)append(text, 0, "at least ", figure->low, unit);
        return;
    }
    int used = append(text, 0, "", figure->value, unit);
    size_t last = figure->value_count > 0 ? figure->value_count - 1 : 0;
    if (last > 0 && !(figure->values[last] > figure->values[0])) {
        (void)snprintf(text + used, FIGURE_TEXT_BYTES - (size_t)used, " (all %zu runs)", last + 1);
    } else if (last > 0) {
        for (size_t i = 0; i < figure->value_count; i++)
            used = append(text, used, i == 0 ? " (" : ", ", figure->values[i], "");
        (void)snprintf(text + used, FIGURE_TEXT_BYTES - (size_t)used, ")");
    } else if (!isnan(figure->low) && !isnan(figure->high)) {
        used = append(text, used, " [", figure->low, "");
        used = append(text, used, ", ", figure->high, "");
        (void)snprintf(text + used, FIGURE_TEXT_BYTES - (size_t)used, "]");
    }
}
