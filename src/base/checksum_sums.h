/* The loops of the Internet checksum, one for each kind of processor: base/checksum.c chooses.
 *
 * Each returns the one's complement sum of 16-bit words in memory order as 64 bits that are not
 * folded, with an odd last byte counted as if a zero followed it. Sums that differ fold to the same
 * 16 bits. */
#ifndef TERN_BASE_CHECKSUM_SUMS_H
#define TERN_BASE_CHECKSUM_SUMS_H

#include <stddef.h>
#include <stdint.h>

uint64_t checksum_sum_scalar(const uint8_t *bytes, size_t length);

#ifdef __x86_64__
enum { CHECKSUM_AVX2_BLOCK = 64 };

/* For whole blocks only, and where __builtin_cpu_supports("avx2"). */
uint64_t checksum_sum_avx2(const uint8_t *bytes, size_t length);
#endif

/* One's complement addition: the carry out of the top comes in again at the bottom. Words of any
 * width give the same sum modulo 2^16 - 1 (RFC 1071 §2(C)). */
static inline uint64_t checksum_add_carry(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum + (sum < b);
}

#endif
