#include "analysis/recovery/opened_spool.h"

#include <math.h>
#include <string.h>

/* Beyond it a date has other digits. */
static const double YEAR_10000_S = 253402300800;

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* A line that clocks could take. */
static bool model_is_sane(const struct clock_model *model)
{
    return seconds_are_possible(model->at.s) && seconds_are_possible(model->offset_s) &&
           fabs(model->rate) < 0.5 && model->contradicted <= 1;
}

static bool facts_are_sane(const struct run_facts *run, const struct node_facts *facts,
                           uint32_t node)
{
    const struct run_node *row = &facts->row;
    return row->node == node && row->group == node / run->group_nodes &&
           row->clock_domain < run->nodes && row->host_first_rank < run->nodes &&
           row->clock_suspect <= 1 && model_is_sane(&facts->model) &&
           seconds_are_possible(facts->begin_s) && seconds_are_possible(facts->t0_s) &&
           facts->begin_utc_s >= 0 && facts->begin_utc_s < YEAR_10000_S &&
           is_text(row->name, sizeof row->name) && is_text(row->host, sizeof row->host) &&
           is_text(row->binding, sizeof row->binding);
}

/* The facts that were committed last. A node without any had not come to its window. */
static bool take_facts(const struct run_facts *run, struct opened_spool *opened)
{
    const void *facts = spool_facts(opened->spool, SPOOL_FINISHED);
    opened->is_finished = facts != NULL;
    if (facts == NULL)
        facts = spool_facts(opened->spool, SPOOL_PLANNED);
    if (facts == NULL || spool_facts_bytes(opened->spool) != sizeof opened->facts)
        return false;
    memcpy(&opened->facts, facts, sizeof opened->facts);
    return facts_are_sane(run, &opened->facts, opened->node);
}

static bool revive_trace(const struct run_facts *run, const struct observer_setup *observer,
                         struct opened_spool *opened, struct failure *failure)
{
    struct trace_setup setup = {.node = opened->node,
                                .first_rank = opened->node - observer->self,
                                .capacity = run->trace_capacity,
                                .block = state_of_trace(spool_state(opened->spool), observer)};
    if (!run->has_trace)
        return true;
    opened->trace =
        trace_revive(&setup, run->group_nodes, observer_watched_s(opened->observer), failure);
    return opened->trace != NULL;
}

static bool revive(const struct run_facts *run, struct opened_spool *opened,
                   struct failure *failure)
{
    struct corridor corridor = corridor_default();
    memcpy(corridor.limit, run->limit, sizeof corridor.limit);
    struct observer_setup setup = {.node = opened->node,
                                   .self = opened->node % run->group_nodes,
                                   .nodes = run->group_nodes,
                                   .corridor = &corridor,
                                   .windows = run->windows,
                                   .block = spool_state(opened->spool)};
    if (spool_state_bytes(opened->spool) != state_bytes(run, &setup))
        return failure_set(failure, EXIT_BAD_INPUT, "what it counted has another size");
    opened->observer = observer_revive(&setup, failure);
    return opened->observer != NULL && revive_trace(run, &setup, opened, failure);
}

struct node_view opened_spool_view(const struct opened_spool *opened, const struct run_facts *run)
{
    return (struct node_view){run, &opened->facts, opened->observer, opened->spool, opened->trace};
}

void opened_spool_close(struct opened_spool *opened)
{
    trace_free(opened->trace);
    observer_free(opened->observer);
    spool_close(opened->spool);
}

bool spool_is_damaged(const char *path, const char *why, struct failure *failure)
{
    return failure_set(failure, EXIT_BAD_INPUT,
                       "%s is damaged: %s; without it the others can be recovered", path, why);
}

bool opened_spool_open(struct opened_spool *opened, struct spool *spool, const char *path,
                       const struct run_facts *run, struct failure *failure)
{
    struct failure why = {EXIT_DONE, ""};
    *opened = (struct opened_spool){.spool = spool, .node = spool_node(spool)};
    if (!take_facts(run, opened))
        (void)failure_set(&why, EXIT_BAD_INPUT, "its facts cannot be");
    else
        (void)revive(run, opened, &why);
    if (why.code == EXIT_DONE)
        return true;
    opened_spool_close(opened);
    return spool_is_damaged(path, why.text, failure);
}
