#include "file_faults.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_SECONDS = 150 }; /* longer than a reader may try a file */

struct bytes bytes_of_file(const char *path)
{
    struct stat status;
    FILE *in = fopen(path, "rb");
    if (in == NULL || fstat(fileno(in), &status) != 0)
        abort();
    struct bytes bytes = {malloc((size_t)status.st_size), (size_t)status.st_size};
    if (bytes.data == NULL || fread(bytes.data, 1, bytes.size, in) != bytes.size)
        abort();
    (void)fclose(in);
    return bytes;
}

void bytes_to_file(const char *path, const unsigned char *data, size_t size)
{
    FILE *out = fopen(path, "wb");
    if (out == NULL || fwrite(data, 1, size, out) != size || fclose(out) != 0)
        abort();
}

bool file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

void remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    char file[512];
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        (void)snprintf(file, sizeof file, "%s/%.200s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)remove(file);
    }
    if (directory != NULL)
        (void)closedir(directory);
    (void)rmdir(path);
}

/* ---- reading ---- */

static bool same_texts(struct run_reader *reader, const struct run_header *header)
{
    bool same =
        strcmp(run_reader_text(reader, "/config", "canonical_text"), header->canonical_text) == 0 &&
        strcmp(run_reader_text(reader, "/", "run_id"), header->run_id) == 0 &&
        strcmp(run_reader_text(reader, "/", "end_time_utc"), header->end_time_utc) == 0;
    for (size_t i = 0; i < header->setting_count; i++) {
        const struct run_setting *setting = &header->settings[i];
        const char *text = run_reader_text(reader, setting->group, setting->key);
        same = same && (setting->text == NULL || strcmp(text, setting->text) == 0);
    }
    return same;
}

static bool same_counts(struct run_reader *reader, const struct sample *sample)
{
    const struct run_header *header = &sample->header;
    return run_reader_complete(reader) && run_reader_nodes(reader) == header->nodes &&
           run_reader_badge_count(reader) == sample->badge_count &&
           run_reader_pair_count(reader) == sample->pair_count &&
           run_reader_window_count(reader) == header->windows &&
           run_reader_window_s(reader) == header->window_s &&
           run_reader_context_count(reader) == header->context_count &&
           memcmp(run_reader_contexts(reader), header->contexts,
                  header->context_count * sizeof header->contexts[0]) == 0 &&
           run_reader_number(reader, "/config", "duration_s") == 0.1 && same_texts(reader, header);
}

static enum fault_outcome outcome(bool read, bool same)
{
    if (!read)
        return FAULT_REFUSED;
    return same ? FAULT_NONE : FAULT_SILENT;
}

static enum fault_outcome read_rows(struct run_reader *reader, const struct sample *sample)
{
    struct failure failure = {EXIT_DONE, ""};
    struct badge badges[64];
    struct run_pair pairs[64];
    if (sample->badge_count > 64 || sample->pair_count > 64)
        abort();
    bool read = run_reader_badges(reader, 0, sample->badge_count, badges, &failure) &&
                run_reader_pairs(reader, 0, sample->pair_count, pairs, &failure);
    return outcome(
        read, read && memcmp(badges, sample->badges, sample->badge_count * sizeof badges[0]) == 0 &&
                  memcmp(pairs, sample->pairs, sample->pair_count * sizeof pairs[0]) == 0 &&
                  memcmp(run_reader_node_rows(reader), sample->nodes,
                         sample->header.nodes * sizeof sample->nodes[0]) == 0);
}

static enum fault_outcome read_trace(struct run_reader *reader, const struct sample *sample)
{
    struct failure failure = {EXIT_DONE, ""};
    const struct run_trace *index = run_reader_trace_index(reader);
    size_t index_bytes = sample->header.nodes * sizeof *index;
    struct trace_event events[64];
    if (sample->trace_count > 64)
        abort();
    if (memcmp(index, sample->trace_index, index_bytes) != 0)
        return FAULT_SILENT;
    bool read = true;
    for (uint32_t node = 0; read && node < sample->header.nodes; node++)
        read = run_reader_trace(reader, node, 0, index[node].events, events + index[node].first,
                                &failure);
    return outcome(
        read, read && memcmp(events, sample->trace, sample->trace_count * sizeof *events) == 0);
}

