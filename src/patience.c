#include "patience.h"

#include "fnv1a.h"
#include "mpi_check.h"
#include "mpi_library.h"
#include "observe/badge.h"
#include "signals.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { TAG_WAITS = 97, SENTENCE_BYTES = 320 };
#ifdef MPIDRIFT_SIMULATED
static const long NAP_NS = 2000000; /* each look is an event that somebody has to compute */
#else
static const long NAP_NS = 100000;
#endif
/* The timer fires again after each of these: first the ranks that wait report, then rank 0 names
 * the others, then rank 1 names rank 0, then whoever is left just ends. */
static const double GRACE_S = 2;
/* Programs may have to be loaded on many hosts first. */
static const double INIT_FACTOR = 5;
enum { FIRED_LATE = 1, FIRED_RANK_0 = 2, FIRED_RANK_1 = 3, FIRED_ALL = 4 };

/* A handler takes no pointer of ours. */
static struct {
    uint32_t rank;
    uint32_t ranks;
    double limit_s;
    double step_s;
    const char *step;
    uint64_t mark; /* of the step: FNV-1a of its name */
    bool has_reported;
    bool *waits;                   /* [ranks] rank 0: who reported in this step */
    char sentence[SENTENCE_BYTES]; /* what the handler says, ready */
} patience;
static volatile sig_atomic_t fired;
static volatile sig_atomic_t is_looking; /* the rank has seen that it is late, and acts itself */

/* ---- the timer ---- */

/* SimGrid runs all ranks in one process, slower than real time: no timer there. */
static void set_timer(double first_s, double then_s)
{
#ifdef MPIDRIFT_SIMULATED
    (void)then_s;
    first_s = 0;
#endif
    struct itimerval timer = {
        .it_value = {(time_t)first_s, (suseconds_t)((first_s - (double)(time_t)first_s) * 1e6)},
        .it_interval = {(time_t)then_s, 0}};
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* Only what POSIX lists as safe in a handler. A blocking MPI call does not come back. */
static void fire(int number)
{
    (void)number;
    int last = patience.rank == 0 ? FIRED_RANK_0 : patience.rank == 1 ? FIRED_RANK_1 : FIRED_ALL;
    if (is_looking)
        last = FIRED_ALL;
    if (++fired < last)
        return;
    if (last != FIRED_ALL)
        signals_tell(patience.sentence);
    signals_tell_rescue();
    signals_leave(EXIT_INTERNAL);
}

static void prepare_sentence(const char *missing)
{
    (void)snprintf(patience.sentence, sizeof patience.sentence,
                   "mpidrift: %s did not %.80s within %g s (--patience)\n", missing, patience.step,
                   patience.step_s);
}

void patience_awaits(uint32_t rank)
{
    char name[NODE_NAME_BYTES];
    node_name(rank, name);
    if (patience.step != NULL)
        prepare_sentence(name);
}

static void take_alarms(void)
{
    struct sigaction action = {.sa_handler = fire, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGALRM, &action, NULL);
}

void patience_begin_init(double limit_s)
{
    patience.rank = mpi_library_launched_rank(); /* unknown: all are silent */
    patience.step = "start MPI";
    patience.step_s = INIT_FACTOR * limit_s;
    prepare_sentence("a rank");
    take_alarms();
    set_timer(patience.step_s, GRACE_S);
}

void patience_open(double limit_s)
{
    int rank, ranks;
    MPI_CHECK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    MPI_CHECK(MPI_Comm_size(MPI_COMM_WORLD, &ranks));
    patience.rank = (uint32_t)rank;
    patience.ranks = (uint32_t)ranks;
    patience.limit_s = limit_s;
    if (patience.waits == NULL)
        patience.waits = calloc(patience.ranks, sizeof *patience.waits);
    MPI_CHECK(patience.waits == NULL ? MPI_ERR_NO_MEM : MPI_SUCCESS);
    take_alarms();
}

void patience_begin(const char *step, double factor, double extra_s)
{
    if (patience.ranks == 0)
        return;
    set_timer(0, 0);
    fired = 0;
    is_looking = 0;
    patience.mark = fnv1a(step, strlen(step), FNV1A_START);
    patience.has_reported = false;
    memset(patience.waits, 0, patience.ranks * sizeof *patience.waits);
    patience.step = step;
    patience.step_s = patience.limit_s * factor + extra_s;
    patience_awaits(patience.rank == 0 && patience.ranks > 1 ? 1 : 0);
    set_timer(patience.step_s, GRACE_S);
}

void patience_end(void)
{
    set_timer(0, 0);
    fired = 0;
}

/* ---- past the limit ---- */

/* Eight bytes go out without being awaited; if they do not, the timer ends this rank. */
static void report_to_rank_0(void)
{
    if (patience.has_reported)
        return;
    patience.has_reported = true;
    MPI_CHECK(MPI_Send(&patience.mark, 1, MPI_UINT64_T, 0, TAG_WAITS, MPI_COMM_WORLD));
}

/* A report of an earlier step, which came to its end after all, says nothing about this one. */
static void take_reports(void)
{
    int come = 0;
    MPI_Status status;
    MPI_CHECK(MPI_Iprobe(MPI_ANY_SOURCE, TAG_WAITS, MPI_COMM_WORLD, &come, &status));
    while (come) {
        uint64_t mark;
        MPI_CHECK(MPI_Recv(&mark, 1, MPI_UINT64_T, status.MPI_SOURCE, TAG_WAITS, MPI_COMM_WORLD,
                           MPI_STATUS_IGNORE));
        patience.waits[status.MPI_SOURCE] = mark == patience.mark;
        MPI_CHECK(MPI_Iprobe(MPI_ANY_SOURCE, TAG_WAITS, MPI_COMM_WORLD, &come, &status));
    }
}

/* "node_C, node_F and 3 more" */
static void name_missing(char *text, size_t size)
{
    enum { NAMED_MAX = 8 };
    uint32_t missing = 0;
    size_t used = 0;
    for (uint32_t rank = 1; rank < patience.ranks; rank++) {
        char name[NODE_NAME_BYTES];
        if (patience.waits[rank] || ++missing > NAMED_MAX)
            continue;
        node_name(rank, name);
        used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", name);
    }
    if (missing > NAMED_MAX)
        (void)snprintf(text + used, size - used, " and %u more", missing - NAMED_MAX);
    if (missing == 0)
        (void)snprintf(text, size, "all nodes came, but they");
}

static void end_all(void)
{
    signals_tell(patience.sentence);
    signals_tell_rescue();
    (void)MPI_Abort(MPI_COMM_WORLD, EXIT_INTERNAL); /* if it hangs, the timer ends it */
}

void patience_look(void)
{
    if (fired < FIRED_LATE)
        return;
    is_looking = 1;
    if (patience.rank != 0) {
        report_to_rank_0();
        if (patience.rank == 1 && fired >= FIRED_RANK_1)
            end_all();
        return;
    }
    take_reports();
    if (fired < FIRED_RANK_0)
        return;
    char missing[SENTENCE_BYTES / 2];
    name_missing(missing, sizeof missing);
    prepare_sentence(missing);
    end_all();
}

void patience_nap(void)
{
    patience_look();
    (void)nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
}

void patience_wait(MPI_Request *request)
{
    while (*request != MPI_REQUEST_NULL) { /* which SimGrid's MPI would test for ever */
        int done = 0;
        MPI_CHECK(MPI_Test(request, &done, MPI_STATUS_IGNORE));
        if (done)
            return;
        patience_nap();
    }
}
