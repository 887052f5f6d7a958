#ifndef MPIDRIFT_FAKE_RUN_FILE_H
#define MPIDRIFT_FAKE_RUN_FILE_H

#include "failure.h"
#include "fake_run.h"

/* Write what the nodes of a run on the fake net observed as a run file, by the rows that the
 * product's own recorder gives. `repetition` tells runs of one seed apart. False after filling in
 * `failure`. */
bool fake_run_write(const struct fake_run *run, uint32_t repetition, const char *path,
                    struct failure *failure);

#endif
