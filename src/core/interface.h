/* An interface: the machine's side of a link, with its addresses, its MTU and what its link can do
 * for us. */
#ifndef TERN_CORE_INTERFACE_H
#define TERN_CORE_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <tern/tern.h>

#include "base/address.h"
#include "base/limits.h"
#include "core/packet.h"

struct stack;

struct interface_address {
    struct address address;
    unsigned prefix_bits; /* of the subnet; for IPv4 of 32 */
};

struct interface {
    struct stack *stack;
    /* Takes one packet, whole or, with offload->segment_size, a super-packet the link will cut. 0,
     * or a negative errno when it could not take it: -ENOBUFS when it may later. Never calls back
     * into the stack. */
    int (*transmit)(void *link, const struct iovec *spans, int count,
                    const struct tern_offload *offload);
    void *link;
    /* Set around stack_input by whoever has read the text of a TCP segment to somewhere else than
     * behind its headers (stack->place): where it is. Its checksum is good, and it is no fragment.
     * NULL: the packet is in one piece. */
    const uint8_t *text;
    uint32_t mtu;
    uint32_t features;         /* TERN_LINK_… */
    uint32_t super_packet_max; /* bytes of IP packet that transmit takes with TERN_LINK_TSO, _USO */
    uint32_t big_packet_max;   /* the same to `kernel`, of TCP, if that is more */
    struct address kernel;     /* this host's own, at the other end of the link */
    bool gro; /* the other end joins segments: the last of what goes at once gets PSH, for which it
                 may wait */
    bool keeps_whole; /* what it could cut it never does: it leads to ourselves */
    unsigned address_count;
    struct interface_address addresses[LIMIT_INTERFACE_ADDRESSES];
};

/* Adds an address, and the route to its subnet: 0, -EINVAL (prefix), -EEXIST, -ENOSPC. */
int interface_add_address(struct interface *interface, const struct address *address,
                          unsigned prefix_bits);
bool interface_owns(const struct interface *interface, const struct address *address);
/* Bytes of a super-segment's IP packet that may be handed to the link for `destination`. */
uint32_t interface_super_packet_max(const struct interface *interface,
                                    const struct address *destination);
/* Whether `address` is the directed broadcast address of one of the subnets (IPv4), or the limited
 * one. */
bool interface_is_broadcast(const struct interface *interface, const struct address *address);

/* Sends a packet whose headers are complete but for the transport checksum, in whose field the sum
 * over the pseudo-header stands, not complemented: finishes the checksum, or leaves it to a link
 * that can; hands a super-packet to a link that cuts, or cuts it here. The one place where either
 * happens. 0 or the link's negative errno. */
int interface_output(struct interface *interface, struct packet_out *packet);
/* The same for a packet that the link takes as it is: the step below, after any cutting. */
int interface_transmit(struct interface *interface, struct packet_out *packet);

#endif
