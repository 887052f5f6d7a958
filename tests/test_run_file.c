#include "cunit_main.h"
#include "file_faults.h"
#include "mutation.h"
#include "sample_run.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/mpidrift-test-XXXXXX";

static const char *file_in(const char *name)
{
    static char paths[4][128]; /* several are in use at a time */
    static int turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL)
        abort();
    return memory;
}

static void write_run(const char *path, struct sample_size size, uint64_t seed)
{
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    sample_make(&sample, size, seed);
    struct run_writer *writer = sample_write(&sample, path, &failure);
    CU_ASSERT_FATAL(writer != NULL);
    CU_ASSERT(run_writer_finish(writer));
    CU_ASSERT_STRING_EQUAL(failure.text, "");
    sample_free(&sample);
}

/* ---- what was written is read ---- */

static void compare_settings(struct run_reader *r, const struct sample *s)
{
    char digest[17];
    run_digest(s->header.canonical_text, digest);
    CU_ASSERT_STRING_EQUAL(run_reader_text(r, "/", "format"), RUN_FORMAT);
    CU_ASSERT_STRING_EQUAL(run_reader_text(r, "/", "run_id"), s->header.run_id);
    CU_ASSERT_STRING_EQUAL(run_reader_text(r, "/", "start_time_utc"), s->header.start_time_utc);
    CU_ASSERT_STRING_EQUAL(run_reader_text(r, "/", "end_time_utc"), s->header.end_time_utc);
    CU_ASSERT_STRING_EQUAL(run_reader_text(r, "/", "digest"), digest);
    CU_ASSERT_STRING_EQUAL(run_reader_text(r, "/config", "canonical_text"),
                           s->header.canonical_text);
    for (int i = 0; i < SAMPLE_SETTINGS; i++) {
        const struct run_setting *setting = &s->settings[i];
        if (setting->text != NULL)
            CU_ASSERT_STRING_EQUAL(run_reader_text(r, setting->group, setting->key), setting->text);
        double number = run_reader_number(r, setting->group, setting->key);
        CU_ASSERT(setting->text != NULL ? isnan(number) : number == setting->number);
    }
    CU_ASSERT_STRING_EQUAL(run_reader_text(r, "/config", "duration_s"), "0.10000000000000001");
    CU_ASSERT_STRING_EQUAL(run_reader_text(r, "/config", "absent"), "");
    CU_ASSERT(isnan(run_reader_number(r, "/absent", "key")));
    CU_ASSERT(run_reader_complete(r));
}

static void compare_badges(struct run_reader *r, const struct sample *s, size_t part)
{
    struct failure failure = {EXIT_DONE, ""};
    struct badge *rows = take(part, sizeof *rows);
    CU_ASSERT_EQUAL_FATAL(run_reader_badge_count(r), s->badge_count);
    for (size_t at = 0; at < s->badge_count; at += part) {
        size_t count = s->badge_count - at < part ? s->badge_count - at : part;
        CU_ASSERT_FATAL(run_reader_badges(r, at, count, rows, &failure));
        CU_ASSERT_EQUAL(memcmp(rows, s->badges + at, count * sizeof *rows), 0);
    }
    CU_ASSERT(run_reader_badges(r, s->badge_count, 0, rows, &failure));
    free(rows);
}

static void compare_pairs(struct run_reader *r, const struct sample *s)
{
    struct failure failure = {EXIT_DONE, ""};
    struct run_pair *rows = take(s->pair_count + 1, sizeof *rows);
    CU_ASSERT_EQUAL_FATAL(run_reader_pair_count(r), s->pair_count);
    CU_ASSERT(run_reader_pairs(r, 0, s->pair_count, rows, &failure));
    CU_ASSERT_EQUAL(memcmp(rows, s->pairs, s->pair_count * sizeof *rows), 0);
    free(rows);
}

