#include "base/hash.h"

#include <string.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 = rotate_left(s->v2, 32);
}

static inline void sip_compress(struct sip *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    for (int i = 0; i < rounds; i++)
        sip_round(s);
    s->v0 ^= word;
}

static inline uint64_t little_endian(uint64_t word)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

static inline uint32_t little_endian_32(uint32_t word)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap32(word);
}

/* Fewer than 8, the first in the lowest place. */
static inline uint64_t last_bytes(const uint8_t *p, size_t count)
{
    uint64_t word = 0;
    unsigned shift = 0;
    if (count & 4) {
        uint32_t four;
        memcpy(&four, p, sizeof four);
        word = little_endian_32(four);
        p += sizeof four;
        shift = 32;
    }
    if (count & 2) {
        word |= (uint64_t)(p[0] | p[1] << 8) << shift;
        p += 2;
        shift += 16;
    }
    if (count & 1)
        word |= (uint64_t)p[0] << shift;
    return word;
}

static inline uint64_t sip_hash(const struct hash_key *key, const void *bytes, size_t length,
                                int compression_rounds, int final_rounds)
{
    struct sip s = {
        .v0 = key->words[0] ^ 0x736f6d6570736575,
        .v1 = key->words[1] ^ 0x646f72616e646f6d,
        .v2 = key->words[0] ^ 0x6c7967656e657261,
        .v3 = key->words[1] ^ 0x7465646279746573,
    };
    const uint8_t *p = bytes;
    uint64_t word;
    size_t left = length;
    for (; left >= 8; p += 8, left -= 8) {
        memcpy(&word, p, 8);
        sip_compress(&s, little_endian(word), compression_rounds);
    }
    /* The last word ends in the length modulo 256, so that no message is the
     * beginning of another. */
    word = last_bytes(p, left) | (uint64_t)length << 56;
    sip_compress(&s, word, compression_rounds);
    s.v2 ^= 0xff;
    for (int i = 0; i < final_rounds; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t length)
{
    return sip_hash(key, bytes, length, 1, 3);
}

uint64_t hash_cookie(const struct hash_key *key, const void *bytes, size_t length)
{
    return sip_hash(key, bytes, length, 2, 4);
}
