#include "made_run.h"

#include <stdlib.h>
#include <string.h>

/* write_made_run FILE NODES EPISODES_PER_NODE_S [mean=S] [busy=FACTOR] [stalled=SHARE]
 *                [observations=K] [cores=C] [mpidrift option...]
 * A run file with random episodes from the seed and repetition among mpidrift's options. */

static bool take_word(const char *word, struct made_run *run, struct made_poisson_setup *setup)
{
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
    else if (strncmp(word, "cores=", 6) == 0)
        run->cores = (uint32_t)number;
    else
        return false;
    return true;
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
    int first = 4;
    while (first < argc && take_word(argv[first], &run, &setup))
        first++;
    first--; /* stands for the program's name */
    if (config_read(&run.config, argc - first, argv + first, environment, &request, &failure))
        (void)write_run(argv[1], &run, &setup, &failure);
    if (failure.code != EXIT_DONE)
        (void)fprintf(stderr, "write_made_run: %s\n", failure.text);
    return (int)failure.code;
}
