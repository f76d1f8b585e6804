/* A pair of ends shares one object, which the last end to be closed frees. Each end owns the queue
 * of what has been sent to it. */
#include "link/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "link/held.h"
#include "link/offload.h"

struct memory_end {
    struct link link; /* first: a link is its end */
    struct memory_pair *pair;
    struct memory_end *other;
    struct held_queue arrived;
    bool open;
};

struct memory_pair {
    struct memory_end ends[2];
    unsigned queue_packets;
};

/* What the other end could not deliver, because this link cannot carry it. */
static int memory_check(const struct link *link, const struct iovec *first, size_t length,
                        const struct tern_offload *offload)
{
    bool super = offload && offload->segment_size > 0;
    uint32_t needed = offload_is_super_datagram(first, offload) ? TERN_LINK_USO : TERN_LINK_TSO;
    if (super && !(link->features & needed))
        return -EINVAL;
    if (offload && (offload->flags & TERN_OFFLOAD_CHECKSUM) &&
        !(link->features & TERN_LINK_CHECKSUM))
        return -EINVAL;
    return length > (super ? link->super_packet_max : link->mtu) ? -EMSGSIZE : 0;
}

static int memory_send(struct link *link, const struct iovec *spans, int count,
                       const struct tern_offload *offload, uint64_t now_ns)
{
    (void)now_ns;
    struct memory_end *end = (struct memory_end *)link;
    int error = memory_check(link, spans, spans_length(spans, count), offload);
    if (error)
        return error;
    if (!end->other->open)
        return 0;
    if (end->other->arrived.count >= end->pair->queue_packets)
        return -ENOBUFS;
    struct held_packet *packet = held_packet_new(spans, count, offload);
    if (!packet)
        return -ENOMEM;
    held_queue_append(&end->other->arrived, packet);
    return 0;
}

static int memory_poll(struct link *link, uint64_t now_ns, int budget, link_deliver *deliver,
                       void *machine)
{
    struct memory_end *end = (struct memory_end *)link;
    int delivered = 0;
    while (delivered < budget) {
        struct held_packet *packet = held_queue_take(&end->arrived);
        if (!packet)
            break;
        deliver(machine, packet->bytes, packet->length, &packet->offload, now_ns);
        free(packet);
        delivered++;
    }
    return delivered;
}

/* Something to deliver is due since it was sent: there is no descriptor that could tell. */
static uint64_t memory_deadline(const struct link *link)
{
    const struct memory_end *end = (const struct memory_end *)link;
    return end->arrived.count > 0 ? 0 : TIME_NEVER;
}

static int memory_descriptor(const struct link *link)
{
    (void)link;
    return -1;
}

static int memory_close(struct link *link)
{
    struct memory_end *end = (struct memory_end *)link;
    held_queue_release(&end->arrived);
    end->open = false;
    if (!end->other->open)
        free(end->pair);
    return 0;
}

static const struct link_operations memory_operations = {
    .send = memory_send,
    .poll = memory_poll,
    .deadline = memory_deadline,
    .descriptor = memory_descriptor,
    .close = memory_close,
};

int memory_link_pair(uint32_t mtu, uint32_t features, unsigned queue_packets, struct link *ends[2])
{
    struct memory_pair *pair = calloc(1, sizeof *pair);
    if (!pair)
        return -ENOMEM;
    pair->queue_packets = queue_packets;
    for (int i = 0; i < 2; i++) {
        pair->ends[i] = (struct memory_end){
            .link = {.operations = &memory_operations,
                     .mtu = mtu,
                     .features = features,
                     .super_packet_max =
                         features & (TERN_LINK_TSO | TERN_LINK_USO) ? LIMIT_SUPER_PACKET : 0},
            .pair = pair,
            .other = &pair->ends[1 - i],
            .open = true,
        };
        ends[i] = &pair->ends[i].link;
    }
    return 0;
}
