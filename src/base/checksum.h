/* The Internet checksum (RFC 1071), incremental over any split of the data.
 *
 * Start from CHECKSUM_START, add pieces in wire order (odd lengths too), and finish. Vector code is
 * chosen at run time; every implementation gives the same sums. */
#ifndef TERN_BASE_CHECKSUM_H
#define TERN_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/checksum_sums.h"

struct checksum {
    uint64_t sum; /* of 16-bit words in memory order, not folded */
    unsigned odd; /* 1 when an odd number of bytes has been added */
};

#define CHECKSUM_START ((struct checksum){0, 0})

void checksum_add(struct checksum *c, const void *bytes, size_t length);
/* Adds one 16-bit or 32-bit value as it would stand on the wire. Only at an even offset. */
static inline void checksum_add_u16(struct checksum *c, uint16_t host_order)
{
    uint16_t word =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap16(host_order) : host_order;
    c->sum = checksum_add_carry(c->sum, word);
}

static inline void checksum_add_u32(struct checksum *c, uint32_t host_order)
{
    uint32_t word =
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(host_order) : host_order;
    c->sum = checksum_add_carry(c->sum, word);
}

/* Adds a header of whole words, too short for what checksum_add() does to be quick with much. Only
 * at an even offset. */
static inline void checksum_add_header(struct checksum *c, const uint8_t *header, size_t length)
{
    uint64_t words;
    uint32_t word;
    for (; length >= sizeof words; header += sizeof words, length -= sizeof words) {
        memcpy(&words, header, sizeof words);
        c->sum = checksum_add_carry(c->sum, words);
    }
    if (length >= sizeof word) {
        memcpy(&word, header, sizeof word);
        c->sum = checksum_add_carry(c->sum, word);
    }
}

/* The folded sum, not complemented, in host order: what a link that finishes the checksum wants in
 * the field. */
uint16_t checksum_fold(const struct checksum *c);
/* The checksum for the header field, in host order: the complement of the folded sum. A correct
 * packet that is summed with its checksum field in place finishes at 0. */
uint16_t checksum_finish(const struct checksum *c);
/* The folded sum of what has a value elsewhere replaced by another (RFC 1624). */
uint16_t checksum_replace(uint16_t folded, uint32_t old_value, uint32_t new_value);

#endif
