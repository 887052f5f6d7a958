#include "sample_run.h"

#include <inttypes.h>
#include <stdlib.h>

/* write_sample_run FILE [SEED [NODES BADGES]]: a seeded run file; its badges on stdout, one a line,
 * the members in the order of struct badge; likewise its events, behind the word `trace`, and what
 * its system keeps besides, behind `system`.
 */

static void print_badge(const struct badge *b)
{
    const double reals[] = {b->time_s,   b->global_s, b->uncertainty_s, b->end_s,
                            b->observed, b->limit,    b->peak,          b->own_stall_s};
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++)
        (void)printf("%.17g ", reals[i]);
    (void)printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %u %u %d %u %u %u %u %u\n", b->version_known,
                 b->version_received, b->sequence, b->node, b->peer, b->key, b->flags, b->context,
                 b->boundary, b->class, b->type);
}

static void print_event(const struct trace_event *e)
{
    (void)printf("trace %.17g %.17g %.17g %" PRIu64 " %" PRIu64 " %u %u %u %d %u\n", e->time_s,
                 e->global_s, e->sent_s, e->version, e->sequence, e->node, e->peer, e->base, e->key,
                 e->kind);
}

static void print_row(const struct sample_row *row)
{
    (void)printf("system %.17g %" PRIu64 " %u %d\n", row->real_s, row->large, row->node,
                 row->number);
}

static unsigned long number(int argc, char **argv, int i, unsigned long otherwise)
{
    return i < argc ? strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: write_sample_run FILE [SEED [NODES BADGES]]\n");
        return EXIT_BAD_USAGE;
    }
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    struct sample_size size = {(uint32_t)number(argc, argv, 3, 3), number(argc, argv, 4, 20), 5, 8};
    sample_make(&sample, size, number(argc, argv, 2, 1));
    struct run_writer *writer = sample_write(&sample, argv[1], &failure);
    if (writer == NULL || !run_writer_finish(writer))
        (void)fprintf(stderr, "write_sample_run: %s\n", failure.text);
    for (size_t i = 0; failure.code == EXIT_DONE && i < sample.badge_count; i++)
        print_badge(&sample.badges[i]);
    for (size_t i = 0; failure.code == EXIT_DONE && i < sample.trace_count; i++)
        print_event(&sample.trace[i]);
    for (size_t i = 0; failure.code == EXIT_DONE && i < sample.system_count; i++)
        print_row(&sample.system[i]);
    sample_free(&sample);
    return (int)failure.code;
}
