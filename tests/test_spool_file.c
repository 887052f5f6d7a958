/* A spool outlives its process: what was committed is there, whole; what was not is not; and what
 * somebody else did to the file is noticed. */

#include "cunit_main.h"
#include "file_faults.h"
#include "record/spool.h"
#include "record/spool_directory.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NODE = 3, NODES = 5, BADGES_MAX = 8, TEXT_BYTES = 37, FACTS_BYTES = 20, STATE_BYTES = 64 };
enum { SLOT_BYTES = 144, BADGE_BYTES = sizeof(struct badge), END_BYTES = 16, WORD_BYTES = 8 };

static char directory[] = "/tmp/mpidrift-spool-XXXXXX";
static char path[64];
static struct spool *spool;
static struct badge_sink sink;
static const char text[TEXT_BYTES] = "what all nodes share, odd in its size";
static const char planned[FACTS_BYTES] = "planned", finished[FACTS_BYTES] = "finished";

static void open_spool(uint64_t badges_max)
{
    struct failure failure = {EXIT_DONE, ""};
    struct spool_setup setup = {.node = NODE,
                                .nodes = NODES,
                                .badges_max = badges_max,
                                .path = path,
                                .text = text,
                                .text_bytes = sizeof text,
                                .facts_bytes = sizeof planned,
                                .state_bytes = STATE_BYTES};
    (void)unlink(path);
    spool = spool_open(&setup, &failure);
    CU_ASSERT_STRING_EQUAL(failure.text, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(spool);
    sink = spool_sink(spool);
}

/* Every member differs from badge to badge, and no byte pattern repeats. */
static struct badge badge_of(uint64_t number)
{
    double n = (double)number;
    return (struct badge){.time_s = 1.1 + n,
                          .global_s = 2.3 + n,
                          .uncertainty_s = 3.7 + n,
                          .end_s = (double)NAN,
                          .observed = -4.9 - n,
                          .limit = 5.3 + n,
                          .peak = -6.1 - n,
                          .own_stall_s = 7.7 + n,
                          .version_known = 801 + number,
                          .version_received = 907 + number,
                          .sequence = 1013 + number,
                          .node = NODE,
                          .peer = (uint32_t)(number % NODES),
                          .key = -1 + (int32_t)(number % 60),
                          .flags = BADGE_SELF_STALLED,
                          .context = (uint16_t)(number % CONTEXT_COUNT),
                          .boundary = (uint16_t)(number % BOUNDARY_COUNT),
                          .class = (uint16_t)(number % CLASS_COUNT),
                          .type = BADGE_COHERENCE_DRIFT};
}

static void emit(uint64_t number)
{
    struct badge badge = badge_of(number);
    sink.episode_opened(sink.self, number, &badge);
}

static void end(uint64_t number)
{
    struct badge_end its = {100.5 + (double)number, -200.25 - (double)number};
    sink.episode_closed(sink.self, number, &its);
}

/* Whether it is that badge, with its end or, without one, as censored. */
static bool is_badge(struct badge found, uint64_t number, bool has_end)
{
    struct badge expected = badge_of(number);
    if (has_end) {
        expected.end_s = 100.5 + (double)number;
        expected.peak = -200.25 - (double)number;
    } else {
        expected.flags |= BADGE_CENSORED;
    }
    /* A badge has no padding, and NaN is to be NaN. */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    return memcmp(&found, &expected, sizeof found) == 0;
}

/* Eight badges; those of even numbers have ended. */
static void write_spool(void)
{
    open_spool(BADGES_MAX);
    spool_put_facts(spool, SPOOL_PLANNED, planned);
    memset(spool_state(spool), 'S', STATE_BYTES);
    for (uint64_t number = 0; number < BADGES_MAX; number++)
        emit(number);
    for (uint64_t number = 0; number < BADGES_MAX; number += 2)
        end(number);
}

/* The same of a node that came to its end: each badge has one. */
static void write_finished_spool(void)
{
    write_spool();
    for (uint64_t number = 1; number < BADGES_MAX; number += 2)
        end(number);
    spool_put_facts(spool, SPOOL_FINISHED, finished);
    spool_seal(spool);
    spool_close(spool);
}

static enum spool_found load(struct spool **loaded, enum exit_code *code)
{
    struct failure failure = {EXIT_DONE, ""};
    enum spool_found found = spool_load(path, loaded, &failure);
    *code = failure.code;
    CU_ASSERT((found == SPOOL_USABLE) == (*loaded != NULL));
    CU_ASSERT(found == SPOOL_USABLE || strncmp(failure.text, path, strlen(path)) == 0);
    return found;
}

/* The spool must be usable. */
static struct spool *load_usable(void)
{
    struct spool *loaded;
    enum exit_code code;
    CU_ASSERT_EQUAL(load(&loaded, &code), SPOOL_USABLE);
    CU_ASSERT_EQUAL(code, EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
    return loaded;
}

/* ---- what was written is read ---- */

static void test_everything_comes_back(void)
{
    write_finished_spool();
    struct spool *loaded = load_usable();
    size_t text_bytes;
    CU_ASSERT_EQUAL(memcmp(spool_text(loaded, &text_bytes), text, sizeof text), 0);
    CU_ASSERT_EQUAL(text_bytes, sizeof text);
    CU_ASSERT_EQUAL(memcmp(spool_facts(loaded, SPOOL_PLANNED), planned, sizeof planned), 0);
    CU_ASSERT_EQUAL(memcmp(spool_facts(loaded, SPOOL_FINISHED), finished, sizeof finished), 0);
    CU_ASSERT_EQUAL(spool_facts_bytes(loaded), FACTS_BYTES);
    CU_ASSERT_EQUAL(spool_state_bytes(loaded), STATE_BYTES);
    CU_ASSERT_EQUAL(((char *)spool_state(loaded))[STATE_BYTES - 1], 'S');
    CU_ASSERT(spool_node(loaded) == NODE && spool_nodes(loaded) == NODES);
    CU_ASSERT(spool_lost(loaded) + spool_torn(loaded) + spool_missing(loaded) == 0);
    CU_ASSERT_EQUAL_FATAL(spool_count(loaded), BADGES_MAX);
    for (uint64_t number = 0; number < BADGES_MAX; number++)
        CU_ASSERT(is_badge(spool_read(loaded, number), number, true));
    spool_close(loaded);
}

/* The file is read while its writer lives, as after a kill: nothing was closed. */
static void test_nothing_need_be_closed(void)
{
    open_spool(BADGES_MAX);
    struct spool *loaded = load_usable();
    CU_ASSERT(spool_count(loaded) == 0 && spool_facts(loaded, SPOOL_PLANNED) == NULL);
    spool_close(loaded);
    for (uint64_t number = 0; number < BADGES_MAX; number++) {
        emit(number);
        loaded = load_usable();
        CU_ASSERT_EQUAL(spool_count(loaded), number + 1);
        CU_ASSERT(is_badge(spool_read(loaded, number), number, false));
        spool_close(loaded);
    }
    spool_close(spool);
}

static void test_a_spool_is_in_use_while_it_is_open(void)
{
    open_spool(BADGES_MAX);
    CU_ASSERT(spool_is_in_use(path));
    spool_close(spool);
    CU_ASSERT(!spool_is_in_use(path) && !spool_is_in_use("/tmp/absent/node_A.spool"));
}

static void test_what_did_not_fit_survives_as_a_count(void)
{
    open_spool(2);
    for (uint64_t number = 0; number < 7; number++)
        emit(number);
    struct spool *loaded = load_usable();
    CU_ASSERT(spool_count(loaded) == 2 && spool_lost(loaded) == 5);
    spool_close(loaded);
    spool_close(spool);
}

/* ---- torn records ---- */

/* Other bytes at that place of the file. */
static void put_bytes(size_t at, const void *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || pwrite(file, bytes, size, (off_t)at) != (ssize_t)size || close(file) != 0)
        abort();
}

/* Where the slots begin: they are the end of the file. */
static size_t slots_of(const struct bytes *file)
{
    return file->size - (size_t)BADGES_MAX * SLOT_BYTES;
}

/* Only part of a badge's bytes reached the file, and yet its commit word did. */
static void test_a_badge_torn_at_any_byte_is_left_out(void)
{
    write_spool();
    spool_close(spool);
    struct bytes whole = bytes_of_file(path);
    size_t at = slots_of(&whole) + (size_t)5 * SLOT_BYTES, torn = 0;
    for (size_t there = 0; there < BADGE_BYTES; there++) {
        unsigned char badge[BADGE_BYTES] = {0};
        memcpy(badge, whole.data + at, there);
        bool is_whole = memcmp(badge, whole.data + at, sizeof badge) == 0; /* the rest is zero */
        put_bytes(at, badge, sizeof badge);
        struct spool *loaded = load_usable();
        CU_ASSERT_EQUAL(spool_torn(loaded), !is_whole);
        CU_ASSERT_EQUAL_FATAL(spool_count(loaded), (uint64_t)BADGES_MAX - !is_whole);
        for (uint64_t number = 0; number < 5; number++)
            CU_ASSERT(is_badge(spool_read(loaded, number), number, number % 2 == 0));
        CU_ASSERT(is_badge(spool_read(loaded, spool_count(loaded) - 1), 7, false));
        torn += !is_whole;
        spool_close(loaded);
    }
    CU_ASSERT(torn > 100);
    free(whole.data);
}

static void test_an_end_torn_at_any_byte_is_none(void)
{
    write_spool();
    spool_close(spool);
    struct bytes whole = bytes_of_file(path);
    size_t at = slots_of(&whole) + (size_t)4 * SLOT_BYTES + BADGE_BYTES + WORD_BYTES;
    for (size_t there = 0; there < END_BYTES; there++) {
        unsigned char its[END_BYTES] = {0};
        memcpy(its, whole.data + at, there);
        bool is_whole = memcmp(its, whole.data + at, sizeof its) == 0;
        put_bytes(at, its, sizeof its);
        struct spool *loaded = load_usable();
        CU_ASSERT_EQUAL(spool_count(loaded), BADGES_MAX);
        CU_ASSERT_EQUAL(spool_torn(loaded), !is_whole);
        CU_ASSERT(is_badge(spool_read(loaded, 4), 4, is_whole));
        spool_close(loaded);
    }
    free(whole.data);
}

/* A commit word that somebody zeroed says that its record was never there; but what follows it, or
 * the end of the run, says that it was. */
static void check_without_word(size_t at, uint64_t count)
{
    const uint64_t none = 0;
    struct bytes whole = bytes_of_file(path);
    size_t place = slots_of(&whole) + at;
    put_bytes(place, &none, sizeof none);
    struct spool *loaded = load_usable();
    CU_ASSERT(spool_torn(loaded) == 1 && spool_count(loaded) == count);
    spool_close(loaded);
    put_bytes(place, whole.data + place, sizeof none);
    free(whole.data);
}

static void test_a_zeroed_commit_word_is_noticed(void)
{
    enum { OPENED_AT = BADGE_BYTES, CLOSED_AT = SLOT_BYTES - WORD_BYTES };
    write_spool();
    spool_close(spool);
    check_without_word((size_t)3 * SLOT_BYTES + OPENED_AT, BADGES_MAX - 1);
    write_finished_spool();
    for (size_t number = 0; number < BADGES_MAX; number++)
        check_without_word(number * SLOT_BYTES + CLOSED_AT, BADGES_MAX);
}

/* ---- cut files ---- */

static void check_cut(size_t size, size_t slots)
{
    struct spool *loaded;
    enum exit_code code;
    enum spool_found found = load(&loaded, &code);
    if (size < slots) { /* counts and facts lie before the badges */
        CU_ASSERT(found == SPOOL_EMPTY && code == EXIT_BAD_INPUT);
        return;
    }
    CU_ASSERT_EQUAL_FATAL(found, SPOOL_USABLE);
    uint64_t whole = (size - slots) / SLOT_BYTES;
    CU_ASSERT_EQUAL_FATAL(spool_count(loaded), whole);
    CU_ASSERT(spool_missing(loaded) == BADGES_MAX - whole && spool_torn(loaded) == 0);
    for (uint64_t number = 0; number < whole; number++)
        CU_ASSERT(is_badge(spool_read(loaded, number), number, number % 2 == 0));
    spool_close(loaded);
}

static void test_a_cut_file_has_what_lies_before_the_cut(void)
{
    write_spool();
    spool_close(spool);
    struct bytes whole = bytes_of_file(path);
    size_t slots = slots_of(&whole);
    for (size_t size = whole.size; size-- > 0;) {
        CU_ASSERT_EQUAL(truncate(path, (off_t)size), 0);
        check_cut(size, slots);
    }
    free(whole.data);
}

/* ---- hostile files ---- */

/* Each byte in turn is another one. Beside the word that counts losses, which others check, nothing
 * may be read that was not written. */
static void test_a_changed_byte_is_noticed(void)
{
    enum { LOST_AT = 64 };
    write_finished_spool();
    struct bytes whole = bytes_of_file(path);
    size_t refused = 0, left_out = 0, unnoticed = 0;
    for (size_t at = 0; at < whole.size; at++) {
        unsigned char changed = whole.data[at] ^ (unsigned char)(1U << at % 8);
        struct spool *loaded;
        enum exit_code code;
        put_bytes(at, &changed, 1);
        enum spool_found found = load(&loaded, &code);
        put_bytes(at, &whole.data[at], 1);
        if (found != SPOOL_USABLE) {
            CU_ASSERT_EQUAL(code, EXIT_BAD_INPUT);
            refused++;
            continue;
        }
        left_out += spool_torn(loaded);
        unnoticed += spool_torn(loaded) == 0;
        if (at >= LOST_AT + WORD_BYTES || at < LOST_AT)
            CU_ASSERT_EQUAL(spool_lost(loaded), 0);
        size_t text_bytes;
        CU_ASSERT_EQUAL(memcmp(spool_text(loaded, &text_bytes), text, sizeof text), 0);
        CU_ASSERT_EQUAL(memcmp(spool_facts(loaded, SPOOL_FINISHED), finished, FACTS_BYTES), 0);
        CU_ASSERT_EQUAL(((char *)spool_state(loaded))[at % STATE_BYTES], 'S');
        for (uint64_t place = 0; place < spool_count(loaded); place++) {
            struct badge badge = spool_read(loaded, place);
            uint64_t number = badge.sequence - 1013;
            CU_ASSERT(is_badge(badge, number, true) || is_badge(badge, number, false));
        }
        spool_close(loaded);
    }
    printf("%zu refused, %zu records left out, %zu bytes without meaning ", refused, left_out,
           unnoticed);
    CU_ASSERT(refused > 200 && left_out > 1000 && unnoticed > 0);
    free(whole.data);
}

/* Whoever knows how the checksums are made can claim anything; what is used as an index is checked
 * all the same. */
static void test_a_claim_with_a_right_checksum_is_checked(void)
{
    static const struct {
        uint32_t peer;
        int32_t key;
        uint32_t flags;
        uint16_t context;
        uint16_t boundary;
        uint16_t class;
        double time_s;
    } claims[] = {{NODES, 0, 0, 0, 0, 0, 1},
                  {0, -2, 0, 0, 0, 0, 1},
                  {0, 64, 0, 0, 0, 0, 1},
                  {0, 0, 1U << 31, 0, 0, 0, 1},
                  {0, 0, 0, CONTEXT_COUNT, 0, 0, 1},
                  {0, 0, 0, 0, BOUNDARY_COUNT, 0, 1},
                  {0, 0, 0, 0, 0, CLASS_COUNT, 1},
                  {0, 0, 0, 0, 0, 0, (double)NAN},
                  {0, 0, 0, 0, 0, 0, (double)INFINITY},
                  {0, 0, 0, 0, 0, 0, 1e300}};
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        open_spool(BADGES_MAX);
        struct badge badge = badge_of(0);
        badge.peer = claims[i].peer, badge.key = claims[i].key, badge.flags = claims[i].flags;
        badge.context = claims[i].context, badge.boundary = claims[i].boundary;
        badge.class = claims[i].class, badge.time_s = claims[i].time_s;
        sink.episode_opened(sink.self, 0, &badge);
        spool_close(spool);
        struct spool *loaded;
        enum exit_code code;
        CU_ASSERT_EQUAL(load(&loaded, &code), SPOOL_REFUSED);
        CU_ASSERT_EQUAL(code, EXIT_BAD_INPUT);
    }
}

