/* The one software segmentation step: cuts a TCP super-segment into packets that a link without
 * TERN_LINK_TSO can carry, just above the link. The payload is not copied: each part points into
 * the same spans. */
#ifndef TERN_CORE_SEGMENTATION_H
#define TERN_CORE_SEGMENTATION_H

#include "core/packet.h"

struct interface;

/* Cuts and transmits. 0, or the link's negative errno at the first part it did not take; the rest
 * is not sent then. */
int segmentation_output(struct interface *interface, const struct packet_out *packet);

#endif
