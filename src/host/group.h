/* Stacks over the queues of one device. Each has a thread, a lock and memory of its own, and none
 * looks into another's; what they share is this: a packet that has come to the wrong queue is
 * handed over to the stack that it belongs to (core/share.h).
 *
 * The kernel sends a flow's packets to the queue from which it has last seen a packet of that flow,
 * and forgets that after a while; then, and for a flow it has not seen yet, a hash of its own
 * chooses. So handing over is for the first packet of a flow and the first after a silence; but it
 * is what makes it right, whatever the kernel does. */
#ifndef TERN_HOST_GROUP_H
#define TERN_HOST_GROUP_H

#include "link/held.h"

struct group_member;
struct interface;

/* Makes `count` members, at least 2. 0, -ENOMEM, -EMFILE, -ENFILE, or what getrandom can say. */
int group_new(unsigned count, struct group_member **members);
/* The member is gone: what is or would be for it goes to the next. The last one takes the group
 * with it. */
void group_leave(struct group_member *self);
/* The same in the child of a fork, whose copy this is: closes the member's descriptor. */
void group_leave_child(struct group_member *self);

/* What the member's stack is told. */
const struct share *group_share(const struct group_member *self);

enum group_route {
    GROUP_OURS,        /* to be taken in here, if also elsewhere */
    GROUP_HANDED_OVER, /* another has it */
    GROUP_REFUSED,     /* it is another's, who cannot take it */
};
/* Sees to it that a packet that has come to the member's queue reaches whom it belongs to;
 * `interface` is that of its stack. For the member's thread alone. */
enum group_route group_route(struct group_member *self, const struct interface *interface,
                             const void *packet, size_t length, const struct tern_offload *offload);

/* What another has handed over, oldest first, to be freed; or NULL. Costs little while there is
 * nothing. For the member's thread alone. */
struct held_packet *group_take(struct group_member *self);
/* Readable while there is something to take. */
int group_descriptor(const struct group_member *self);

#endif