static enum fault_outcome read_windows(struct run_reader *reader, const struct sample *sample)
{
    struct failure failure = {EXIT_DONE, ""};
    uint32_t counts[3][256];
    double outside[256], node_outside[256];
    struct run_windows windows = {counts[0], counts[1], counts[2], outside, node_outside};
    struct run_windows wanted = sample_windows(sample, 0);
    size_t cells = (size_t)sample->header.context_count * sample->header.windows;
    if (cells > 256)
        abort();
    bool read = run_reader_windows(reader, 0, &windows, &failure);
    return outcome(read, read && memcmp(counts[0], wanted.observations, cells * 4) == 0 &&
                             memcmp(outside, wanted.outside_s, cells * 8) == 0);
}

static enum fault_outcome read_histograms(struct run_reader *reader, const struct sample *sample)
{
    struct failure failure = {EXIT_DONE, ""};
    enum fault_outcome worst = FAULT_NONE;
    for (int kind = 0; kind < HISTOGRAM_KINDS && worst == FAULT_NONE; kind++) {
        struct run_histogram histogram;
        bool read = run_reader_histogram(reader, (enum histogram_kind)kind, &histogram, &failure);
        worst = outcome(read, read && histogram.bins == sample->histograms[kind].bins &&
                                  histogram.limit == sample->histograms[kind].limit);
        run_histogram_free(&histogram);
    }
    return worst;
}

static enum fault_outcome read_all(const char *path, const struct sample *sample)
{
    struct failure failure = {EXIT_DONE, ""};
    struct run_reader *reader = run_reader_open(path, &failure);
    if (reader == NULL)
        return failure.code == EXIT_BAD_INPUT && strstr(failure.text, path) != NULL ? FAULT_REFUSED
                                                                                    : FAULT_SILENT;
    enum fault_outcome result = same_counts(reader, sample) ? FAULT_NONE : FAULT_SILENT;
    if (result == FAULT_NONE)
        result = read_rows(reader, sample);
    if (result == FAULT_NONE)
        result = read_windows(reader, sample);
    if (result == FAULT_NONE)
        result = read_trace(reader, sample);
    if (result == FAULT_NONE)
        result = read_histograms(reader, sample);
    run_reader_close(reader);
    return result;
}

/* ---- children ---- */

static enum fault_outcome wait_for(pid_t child)
{
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
        WEXITSTATUS(status) >= FAULT_OUTCOMES)
        return FAULT_CRASH;
    return (enum fault_outcome)WEXITSTATUS(status);
}

enum fault_outcome read_in_child(const char *path, struct sample_size size, uint64_t seed)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct sample sample;
        (void)alarm(CHILD_SECONDS);
        sample_make(&sample, size, seed);
        enum fault_outcome result = read_all(path, &sample);
        sample_free(&sample);
        _exit((int)result);
    }
    return wait_for(child);
}

/* Ends through exit: what HDF5 does there is part of the test. */
static _Noreturn void write_limited(const char *path, size_t limit_bytes)
{
    const struct rlimit limit = {limit_bytes, RLIM_INFINITY};
    struct failure failure = {EXIT_DONE, ""};
    struct sample sample;
    (void)alarm(CHILD_SECONDS);
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        exit(FAULT_SILENT);
    sample_make(&sample, (struct sample_size){3, 20000, 5, 8}, 3);
    struct run_writer *writer = sample_write(&sample, path, &failure);
    bool written = writer != NULL && run_writer_finish(writer);
    sample_free(&sample);
    bool told = failure.code == EXIT_WRITE_FAILED && strstr(failure.text, path) != NULL &&
                strstr(failure.text, "File too large") != NULL;
    if (written)
        exit(FAULT_NONE);
    exit(told ? FAULT_REFUSED : FAULT_SILENT);
}

enum fault_outcome write_with_limit(const char *path, size_t limit_bytes)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        write_limited(path, limit_bytes);
    return wait_for(child);
}
