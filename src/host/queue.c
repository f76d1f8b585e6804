/* Taking in packets where several stacks are over one device: what has come by our queue and is
 * ours, and what has come by another's and was handed over. */
#include <stdlib.h>
#include <string.h>

#include "host/internal.h"

static enum drop_reason take_in(struct driver *d, const void *packet, size_t length,
                                const struct tern_offload *offload, uint64_t now_ns)
{
    d->look.taken++;
    return stack_input(stack_of(d), d->t->interface, packet, length, offload, now_ns);
}

/* The same for one that the link has just read: its text may be elsewhere. */
static enum drop_reason take_in_from_link(struct driver *d, const void *packet, size_t length,
                                          const struct tern_offload *offload, uint64_t now_ns)
{
    d->t->interface->text = d->link->text;
    enum drop_reason reason = take_in(d, packet, length, offload, now_ns);
    d->t->interface->text = NULL;
    return reason;
}

static enum drop_reason refuse(struct driver *d, const void *packet, size_t length,
                               const struct tern_offload *offload)
{
    struct iovec span = {.iov_len = length};
    memcpy(&span.iov_base, &packet, sizeof packet); /* iovec has no const; tracers only read */
    return stack_drop(stack_of(d), DROP_HANDED_OVER, &span, 1, offload);
}

enum drop_reason queue_deliver(struct driver *d, const void *packet, size_t length,
                               const struct tern_offload *offload, uint64_t now_ns)
{
    if (!d->member)
        return take_in_from_link(d, packet, length, offload, now_ns);
    switch (group_route(d->member, d->t->interface, packet, length, offload)) {
    case GROUP_HANDED_OVER:
        stack_count(stack_of(d), COUNTER_QueueHandedOver);
        return DROP_NONE;
    case GROUP_REFUSED:
        return refuse(d, packet, length, offload);
    case GROUP_OURS:
        break;
    }
    return take_in(d, packet, length, offload, now_ns);
}

bool queue_take_over(struct driver *d, uint64_t now_ns, int budget)
{
    struct held_packet *packet = NULL;
    while (d->member && budget-- > 0 && (packet = group_take(d->member)) != NULL) {
        take_in(d, packet->bytes, packet->length, &packet->offload, now_ns);
        free(packet);
    }
    return packet != NULL;
}
