/* The memory link: two ends in one process, each of which receives what the other sends, in order,
 * at once. */
#ifndef TERN_LINK_MEMORY_H
#define TERN_LINK_MEMORY_H

#include "link/link.h"

/* Makes a pair of ends with this MTU and these features (TERN_LINK_…): 0 or -ENOMEM. Each is closed
 * on its own; what is sent to a closed end is lost. Packets in flight are limited to
 * `queue_packets` a direction; the link is full beyond
 * (-ENOBUFS). */
int memory_link_pair(uint32_t mtu, uint32_t features, unsigned queue_packets, struct link *ends[2]);

#endif