static void compare_trace(struct run_reader *r, const struct sample *s, size_t part)
{
    struct failure failure = {EXIT_DONE, ""};
    struct trace_event *rows = take(part, sizeof *rows);
    size_t compared = 0, nodes = s->header.nodes;
    CU_ASSERT_EQUAL_FATAL(
        memcmp(run_reader_trace_index(r), s->trace_index, nodes * sizeof *s->trace_index), 0);
    for (uint32_t node = 0; node < nodes; node++) {
        struct run_trace index = run_reader_trace_index(r)[node];
        for (uint64_t at = 0; at < index.events; at += part) {
            size_t count = index.events - at < part ? index.events - at : part;
            CU_ASSERT_FATAL(run_reader_trace(r, node, at, count, rows, &failure));
            CU_ASSERT_EQUAL(memcmp(rows, s->trace + index.first + at, count * sizeof *rows), 0);
            compared += count;
        }
        CU_ASSERT(run_reader_trace(r, node, index.events, 0, rows, &failure));
    }
    CU_ASSERT_EQUAL(compared, s->trace_count);
    free(rows);
}

static void compare_histogram(struct run_reader *r, const struct sample *s, int kind)
{
    struct failure failure = {EXIT_DONE, ""};
    struct run_histogram h;
    const struct histogram *wanted = &s->histograms[kind];
    CU_ASSERT_FATAL(run_reader_histogram(r, (enum histogram_kind)kind, &h, &failure));
    CU_ASSERT_EQUAL_FATAL(h.bins, wanted->bins);
    CU_ASSERT_EQUAL(h.limit, wanted->limit);
    double *edges = take(h.bins + 1, sizeof *edges);
    histogram_edges(wanted, edges);
    CU_ASSERT_EQUAL(memcmp(edges, h.edges, (h.bins + 1) * sizeof *edges), 0);
    uint64_t underflow = 0, overflow = 0, different = 0;
    for (uint32_t n = 0; n < s->header.nodes; n++) {
        underflow += s->underflow[(uint32_t)kind * s->header.nodes + n];
        overflow += s->overflow[(uint32_t)kind * s->header.nodes + n];
        for (size_t i = 0; i < h.bins; i++)
            h.counts[i] -= s->counts[kind][n * h.bins + i];
    }
    for (size_t i = 0; i < h.bins; i++)
        different += h.counts[i] != 0;
    CU_ASSERT_EQUAL(different, 0);
    CU_ASSERT_EQUAL(h.underflow, underflow);
    CU_ASSERT_EQUAL(h.overflow, overflow);
    free(edges);
    run_histogram_free(&h);
}

static void compare_windows(struct run_reader *r, const struct sample *s)
{
    struct failure failure = {EXIT_DONE, ""};
    uint32_t counts[3][CONTEXT_COUNT * RUN_WINDOWS_MAX];
    static double outside[CONTEXT_COUNT * RUN_WINDOWS_MAX], node_outside[RUN_WINDOWS_MAX];
    struct run_windows read = {counts[0], counts[1], counts[2], outside, node_outside};
    size_t windows = s->header.windows, cells = windows * s->header.context_count;
    CU_ASSERT_EQUAL_FATAL(run_reader_window_count(r), s->header.windows);
    CU_ASSERT_EQUAL_FATAL(run_reader_context_count(r), s->header.context_count);
    CU_ASSERT_EQUAL(run_reader_window_s(r), s->header.window_s);
    for (uint32_t c = 0; c < s->header.context_count; c++)
        CU_ASSERT_EQUAL(run_reader_contexts(r)[c], s->header.contexts[c]);
    for (uint32_t n = 0; n < s->header.nodes; n++) {
        struct run_windows wanted = sample_windows(s, n);
        CU_ASSERT_FATAL(run_reader_windows(r, n, &read, &failure));
        CU_ASSERT_EQUAL(memcmp(counts[0], wanted.observations, cells * 4), 0);
        CU_ASSERT_EQUAL(memcmp(counts[1], wanted.beyond, cells * 4), 0);
        CU_ASSERT_EQUAL(memcmp(counts[2], wanted.episodes, cells * 4), 0);
        CU_ASSERT_EQUAL(memcmp(outside, wanted.outside_s, cells * 8), 0);
        CU_ASSERT_EQUAL(memcmp(node_outside, wanted.node_outside_s, windows * 8), 0);
    }
}

