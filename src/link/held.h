/* A packet that a link keeps for later: a copy of its bytes and of what a link still has to do to
 * it. Only links that simulate or record hold packets; a device never does. */
#ifndef TERN_LINK_HELD_H
#define TERN_LINK_HELD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <tern/tern.h>

#include "core/drop.h"

struct held_packet {
    struct held_packet *next; /* in a queue */
    uint64_t due_ns;
    uint64_t order;        /* among packets that are due at the same time */
    enum drop_reason fate; /* where that is known */
    struct tern_offload offload;
    size_t length;
    uint8_t bytes[];
};

/* A copy of the packet, with neither due_ns, order nor fate; `offload` may be NULL. NULL when
 * memory is exhausted. free() ends it. */
struct held_packet *held_packet_new(const struct iovec *spans, int count,
                                    const struct tern_offload *offload);

/* First in, first out. Starts as {0}. */
struct held_queue {
    struct held_packet *first;
    struct held_packet *last;
    unsigned count;
};

void held_queue_append(struct held_queue *queue, struct held_packet *packet);
struct held_packet *held_queue_take(struct held_queue *queue); /* NULL when empty */
void held_queue_release(struct held_queue *queue);             /* frees what is in it */

static inline size_t spans_length(const struct iovec *spans, int count)
{
    size_t length = 0;
    for (int i = 0; i < count; i++)
        length += spans[i].iov_len;
    return length;
}

#endif
