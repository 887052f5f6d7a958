#include "signals.h"

#include "record/spool_directory.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* Handlers take no pointer of ours, so what they need stands here, written before they may need it.
 */
static volatile sig_atomic_t stop_wanted;
/* When the first rank has gone, mpirun kills those that still seal, and may drop what the pipe of
 * one that has gone still holds. So they go after all have had their turn, well within the second
 * that they have. */
static const struct timespec LAST_WORDS = {.tv_nsec = 200000000};
static struct {
    struct spool *spool;
    char mark[SPOOL_PATH_BYTES];
    char sentence[4 * SPOOL_PATH_BYTES];
    char line[4 * SPOOL_PATH_BYTES + 16]; /* the same as it is printed: one write, never in parts */
    volatile sig_atomic_t is_set;
} rescue;

/* As a shell takes it for one word; what is plain stays plain. */
static size_t quote(const char *word, char *text, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./+:,@%";
    size_t used = 0;
    if (word[strspn(word, plain)] == '\0')
        return (size_t)snprintf(text, size, "%s", word);
    used += (size_t)snprintf(text, size, "'");
    for (; *word != '\0' && used + 8 < size; word++)
        used += (size_t)snprintf(text + used, size - used, *word == '\'' ? "'\\''" : "%c", *word);
    return used + (size_t)snprintf(text + used, size - used, "'");
}

void signals_set_rescue(struct spool *spool, const char *directory, const char *run_path)
{
    char quoted_directory[SPOOL_PATH_BYTES + 64], quoted_path[SPOOL_PATH_BYTES + 64];
    rescue.is_set = 0;
    rescue.spool = spool;
    spool_mark_path(directory, rescue.mark);
    (void)quote(directory, quoted_directory, sizeof quoted_directory);
    (void)quote(run_path, quoted_path, sizeof quoted_path);
    (void)snprintf(rescue.sentence, sizeof rescue.sentence,
                   "what was observed is kept in %s; to make a run file of it: "
                   "mpidrift-recover %s -o %s",
                   directory, quoted_directory, quoted_path);
    (void)snprintf(rescue.line, sizeof rescue.line, "mpidrift: %s\n", rescue.sentence);
    rescue.is_set = 1;
}

void signals_clear_rescue(void)
{
    rescue.is_set = 0;
    rescue.spool = NULL;
}

const char *signals_rescue_sentence(void)
{
    return rescue.sentence;
}

/* ---- handlers: only what POSIX lists as safe there ---- */

void signals_tell(const char *text)
{
    size_t length = strlen(text);
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, text, length);
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

/* One rank speaks for all. */
void signals_tell_rescue(void)
{
    if (rescue.is_set && spool_mark_take(rescue.mark))
        signals_tell(rescue.line);
}

_Noreturn void signals_leave(int code)
{
    (void)nanosleep(&LAST_WORDS, NULL);
    _exit(code);
}

static void end_saved(int number)
{
    if (rescue.is_set && rescue.spool != NULL)
        spool_seal(rescue.spool);
    signals_tell_rescue();
    signals_leave(128 + number);
}

/* A file system that took back the room it had promised. */
static void end_without_room(int number)
{
    (void)number;
    signals_tell("mpidrift: a spool cannot be written: its file system has no room left\n");
    signals_tell_rescue();
    signals_leave(EXIT_WRITE_FAILED);
}

static void stop_early(int number)
{
    (void)number;
    stop_wanted = 1;
}

const volatile sig_atomic_t *signals_stop(void)
{
    return &stop_wanted;
}

/* ---- who gets them ---- */

static const struct {
    int number;
    void (*handler)(int number);
} taken[] = {{SIGINT, end_saved}, {SIGTERM, end_saved}, {SIGUSR1, stop_early}};
enum { TAKEN = sizeof taken / sizeof taken[0] };

static sigset_t taken_set(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (int i = 0; i < TAKEN; i++)
        (void)sigaddset(&set, taken[i].number);
    return set;
}

void signals_block(void)
{
    sigset_t set = taken_set();
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static void take(int number, void (*handler)(int number))
{
    /* While one of them is handled the others wait. */
    struct sigaction action = {
        .sa_handler = handler, .sa_mask = taken_set(), .sa_flags = SA_RESTART};
    (void)sigaction(number, &action, NULL);
}

void signals_take(void)
{
    sigset_t set = taken_set();
    for (int i = 0; i < TAKEN; i++)
        take(taken[i].number, taken[i].handler);
    take(SIGBUS, end_without_room);
    take(SIGXFSZ, SIG_IGN); /* the write that grows too large says so itself */
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}
