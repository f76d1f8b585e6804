#include "core/datagrams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct datagram {
    struct list link;
    struct datagram_info info;
    uint8_t bytes[];
};

static uint32_t true_size(const struct datagram *datagram)
{
    return (uint32_t)sizeof *datagram + datagram->info.length;
}

void datagrams_init(struct datagrams *datagrams, uint32_t receive_limit_bytes)
{
    memset(datagrams, 0, sizeof *datagrams);
    list_init(&datagrams->queue);
    datagrams->options.receive_limit_bytes = receive_limit_bytes;
}

static void remove_first(struct stack *stack, struct datagrams *datagrams)
{
    struct datagram *first = container_of(datagrams->queue.next, struct datagram, link);
    uint32_t size = true_size(first);
    list_remove(&first->link);
    datagrams->count--;
    datagrams->bytes -= size;
    stack_charge(stack, -(int64_t)size);
    free(first);
}

void datagrams_release(struct stack *stack, struct datagrams *datagrams)
{
    while (!list_empty(&datagrams->queue))
        remove_first(stack, datagrams);
}

static bool has_room(const struct datagrams *datagrams, uint32_t size)
{
    if (datagrams->count == 0)
        return true;
    return datagrams->count < LIMIT_DATAGRAMS_QUEUED &&
           datagrams->bytes < datagrams->options.receive_limit_bytes &&
           size <= datagrams->options.receive_limit_bytes - datagrams->bytes;
}

int datagrams_append(struct stack *stack, struct datagrams *datagrams,
                     const struct datagram_info *info, const struct iovec *spans, int count)
{
    uint32_t length = 0;
    for (int i = 0; i < count; i++)
        length += (uint32_t)spans[i].iov_len;
    uint32_t size = (uint32_t)sizeof(struct datagram) + length;
    if (!has_room(datagrams, size))
        return -ENOBUFS;
    struct datagram *datagram = malloc(size);
    if (!datagram)
        return -ENOMEM;
    datagram->info = *info;
    datagram->info.length = length;
    datagram->info.truncated = false;
    datagram->info.arrived_ns = stack->now_ns;
    uint8_t *to = datagram->bytes;
    for (int i = 0; i < count; i++) {
        if (spans[i].iov_len > 0)
            memcpy(to, spans[i].iov_base, spans[i].iov_len);
        to += spans[i].iov_len;
    }
    list_append(&datagrams->queue, &datagram->link);
    datagrams->count++;
    datagrams->bytes += size;
    stack_charge(stack, size);
    return 0;
}

/* Copies as much as the spans hold; returns how much that was. */
static uint32_t copy_out(const struct datagram *datagram, const struct iovec *spans, int count)
{
    uint32_t copied = 0;
    for (int i = 0; i < count && copied < datagram->info.length; i++) {
        uint32_t left = datagram->info.length - copied;
        uint32_t taken = spans[i].iov_len < left ? (uint32_t)spans[i].iov_len : left;
        if (taken > 0)
            memcpy(spans[i].iov_base, datagram->bytes + copied, taken);
        copied += taken;
    }
    return copied;
}

ssize_t datagrams_receive(struct stack *stack, struct datagrams *datagrams,
                          const struct iovec *spans, int count, int flags,
                          struct datagram_info *info)
{
    int error = datagrams_error(datagrams, true);
    if (error)
        return -error;
    if (datagrams->count == 0)
        return datagrams->receive_closed ? 0 : -EAGAIN;
    const struct datagram *first = container_of(datagrams->queue.next, struct datagram, link);
    uint32_t length = first->info.length;
    uint32_t copied = copy_out(first, spans, count);
    if (info) {
        *info = first->info;
        info->truncated = copied < length;
    }
    if (!(flags & MSG_PEEK))
        remove_first(stack, datagrams);
    return flags & MSG_TRUNC ? length : copied;
}

unsigned datagrams_readiness(const struct datagrams *datagrams)
{
    unsigned events = POLLOUT;
    if (datagrams->count > 0)
        events |= POLLIN;
    if (datagrams->error)
        events |= POLLERR;
    if (datagrams->receive_closed)
        events |= POLLIN | POLLRDHUP;
    if (datagrams->receive_closed && datagrams->send_closed)
        events |= POLLHUP;
    return events;
}

int datagrams_error(struct datagrams *datagrams, bool clear)
{
    int error = datagrams->error;
    if (clear)
        datagrams->error = 0;
    return error;
}

uint32_t datagrams_next_length(const struct datagrams *datagrams)
{
    if (datagrams->count == 0)
        return 0;
    return container_of(datagrams->queue.next, struct datagram, link)->info.length;
}