static void test_other_files_are_no_spools(void)
{
    struct spool *loaded;
    enum exit_code code;
    (void)unlink(path);
    CU_ASSERT_EQUAL(load(&loaded, &code), SPOOL_REFUSED);
    bytes_to_file(path, (const unsigned char *)"", 0);
    CU_ASSERT_EQUAL(load(&loaded, &code), SPOOL_EMPTY);
    unsigned char other[4096];
    memset(other, 'x', sizeof other);
    bytes_to_file(path, other, sizeof other);
    CU_ASSERT_EQUAL(load(&loaded, &code), SPOOL_REFUSED);
    memset(other, 0, sizeof other); /* reserved, and nothing was stored */
    bytes_to_file(path, other, sizeof other);
    CU_ASSERT_EQUAL(load(&loaded, &code), SPOOL_EMPTY);
}

/* ---- no room ---- */

static void test_no_folder_and_a_name_that_is_taken(void)
{
    struct failure failure = {EXIT_DONE, ""};
    struct spool_setup setup = {.badges_max = 1, .nodes = 1, .path = "/tmp/absent/node_A.spool"};
    CU_ASSERT_PTR_NULL(spool_open(&setup, &failure));
    CU_ASSERT_EQUAL(failure.code, EXIT_CANNOT_CREATE);
    CU_ASSERT(strstr(failure.text, "/tmp/absent/node_A.spool: open: No such file") != NULL);
    open_spool(1);
    spool_close(spool);
    failure = (struct failure){EXIT_DONE, ""};
    setup.path = path;
    CU_ASSERT_PTR_NULL(spool_open(&setup, &failure));
    CU_ASSERT_EQUAL(failure.code, EXIT_CANNOT_CREATE);
    spool_close(load_usable()); /* what stood there stands there */
}

