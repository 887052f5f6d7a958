#ifndef MPIDRIFT_MPI_LIBRARY_H
#define MPIDRIFT_MPI_LIBRARY_H

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What belongs to one MPI library or launcher and not to MPI: names in the environment, a setting
 * of Open MPI, what simulators lack. The scripts' part of it is mpi_environment in jobs/common.sh.
 */

/* Before MPI_Init: tell the library whether a rank that waits gives its CPU away. Only Open MPI has
 * such a setting; others do not look. */
void mpi_library_ask_yield(bool yield);
/* After MPI_Init: 1, 0, or -1 where the library does not tell. */
int mpi_library_yield_when_idle(void);

/* "Open MPI v4.1.4": the first line of MPI_Get_library_version in plain words. */
void mpi_library_name(char *text, size_t size);

/* MPI_Comm_idup; under a simulator, which has none, done at once. */
void mpi_library_duplicate(MPI_Comm comm, MPI_Comm *duplicate, MPI_Request *request);

/* Take back a persistent receive that nothing will come to, and free it. SimGrid's MPI loses count
 * of such requests: there it is left alone, which matters only until the simulation ends. */
void mpi_library_cancel(MPI_Request *request);

/* What launchers tell a process before MPI does: its rank, and how many they started. UINT32_MAX
 * and 0: they do not tell. */
uint32_t mpi_library_launched_rank(void);
uint32_t mpi_library_launched_ranks(void);

/* Time, hosts and network are those of a simulator. */
bool mpi_library_is_simulated(void);
/* The host of this rank as the library names it; a simulated one has no other name. */
void mpi_library_host(char *host, size_t size);

#endif
