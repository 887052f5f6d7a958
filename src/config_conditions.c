#include "config_options.h"

#include "observe/badge.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Conditions as text and back; perturb.h says what they mean. */

enum { LINE_BYTES = 256, WHY_BYTES = 256 };

/* What each kind is called, what it must name, and what it may say. */
struct kind_row {
    const char *name;
    const char *place; /* "link" or "node" */
    const char *needs; /* keys of which one must be above or below 0 */
    const char *example;
    const char *meaning;
};

static const struct kind_row kinds[CONDITION_KINDS] = {
    [CONDITION_DELAY] =
        {"delay", "link", "constant_us or exponential_us",
         "delay link=A>B constant_us=3000 exponential_us=500 from_s=1 until_s=2",
         "messages of that link arrive no earlier than this after they were sent: a "
         "constant, a random number of that mean, or both"},
    [CONDITION_LOSS] = {"loss", "link", "share", "loss link=*>* share=0.05",
                        "each message of the link is lost with that probability"},
    [CONDITION_STALL] = {"stall", "node", NULL, "stall node=C from_s=1 for_s=0.2",
                         "the node's loop stands still: it neither acts nor polls"},
    [CONDITION_CLOCK] = {"clock", "node", "offset_us or rate_ppm",
                         "clock node=B offset_us=500 rate_ppm=50",
                         "the node's stamps are off by that much, as system and observer see them"},
};

enum {
    OF_DELAY = 1U << CONDITION_DELAY,
    OF_LOSS = 1U << CONDITION_LOSS,
    OF_CLOCK = 1U << CONDITION_CLOCK,
    OF_ALL = (1U << CONDITION_KINDS) - 1,
};

/* A number that a condition may carry. */
struct number_row {
    const char *key;
    size_t offset;
    unsigned kinds; /* that may have it */
    double least;
    double most;
};