/* No file may grow beyond the limit, as on a full disk. */
static void test_no_room_leaves_no_file(void)
{
    (void)unlink(path);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {100000, RLIM_INFINITY};
        struct failure failure = {EXIT_DONE, ""};
        struct spool_setup setup = {.badges_max = 10000, .nodes = 1, .path = path};
        (void)signal(SIGXFSZ, SIG_IGN);
        bool told = setrlimit(RLIMIT_FSIZE, &limit) == 0 && spool_open(&setup, &failure) == NULL &&
                    failure.code == EXIT_WRITE_FAILED && strstr(failure.text, path) != NULL &&
                    strstr(failure.text, "posix_fallocate: File too large") != NULL;
        _exit(told ? 0 : 1);
    }
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT(!file_exists(path));
}

/* ---- kill -9 ---- */

/* What the writer says it has committed, in memory that outlives it. */
struct promises {
    _Atomic uint64_t opened;
    _Atomic uint64_t closed;
};

static _Noreturn void write_for_ever(struct promises *promises, uint64_t badges_max)
{
    struct failure failure = {EXIT_DONE, ""};
    struct spool_setup setup = {
        .node = NODE, .nodes = NODES, .badges_max = badges_max, .path = path};
    spool = spool_open(&setup, &failure);
    if (spool == NULL)
        _exit(1);
    sink = spool_sink(spool);
    for (uint64_t number = 0; number < badges_max; number++) {
        emit(number);
        promises->opened = number + 1;
        if (number < 3)
            continue;
        end(number - 3);
        promises->closed = number - 2;
    }
    for (;;)
        (void)pause();
}

