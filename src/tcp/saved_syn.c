#include "tcp/saved_syn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct saved_syn {
    uint32_t length;
    uint8_t bytes[];
};

static int64_t charge_of(const struct saved_syn *saved)
{
    return (int64_t)(sizeof *saved + saved->length);
}

struct saved_syn *saved_syn_keep(struct stack *stack, const struct packet_in *packet,
                                 const struct segment *segment)
{
    uint32_t length = packet->header_length + segment->header_length;
    struct saved_syn *saved = malloc(sizeof *saved + length);
    if (!saved)
        return NULL;
    saved->length = length;
    memcpy(saved->bytes, packet->header, packet->header_length);
    memcpy(saved->bytes + packet->header_length, packet->payload, segment->header_length);
    stack_charge(stack, charge_of(saved));
    return saved;
}

void saved_syn_release(struct stack *stack, struct saved_syn **saved)
{
    if (!*saved)
        return;
    stack_charge(stack, -charge_of(*saved));
    free(*saved);
    *saved = NULL;
}

int saved_syn_read(struct tcb *tcb, void *value, socklen_t *length)
{
    const struct saved_syn *saved = tcb->saved_syn;
    socklen_t room = *length;
    *length = saved ? saved->length : 0;
    if (!saved)
        return 0;
    if (room < saved->length)
        return -EINVAL;
    memcpy(value, saved->bytes, saved->length);
    saved_syn_release(tcb->stack, &tcb->saved_syn);
    return 0;
}