#define AT(member) offsetof(struct condition, member)
static const struct number_row numbers[] = {
    {"constant_us", AT(constant_us), OF_DELAY, 0, 5e6},
    {"exponential_us", AT(exponential_us), OF_DELAY, 0, 1e6},
    {"share", AT(share), OF_LOSS, 0, 1},
    {"offset_us", AT(offset_us), OF_CLOCK, -1e9, 1e9},
    {"rate_ppm", AT(rate_ppm), OF_CLOCK, -1e5, 1e5},
    {"from_s", AT(from_s), OF_ALL, -3600, 86400},
    {"until_s", AT(until_s), OF_ALL, -3600, 90000},
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
static const struct number_row length_row = {"for_s", 0, OF_ALL, 0, 86400};

/* ---- reading ---- */

struct condition_reading {
    struct condition *condition;
    char *why;
    char seen[NUMBERS + 2][24]; /* keys met so far */
    size_t seen_count;
    double length_s; /* NaN: not given */
};

__attribute__((format(printf, 2, 3))) static bool refuse(char why[WHY_BYTES], const char *format,
                                                         ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, WHY_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

static bool read_kind(const char *text, struct condition *condition, char why[WHY_BYTES])
{
    for (enum condition_kind kind = 0; kind < CONDITION_KINDS; kind++)
        if (text != NULL && strcmp(kinds[kind].name, text) == 0) {
            condition->kind = kind;
            return true;
        }
    return refuse(why,
                  "'%.40s' is no kind of condition: delay, loss, stall or clock; "
                  "--list-perturbations shows an example of each",
                  text == NULL ? "" : text);
}

static bool read_node_set(const char *text, struct node_set *set, char why[WHY_BYTES])
{
    char name[NODE_NAME_BYTES + 8];
    bool letters = isupper((unsigned char)*text);
    (void)snprintf(name, sizeof name, "%s%.16s", letters ? "node_" : "", text);
    long node = strlen(text) < NODE_NAME_BYTES ? node_from_name(name) : -1;
    if (strcmp(text, "*") == 0)
        *set = (struct node_set){NODE_EVERY, 0};
    else if (strcmp(text, "even") == 0)
        *set = (struct node_set){NODE_EVEN, 0};
    else if (strcmp(text, "odd") == 0)
        *set = (struct node_set){NODE_ODD, 0};
    else if (node >= 0 && node <= UINT32_MAX)
        *set = (struct node_set){NODE_ONE, (uint32_t)node};
    else
        return refuse(
            why, "'%.40s' names no node: a name (A, node_A), an index (0), *, even or odd", text);
    return true;
}

static bool read_link(const char *text, struct condition *condition, char why[WHY_BYTES])
{
    char from[32];
    const char *arrow = strchr(text, '>');
    if (arrow == NULL || (size_t)(arrow - text) >= sizeof from)
        return refuse(why, "link='%.40s' is not FROM>TO, as in A>B or *>*", text);
    (void)snprintf(from, sizeof from, "%.*s", (int)(arrow - text), text);
    if (!read_node_set(from, &condition->from, why) ||
        !read_node_set(arrow + 1, &condition->to, why))
        return false;
    bool loop = condition->from.choice == NODE_ONE && condition->to.choice == NODE_ONE &&
                condition->from.node == condition->to.node;
    return !loop || refuse(why, "link='%.40s': a node has no link to itself", text);
}

static bool read_number(const struct number_row *row, const char *text, double *number,
                        char why[WHY_BYTES])
{
    if (!number_read(text, number))
        return refuse(why, "%s: '%.40s' is no number", row->key, text);
    return (*number >= row->least && *number <= row->most) ||
           refuse(why, "%s=%.10g is out of range: %.10g to %.10g", row->key, *number, row->least,
                  row->most);
}

static bool refuse_key(const struct condition *condition, const char *key, char why[WHY_BYTES])
{
    const struct kind_row *kind = &kinds[condition->kind];
    int used = snprintf(why, WHY_BYTES, "%s does not take '%.40s'; it takes %s", kind->name, key,
                        kind->place);
    for (size_t i = 0; i < NUMBERS; i++)
        if (numbers[i].kinds >> condition->kind & 1)
            used += snprintf(why + used, WHY_BYTES - (size_t)used, ", %s", numbers[i].key);
    (void)snprintf(why + used, WHY_BYTES - (size_t)used, ", %s", length_row.key);
    return false;
}

static bool note_key(struct condition_reading *reading, const char *key)
{
    for (size_t i = 0; i < reading->seen_count; i++)
        if (strcmp(reading->seen[i], key) == 0)
            return refuse(reading->why, "%s is given twice", key);
    (void)snprintf(reading->seen[reading->seen_count++], sizeof reading->seen[0], "%s", key);
    return true;
}

static bool has_key(const struct condition_reading *reading, const char *key)
{
    for (size_t i = 0; i < reading->seen_count; i++)
        if (strcmp(reading->seen[i], key) == 0)
            return true;
    return false;
}

static bool take_value(struct condition_reading *reading, const char *key, const char *value)
{
    struct condition *condition = reading->condition;
    if (strcmp(key, kinds[condition->kind].place) == 0)
        return note_key(reading, key) &&
               (strcmp(key, "link") == 0 ? read_link(value, condition, reading->why)
                                         : read_node_set(value, &condition->from, reading->why));
    if (strcmp(key, length_row.key) == 0)
        return note_key(reading, key) &&
               read_number(&length_row, value, &reading->length_s, reading->why);
    for (size_t i = 0; i < NUMBERS; i++)
        if (numbers[i].kinds >> condition->kind & 1 && strcmp(numbers[i].key, key) == 0)
            return note_key(reading, key) &&
                   read_number(&numbers[i], value,
                               (double *)(void *)((char *)condition + numbers[i].offset),
                               reading->why);
    return refuse_key(condition, key, reading->why);
}

static bool take_word(struct condition_reading *reading, char *word)
{
    char *equals = strchr(word, '=');
    if (equals == NULL)
        return refuse(reading->why, "'%.40s' is not KEY=VALUE", word);
    *equals = '\0';
    return take_value(reading, word, equals + 1);
}

static bool check_whole(const struct condition_reading *reading)
{
    struct condition *condition = reading->condition;
    const struct kind_row *kind = &kinds[condition->kind];
    if (!has_key(reading, kind->place))
        return refuse(reading->why, "%s must say which %s: %s", kind->name, kind->place,
                      kind->example);
    if (kind->needs != NULL && condition->constant_us == 0 && condition->exponential_us == 0 &&
        condition->share == 0 && condition->offset_us == 0 && condition->rate_ppm == 0)
        return refuse(reading->why, "%s does nothing without %s: %s", kind->name, kind->needs,
                      kind->example);
    if (!isnan(reading->length_s)) {
        if (has_key(reading, "until_s") || !has_key(reading, "from_s"))
            return refuse(reading->why, "for_s goes with from_s, and without until_s");
        condition->until_s = condition->from_s + reading->length_s;
    }
    return condition->from_s < condition->until_s ||
           refuse(reading->why, "it ends at %g s and begins at %g s", condition->until_s,
                  condition->from_s);
}

bool condition_read(const char *text, struct condition *condition, char why[WHY_BYTES])
{
    char line[LINE_BYTES], *rest = NULL;
    *condition = (struct condition){.from_s = -INFINITY, .until_s = INFINITY};
    struct condition_reading reading = {
        .condition = condition, .why = why, .length_s = (double)NAN};
    if (strlen(text) >= sizeof line)
        return refuse(why, "a condition is longer than %d characters", LINE_BYTES - 1);
    (void)snprintf(line, sizeof line, "%s", text);
    if (!read_kind(strtok_r(line, " \t", &rest), condition, why))
        return false;
    for (char *word = strtok_r(NULL, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
        if (!take_word(&reading, word))
            return false;
    return check_whole(&reading);
}

bool perturbation_add(struct perturbation *perturbation, const char *text, char why[WHY_BYTES])
{
    while (*text != '\0') {
        char one[LINE_BYTES + 1];
        size_t length = strcspn(text, ";");
        (void)snprintf(one, sizeof one, "%.*s", (int)length, text);
        if (perturbation->count == CONDITIONS_MAX)
            return refuse(why, "more than %d conditions", CONDITIONS_MAX);
        if (!condition_read(one, &perturbation->conditions[perturbation->count], why))
            return false;
        perturbation->count++;
        text += length + (text[length] == ';');
    }
    return true;
}

/* ---- writing ---- */

static size_t set_text(const struct node_set *set, char *text, size_t size)
{
    static const char *const words[] = {
        [NODE_EVERY] = "*", [NODE_EVEN] = "even", [NODE_ODD] = "odd"};
    char name[NODE_NAME_BYTES];
    if (set->choice != NODE_ONE)
        return (size_t)snprintf(text, size, "%s", words[set->choice]);
    node_name(set->node, name);
    return (size_t)snprintf(text, size, "%s", name + strlen("node_"));
}

/* As few digits as give back the same number. */
static size_t number_text(const char *key, double number, char *text, size_t size)
{
    char digits[40];
    (void)snprintf(digits, sizeof digits, "%.15g", number);
    if (strtod(digits, NULL) != number)
        (void)snprintf(digits, sizeof digits, "%.17g", number);
    return (size_t)snprintf(text, size, " %s=%s", key, digits);
}

void condition_text(const struct condition *condition, char text[CONDITION_TEXT_BYTES])
{
    const struct kind_row *kind = &kinds[condition->kind];
    size_t used = (size_t)snprintf(text, CONDITION_TEXT_BYTES, "%s %s=", kind->name, kind->place);
    used += set_text(&condition->from, text + used, CONDITION_TEXT_BYTES - used);
    if (strcmp(kind->place, "link") == 0) {
        text[used++] = '>';
        used += set_text(&condition->to, text + used, CONDITION_TEXT_BYTES - used);
    }
    for (size_t i = 0; i < NUMBERS; i++) {
        double number =
            *(const double *)(const void *)((const char *)condition + numbers[i].offset);
        bool said = numbers[i].kinds == OF_ALL ? !isinf(number) : number != 0;
        if (said)
            used += number_text(numbers[i].key, number, text + used, CONDITION_TEXT_BYTES - used);
    }
    assert(used < CONDITION_TEXT_BYTES);
}

void config_print_perturbations(FILE *out)
{
    for (enum condition_kind kind = 0; kind < CONDITION_KINDS; kind++)
        (void)fprintf(out, "%s: %s\n  --perturb \"%s\"\n", kinds[kind].name, kinds[kind].meaning,
                      kinds[kind].example);
    (void)fprintf(out,
                  "\nA link is FROM>TO; FROM, TO and node are a name (A, node_A), an index (0), * "
                  "for every\nnode, even or odd. from_s and until_s (or for_s) count from the "
                  "opening of the window;\nwithout them a condition holds always. Up to %d "
                  "conditions add up: --perturb given again,\nseveral behind one --perturb with ; "
                  "between them, NAME = CONDITION lines under [perturb]\nin a scene, a corridor or "
                  "an options file.\n",
                  CONDITIONS_MAX);
}
