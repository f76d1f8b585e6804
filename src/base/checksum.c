#include "base/checksum.h"

#include <string.h>

/* One's complement addition: the carry out of the top comes in again at the bottom. Any word width
 * gives the same sum modulo 2^16 - 1 (RFC 1071 §2(C)). */
static uint64_t add_carry(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum + (sum < b);
}

static uint16_t fold(uint64_t sum)
{
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)sum;
}

static uint16_t swap_if_little_endian(uint16_t value)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap16(value) : value;
}

static uint64_t sum_words(const uint8_t *p, size_t length)
{
    uint64_t sum = 0, word;
    for (; length >= 8; p += 8, length -= 8) {
        memcpy(&word, p, 8);
        sum = add_carry(sum, word);
    }
    word = 0;
    memcpy(&word, p, length);
    return add_carry(sum, word);
}

/* Counts a sum whose first byte stood at the offset added so far. At an odd offset its bytes are
 * the other halves of their words (RFC 1071 §2(B)). */
static void add_piece(struct checksum *c, uint64_t sum, size_t length)
{
    if (c->odd)
        sum = __builtin_bswap16(fold(sum));
    c->sum = add_carry(c->sum, sum);
    c->odd ^= length & 1;
}

void checksum_add(struct checksum *c, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    add_piece(c, sum_words(bytes, length), length);
}

void checksum_copy(struct checksum *c, void *restrict to, const void *restrict from, size_t length)
{
    if (length == 0)
        return;
    memcpy(to, from, length);
    checksum_add(c, to, length);
}

void checksum_add_u16(struct checksum *c, uint16_t host_order)
{
    c->sum = add_carry(c->sum, swap_if_little_endian(host_order));
}

void checksum_add_u32(struct checksum *c, uint32_t host_order)
{
    checksum_add_u16(c, (uint16_t)(host_order >> 16));
    checksum_add_u16(c, (uint16_t)host_order);
}

uint16_t checksum_fold(const struct checksum *c)
{
    return swap_if_little_endian(fold(c->sum));
}

uint16_t checksum_finish(const struct checksum *c)
{
    return (uint16_t)~checksum_fold(c);
}
