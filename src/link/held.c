#include "link/held.h"

#include <stdlib.h>
#include <string.h>

struct held_packet *held_packet_new(const struct iovec *spans, int count,
                                    const struct tern_offload *offload)
{
    size_t length = spans_length(spans, count);
    struct held_packet *packet = malloc(sizeof *packet + length);
    if (!packet)
        return NULL;
    *packet = (struct held_packet){.length = length};
    if (offload)
        packet->offload = *offload;

    uint8_t *next = packet->bytes;
    for (int i = 0; i < count; i++) {
        if (spans[i].iov_len > 0)
            memcpy(next, spans[i].iov_base, spans[i].iov_len);
        next += spans[i].iov_len;
    }
    return packet;
}

void held_queue_append(struct held_queue *queue, struct held_packet *packet)
{
    packet->next = NULL;
    if (queue->last)
        queue->last->next = packet;
    else
        queue->first = packet;
    queue->last = packet;
    queue->count++;
}

struct held_packet *held_queue_take(struct held_queue *queue)
{
    struct held_packet *packet = queue->first;
    if (!packet)
        return NULL;
    queue->first = packet->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    return packet;
}

void held_queue_release(struct held_queue *queue)
{
    for (struct held_packet *packet; (packet = held_queue_take(queue)) != NULL;)
        free(packet);
}
