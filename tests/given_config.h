#ifndef MPIDRIFT_GIVEN_CONFIG_H
#define MPIDRIFT_GIVEN_CONFIG_H

#include "config.h"

/* config_read as mpidrift calls it, from what a test writes down. */

enum { GIVEN_WORDS = 8 };

struct given {
    const char *scene;                    /* text of the file behind --scene; NULL: no option */
    const char *corridor;                 /* of the file behind --corridor */
    const char *options;                  /* of the file behind --config */
    const char *environment[GIVEN_WORDS]; /* NAME=value */
    const char *arguments[GIVEN_WORDS];   /* behind the program's name */
};

struct outcome {
    bool done;
    struct config config;
    enum config_request request;
    struct failure failure;
};

struct outcome read_given(const struct given *given);

/* Where these files lie: in a folder of this process, removed when it ends. */
enum given_file { GIVEN_SCENE, GIVEN_CORRIDOR, GIVEN_OPTIONS, GIVEN_FILES };
const char *given_path(enum given_file file);
/* Content that need not be text. */
void given_write(enum given_file file, const void *bytes, size_t size);

/* The resolved value under that key, as config_values gives it; "(none)" if there is no such key.
 * Valid until the next call. */
const char *value_text(const struct config *config, const char *key);

#endif
