#include "corridor_file.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* A sentence in lines of at most 76 characters; further lines begin with blanks, as INI wants. */
static void write_sentence(FILE *file, const char *key, const char *sentence)
{
    char words[ASSUMPTION_BYTES];
    (void)snprintf(words, sizeof words, "%s", sentence);
    int column = fprintf(file, "%s =", key);
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (column + 1 + (int)strlen(word) > 76)
            column = fprintf(file, "\n   ") - 1;
        column += fprintf(file, " %s", word);
    }
    (void)fprintf(file, "\n");
}

void corridor_file_print_limits(FILE *file, const struct config *config, const char *between)
{
    uint32_t contexts = system_find(config->system)->contexts;
    for (enum context context = 0; context < CONTEXT_COUNT; context++) {
        const struct context_info *info = &context_table[context];
        double limit = config->corridor.limit[context] / info->limit_unit;
        if (info->limit_key == NULL || !(contexts & 1U << context))
            continue;
        if (isfinite(limit))
            (void)fprintf(file, "%s%s%.10g\n", info->limit_key, between, limit);
        else
            (void)fprintf(file, "%s%soff\n", info->limit_key, between);
    }
}

static void write_limits(FILE *file, const struct config *config)
{
    corridor_file_print_limits(file, config, " = ");
    (void)fprintf(file, "outside_fraction_max = %.10g\n", config->corridor.outside_fraction_max);
}

/* A number in the fewest digits that read back as the same: 6.2, not 6.2000000000000002. */
static void write_value(FILE *file, const struct config_value *value)
{
    char shorter[32];
    char *end = NULL;
    double number = strtod(value->text, &end);
    (void)snprintf(shorter, sizeof shorter, "%.15g", number);
    bool same = *end == '\0' && end != value->text && strtod(shorter, NULL) == number;
    (void)fprintf(file, "%s = %s\n", value->key, same ? shorter : value->text);
}

static void write_corridor(FILE *file, const struct config *config,
                           const struct calibration_note *note)
{
    static struct config_value values[CONFIG_VALUES_MAX];
    size_t count = config_values(config, values);
    (void)fprintf(file,
                  "; The corridor: what normal looks like. Freeze it before the scale changes.\n"
                  "[corridor]\n");
    write_sentence(file, "assumption", config->corridor.assumption);
    for (size_t i = 0; i < count; i++)
        if (strcmp(values[i].key, "watch") == 0)
            write_sentence(file, "watch", values[i].text);
    write_limits(file, config);
    (void)fprintf(file, "\n[load]\n");
    for (size_t i = 0; i < count; i++)
        if (config_is_load(values[i].key))
            write_value(file, &values[i]);
    (void)fprintf(file,
                  "\n; How the limits were found; shown and stored, not used.\n[calibration]\n"
                  "nodes = %s\nsamples = %s\nquantile = %s\nspread = %s\nfactor = %s\nidle = %s\n"
                  "link_class = %s\nload = %s\n",
                  note->nodes, note->samples, note->quantile, note->spread, note->factor,
                  note->idle, note->link_class, note->load);
}

bool corridor_file_save(const struct config *config, const struct calibration_note *note,
                        struct failure *failure)
{
    char part[CONFIG_PATH_BYTES + 8];
    (void)snprintf(part, sizeof part, "%s.part", config->calibrate_file);
    FILE *file = fopen(part, "w");
    if (file == NULL)
        return failure_set(failure, EXIT_CANNOT_CREATE, "cannot create %s: %s", part,
                           strerror(errno));
    write_corridor(file, config, note);
    bool written = fflush(file) == 0 && fsync(fileno(file)) == 0 && ferror(file) == 0;
    int error = errno;
    written = fclose(file) == 0 && written;
    if (written && rename(part, config->calibrate_file) == 0)
        return true;
    error = written ? errno : error;
    (void)unlink(part);
    return failure_set(failure, EXIT_WRITE_FAILED, "cannot write %s: %s", config->calibrate_file,
                       strerror(error));
}
