/* What an observer has counted outlives it: brought back from its block, a dead observer tells what
 * it would have told had its window ended with its last event. */

#include "cunit_main.h"
#include "observe/observer.h"
#include "sample_run.h"

#include <math.h>
#include <string.h>

enum { NODES = 3, WINDOWS = 60, EVENTS = 3000 };
static const struct local_time START = {99}, BEGIN = {100}, END = {106};

static struct corridor corridor;
static const double pair_uncertainty_s[NODES] = {0, 1e-6, 1e-6};

static void ignore_opened(void *self, uint64_t number, const struct badge *badge)
{
    (void)self, (void)number, (void)badge;
}
static void ignore_closed(void *self, uint64_t number, const struct badge_end *end)
{
    (void)self, (void)number, (void)end;
}

static struct observer_setup setup_of(void *block)
{
    corridor = corridor_default();
    return (struct observer_setup){.nodes = NODES,
                                   .corridor = &corridor,
                                   .contexts = {true, true, true, true, true},
                                   .pair_uncertainty_s = pair_uncertainty_s,
                                   .windows = WINDOWS,
                                   .sink = {ignore_opened, ignore_closed, NULL},
                                   .block = block};
}

static struct observer *open_observer(void *block)
{
    struct failure failure = {EXIT_DONE, ""};
    struct observer_setup setup = setup_of(block);
    struct observer *observer = observer_create(&setup, &failure);
    CU_ASSERT_PTR_NOT_NULL_FATAL(observer);
    observer_set_window(observer, START, BEGIN, END);
    return observer;
}

static void *new_block(void)
{
    struct observer_setup setup = setup_of(NULL);
    void *block = calloc(1, observer_bytes(&setup));
    CU_ASSERT_PTR_NOT_NULL_FATAL(block);
    return block;
}

/* ---- a life ---- */

/* Some event of a node's life, from the warm-up to the drain; the same number is the same event. */
static struct boundary_event event_of(uint64_t number)
{
    static const enum measure measures[] = {
        MEASURE_DELAY_S, MEASURE_DELAY_S,         MEASURE_MISSING,    MEASURE_VERSION_GAP,
        MEASURE_SILENCE, MEASURE_HEARTBEAT_GAP_S, MEASURE_LATENESS_S, MEASURE_STALL_S};
    uint64_t state = number;
    uint64_t draw = sample_random(&state), value = sample_random(&state) % 1000;
    struct boundary_event event = {.measure =
                                       measures[draw % (sizeof measures / sizeof measures[0])],
                                   .at = {START.s + 8.0 * (double)number / EVENTS},
                                   .peer = 1 + (uint32_t)(draw >> 8) % (NODES - 1),
                                   .key = (int32_t)((draw >> 16) % 4)};
    event.phase = event.at.s < BEGIN.s ? PHASE_WARMUP
                  : event.at.s < END.s ? PHASE_WINDOW
                                       : PHASE_AFTER;
    bool counts = event.measure == MEASURE_MISSING || event.measure == MEASURE_VERSION_GAP;
    event.value = counts ? (double)(value % 7) - 4 : 2e-6 * (double)value;
    return event;
}

/* The events before `count`, then a look at the empty inbox, as each poll ends. */
static struct local_time live(struct observer *observer, uint64_t count)
{
    struct boundary boundary = observer_boundary(observer);
    struct boundary_event event = {.at = START};
    for (uint64_t number = 0; number < count; number++) {
        event = event_of(number);
        boundary_report(&boundary, &event);
    }
    event.measure = MEASURE_SILENCE;
    boundary_report(&boundary, &event);
    return event.at;
}

/* ---- the same told twice ---- */

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool totals_agree(const struct observer *a, const struct observer *b)
{
    struct observer_totals x = observer_totals(a), y = observer_totals(b);
    return x.messages_observed == y.messages_observed && x.episodes == y.episodes &&
           x.already_outside == y.already_outside && x.stalls == y.stalls &&
           x.longest_stall_s == y.longest_stall_s && same(x.first_drift_s, y.first_drift_s) &&
           x.outside_node_s == y.outside_node_s && observer_watched_s(a) == observer_watched_s(b);
}

static bool streams_agree(const struct observer *a, const struct observer *b)
{
    bool agree = true;
    for (uint32_t peer = 0; peer < NODES; peer++)
        for (enum context c = 0; c < CONTEXT_COUNT; c++) {
            struct stream_count x = observer_stream(a, peer, c), y = observer_stream(b, peer, c);
            agree = agree && x.observations == y.observations && x.beyond == y.beyond &&
                    x.episodes == y.episodes &&
                    same(x.already_outside_until_s, y.already_outside_until_s);
        }
    return agree;
}

