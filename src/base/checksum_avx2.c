/* The checksum with 256-bit vectors.
 *
 * A vector has no carry flag. So each 64-bit lane adds up the words in `low`, losing what
 * overflows, and their upper halves in `high`, losing nothing. Of the sum L of the lower halves and
 * H of the upper ones, low is L + 2^32 H modulo 2^64; both L and H are below 2^64 for any length,
 * so L is low - 2^32 H modulo 2^64. */
#include "base/checksum_sums.h"

#ifdef __x86_64__
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* Two of each, which take turns, so that an addition need not wait for the one before. */
struct sums {
    __m256i low_a, high_a;
    __m256i low_b, high_b;
};

AVX2 static inline struct sums add_block(struct sums sums, __m256i a, __m256i b)
{
    sums.low_a = _mm256_add_epi64(sums.low_a, a);
    sums.high_a = _mm256_add_epi64(sums.high_a, _mm256_srli_epi64(a, 32));
    sums.low_b = _mm256_add_epi64(sums.low_b, b);
    sums.high_b = _mm256_add_epi64(sums.high_b, _mm256_srli_epi64(b, 32));
    return sums;
}

AVX2 static inline uint64_t add_lanes(__m256i a, __m256i b)
{
    __m256i four = _mm256_add_epi64(a, b);
    __m128i two = _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    return (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
}

AVX2 static inline uint64_t total(struct sums sums)
{
    uint64_t low = add_lanes(sums.low_a, sums.low_b);
    uint64_t high = add_lanes(sums.high_a, sums.high_b);
    return checksum_add_carry(low - (high << 32), high);
}

AVX2 uint64_t checksum_sum_avx2(const uint8_t *bytes, size_t length)
{
    struct sums sums = {0};
    const __m256i *from = (const __m256i *)(const void *)bytes;
    const __m256i *end = from + length / CHECKSUM_AVX2_BLOCK * 2;
    for (; from != end; from += 2)
        sums = add_block(sums, _mm256_loadu_si256(from), _mm256_loadu_si256(from + 1));
    return total(sums);
}

#endif
