/* What links do to a packet by its struct tern_offload: finish checksums, cut super-packets. The
 * machine does the same to what it sends over a link that cannot (core/segmentation.h); here it is
 * for links that simulate or record, which see whole packets of either direction. */
#ifndef TERN_LINK_OFFLOAD_H
#define TERN_LINK_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tern/tern.h>

#include "link/held.h"

/* Finishes a checksum that was left to the link: sums from checksum_start to the end, the
 * pseudo-header's sum included, which is in the field. A field outside the packet is left alone. */
void offload_finish_checksum(uint8_t *packet, size_t length, const struct tern_offload *offload);

/* Whether a packet, which begins with `first`, is a super-datagram. `offload` may be NULL. */
bool offload_is_super_datagram(const struct iovec *first, const struct tern_offload *offload);

/* Turns a packet into what a wire would see of it, appended to `out`: a super-packet cut, each
 * checksum finished. 0, or -ENOMEM with `out` unchanged. */
int offload_to_wire(const struct iovec *spans, int count, const struct tern_offload *offload,
                    struct held_queue *out);

#endif
