#ifndef MPIDRIFT_SIGNALS_H
#define MPIDRIFT_SIGNALS_H

#include "record/spool.h"

#include <signal.h>

/* What a rank does when it is told to stop. TERM and INT: everything observed lies in the spool
 * already, so it is sealed, one rank says how to recover the run, and the process ends with 143 or
 * 130 without an MPI call: MPI_Finalize would wait for ranks that are gone. USR1: the window ends
 * early and the run ends as any other. */

/* Before MPI_Init: threads that the library starts leave our signals to the main thread. */
void signals_block(void);
/* After MPI_Init. */
void signals_take(void);

/* Becomes 1 with USR1. */
const volatile sig_atomic_t *signals_stop(void);

/* From now on there is something to rescue: `spool` in `directory`, to become `run_path`. The spool
 * may be set later than the folder (NULL before). */
void signals_set_rescue(struct spool *spool, const char *directory, const char *run_path);
/* Nothing is left to rescue. */
void signals_clear_rescue(void);
/* For whoever ends the run for another reason; safe in a handler. The second says how to rescue, if
 * there is something, and once for all ranks. */
void signals_tell(const char *text);
void signals_tell_rescue(void);
/* End the process without an MPI call, when what it said has had time to get through. */
_Noreturn void signals_leave(int code);
/* The sentence that says how, without a line end; for node 0 when it cannot write the run file. */
const char *signals_rescue_sentence(void);

#endif
