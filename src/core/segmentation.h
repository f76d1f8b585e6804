/* The one software segmentation step: cuts a super-segment of TCP, or a super-datagram of UDP, into
 * packets that a link without TERN_LINK_TSO or TERN_LINK_USO can carry, just above the link. The
 * payload is not copied: each part points into the same spans. */
#ifndef TERN_CORE_SEGMENTATION_H
#define TERN_CORE_SEGMENTATION_H

#include "core/packet.h"

struct interface;

/* Cuts and transmits. 0 when the link took any of the parts; else its negative errno for the first.
 * Of a stream no part goes after one that was not taken, which will be sent again: what the
 * packet's payload has been shortened to is sent. Datagrams go each by itself, and what is not
 * taken is lost.
 */
int segmentation_output(struct interface *interface, struct packet_out *packet);

#endif
