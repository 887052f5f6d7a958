#ifndef MPIDRIFT_MPI_CHECK_H
#define MPIDRIFT_MPI_CHECK_H

#include "failure.h"

#include <mpi.h>
#include <stdio.h>

/* Every MPI call of mpidrift goes through here. A failing call ends all ranks: after it no rank can
 * know what the others still do. */
static inline void mpi_check(int code, const char *call, const char *file, int line)
{
    if (code == MPI_SUCCESS)
        return;
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0, rank = -1;
    (void)MPI_Error_string(code, text, &length);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)fprintf(stderr, "mpidrift: rank %d: %s failed at %s:%d: %s\n", rank, call, file, line,
                  text);
    (void)MPI_Abort(MPI_COMM_WORLD, EXIT_INTERNAL);
}

#define MPI_CHECK(call) mpi_check((call), #call, __FILE__, __LINE__)

#endif
