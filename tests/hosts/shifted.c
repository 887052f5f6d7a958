/* shifted SECONDS COMMAND…: the command in a new time namespace whose CLOCK_MONOTONIC and
 * CLOCK_BOOTTIME are that much ahead: fractions, too, which unshare(1) does not know. The command
 * is a child, because only children enter such a namespace; its exit code is passed on, and it dies
 * with this process. Exit codes of its own: 64 usage, 71 the kernel says no. */

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static int say_no(const char *what)
{
    (void)fprintf(stderr, "shifted: %s: %s\n", what, strerror(errno));
    return 71;
}

static int shift(double shift_s)
{
    double whole_s = floor(shift_s);
    long long whole = (long long)whole_s;
    long rest_ns = lround((shift_s - whole_s) * 1e9);
    if (unshare(CLONE_NEWTIME) != 0)
        return say_no("a time namespace");
    FILE *file = fopen("/proc/self/timens_offsets", "w");
    if (file == NULL)
        return say_no("/proc/self/timens_offsets");
    (void)fprintf(file, "monotonic %lld %ld\nboottime %lld %ld\n", whole, rest_ns, whole, rest_ns);
    return fclose(file) == 0 ? 0 : say_no("that shift");
}

int main(int argc, char **argv)
{
    char *end = NULL;
    double shift_s = argc > 2 ? strtod(argv[1], &end) : 0;
    if (argc < 3 || end == argv[1] || *end != '\0' || !(fabs(shift_s) < 1e9)) {
        (void)fprintf(stderr, "shifted: give SECONDS and a command\n");
        return 64;
    }
    int refused = shift(shift_s);
    if (refused != 0)
        return refused;
    pid_t child = fork();
    if (child < 0)
        return say_no("fork");
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execvp(argv[2], argv + 2);
        _exit(say_no(argv[2]));
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return say_no("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
