#include "speed/speed.h"

#include "patience.h"
#include "record/gather.h"
#include "record/spool.h"
#include "speed/flood.h"
#include "world.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A disk is slow enough for fewer rounds. */
enum { FILE_ROUNDS_MAX = 6 };
static const double ACTIVITY_S = 0.05;
static const double PATIENCE = 10;

static double elapsed_s(const struct speed *speed, struct local_time since)
{
    return local_elapsed_s(since, speed->clock.now(speed->clock.self));
}

/* ---- the run file ---- */

/* What is there, and copies of it, until the spool is full. */
static void fill(struct spool *spool, uint64_t badges)
{
    struct badge_sink sink = spool_sink(spool);
    struct badge badge = {.time_s = 0.001, .node = spool_node(spool)};
    struct badge_end end = {0.002, 1};
    for (uint64_t i = spool_count(spool); i < badges; i++) {
        badge.sequence = i;
        sink.episode_opened(sink.self, i, &badge);
        sink.episode_closed(sink.self, i, &end);
    }
}

static enum exit_code record_badges(const struct speed *speed, struct activity *activity,
                                    uint64_t badges, double *seconds)
{
    enum exit_code code = activity_run(speed, activity);
    if (code != EXIT_DONE)
        return code;
    fill(activity->watch.spool, badges);
    return activity_record(speed, activity, seconds);
}

static enum exit_code record_once(const struct speed *speed, uint64_t badges, double *seconds)
{
    struct failure failure = {0};
    struct activity *activity = activity_new(speed, &flood_system);
    if (activity == NULL)
        (void)failure_set(&failure, EXIT_INTERNAL, "no memory for one activity");
    enum exit_code code = world_agree(speed->world, &failure);
    if (code == EXIT_DONE) {
        assert(activity != NULL);
        activity->config.duration_s = ACTIVITY_S;
        activity->config.warmup_s = 0;
        activity->badges_max = badges;
        code = record_badges(speed, activity, badges, seconds);
    }
    activity_free(activity);
    return code;
}

/* ---- the same bytes ---- */

static bool write_blocks(int file, const void *block, size_t block_bytes, uint64_t bytes)
{
    for (uint64_t left = bytes; left > 0;) {
        size_t part = left < block_bytes ? (size_t)left : block_bytes;
        ssize_t written = write(file, block, part);
        if (written <= 0)
            return false;
        left -= (uint64_t)written;
    }
    return fsync(file) == 0;
}

static void write_bytes(const struct speed *speed, uint64_t bytes, double *seconds,
                        struct failure *failure)
{
    struct local_time before = speed->clock.now(speed->clock.self);
    int file = open(speed->run_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    char *block = malloc(GATHER_CHUNK_BYTES);
    if (file < 0 || block == NULL) {
        (void)failure_set(failure, EXIT_CANNOT_CREATE, "cannot create %s: %s", speed->run_path,
                          strerror(errno));
    } else {
        memset(block, 'm', GATHER_CHUNK_BYTES);
        if (!write_blocks(file, block, GATHER_CHUNK_BYTES, bytes))
            (void)failure_set(failure, EXIT_WRITE_FAILED, "cannot write %s: %s", speed->run_path,
                              strerror(errno));
    }
    if (file >= 0 && close(file) != 0)
        (void)failure_set(failure, EXIT_WRITE_FAILED, "cannot close %s: %s", speed->run_path,
                          strerror(errno));
    *seconds = elapsed_s(speed, before);
    free(block);
    (void)unlink(speed->run_path);
}

/* ---- rounds ---- */

static enum exit_code write_same_bytes(const struct speed *speed, uint64_t bytes, double *seconds)
{
    struct failure failure = {0};
    patience_begin("write the same bytes", PATIENCE, 0);
    if (speed->world->rank == 0)
        write_bytes(speed, bytes, seconds, &failure);
    return world_agree(speed->world, &failure);
}

/* By turns, because whoever comes second finds memory that the first has just given back. */
static enum exit_code run_round(const struct speed *speed, uint64_t each, uint32_t round,
                                double *file_s, double *bytes_s)
{
    uint64_t bytes = each * speed->world->ranks * sizeof(struct badge);
    enum exit_code code = EXIT_DONE;
    for (uint32_t turn = 0; code == EXIT_DONE && turn < 2; turn++)
        code = (round + turn) % 2 == 0 ? record_once(speed, each, file_s)
                                       : write_same_bytes(speed, bytes, bytes_s);
    return code;
}

enum exit_code speed_file(struct speed *speed)
{
    double files_s[FILE_ROUNDS_MAX] = {0}, bytes_s[FILE_ROUNDS_MAX] = {0}; /* node 0's */
    double ratios[FILE_ROUNDS_MAX];
    uint32_t wanted = speed->options->rounds;
    uint32_t rounds = wanted < FILE_ROUNDS_MAX ? wanted : FILE_ROUNDS_MAX;
    uint64_t each = (speed->options->badges + speed->world->ranks - 1) / speed->world->ranks;
    double millions = (double)each * speed->world->ranks * 1e-6;
    for (uint32_t round = 0; round < rounds; round++) {
        enum exit_code code = run_round(speed, each, round, &files_s[round], &bytes_s[round]);
        if (code != EXIT_DONE)
            return code;
        ratios[round] = files_s[round] / bytes_s[round];
        files_s[round] /= millions;
        bytes_s[round] /= millions;
    }
    if (speed->world->rank == 0) {
        figures_add(&speed->figures, "file_s_per_million_badges", files_s, rounds);
        figures_add(&speed->figures, "bytes_s_per_million_badges", bytes_s, rounds);
        figures_add(&speed->figures, "file_to_bytes_ratio", ratios, rounds);
    }
    return EXIT_DONE;
}
