#include "speed/peer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_BYTES = 256, VARIABLES_MAX = 1024 };

/* A rank's environment tells a further launcher that it is a rank. What a user may have set for
 * launches stays. */
static bool is_of_this_launch(const char *variable)
{
    static const char *const kept[] = {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_MCA_rmaps_",
                                       "OMPI_MCA_plm=", "OMPI_MCA_btl=", "OMPI_MCA_mpi_"};
    static const char *const ours[] = {"OMPI_", "PMIX_", "PMI_", "ORTE_", "PRTE_", "MPIR_"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
            return false;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strncmp(variable, ours[i], strlen(ours[i])) == 0)
            return true;
    return false;
}

static void launch(const char *path, uint32_t ranks, int output)
{
    static char *variables[VARIABLES_MAX + 1];
    char count[16];
    size_t used = 0;
    for (char **variable = environ; *variable != NULL && used < VARIABLES_MAX; variable++)
        if (!is_of_this_launch(*variable))
            variables[used++] = *variable;
    environ = variables;
    (void)snprintf(count, sizeof count, "%u", ranks);
    if (dup2(output, STDOUT_FILENO) >= 0)
        (void)execlp("mpirun", "mpirun", "-np", count, path, "-m", "64:64", "-W", "64",
                     (char *)NULL);
    _exit(127);
}

double peer_rate_per_s(const char *line)
{
    double numbers[3]; /* bytes, MB/s, messages/s */
    char *end = NULL;
    for (size_t i = 0; i < 3; i++) {
        numbers[i] = strtod(line, &end);
        if (end == line)
            return (double)NAN;
        line = end;
    }
    bool is_row = line[strspn(line, " \t\r\n")] == '\0' && numbers[0] == 64;
    return is_row ? numbers[2] : (double)NAN;
}

static double read_rate(int input)
{
    char line[LINE_BYTES];
    double per_s = (double)NAN;
    FILE *file = fdopen(input, "r");
    if (file == NULL)
        return per_s;
    while (fgets(line, sizeof line, file) != NULL)
        if (!isnan(peer_rate_per_s(line)))
            per_s = peer_rate_per_s(line);
    (void)fclose(file);
    return per_s;
}

double peer_run(const char *path, uint32_t ranks, struct failure *failure)
{
    int ends[2], status = 0;
    if (access(path, X_OK) != 0 || pipe(ends) != 0) {
        (void)failure_set(failure, EXIT_BAD_INPUT, "cannot run %s: %s", path, strerror(errno));
        return (double)NAN;
    }
    pid_t child = fork();
    if (child == 0)
        launch(path, ranks, ends[1]);
    (void)close(ends[1]);
    double per_s = read_rate(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0 || isnan(per_s))
        (void)failure_set(failure, EXIT_BAD_INPUT,
                          "mpirun -np %u %s -m 64:64 -W 64 ended with status %d%s", ranks, path,
                          WEXITSTATUS(status), isnan(per_s) ? " and no rate for 64 bytes" : "");
    return per_s;
}
