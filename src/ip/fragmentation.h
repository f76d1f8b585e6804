/* Datagrams that depart in fragments, because they are larger than the way and may be cut (RFC 791
 * §3.2). The payload is not copied: each fragment points into the same spans. */
#ifndef TERN_IP_FRAGMENTATION_H
#define TERN_IP_FRAGMENTATION_H

#include "core/packet.h"
#include "core/stack.h"

/* Sends a packet whose IP header stands in front already. 0; -EMSGSIZE when the MTU leaves no room;
 * or the link's error at the first fragment it did not take: the rest would be of no use then. */
int fragmentation_output(struct stack *stack, struct interface *interface, uint32_t mtu,
                         struct packet_out *packet);

#endif
