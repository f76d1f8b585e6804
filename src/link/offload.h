/* What links do to a packet by its struct tern_offload. */
#ifndef TERN_LINK_OFFLOAD_H
#define TERN_LINK_OFFLOAD_H

#include <stddef.h>
#include <stdint.h>

#include <tern/tern.h>

/* Finishes a checksum that was left to the link: sums from checksum_start to the end, the
 * pseudo-header's sum included, which is in the field. A field outside the packet is left alone. */
void offload_finish_checksum(uint8_t *packet, size_t length, const struct tern_offload *offload);

#endif
