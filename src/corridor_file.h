#ifndef MPIDRIFT_CORRIDOR_FILE_H
#define MPIDRIFT_CORRIDOR_FILE_H

#include "config.h"

#include <stdio.h>

/* What --calibrate leaves behind: a corridor as a user would write it, and how it was found. */

/* To config.calibrate_file, whole or not at all. False after filling in `failure` (73, 74). */
bool corridor_file_save(const struct config *config, const struct calibration_note *note,
                        struct failure *failure);

/* The limits of the system under calibration, one per line, as KEY between VALUE. */
void corridor_file_print_limits(FILE *file, const struct config *config, const char *between);

#endif
