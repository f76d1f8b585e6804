/* The one software segmentation step: cuts a TCP super-segment into packets that a link without
 * TERN_LINK_TSO can carry, just above the link. The payload is not copied: each part points into
 * the same spans. */
#ifndef TERN_CORE_SEGMENTATION_H
#define TERN_CORE_SEGMENTATION_H

#include "core/packet.h"

struct interface;

/* Cuts and transmits, up to the first part that the link does not take. If that is the very first,
 * the link's negative errno; else 0, and what the packet's payload has been shortened to is sent.
 */
int segmentation_output(struct interface *interface, struct packet_out *packet);

#endif
