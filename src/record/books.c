#include "record/books.h"

#include <inttypes.h>

struct books books_of_run(const struct run_node *rows, uint32_t nodes, uint64_t links_wrong)
{
    struct books books = {.links_known = links_wrong != RUN_UNKNOWN};
    for (uint32_t i = 0; i < nodes; i++) {
        const struct run_node *row = &rows[i];
        books.nodes_wrong += row->episodes != row->badges + row->badges_lost;
        books.messages_too_many +=
            (int64_t)(row->received + row->lost + row->overflowed + row->in_flight - row->sent);
        books.links_known = books.links_known && row->sent != RUN_UNKNOWN;
    }
    books.links_wrong = books.links_known ? links_wrong : 0;
    if (!books.links_known)
        books.messages_too_many = 0;
    return books;
}

bool books_balance(const struct books *books)
{
    return books->links_wrong == 0 && books->nodes_wrong == 0 && books->messages_too_many == 0;
}

void books_text(const struct books *books, char text[160])
{
    if (!books_balance(books))
        (void)snprintf(text, 160,
                       "do not balance: %" PRIu64 " links, %" PRIu64 " nodes' badges, %" PRId64
                       " messages too many",
                       books->links_wrong, books->nodes_wrong, books->messages_too_many);
    else
        (void)snprintf(text, 160, "%s",
                       books->links_known ? "balanced" : "badges balanced, links unknown");
}
