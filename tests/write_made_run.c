#include "made_run.h"

#include <stdlib.h>
#include <string.h>

/* write_made_run FILE NODES EPISODES_PER_NODE_S [mean=S] [busy=FACTOR] [stalled=SHARE]
 *                [observations=K] [cores=C] [trace=RATE] [mpidrift option...]
 * A run file with random episodes from the seed and repetition among mpidrift's options. With trace
 * each node writes so many versions per second, in turn; every peer has them after half a
 * millisecond. */

struct wanted {
    struct made_run *run;
    struct made_poisson_setup *setup;
    double writes_per_s; /* of each node; 0: no trace */
};

static bool take_word(const char *word, struct wanted *wanted)
{
    struct made_run *run = wanted->run;
    struct made_poisson_setup *setup = wanted->setup;
    const char *equals = strchr(word, '=');
    double number = equals != NULL ? strtod(equals + 1, NULL) : 0;
    if (word[0] == '-' || equals == NULL)
        return false;
    if (strncmp(word, "mean=", 5) == 0)
        setup->mean_s = number;
    else if (strncmp(word, "busy=", 5) == 0)
        setup->busy_factor = number;
    else if (strncmp(word, "stalled=", 8) == 0)
        setup->stalled_share = number;
    else if (strncmp(word, "observations=", 13) == 0)
        run->observations = (uint64_t)number;
    else if (strncmp(word, "trace=", 6) == 0)
        wanted->writes_per_s = number;
    else if (strncmp(word, "cores=", 6) == 0)
        run->cores = (uint32_t)number;
    else
        return false;
    return true;
}

/* Write w is made by node w % nodes at its place in the window; each node's events by time. */
static struct trace_event *make_trace(struct made_run *run, double writes_per_s)
{
    const double delay_s = 0.0005;
    double duration_s = run->config.duration_s;
    size_t writes = (size_t)(writes_per_s * run->nodes * duration_s), count = 0;
    struct trace_event *events = calloc(writes * run->nodes + 1, sizeof *events);
    if (events == NULL)
        abort();
    for (uint32_t node = 0; node < run->nodes; node++)
        for (size_t w = 0; w < writes; w++) {
            double at_s = duration_s * (double)w / (double)writes;
            uint32_t writer = (uint32_t)(w % run->nodes);
            bool is_write = writer == node;
            if (writer / made_group_nodes(run) != node / made_group_nodes(run))
                continue;
            events[count++] = (struct trace_event){
                .time_s = is_write ? at_s : at_s + delay_s,
                .sent_s = at_s,
                .version = w + 1,
                .sequence = w / run->nodes + 1,
                .node = node,
                .peer = writer,
                .kind = (uint16_t)(is_write ? BOUNDARY_SEND : BOUNDARY_UPDATE)};
        }
    run->trace = (struct made_trace){events, count, NULL};
    return events;
}

static bool write_run(const char *path, struct made_run *run, struct made_poisson_setup *setup,
                      struct failure *failure)
{
    const struct config *config = &run->config;
    setup->seed = config->seed * 1000003ULL + config->repetition * 1009ULL + run->nodes;
    struct made_poisson *poisson = made_poisson_create(run, setup);
    if (poisson == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory");
    run->source = made_poisson_source(poisson);
    bool done = made_run_write(run, path, failure);
    made_poisson_free(poisson);
    return done;
}

int main(int argc, char **argv)
{
    static char *environment[] = {NULL};
    struct failure failure = {EXIT_DONE, ""};
    enum config_request request;
    if (argc < 4) {
        (void)fprintf(stderr, "usage: write_made_run FILE NODES EPISODES_PER_NODE_S [KEY=NUMBER...]"
                              " [mpidrift option...]\n");
        return EXIT_BAD_USAGE;
    }
    struct made_run run = made_run_default((uint32_t)strtoul(argv[2], NULL, 10), 1);
    struct made_poisson_setup setup = {
        .episodes_per_node_s = strtod(argv[3], NULL), .mean_s = 0.002, .busy_factor = 1};
    struct wanted wanted = {&run, &setup, 0};
    int first = 4;
    while (first < argc && take_word(argv[first], &wanted))
        first++;
    first--; /* stands for the program's name */
    if (config_read(&run.config, argc - first, argv + first, environment, &request, &failure)) {
        struct trace_event *events =
            wanted.writes_per_s > 0 ? make_trace(&run, wanted.writes_per_s) : NULL;
        (void)write_run(argv[1], &run, &setup, &failure);
        free(events);
    }
    if (failure.code != EXIT_DONE)
        (void)fprintf(stderr, "write_made_run: %s\n", failure.text);
    return (int)failure.code;
}