static void compare_run(const char *path, struct sample_size size, uint64_t seed, size_t part)
{
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    sample_make(&sample, size, seed);
    struct run_reader *reader = run_reader_open(path, &failure);
    CU_ASSERT_STRING_EQUAL(failure.text, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
    CU_ASSERT_STRING_EQUAL(run_reader_path(reader), path);
    CU_ASSERT_EQUAL_FATAL(run_reader_nodes(reader), size.nodes);
    CU_ASSERT_EQUAL(
        memcmp(run_reader_node_rows(reader), sample.nodes, size.nodes * sizeof *sample.nodes), 0);
    compare_settings(reader, &sample);
    compare_badges(reader, &sample, part);
    compare_pairs(reader, &sample);
    compare_trace(reader, &sample, part);
    for (int kind = 0; kind < HISTOGRAM_KINDS; kind++)
        compare_histogram(reader, &sample, kind);
    compare_windows(reader, &sample);
    run_reader_close(reader);
    sample_free(&sample);
}

static void test_round_trip(void)
{
    static const struct sample_size sizes[] = {
        {1, 0, 5, 8},  {1, 1, 1, 1},  {2, 0, 5, 0},     {2, 16384, 5, 600},
        {3, 20, 5, 8}, {16, 1, 0, 8}, {5, 50000, 8, 3}, {70, 16385, 2, 600},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const char *path = file_in("round.h5");
        write_run(path, sizes[i], 40 + i);
        CU_ASSERT(!file_exists(file_in("round.h5.part")));
        compare_run(file_in("round.h5"), sizes[i], 40 + i, i % 2 ? 1000 : 16384);
    }
}

/* Members that minor versions added; the golden files lack them. */
static void set_later(struct sample *sample)
{
    for (uint32_t n = 0; n < 3; n++) {
        struct run_node *row = &sample->nodes[n];
        CU_ASSERT(row->lost == 0 && row->overflowed == 0 && row->clock_flags == 0);
        row->lost = 100 + n;
        row->overflowed = 200 + n;
        row->sync[CLOCK_SYNC_SECOND] = (struct run_sync){.1 + n, .2, .3, .4};
        row->clock_rate = 1e-5;
        row->clock_rate_uncertainty = 2e-5;
        row->clock_uncertainty_s = 3e-5;
        row->clock_domain_uncertainty_s = 4e-5;
        row->window_begin_local_s = 5e-5;
        row->messages_early = 300 + n;
        row->messages_impossible = 400 + n;
        row->host_first_rank = n;
        row->clock_flags = RUN_CLOCK_JUMPED | RUN_CLOCK_HAS_SECOND;
    }
    for (size_t i = 0; i < sample->pair_count; i++) {
        sample->pairs[i].early = 1000 + i;
        sample->pairs[i].impossible = 2000 + i;
        sample->pairs[i].clock_uncertainty_s = 5e-5;
    }
}

static void test_later_members(void)
{
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    sample_make(&sample, (struct sample_size){3, 20, 5, 8}, 1);
    set_later(&sample);
    struct run_writer *writer = sample_write(&sample, file_in("later.h5"), &failure);
    CU_ASSERT_FATAL(writer != NULL && run_writer_finish(writer));
    struct run_reader *reader = run_reader_open(file_in("later.h5"), &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
    CU_ASSERT_EQUAL(run_reader_minor(reader), RUN_FORMAT_MINOR);
    const struct run_node *rows = run_reader_node_rows(reader);
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    CU_ASSERT_EQUAL(memcmp(rows, sample.nodes, 3 * sizeof *rows), 0);
    compare_pairs(reader, &sample);
    run_reader_close(reader);
    sample_free(&sample);
}

static void test_same_bytes(void)
{
    const struct sample_size size = {3, 20000, 5, 8};
    write_run(file_in("one.h5"), size, 7);
    struct bytes one = bytes_of_file(file_in("one.h5"));
    (void)sleep(1); /* lest a time stamp stay hidden */
    write_run(file_in("two.h5"), size, 7);
    struct bytes two = bytes_of_file(file_in("two.h5"));
    CU_ASSERT_EQUAL_FATAL(one.size, two.size);
    CU_ASSERT_EQUAL(memcmp(one.data, two.data, one.size), 0);
    free(one.data);
    free(two.data);
}

static void test_digest(void)
{
    char digest[17]; /* the published test values of FNV-1a */
    run_digest("", digest);
    CU_ASSERT_STRING_EQUAL(digest, "cbf29ce484222325");
    run_digest("foobar", digest);
    CU_ASSERT_STRING_EQUAL(digest, "85944171f73967e8");
}

/* ---- writing fails ---- */

static void test_cannot_create(void)
{
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    sample_make(&sample, (struct sample_size){2, 3, 5, 8}, 1);
    CU_ASSERT_PTR_NULL(sample_write(&sample, file_in("absent/run.h5"), &failure));
    CU_ASSERT_EQUAL(failure.code, EXIT_CANNOT_CREATE);
    CU_ASSERT(strstr(failure.text, "absent/run.h5") != NULL);
    CU_ASSERT(strstr(failure.text, "No such file or directory") != NULL);
    sample_free(&sample);
}

static void test_name_is_taken_by_a_directory(void)
{
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    sample_make(&sample, (struct sample_size){2, 3, 5, 8}, 1);
    CU_ASSERT_EQUAL(mkdir(file_in("taken.h5"), 0700), 0);
    struct run_writer *writer = sample_write(&sample, file_in("taken.h5"), &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
    CU_ASSERT(!run_writer_finish(writer));
    CU_ASSERT_EQUAL(failure.code, EXIT_CANNOT_CREATE);
    CU_ASSERT(!file_exists(file_in("taken.h5.part")));
    sample_free(&sample);
}

static void test_abandon(void)
{
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    sample_make(&sample, (struct sample_size){2, 3, 5, 8}, 1);
    struct run_writer *writer = sample_write(&sample, file_in("never.h5"), &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
    CU_ASSERT(file_exists(file_in("never.h5.part")));
    run_writer_abandon(writer);
    CU_ASSERT(!file_exists(file_in("never.h5.part")));
    CU_ASSERT(!file_exists(file_in("never.h5")));
    sample_free(&sample);
}

/* The nodes count one badge more than was written. */
static void test_verification(void)
{
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    sample_make(&sample, (struct sample_size){2, 3, 5, 8}, 1);
    sample.nodes[1].badges++;
    struct run_writer *writer = sample_write(&sample, file_in("wrong.h5"), &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
    CU_ASSERT(!run_writer_finish(writer));
    CU_ASSERT_EQUAL(failure.code, EXIT_WRITE_FAILED);
    CU_ASSERT(!file_exists(file_in("wrong.h5.part")) && !file_exists(file_in("wrong.h5")));
    sample_free(&sample);
}

/* A node counts one event less than was written, or an event stands among another node's. */
static void test_verification_of_the_trace(void)
{
    for (int wrong = 0; wrong < 2; wrong++) {
        struct failure failure = {EXIT_DONE, ""};
        struct sample sample;
        sample_make(&sample, (struct sample_size){2, 3, 5, 8}, 1);
        if (wrong == 0)
            sample.trace_index[1].events--;
        else
            sample.trace[0].node = 1;
        struct run_writer *writer = sample_write(&sample, file_in("wrong.h5"), &failure);
        CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
        CU_ASSERT(!run_writer_finish(writer));
        CU_ASSERT_EQUAL(failure.code, EXIT_WRITE_FAILED);
        CU_ASSERT(strstr(failure.text, "/trace/events") != NULL);
        CU_ASSERT(!file_exists(file_in("wrong.h5.part")) && !file_exists(file_in("wrong.h5")));
        sample_free(&sample);
    }
}

/* Who has no trace to write need not know of it. */
static void test_no_trace(void)
{
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    sample_make(&sample, (struct sample_size){3, 20, 5, 8}, 1);
    free(sample.trace_index);
    sample.trace_index = NULL;
    struct run_writer *writer = sample_write(&sample, file_in("none.h5"), &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(writer);
    CU_ASSERT(run_writer_finish(writer));
    struct run_reader *reader = run_reader_open(file_in("none.h5"), &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
    for (uint32_t node = 0; node < 3; node++) {
        struct run_trace index = run_reader_trace_index(reader)[node];
        CU_ASSERT(index.events == 0 && index.dropped == 0 && index.covered_until_s == 0);
    }
    run_reader_close(reader);
    sample_free(&sample);
}

static void test_full_disk(void)
{
    write_run(file_in("whole.h5"), (struct sample_size){3, 20000, 5, 8}, 3);
    struct bytes whole = bytes_of_file(file_in("whole.h5"));
    for (size_t i = 0; i < 40; i++) {
        size_t limit = i < 20 ? i * 3001 : whole.size * (i - 19) / 21;
        CU_ASSERT_EQUAL(write_with_limit(file_in("full.h5"), limit), FAULT_REFUSED);
        CU_ASSERT(!file_exists(file_in("full.h5")));
        CU_ASSERT(!file_exists(file_in("full.h5.part")));
    }
    free(whole.data);
}

/* ---- reading foreign and damaged files ---- */

static void expect_refusal(const char *path, const char *words)
{
    struct failure failure = {EXIT_DONE, ""};
    CU_ASSERT_PTR_NULL(run_reader_open(path, &failure));
    CU_ASSERT_EQUAL(failure.code, EXIT_BAD_INPUT);
    CU_ASSERT(strstr(failure.text, words) != NULL);
    CU_ASSERT(strncmp(failure.text, path, strlen(path)) == 0);
}

static void test_no_run_file(void)
{
    expect_refusal(file_in("absent.h5"), "No such file");
    expect_refusal(directory, "is a directory");
    expect_refusal("/dev/null", "is no regular file");
    struct bytes text = {(unsigned char *)strdup("no HDF5\n"), 8};
    bytes_to_file(file_in("text.h5"), text.data, text.size);
    expect_refusal(file_in("text.h5"), "is no HDF5 file");
    bytes_to_file(file_in("empty.h5"), text.data, 0);
    expect_refusal(file_in("empty.h5"), "is no HDF5 file");
    free(text.data);
}

static void test_truncated(void)
{
    const struct sample_size size = {3, 20, 5, 8};
    write_run(file_in("whole.h5"), size, 5);
    struct bytes whole = bytes_of_file(file_in("whole.h5"));
    bytes_to_file(file_in("cut.h5"), whole.data, whole.size / 2);
    expect_refusal(file_in("cut.h5"), "is truncated");
    for (size_t i = 0; i < 200; i++) {
        size_t kept = i < 100 ? i * 7 : whole.size - 1 - (i - 100) * (whole.size / 101);
        bytes_to_file(file_in("cut.h5"), whole.data, kept);
        CU_ASSERT_EQUAL(read_in_child(file_in("cut.h5"), size, 5), FAULT_REFUSED);
    }
    free(whole.data);
}

/* Refused, or read with the right content; never a crash, never other content. */
static void test_damaged(void)
{
    enum { ROOM = 600 };
    const struct sample_size size = {3, 20, 5, 8};
    uint64_t state = 11;
    write_run(file_in("whole.h5"), size, 5);
    struct bytes whole = bytes_of_file(file_in("whole.h5"));
    unsigned char *damaged = malloc(whole.size + ROOM);
    if (damaged == NULL || whole.data == NULL)
        abort();
    CU_ASSERT_EQUAL(read_in_child(file_in("whole.h5"), size, 5), FAULT_NONE);
    int outcomes[FAULT_OUTCOMES] = {0};
    const char *more = getenv("MPIDRIFT_MUTATIONS");
    long rounds = more != NULL ? strtol(more, NULL, 10) : 150;
    for (long i = 0; i < rounds; i++) {
        memcpy(damaged, whole.data, whole.size);
        size_t left = mutate(damaged, whole.size, whole.size + ROOM, &state);
        bytes_to_file(file_in("damaged.h5"), damaged, left);
        outcomes[read_in_child(file_in("damaged.h5"), size, 5)]++;
    }
    CU_ASSERT_EQUAL(outcomes[FAULT_CRASH], 0);
    CU_ASSERT_EQUAL(outcomes[FAULT_SILENT], 0);
    CU_ASSERT(outcomes[FAULT_REFUSED] > rounds / 8);
    (void)printf("%d refused, %d as written, %d wrong, %d crashed ", outcomes[FAULT_REFUSED],
                 outcomes[FAULT_NONE], outcomes[FAULT_SILENT], outcomes[FAULT_CRASH]);
    free(damaged);
    free(whole.data);
}

/* A file of each version that was ever written. */
static void compare_golden(const char *version, uint32_t minor)
{
    const char *folder = getenv("MPIDRIFT_GOLDEN");
    char golden[512];
    (void)snprintf(golden, sizeof golden, "%s/run-%s.h5", folder != NULL ? folder : "tests/golden",
                   version);
    compare_run(golden, (struct sample_size){3, 20, 5, 8}, 1, 7);
    struct failure failure = {EXIT_DONE, ""};
    struct run_reader *reader = run_reader_open(golden, &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
    CU_ASSERT_STRING_EQUAL(run_reader_text(reader, "/", "format_version"), version);
    CU_ASSERT_EQUAL(run_reader_minor(reader), minor);
    CU_ASSERT_STRING_EQUAL(run_reader_text(reader, "/", "digest"), "05c7df1cd69e7b42");
    struct badge first;
    CU_ASSERT_FATAL(run_reader_badges(reader, 0, 1, &first, &failure));
    CU_ASSERT_EQUAL(first.version_known, 15639245678970769260u);
    CU_ASSERT_EQUAL(first.time_s, -0.00030144957218226811);
    struct trace_event event;
    CU_ASSERT_FATAL(run_reader_trace(reader, 2, 0, 1, &event, &failure));
    CU_ASSERT_EQUAL(event.version, 4656907208578278376u);
    CU_ASSERT_EQUAL(event.sent_s, -0.0021223153195343396);
    run_reader_close(reader);
}

static void test_golden(void)
{
    compare_golden("1.0.0", 0);
    compare_golden("1.1.0", 1);
    compare_golden("1.2.0", 2);
}

int main(void)
{
    if (mkdtemp(directory) == NULL)
        return EXIT_FAILURE;
    CU_TestInfo tests[] = {
        {"every field comes back", test_round_trip},
        {"later members come back", test_later_members},
        {"same content, same bytes", test_same_bytes},
        {"digest", test_digest},
        {"no directory: 73", test_cannot_create},
        {"name taken by a directory: 73", test_name_is_taken_by_a_directory},
        {"abandoned", test_abandon},
        {"counts that disagree are not published", test_verification},
        {"nor is a trace that does not fit its index", test_verification_of_the_trace},
        {"a run without a trace", test_no_trace},
        {"full disk: 74 and nothing left", test_full_disk},
        {"no run file", test_no_run_file},
        {"truncated", test_truncated},
        {"damaged files", test_damaged},
        {"golden file", test_golden},
        CU_TEST_INFO_NULL};
    int result = cunit_main("run file", tests);
    remove_directory(directory);
    return result;
}
