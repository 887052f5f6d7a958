#ifndef MPIDRIFT_BOOKS_H
#define MPIDRIFT_BOOKS_H

#include "record/run_file.h"

/* What must add up when a run is over:
 *
 *   of each link   attempted = sent + suppressed, received + dropped <= sent   (by each node)
 *   of all links   sent = received + dropped + in flight
 *   of each node   badges emitted = in the file + lost
 *
 * Dropped is what the declared network lost, or had no room for. A book with an unknown entry, as
 * in a run that died, is not judged. */
struct books {
    uint64_t links_wrong;
    uint64_t nodes_wrong;      /* whose badges do not add up */
    int64_t messages_too_many; /* received, dropped and in flight, beyond those sent */
    bool links_known;          /* whether the links' books are all there */
};

/* `links_wrong` as the nodes counted, or RUN_UNKNOWN. */
struct books books_of_run(const struct run_node *rows, uint32_t nodes, uint64_t links_wrong);

bool books_balance(const struct books *books);
/* "balanced", "badges balanced, links unknown", or what does not add up. */
void books_text(const struct books *books, char text[160]);

#endif
