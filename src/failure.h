#ifndef MPIDRIFT_FAILURE_H
#define MPIDRIFT_FAILURE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* Two classes of error. Our own mistake stops at an assert. A failure of the world (a file, an
 * option, a disk, a launcher) becomes a `struct failure`: one sentence for the user, and the exit
 * code. Functions that can fail so take one as their last argument and return false after filling
 * it in; the first failure is kept, later ones are consequences. */

enum exit_code {
    EXIT_DONE = 0,
    EXIT_BAD_USAGE = 64,
    EXIT_BAD_INPUT = 65,
    EXIT_INTERNAL = 70,
    EXIT_CANNOT_CREATE = 73,
    EXIT_WRITE_FAILED = 74,
    EXIT_TOO_FEW_NODES = 75,
};

struct failure {
    enum exit_code code; /* EXIT_DONE: nothing failed */
    char text[768];
};

/* Record `code` and the sentence unless something failed before; always returns false, so that a
 * caller can write `return failure_set(...)`. What a user or a file gave may stand in it: control
 * characters become '?', so that it stays one line and leaves a terminal as it is. */
__attribute__((format(printf, 3, 4))) static inline bool
failure_set(struct failure *failure, enum exit_code code, const char *format, ...)
{
    if (failure->code != EXIT_DONE)
        return false;
    failure->code = code;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    for (char *c = failure->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == '\x7f')
            *c = '?';
    return false;
}

#endif
