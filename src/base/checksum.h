/* The Internet checksum (RFC 1071), incremental over any split of the data.
 *
 * Start from CHECKSUM_START, add pieces in wire order (odd lengths too), and finish. Vector code is
 * chosen at run time; every implementation gives the same sums. */
#ifndef TERN_BASE_CHECKSUM_H
#define TERN_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

struct checksum {
    uint64_t sum; /* of 16-bit words in memory order, not folded */
    unsigned odd; /* 1 when an odd number of bytes has been added */
};

#define CHECKSUM_START ((struct checksum){0, 0})

void checksum_add(struct checksum *c, const void *bytes, size_t length);
/* Adds one 16-bit or 32-bit value as it would stand on the wire. Only at an even offset. */
void checksum_add_u16(struct checksum *c, uint16_t host_order);
void checksum_add_u32(struct checksum *c, uint32_t host_order);

/* The folded sum, not complemented, in host order: what a link that finishes the checksum wants in
 * the field. */
uint16_t checksum_fold(const struct checksum *c);
/* The checksum for the header field, in host order: the complement of the folded sum. A correct
 * packet that is summed with its checksum field in place finishes at 0. */
uint16_t checksum_finish(const struct checksum *c);

#endif
