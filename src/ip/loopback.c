#include "ip/loopback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LOOPBACK_MTU = 65535 };

struct looped_packet {
    struct list link;
    struct tern_offload offload;
    uint32_t length;
    uint8_t bytes[];
};

static uint32_t true_size(const struct looped_packet *packet)
{
    return (uint32_t)sizeof *packet + packet->length;
}

static struct looped_packet *take_first(struct loopback *loopback)
{
    struct looped_packet *first = container_of(loopback->queue.next, struct looped_packet, link);
    list_remove(&first->link);
    loopback->packets--;
    loopback->bytes -= true_size(first);
    stack_charge(loopback->interface.stack, -(int64_t)true_size(first));
    return first;
}

/* The interface's transmit. Checksums need no finishing: nothing can damage the packet. */
static int enqueue(void *link, const struct iovec *spans, int count,
                   const struct tern_offload *offload)
{
    struct loopback *loopback = link;
    struct stack *stack = loopback->interface.stack;
    uint32_t length = 0;
    for (int i = 0; i < count; i++)
        length += (uint32_t)spans[i].iov_len;
    uint32_t size = (uint32_t)sizeof(struct looped_packet) + length;
    if (loopback->packets == LIMIT_LOOPBACK_PACKETS ||
        size > LIMIT_LOOPBACK_BYTES - loopback->bytes)
        return -ENOBUFS;
    struct looped_packet *packet = malloc(size);
    if (!packet)
        return -ENOMEM;
    packet->offload = *offload;
    packet->length = length;
    uint8_t *to = packet->bytes;
    for (int i = 0; i < count; i++) {
        memcpy(to, spans[i].iov_base, spans[i].iov_len);
        to += spans[i].iov_len;
    }
    list_append(&loopback->queue, &packet->link);
    loopback->packets++;
    loopback->bytes += size;
    stack_charge(stack, size);
    if (!timer_armed(&loopback->timer.timer))
        stack_arm(stack, &loopback->timer, stack->now_ns);
    return 0;
}

/* Delivers what has been queued so far. What that makes us send waits for the timer again, so that
 * two ends that answer each other take turns with everything else that is due. */
static void deliver(struct stack *stack, struct stack_timer *timer)
{
    struct loopback *loopback = container_of(timer, struct loopback, timer);
    for (uint32_t left = loopback->packets; left > 0; left--) {
        struct looped_packet *packet = take_first(loopback);
        stack_input(stack, &loopback->interface, packet->bytes, packet->length, &packet->offload,
                    stack->now_ns);
        free(packet);
    }
}

void loopback_init(struct loopback *loopback, struct stack *stack)
{
    memset(loopback, 0, sizeof *loopback);
    loopback->interface = (struct interface){.stack = stack,
                                             .transmit = enqueue,
                                             .link = loopback,
                                             .mtu = LOOPBACK_MTU,
                                             .features = TERN_LINK_CHECKSUM | TERN_LINK_TSO |
                                                         TERN_LINK_TSO_CWR | TERN_LINK_USO,
                                             .super_packet_max = LIMIT_SUPER_PACKET,
                                             .keeps_whole = true};
    loopback->timer.expired = deliver;
    timer_init(&loopback->timer.timer);
    list_init(&loopback->queue);
}

void loopback_release(struct loopback *loopback)
{
    stack_cancel(loopback->interface.stack, &loopback->timer);
    while (!list_empty(&loopback->queue))
        free(take_first(loopback));
}
