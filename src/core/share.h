/* Stacks that have an address in common, as those over the queues of one device: which of them a
 * packet belongs to. Each can tell by the packet alone, at any time and whatever it has seen
 * before, and all say the same; so no flow is ever at two of them.
 *
 *   - A local port from LIMIT_SHARED_PORT on belongs to one stack, in turn: 32768 to the first,
 *     32769 to the second. Ephemeral ports are there, and who takes one gets all that is sent to
 *     it, whoever it is from. So it is with the identifiers of echo requests of ours.
 *   - On a port below, each flow belongs to one, by a keyed hash of both its endpoints (security
 *     rule 17): who listens on it in every stack spreads its connections.
 *   - What an ICMP error quotes tells whose it is.
 *   - A fragment tells too little, so all get it. When the datagram is whole, it tells. All also
 *     get what is for many, by broadcast or multicast.
 *   - What is nobody's in particular (an echo request, a protocol that nobody speaks) is dealt with
 *     by whoever it comes to. */
#ifndef TERN_CORE_SHARE_H
#define TERN_CORE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "core/endpoint.h"
#include "core/packet.h"

struct share {
    unsigned index, count; /* the index-th of `count`; of 0 or 1, it is alone */
    struct hash_key key;   /* the same in all of them */
};

/* Whose a packet is: an index, or */
enum {
    SHARE_ANY = LIMIT_QUEUES, /* whoever it comes to */
    SHARE_ALL,                /* everybody's */
};

/* Whose a packet is that arrives on `interface`, from its IP header on. One that is not sound is
 * SHARE_ANY. */
unsigned share_of_packet(const struct share *share, const struct interface *interface,
                         const void *packet, size_t length);

/* Whether a whole datagram that all have had as fragments is this stack's. */
bool share_owns_datagram(const struct share *share, const struct packet_in *datagram);
/* Whether all that is sent to this port, or to this identifier, comes to this stack. */
bool share_owns_port(const struct share *share, uint16_t port);
bool share_owns_identifier(const struct share *share, uint16_t identifier);
/* Whether what `remote` sends to `local` comes to this stack. */
bool share_owns_flow(const struct share *share, uint8_t protocol, const struct endpoint *local,
                     const struct endpoint *remote);

#endif