static bool times_agree(const double *a, const double *b)
{
    bool agree = true;
    for (size_t i = 0; i < WINDOWS; i++)
        agree = agree && !(a[i] < b[i]) && !(a[i] > b[i]);
    return agree;
}

static bool windows_agree(const struct observer *a, const struct observer *b)
{
    const size_t counts = WINDOWS * sizeof(uint32_t);
    bool agree = times_agree(observer_node_outside_s(a), observer_node_outside_s(b));
    for (enum context c = 0; c < CONTEXT_COUNT; c++) {
        struct window_counts x = observer_windows(a, c), y = observer_windows(b, c);
        agree = agree && memcmp(x.observations, y.observations, counts) == 0 &&
                memcmp(x.beyond, y.beyond, counts) == 0 &&
                memcmp(x.episodes, y.episodes, counts) == 0 &&
                times_agree(x.outside_s, y.outside_s);
    }
    return agree;
}

static bool histograms_agree(const struct observer *a, const struct observer *b)
{
    bool agree = true;
    for (enum histogram_kind kind = 0; kind < HISTOGRAM_KINDS; kind++) {
        const struct histogram *x = observer_histogram(a, kind), *y = observer_histogram(b, kind);
        agree = agree && x->bins == y->bins && x->underflow == y->underflow &&
                x->overflow == y->overflow &&
                memcmp(x->counts, y->counts, x->bins * sizeof x->counts[0]) == 0;
    }
    return agree;
}

static struct observer *revive(void *block, enum exit_code *code)
{
    struct failure failure = {EXIT_DONE, ""};
    struct observer_setup setup = setup_of(block);
    setup.pair_uncertainty_s = NULL;
    struct observer *revived = observer_revive(&setup, &failure);
    *code = failure.code;
    return revived;
}

