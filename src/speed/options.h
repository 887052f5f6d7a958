#ifndef MPIDRIFT_SPEED_OPTIONS_H
#define MPIDRIFT_SPEED_OPTIONS_H

#include "failure.h"

#include <stdint.h>
#include <stdio.h>

enum speed_part {
    PART_MESSAGES = 1,
    PART_STEPS = 2,
    PART_FILE = 4,
    PART_PHASES = 8,
    PART_QUIET = 16,
    PART_ALL = 31,
};
enum speed_request { SPEED_RUN, SPEED_HELP, SPEED_VERSION };
enum { SPEED_PATH_BYTES = 1024 };

/* Holds no pointers: node 0 broadcasts it whole. */
struct speed_options {
    enum speed_request request;
    uint32_t parts; /* enum speed_part, or-ed */
    uint32_t rounds;
    double seconds;  /* of each loop in each round */
    uint32_t badges; /* of all ranks, in the run file that is timed */
    bool yield;
    char directory[SPEED_PATH_BYTES]; /* for spools and run files, which do not stay */
    char peer[SPEED_PATH_BYTES];      /* "": none */
    char json[SPEED_PATH_BYTES];      /* "": none; "-": stdout */
};

/* False after filling in `failure` (64). Prints nothing. */
bool speed_options_read(struct speed_options *options, int argc, char **argv,
                        struct failure *failure);
void speed_options_help(FILE *out);

#endif
