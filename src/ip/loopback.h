/* Packets from ourselves to ourselves: an interface whose link is a bounded queue, which a timer
 * delivers in the next stack_advance. The queue, and not a direct call, because the input of a
 * packet must not happen in the middle of whatever sent it. */
#ifndef TERN_IP_LOOPBACK_H
#define TERN_IP_LOOPBACK_H

#include "base/list.h"
#include "core/stack.h"

struct loopback {
    struct interface interface;
    struct stack_timer timer;
    struct list queue;
    uint32_t packets;
    uint32_t bytes; /* as charged */
};

void loopback_init(struct loopback *loopback, struct stack *stack);
void loopback_release(struct loopback *loopback);

#endif
