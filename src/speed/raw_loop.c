#include "speed/raw_loop.h"

#include "mpi_check.h"
#include "net/wire.h"
#include "speed/flood.h"

enum { TAG_MESSAGE = 5, TAG_ANSWER = 6, LAST = 1, WARMUP_WINDOWS = 16 };

struct raw_loop {
    const struct clock_source *clock;
    MPI_Comm comm;
    int partner;
    struct message messages[FLOOD_WINDOW];
    MPI_Request requests[FLOOD_WINDOW];
    struct message answer;
    MPI_Request answer_request;
};

static struct local_time now(const struct raw_loop *loop)
{
    return loop->clock->now(loop->clock->self);
}

static void open_sender(struct raw_loop *loop)
{
    int bytes = (int)sizeof loop->answer;
    for (int i = 0; i < FLOOD_WINDOW; i++)
        MPI_CHECK(MPI_Send_init(&loop->messages[i], bytes, MPI_BYTE, loop->partner, TAG_MESSAGE,
                                loop->comm, &loop->requests[i]));
    MPI_CHECK(MPI_Recv_init(&loop->answer, bytes, MPI_BYTE, loop->partner, TAG_ANSWER, loop->comm,
                            &loop->answer_request));
}

static void open_receiver(struct raw_loop *loop)
{
    int bytes = (int)sizeof loop->answer;
    for (int i = 0; i < FLOOD_WINDOW; i++)
        MPI_CHECK(MPI_Recv_init(&loop->messages[i], bytes, MPI_BYTE, loop->partner, TAG_MESSAGE,
                                loop->comm, &loop->requests[i]));
    MPI_CHECK(MPI_Send_init(&loop->answer, bytes, MPI_BYTE, loop->partner, TAG_ANSWER, loop->comm,
                            &loop->answer_request));
}

static void close_loop(struct raw_loop *loop)
{
    for (int i = 0; i < FLOOD_WINDOW; i++)
        MPI_CHECK(MPI_Request_free(&loop->requests[i]));
    MPI_CHECK(MPI_Request_free(&loop->answer_request));
}

static void send_window(struct raw_loop *loop)
{
    MPI_CHECK(MPI_Startall(FLOOD_WINDOW, loop->requests));
    MPI_CHECK(MPI_Start(&loop->answer_request));
    MPI_CHECK(MPI_Waitall(FLOOD_WINDOW, loop->requests, MPI_STATUSES_IGNORE));
    MPI_CHECK(MPI_Wait(&loop->answer_request, MPI_STATUS_IGNORE));
}

/* The clock is read once in a window. */
static double send_all(struct raw_loop *loop, double seconds)
{
    uint64_t windows = 0;
    double elapsed_s = 0;
    for (int i = 0; i < WARMUP_WINDOWS; i++)
        send_window(loop);
    struct local_time begin = now(loop);
    for (; elapsed_s < seconds; windows++) {
        send_window(loop);
        elapsed_s = local_elapsed_s(begin, now(loop));
    }
    loop->messages[0].kind = LAST;
    send_window(loop);
    return (double)(windows * FLOOD_WINDOW) / elapsed_s;
}

static void receive_all(struct raw_loop *loop)
{
    do {
        MPI_CHECK(MPI_Startall(FLOOD_WINDOW, loop->requests));
        MPI_CHECK(MPI_Waitall(FLOOD_WINDOW, loop->requests, MPI_STATUSES_IGNORE));
        MPI_CHECK(MPI_Start(&loop->answer_request));
        MPI_CHECK(MPI_Wait(&loop->answer_request, MPI_STATUS_IGNORE));
    } while (loop->messages[0].kind != LAST);
}

double raw_loop_run(MPI_Comm comm, const struct clock_source *clock, double seconds)
{
    struct raw_loop loop = {.clock = clock, .comm = comm};
    int rank, ranks;
    double own_per_s = 0, all_per_s = 0;
    MPI_CHECK(MPI_Comm_rank(comm, &rank));
    MPI_CHECK(MPI_Comm_size(comm, &ranks));
    bool sends = rank < ranks / 2;
    loop.partner = sends ? rank + ranks / 2 : rank - ranks / 2;
    if (sends)
        open_sender(&loop);
    else
        open_receiver(&loop);
    MPI_CHECK(MPI_Barrier(comm));
    if (sends)
        own_per_s = send_all(&loop, seconds);
    else
        receive_all(&loop);
    close_loop(&loop);
    MPI_CHECK(MPI_Allreduce(&own_per_s, &all_per_s, 1, MPI_DOUBLE, MPI_SUM, comm));
    return all_per_s;
}
