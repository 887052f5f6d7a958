#include "analysis/comparison/comparable.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_NAMED = 2 };

size_t main_series(const struct run *runs, size_t count)
{
    size_t best = 0, best_same = 0;
    for (size_t i = 0; i < count; i++) {
        if (runs[i].groups == 0 && !runs[i].load_total)
            return i;
        size_t same = 0;
        for (size_t j = 0; j < count; j++)
            same += !is_control(&runs[j], &runs[i]);
        if (same > best_same) {
            best = i;
            best_same = same;
        }
    }
    return best;
}

bool is_control(const struct run *run, const struct run *reference)
{
    return run->groups != reference->groups || run->load_total != reference->load_total;
}

static double rate_per_s(const struct run *run)
{
    return run_reader_number(run->reader, "/config", "rate_per_s");
}

void find_total_of_two(struct run *runs, size_t count, const struct run *reference)
{
    for (size_t i = 0; i < count; i++) {
        double excess = fabs(rate_per_s(&runs[i]) - 2 * rate_per_s(reference));
        runs[i].total_of_two =
            runs[i].load_total && !reference->load_total && excess <= 1e-9 * rate_per_s(&runs[i]);
    }
}

/* ---- key=value lines ---- */

struct line {
    const char *key;
    size_t key_length;
    const char *value;
    size_t value_length;
};

/* The line at *text, which moves behind it; false at the end. */
static bool next_line(const char **text, struct line *line)
{
    while (**text == '\n')
        (*text)++;
    if (**text == '\0')
        return false;
    size_t length = strcspn(*text, "\n");
    const char *equals = memchr(*text, '=', length);
    line->key = *text;
    line->key_length = equals != NULL ? (size_t)(equals - *text) : length;
    line->value = equals != NULL ? equals + 1 : *text + length;
    line->value_length = length - line->key_length - (equals != NULL);
    *text += length;
    return true;
}

/* The value of a key in a canonical text as memory of the caller; "(not there)" without it. */
static char *value_of(const char *text, const char *key)
{
    struct line line;
    while (next_line(&text, &line))
        if (strlen(key) == line.key_length && memcmp(key, line.key, line.key_length) == 0)
            return strndup(line.value, line.value_length);
    return strdup("(not there)");
}

static const char *canonical(const struct run *run)
{
    return run_reader_text(run->reader, "/config", "canonical_text");
}

/* ---- one key over all runs ---- */

/* A fetched value belongs to the caller; NULL when memory is short. */
typedef char *fetch_value(const struct run *run, const char *key);

static char *fetch_canonical(const struct run *run, const char *key)
{
    if (!run->total_of_two || strcmp(key, "rate_per_s") != 0)
        return value_of(canonical(run), key);
    char *text = NULL;
    return asprintf(&text, "%.17g", rate_per_s(run) / 2) < 0 ? NULL : text;
}

static char *fetch_provenance(const struct run *run, const char *key)
{
    return strdup(run_reader_text(run->reader, "/provenance", key));
}

/* The CPUs of the nodes, if all of a run may use the same ones. */
static char *fetch_binding(const struct run *run, const char *key)
{
    (void)key;
    const struct run_node *rows = run_reader_node_rows(run->reader);
    for (uint32_t i = 1; i < run->nodes; i++)
        if (strcmp(rows[i].binding, rows[0].binding) != 0)
            return strdup("another set of CPUs for each node");
    return strdup(rows[0].binding);
}

static char **fetch_all(const struct run *runs, size_t count, const char *key, fetch_value *fetch)
{
    char **values = calloc(count, sizeof *values);
    for (size_t i = 0; values != NULL && i < count; i++)
        values[i] = fetch(&runs[i], key);
    return values;
}

static void free_all(char **values, size_t count)
{
    for (size_t i = 0; values != NULL && i < count; i++)
        free(values[i]);
    free(values);
}

static bool seen_before(char *const *values, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(values[i], values[at]) == 0)
            return true;
    return false;
}

/* As the user would write it. */
static const char *shown_value(const char *value)
{
    if (value[0] == '\0')
        return "(empty)";
    return strcmp(value, "inf") == 0 ? "off" : value;
}

/* "1 in a.h5, b.h5 and 4 more" */
static void name_files(FILE *out, const struct run *runs, size_t count, char *const *values,
                       size_t at)
{
    size_t named = 0, more = 0;
    (void)fprintf(out, "%s in ", shown_value(values[at]));
    for (size_t i = at; i < count; i++) {
        if (strcmp(values[i], values[at]) != 0)
            continue;
        if (named < FILES_NAMED)
            (void)fprintf(out, "%s%s", named++ > 0 ? ", " : "", runs[i].path);
        else
            more++;
    }
    if (more > 0)
        (void)fprintf(out, " and %zu more", more);
}

static bool all_there(char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] == NULL)
            return false;
    return true;
}

