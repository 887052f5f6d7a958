#include "record/run_file.h"

#include <inttypes.h>
#include <stdlib.h>

/* read_run FILE: reads all of a run file; prints its counts, or why it is refused. */

enum { ROWS = 1000 };

static bool read_badges(struct run_reader *reader, struct failure *failure)
{
    static struct badge rows[ROWS];
    uint64_t badges = run_reader_badge_count(reader);
    bool done = true;
    for (uint64_t first = 0; done && first < badges; first += ROWS) {
        size_t count = badges - first < ROWS ? (size_t)(badges - first) : ROWS;
        done = run_reader_badges(reader, first, count, rows, failure);
    }
    return done;
}

static bool read_trace(struct run_reader *reader, struct failure *failure)
{
    static struct trace_event rows[ROWS];
    bool done = true;
    for (uint32_t node = 0; done && node < run_reader_nodes(reader); node++) {
        uint64_t events = run_reader_trace_index(reader)[node].events;
        for (uint64_t first = 0; done && first < events; first += ROWS) {
            size_t count = events - first < ROWS ? (size_t)(events - first) : ROWS;
            done = run_reader_trace(reader, node, first, count, rows, failure);
        }
    }
    return done;
}

static bool read_histograms(struct run_reader *reader, struct failure *failure)
{
    bool done = true;
    for (int kind = 0; done && kind < HISTOGRAM_KINDS; kind++) {
        struct run_histogram histogram;
        done = run_reader_histogram(reader, (enum histogram_kind)kind, &histogram, failure);
        run_histogram_free(&histogram);
    }
    return done;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: read_run FILE\n");
        return EXIT_BAD_USAGE;
    }
    struct failure failure = {EXIT_DONE, ""};
    struct run_reader *reader = run_reader_open(argv[1], &failure);
    if (reader != NULL && read_badges(reader, &failure) && read_trace(reader, &failure) &&
        read_histograms(reader, &failure))
        (void)printf("nodes %u badges %" PRIu64 " pairs %" PRIu64 " complete %d\n",
                     run_reader_nodes(reader), run_reader_badge_count(reader),
                     run_reader_pair_count(reader), run_reader_complete(reader));
    else
        (void)fprintf(stderr, "%s\n", failure.text);
    if (reader != NULL)
        run_reader_close(reader);
    return (int)failure.code;
}
