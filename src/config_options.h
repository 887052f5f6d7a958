#ifndef MPIDRIFT_CONFIG_OPTIONS_H
#define MPIDRIFT_CONFIG_OPTIONS_H

#include "config.h"

/* The table of options, shared by the parts of config: reading, files, printing. */

enum option_kind {
    OPTION_NUMBER,     /* double */
    OPTION_COUNT,      /* uint32_t */
    OPTION_CHOICE,     /* int, index into words */
    OPTION_SWITCH,     /* bool, off|on */
    OPTION_TEXT,       /* char[size] */
    OPTION_FLAG,       /* bool, off|on; on the command line without argument */
    OPTION_CONDITIONS, /* struct perturbation; each use adds */
};

struct option_row {
    const char *name; /* long option without dashes */
    const char *key;  /* INI key, unit last; NULL: command line and environment only */
    enum option_kind kind;
    uint16_t offset; /* in struct config */
    uint16_t size;   /* of a text */
    double least;
    double most;
    const char *const *words; /* of a choice, a switch or a flag; NULL at the end */
    const char *argument;     /* as --help shows it */
    const char *help;
    bool must_be_equal; /* part of the digest */
    bool is_load;       /* may stand in the [load] section of a corridor: what runs, how much */
};

extern const struct option_row option_rows[];
extern const size_t option_count;

/* By long option or by key, dashes and underscores alike; NULL if there is none. */
const struct option_row *option_find(const char *name);

/* Check `text` and store it; on false `why` says what is wrong with it. */
bool option_store(struct config *config, const struct option_row *row, const char *text,
                  char why[256]);

/* The stored value as text (numbers as %.17g). */
void option_text(const struct config *config, const struct option_row *row, char *text,
                 size_t size);

/* A finite number with nothing behind it. */
bool number_read(const char *text, double *number);

/* Read one condition, in the words of perturb.h. On false `why` says what is wrong with it and what
 * is allowed. */
bool condition_read(const char *text, struct condition *condition, char why[256]);
/* Add the conditions in `text`, separated by semicolons. On false as condition_read. */
bool perturbation_add(struct perturbation *perturbation, const char *text, char why[256]);

/* The three kinds of INI file; 65 with file and line. */
bool config_read_scene(struct config *config, const char *path, struct failure *failure);
bool config_read_corridor(struct config *config, const char *path, struct failure *failure);
bool config_read_options(struct config *config, const char *path, struct failure *failure);

/* The file of a scene: `scene` itself where that is a path (it has a slash or ends in .ini), else
 * the scene of that name that came with the program. False after filling in `failure`: 64, with all
 * names that there are. */
bool config_find_scene(const char *scene, char path[CONFIG_PATH_BYTES], struct failure *failure);
/* What a scene of that file is called: without directory and .ini. */
void config_scene_name(const char *path, char name[CONFIG_PATH_BYTES]);

#endif
