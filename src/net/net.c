#include "net/net.h"

#include <stdlib.h>

bool mailbox_open(struct mailbox *mailbox, const struct carrier_ops *ops, void *carrier,
                  uint32_t self, uint32_t nodes, struct failure *failure)
{
    *mailbox = (struct mailbox){.ops = ops,
                                .carrier = carrier,
                                .self = self,
                                .nodes = nodes,
                                .links = calloc(nodes, sizeof(struct link))};
    if (mailbox->links == NULL)
        return failure_set(failure, EXIT_INTERNAL, "no memory for the books of %u links", nodes);
    return true;
}

void mailbox_close(struct mailbox *mailbox)
{
    free(mailbox->links);
    mailbox->links = NULL;
}

void mailbox_send(struct mailbox *mailbox, uint32_t peer, struct message *message)
{
    struct link *link = &mailbox->links[peer];
    message->sequence = ++link->attempted;
    mailbox->attempted++;
    if (mailbox->ops->send(mailbox->carrier, peer, message))
        link->sent++;
    else
        link->suppressed++;
}

void mailbox_send_all(struct mailbox *mailbox, struct message *message)
{
    for (uint32_t step = 1; step < mailbox->nodes; step++)
        mailbox_send(mailbox, (mailbox->self + step) % mailbox->nodes, message);
}

static void note_look(struct mailbox *mailbox)
{
    const struct carrier_ops *ops = mailbox->ops;
    uint64_t looks = ops->looks != NULL ? ops->looks(mailbox->carrier) : mailbox->looks + 1;
    mailbox->is_new_look = looks != mailbox->looks;
    mailbox->looks = looks;
}

bool mailbox_receive(struct mailbox *mailbox, uint32_t *peer, struct message *message,
                     uint64_t *missing)
{
    if (!mailbox->ops->receive(mailbox->carrier, peer, message))
        return false;
    note_look(mailbox);
    struct link *link = &mailbox->links[*peer];
    link->received++;
    *missing = 0;
    if (message->sequence > link->sequence_seen) {
        *missing = message->sequence - link->sequence_seen - 1;
        link->sequence_seen = message->sequence;
    }
    return true;
}

struct link_totals mailbox_totals(const struct mailbox *mailbox)
{
    struct link_totals totals = {0};
    for (uint32_t peer = 0; peer < mailbox->nodes; peer++) {
        totals.attempted += mailbox->links[peer].attempted;
        totals.sent += mailbox->links[peer].sent;
        totals.suppressed += mailbox->links[peer].suppressed;
        totals.received += mailbox->links[peer].received;
        totals.lost += mailbox->links[peer].lost;
        totals.overflowed += mailbox->links[peer].overflowed;
    }
    return totals;
}
