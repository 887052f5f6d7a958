#include "analysis/comparison/run_clocks.h"

#include <math.h>
#include <string.h>

enum { MINOR_THAT_TELLS = 2 };

struct run_clocks run_clocks_begin(const struct run_reader *reader)
{
    return (struct run_clocks){.is_told = run_reader_minor(reader) >= MINOR_THAT_TELLS,
                               .class_uncertainty_s = {(double)NAN, (double)NAN}};
}

void run_clocks_add_node(struct run_clocks *clocks, const struct run_node *node)
{
    clocks->flags |= node->clock_flags;
    clocks->suspects += node->clock_suspect;
    if (node->messages_early == RUN_UNKNOWN)
        return;
    clocks->early += node->messages_early;
    clocks->impossible += node->messages_impossible;
}

enum pair_class run_clocks_class(const struct run_clocks *clocks, const struct run_node *a,
                                 const struct run_node *b)
{
    bool same =
        clocks->is_told ? a->host_first_rank == b->host_first_rank : strcmp(a->host, b->host) == 0;
    return same ? PAIRS_SAME_HOST : PAIRS_CROSS_HOST;
}

void run_clocks_add_pair(struct run_clocks *clocks, const struct run_node *nodes,
                         const struct run_pair *pair)
{
    if (pair->context != CONTEXT_MESSAGE_DELAY_EXCEEDED)
        return;
    enum pair_class class = run_clocks_class(clocks, &nodes[pair->node], &nodes[pair->peer]);
    clocks->delays[class] += pair->observations;
    clocks->beyond[class] += pair->beyond;
    if (clocks->is_told) /* fmax ignores NaN */
        clocks->class_uncertainty_s[class] =
            fmax(clocks->class_uncertainty_s[class], pair->clock_uncertainty_s);
}

double run_clocks_largest_s(const struct run_clocks *clocks)
{
    return fmax(clocks->class_uncertainty_s[PAIRS_SAME_HOST],
                clocks->class_uncertainty_s[PAIRS_CROSS_HOST]);
}
