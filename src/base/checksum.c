#include "base/checksum.h"

#include <string.h>

#include "base/checksum_sums.h"

static inline uint64_t word_at(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* The last up to seven bytes. Where a 16-bit word stands in a wider one does not
 * matter to the sum. */
static inline uint64_t sum_tail(const uint8_t *p, size_t length)
{
    uint64_t sum = 0;
    if (length & 4) {
        uint32_t word;
        memcpy(&word, p, sizeof word);
        sum += word;
        p += 4;
    }
    if (length & 2) {
        uint16_t word;
        memcpy(&word, p, sizeof word);
        sum += word;
        p += 2;
    }
    if (length & 1) {
        uint16_t word = 0;
        memcpy(&word, p, 1);
        sum += word;
    }
    return sum;
}

/* Four sums side by side, for one would wait for its own carry. */
uint64_t checksum_sum_scalar(const uint8_t *bytes, size_t length)
{
    uint64_t a = 0, b = 0, c = 0, d = 0;
    for (; length >= 32; bytes += 32, length -= 32) {
        a = checksum_add_carry(a, word_at(bytes));
        b = checksum_add_carry(b, word_at(bytes + 8));
        c = checksum_add_carry(c, word_at(bytes + 16));
        d = checksum_add_carry(d, word_at(bytes + 24));
    }
    a = checksum_add_carry(checksum_add_carry(a, b), checksum_add_carry(c, d));
    for (; length >= 8; bytes += 8, length -= 8)
        a = checksum_add_carry(a, word_at(bytes));
    return checksum_add_carry(a, sum_tail(bytes, length));
}

#ifdef __x86_64__
/* Below this, setting the vectors up costs more than they save. */
enum { VECTOR_MIN = 2 * CHECKSUM_AVX2_BLOCK };

/* How many of the bytes are the vector loop's. */
static size_t vector_length(size_t length)
{
    if (length < VECTOR_MIN || !__builtin_cpu_supports("avx2"))
        return 0;
    return length - length % CHECKSUM_AVX2_BLOCK;
}

static uint64_t sum(const uint8_t *bytes, size_t length)
{
    size_t done = vector_length(length);
    uint64_t vectors = done ? checksum_sum_avx2(bytes, done) : 0;
    return checksum_add_carry(vectors, checksum_sum_scalar(bytes + done, length - done));
}
#else
static uint64_t sum(const uint8_t *bytes, size_t length)
{
    return checksum_sum_scalar(bytes, length);
}
#endif

static uint16_t fold(uint64_t sum)
{
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)sum;
}

static uint16_t swap_if_little_endian(uint16_t value)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap16(value) : value;
}

/* Counts a sum of `length` bytes. After an odd number of bytes, the high bytes of its words are low
 * ones and the other way round (RFC 1071 §2(B)). */
static void add_sum(struct checksum *c, uint64_t sum, size_t length)
{
    if (c->odd)
        sum = __builtin_bswap16(fold(sum));
    c->sum = checksum_add_carry(c->sum, sum);
    c->odd ^= length & 1;
}

void checksum_add(struct checksum *c, const void *bytes, size_t length)
{
    if (length > 0)
        add_sum(c, sum(bytes, length), length);
}

uint16_t checksum_fold(const struct checksum *c)
{
    return swap_if_little_endian(fold(c->sum));
}

uint16_t checksum_finish(const struct checksum *c)
{
    return (uint16_t)~checksum_fold(c);
}

uint16_t checksum_replace(uint16_t folded, uint32_t old_value, uint32_t new_value)
{
    struct checksum c = CHECKSUM_START;
    checksum_add_u16(&c, folded);
    checksum_add_u32(&c, ~old_value);
    checksum_add_u32(&c, new_value);
    return checksum_fold(&c);
}