static bool add_difference(struct differences *found, const struct run *runs, size_t count,
                           const char *key, char *const *values)
{
    struct difference *rows = realloc(found->rows, (found->count + 1) * sizeof *rows);
    if (rows == NULL)
        return false;
    found->rows = rows;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return false;
    (void)fprintf(out, "%s: ", key);
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (seen_before(values, i))
            continue;
        (void)fputs(first ? "" : "; ", out);
        name_files(out, runs, count, values, i);
        first = false;
    }
    if (fclose(out) != 0) {
        free(text);
        return false;
    }
    found->rows[found->count++].text = text;
    return true;
}

static bool check_key(struct differences *found, const struct run *runs, size_t count,
                      const char *key, fetch_value *fetch)
{
    char **values = fetch_all(runs, count, key, fetch);
    bool done = values != NULL && all_there(values, count);
    bool differs = false;
    for (size_t i = 1; done && i < count; i++)
        differs = differs || strcmp(values[i], values[0]) != 0;
    if (differs)
        done = add_difference(found, runs, count, key, values);
    free_all(values, count);
    return done;
}

/* ---- every key that any run has ---- */

static bool is_checked(char *const *keys, size_t count, const struct line *line)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(keys[i]) == line->key_length &&
            memcmp(keys[i], line->key, line->key_length) == 0)
            return true;
    return false;
}

struct key_list {
    char **keys;
    size_t count;
};

static bool add_keys(struct key_list *list, const char *text)
{
    struct line line;
    while (next_line(&text, &line)) {
        if (is_checked(list->keys, list->count, &line))
            continue;
        char **keys = realloc(list->keys, (list->count + 1) * sizeof *keys);
        if (keys == NULL)
            return false;
        list->keys = keys;
        keys[list->count] = strndup(line.key, line.key_length);
        if (keys[list->count] == NULL)
            return false;
        list->count++;
    }
    return true;
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static bool may_differ(const char *key)
{
    return strcmp(key, "groups") == 0 || strcmp(key, "load") == 0;
}

bool find_differences(const struct run *runs, size_t count, struct differences *found)
{
    struct key_list list = {NULL, 0};
    bool done = true;
    for (size_t i = 0; done && i < count; i++)
        done = add_keys(&list, canonical(&runs[i]));
    if (list.count > 0)
        qsort(list.keys, list.count, sizeof *list.keys, by_text);
    for (size_t i = 0; done && i < list.count; i++)
        done = may_differ(list.keys[i]) ||
               check_key(found, runs, count, list.keys[i], fetch_canonical);
    free_all(list.keys, list.count);
    return done;
}

bool find_machine_differences(const struct run *runs, size_t count, struct differences *found)
{
    static const char *const keys[] = {
        "bind_found", "compiler",    "cores",    "git_commit",          "hdf5_library",
        "hosts",      "mpi_library", "topology", "mpi_yield_when_idle", "slurm_node_list",
    };
    bool done = true;
    *found = (struct differences){NULL, 0};
    for (size_t i = 0; done && i < sizeof keys / sizeof keys[0]; i++)
        done = check_key(found, runs, count, keys[i], fetch_provenance);
    return done && check_key(found, runs, count, "binding", fetch_binding);
}

void differences_free(struct differences *differences)
{
    for (size_t i = 0; i < differences->count; i++)
        free(differences->rows[i].text);
    free(differences->rows);
    *differences = (struct differences){NULL, 0};
}

/* ---- repetitions ---- */

static bool same_draws(const struct run *a, const struct run *b)
{
    static const char *const keys[] = {"seed", "repetition"};
    if (a->nodes != b->nodes || is_control(a, b) || a->total_of_two != b->total_of_two ||
        strcmp(a->scene, b->scene) != 0)
        return false;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *value = run_reader_text(a->reader, "/config", keys[i]);
        if (strcmp(value, run_reader_text(b->reader, "/config", keys[i])) != 0)
            return false;
    }
    return true;
}

bool refuse_twice(const struct run *runs, size_t count, struct failure *failure)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (same_draws(&runs[i], &runs[j]) &&
                strcmp(run_reader_text(runs[i].reader, "/", "run_id"),
                       run_reader_text(runs[j].reader, "/", "run_id")) == 0)
                return failure_set(
                    failure, EXIT_BAD_INPUT, "the same run was given twice: %s and %s (run_id %s)",
                    runs[j].path, runs[i].path, run_reader_text(runs[i].reader, "/", "run_id"));
    return true;
}

size_t count_same_draws(const struct run *runs, size_t count)
{
    size_t sharing = 0;
    for (size_t i = 0; i < count; i++) {
        bool shares = false;
        for (size_t j = 0; j < count; j++)
            shares = shares || (i != j && same_draws(&runs[i], &runs[j]));
        sharing += shares;
    }
    return sharing;
}