/* Every other time by the clock, which also meets the opening; else in the middle of writing. */
static void wait_for_moment(const struct promises *promises, uint64_t badges_max, uint64_t draw)
{
    enum { LONGEST_US = 12000 };
    if (draw % 2 == 0) {
        (void)usleep((useconds_t)(draw / 2 % LONGEST_US));
        return;
    }
    while (promises->opened < draw / 2 % badges_max)
        (void)sched_yield();
}

static void kill_once(struct promises *promises, uint64_t badges_max, uint64_t draw)
{
    promises->opened = promises->closed = 0;
    (void)unlink(path);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        write_for_ever(promises, badges_max);
    wait_for_moment(promises, badges_max, draw);
    CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);
}

static void test_killed_at_any_moment(void)
{
    enum { ROUNDS = 100, ROOM = 20000 };
    const char *more = getenv("MPIDRIFT_KILLS");
    long rounds = more != NULL ? strtol(more, NULL, 10) : ROUNDS;
    struct promises *promises =
        mmap(NULL, sizeof *promises, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_PTR_NOT_EQUAL_FATAL(promises, MAP_FAILED);
    uint64_t state = 1, records = 0, lost = 0, torn = 0, wrong = 0, empty = 0;
    for (long round = 0; round < rounds; round++) {
        kill_once(promises, ROOM, sample_random(&state));
        struct spool *loaded;
        enum exit_code code;
        enum spool_found found = file_exists(path) ? load(&loaded, &code) : SPOOL_EMPTY;
        CU_ASSERT_NOT_EQUAL(found, SPOOL_REFUSED);
        if (found != SPOOL_USABLE) {
            lost += promises->opened;
            empty++;
            continue;
        }
        uint64_t count = spool_count(loaded);
        lost += count < promises->opened ? promises->opened - count : 0;
        torn += spool_torn(loaded);
        for (uint64_t number = 0; number < count; number++) {
            struct badge found_badge = spool_read(loaded, number);
            bool has_end = is_badge(found_badge, number, true);
            wrong += !has_end && !is_badge(found_badge, number, false);
            lost += !has_end && number < promises->closed;
        }
        records += count;
        spool_close(loaded);
    }
    printf(
        "%ld kills, %llu before the first record; %llu records: %llu lost, %llu torn, %llu wrong ",
        rounds, (unsigned long long)empty, (unsigned long long)records, (unsigned long long)lost,
        (unsigned long long)torn, (unsigned long long)wrong);
    CU_ASSERT(records > 1000);
    CU_ASSERT(lost == 0 && torn == 0 && wrong == 0);
    (void)munmap(promises, sizeof *promises);
}

/* ---- the folder ---- */

static void test_one_of_all_takes_the_mark(void)
{
    struct failure failure = {EXIT_DONE, ""};
    char folder[SPOOL_PATH_BYTES], mark[SPOOL_PATH_BYTES], node[SPOOL_PATH_BYTES];
    char run[128];
    (void)snprintf(run, sizeof run, "%s/run.h5", directory);
    spool_directory_beside(run, folder);
    CU_ASSERT_STRING_EQUAL(folder + strlen(directory), "/run.spool");
    CU_ASSERT(spool_directory_make(folder, false, &failure) &&
              spool_directory_enter(folder, &failure));
    CU_ASSERT(!spool_directory_is_used(folder));
    spool_mark_path(folder, mark);
    CU_ASSERT(spool_mark_take(mark) && !spool_mark_take(mark));
    spool_path(folder, 27, node);
    CU_ASSERT_STRING_EQUAL(node + strlen(folder), "/node_AB.spool");
    bytes_to_file(node, (const unsigned char *)"x", 1);
    CU_ASSERT(spool_directory_is_used(folder));
    CU_ASSERT(!spool_directory_make(folder, false, &failure));
    CU_ASSERT_EQUAL(failure.code, EXIT_CANNOT_CREATE);
    spool_directory_leave(folder); /* a spool is in it: it stays */
    CU_ASSERT(file_exists(node));
    failure = (struct failure){EXIT_DONE, ""};
    CU_ASSERT(spool_directory_make(folder, true, &failure) && !file_exists(node));
    spool_directory_leave(folder);
    CU_ASSERT(!file_exists(folder));
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"everything comes back", test_everything_comes_back},
        {"nothing need be closed", test_nothing_need_be_closed},
        {"a spool is in use while it is open", test_a_spool_is_in_use_while_it_is_open},
        {"what did not fit survives as a count", test_what_did_not_fit_survives_as_a_count},
        {"a badge torn at any byte is left out", test_a_badge_torn_at_any_byte_is_left_out},
        {"an end torn at any byte is none", test_an_end_torn_at_any_byte_is_none},
        {"a zeroed commit word is noticed", test_a_zeroed_commit_word_is_noticed},
        {"a cut file has what lies before the cut", test_a_cut_file_has_what_lies_before_the_cut},
        {"a changed byte is noticed", test_a_changed_byte_is_noticed},
        {"a claim with a right checksum is checked", test_a_claim_with_a_right_checksum_is_checked},
        {"other files are no spools", test_other_files_are_no_spools},
        {"no folder, name taken: 73", test_no_folder_and_a_name_that_is_taken},
        {"no room: 74, and no file", test_no_room_leaves_no_file},
        {"killed at any moment", test_killed_at_any_moment},
        {"one of all takes the mark", test_one_of_all_takes_the_mark},
        CU_TEST_INFO_NULL,
    };
    if (mkdtemp(directory) == NULL)
        return EXIT_FAILURE;
    (void)snprintf(path, sizeof path, "%s/node.spool", directory);
    int result = cunit_main("spool in its file", tests);
    remove_directory(directory);
    return result;
}