/* One observer dies after so many events, another ends its window there. */
static void die_after(uint64_t events)
{
    void *block = new_block();
    struct observer *dead = open_observer(block), *ended = open_observer(NULL);
    (void)live(dead, events);
    observer_free(dead); /* without observer_finish */
    struct boundary boundary = observer_boundary(ended);
    struct boundary_event end = {.measure = MEASURE_END, .at = live(ended, events)};
    boundary_report(&boundary, &end);
    observer_finish(ended);
    enum exit_code code;
    struct observer *revived = revive(block, &code);
    CU_ASSERT_EQUAL(code, EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(revived);
    CU_ASSERT(totals_agree(revived, ended));
    CU_ASSERT(streams_agree(revived, ended));
    CU_ASSERT(windows_agree(revived, ended));
    CU_ASSERT(histograms_agree(revived, ended));
    observer_free(revived);
    observer_free(ended);
    free(block);
}

static void test_death_at_any_event_is_an_early_end(void)
{
    for (uint64_t events = 0; events <= EVENTS; events += 7)
        die_after(events);
}

static void test_the_life_was_eventful(void)
{
    struct observer *observer = open_observer(NULL);
    (void)live(observer, EVENTS);
    observer_finish(observer);
    struct observer_totals totals = observer_totals(observer);
    CU_ASSERT(totals.episodes > 100 && totals.already_outside > 2 && totals.stalls > 50);
    CU_ASSERT(totals.outside_node_s > 1 && totals.messages_observed > 300);
    CU_ASSERT(observer_watched_s(observer) == 6);
    observer_free(observer);
}

static void test_one_that_had_finished_is_as_it_was(void)
{
    void *block = new_block();
    struct observer *finished = open_observer(block), *other = open_observer(NULL);
    (void)live(finished, EVENTS), (void)live(other, EVENTS);
    observer_finish(finished), observer_finish(other);
    observer_free(finished);
    enum exit_code code;
    struct observer *revived = revive(block, &code);
    CU_ASSERT_PTR_NOT_NULL_FATAL(revived);
    CU_ASSERT(totals_agree(revived, other) && streams_agree(revived, other));
    CU_ASSERT(windows_agree(revived, other) && histograms_agree(revived, other));
    observer_free(revived);
    observer_free(other);
    free(block);
}

static void test_without_a_window_nothing_was_watched(void)
{
    void *block = new_block();
    enum exit_code code;
    struct observer *revived = revive(block, &code);
    CU_ASSERT_PTR_NOT_NULL_FATAL(revived);
    CU_ASSERT(observer_watched_s(revived) == 0 && observer_totals(revived).episodes == 0);
    CU_ASSERT(isnan(observer_totals(revived).first_drift_s));
    observer_free(revived);
    free(block);
}

/* A message sent before the early end brings the stream back after it. */
static void test_time_outside_ends_with_the_window(void)
{
    struct observer *observer = open_observer(NULL);
    struct boundary boundary = observer_boundary(observer);
    struct boundary_event event = {
        .measure = MEASURE_DELAY_S, .phase = PHASE_WINDOW, .at = {101}, .peer = 1, .value = 1};
    boundary_report(&boundary, &event);
    boundary_report(&boundary, &(struct boundary_event){.measure = MEASURE_END, .at = {103}});
    event.at.s = 104;
    event.value = 0;
    boundary_report(&boundary, &event);
    double outside_s = 0;
    struct window_counts counts = observer_windows(observer, CONTEXT_MESSAGE_DELAY_EXCEEDED);
    for (size_t i = 0; i < WINDOWS; i++)
        outside_s += counts.outside_s[i];
    CU_ASSERT(fabs(outside_s - 2) < 1e-9);
    CU_ASSERT_EQUAL(observer_watched_s(observer), 3);
    observer_free(observer);
}

/* ---- blocks that somebody else wrote ---- */

/* Each word in turn is another one: never a crash; and what is a sum of others is refused. */
static void test_what_contradicts_itself_is_refused(void)
{
    void *block = new_block();
    struct observer_setup setup = setup_of(block);
    size_t words = observer_bytes(&setup) / sizeof(uint32_t), refused = 0;
    struct observer *dead = open_observer(block);
    (void)live(dead, EVENTS / 2);
    observer_free(dead);
    uint32_t *copy = calloc(words, sizeof *copy);
    for (size_t word = 0; word < words; word++) {
        memcpy(copy, block, words * sizeof *copy);
        copy[word] += 1000000;
        enum exit_code code;
        struct observer *revived = revive(copy, &code);
        refused += code == EXIT_BAD_INPUT;
        CU_ASSERT((revived == NULL) == (code == EXIT_BAD_INPUT));
        observer_free(revived);
    }
    printf("%zu of %zu words refused ", refused, words);
    size_t counts = (size_t)WINDOWS * CONTEXT_COUNT * 3;
    CU_ASSERT(refused > counts); /* all counts of windows, and more */
    for (size_t word = words - counts; word < words; word += 31) {
        memcpy(copy, block, words * sizeof *copy);
        copy[word] += 2;
        enum exit_code code;
        CU_ASSERT_PTR_NULL(revive(copy, &code));
        copy[word] -= 1; /* the one event that may stand in one sum only */
        struct observer *revived = revive(copy, &code);
        CU_ASSERT_PTR_NOT_NULL(revived);
        observer_free(revived);
    }
    free(copy);
    free(block);
}

static void test_noise_is_no_crash(void)
{
    void *block = new_block();
    struct observer_setup setup = setup_of(block);
    size_t bytes = observer_bytes(&setup);
    uint64_t state = 5;
    for (int round = 0; round < 200; round++) {
        struct observer *dead = open_observer(block);
        (void)live(dead, EVENTS / 3);
        observer_free(dead);
        for (uint64_t hits = sample_random(&state) % 64 + 1; hits > 0; hits--)
            ((unsigned char *)block)[sample_random(&state) % bytes] =
                (unsigned char)sample_random(&state);
        enum exit_code code;
        struct observer *revived = revive(block, &code);
        if (revived != NULL)
            CU_ASSERT(observer_watched_s(revived) >= 0);
        observer_free(revived);
        memset(block, 0, bytes);
    }
    free(block);
}

int main(void)
{
    const CU_TestInfo tests[] = {
        {"death at any event is an early end", test_death_at_any_event_is_an_early_end},
        {"the life was eventful", test_the_life_was_eventful},
        {"one that had finished is as it was", test_one_that_had_finished_is_as_it_was},
        {"time outside ends with the window", test_time_outside_ends_with_the_window},
        {"without a window nothing was watched", test_without_a_window_nothing_was_watched},
        {"what contradicts itself is refused", test_what_contradicts_itself_is_refused},
        {"noise is no crash", test_noise_is_no_crash},
        CU_TEST_INFO_NULL,
    };
    return cunit_main("observer in its block", tests);
}
