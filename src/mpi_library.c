#include "mpi_library.h"

#include "mpi_check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void mpi_library_ask_yield(bool yield)
{
    (void)setenv("OMPI_MCA_mpi_yield_when_idle", yield ? "1" : "0", 1);
}

/* SimGrid's MPI has neither MPI_Comm_idup nor MPI_T. */
#ifdef MPIDRIFT_SIMULATED
void mpi_library_cancel(MPI_Request *request)
{
    (void)request;
}

void mpi_library_duplicate(MPI_Comm comm, MPI_Comm *duplicate, MPI_Request *request)
{
    *request = MPI_REQUEST_NULL;
    MPI_CHECK(MPI_Comm_dup(comm, duplicate));
}

int mpi_library_yield_when_idle(void)
{
    return -1;
}
#else
void mpi_library_cancel(MPI_Request *request)
{
    MPI_CHECK(MPI_Cancel(request));
    MPI_CHECK(MPI_Wait(request, MPI_STATUS_IGNORE));
    MPI_CHECK(MPI_Request_free(request));
}

void mpi_library_duplicate(MPI_Comm comm, MPI_Comm *duplicate, MPI_Request *request)
{
    MPI_CHECK(MPI_Comm_idup(comm, duplicate, request));
}

int mpi_library_yield_when_idle(void)
{
    int provided, index, count = 0, value = -1;
    MPI_T_cvar_handle handle;
    if (MPI_T_init_thread(MPI_THREAD_SINGLE, &provided) != MPI_SUCCESS)
        return -1;
    /* An integer or a boolean of the library: both are an int. */
    if (MPI_T_cvar_get_index("mpi_yield_when_idle", &index) == MPI_SUCCESS &&
        MPI_T_cvar_handle_alloc(index, NULL, &handle, &count) == MPI_SUCCESS) {
        int values[16] = {0};
        if (count <= 16 && MPI_T_cvar_read(handle, values) == MPI_SUCCESS)
            value = values[0] != 0;
        (void)MPI_T_cvar_handle_free(&handle);
    }
    (void)MPI_T_finalize();
    return value;
}
#endif

/* "MPICH Version:\t4.0.2" is a heading and a tabulator; it becomes "MPICH 4.0.2". */
static void plain_words(char *text)
{
    static const char heading[] = " Version:";
    char *at = strstr(text, heading);
    if (at != NULL)
        memmove(at, at + sizeof heading - 1, strlen(at + sizeof heading - 1) + 1);
    for (; *text != '\0'; text++)
        if (isspace((unsigned char)*text))
            *text = ' ';
}

void mpi_library_name(char *text, size_t size)
{
    char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_CHECK(MPI_Get_library_version(version, &length));
    (void)snprintf(text, size, "%.*s", (int)strcspn(version, ",\n"), version);
    plain_words(text);
}

/* The first of these variables that is set, as a number; `absent` if none is. */
static uint32_t first_of(const char *const *names, size_t count, uint32_t absent)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = getenv(names[i]);
        if (text != NULL)
            return (uint32_t)strtoul(text, NULL, 10);
    }
    return absent;
}

/* Open MPI's launcher; MPICH's and Intel's; PMIx; Slurm, last, because mpirun starts its daemons as
 * a step of Slurm's. */
uint32_t mpi_library_launched_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK",
                                        "SLURM_PROCID"};
    return first_of(names, sizeof names / sizeof names[0], UINT32_MAX);
}

uint32_t mpi_library_launched_ranks(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
    return first_of(names, sizeof names / sizeof names[0], 0);
}

bool mpi_library_is_simulated(void)
{
#ifdef MPIDRIFT_SIMULATED
    return true;
#else
    return false;
#endif
}

void mpi_library_host(char *host, size_t size)
{
    char name[MPI_MAX_PROCESSOR_NAME];
    int length = 0;
    MPI_CHECK(MPI_Get_processor_name(name, &length));
    (void)snprintf(host, size, "%.*s", length, name);
}
