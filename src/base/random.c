#include "base/random.h"

#include <string.h>

enum { ROUNDS = 8, COUNTER = 12 };

static inline uint32_t rotate_left(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static inline void quarter_round(uint32_t x[16], int a, int b, int c, int d)
{
    x[a] += x[b];
    x[d] = rotate_left(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate_left(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate_left(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate_left(x[b] ^ x[c], 7);
}

static void next_block(struct random *random)
{
    uint32_t x[16];
    memcpy(x, random->state, sizeof x);
    for (int i = 0; i < ROUNDS; i += 2) {
        quarter_round(x, 0, 4, 8, 12);
        quarter_round(x, 1, 5, 9, 13);
        quarter_round(x, 2, 6, 10, 14);
        quarter_round(x, 3, 7, 11, 15);
        quarter_round(x, 0, 5, 10, 15);
        quarter_round(x, 1, 6, 11, 12);
        quarter_round(x, 2, 7, 8, 13);
        quarter_round(x, 3, 4, 9, 14);
    }
    for (int i = 0; i < 16; i++)
        random->block[i] = x[i] + random->state[i];
    /* A 64-bit counter, as in Bernstein's ChaCha; the nonce stays zero, for a seed makes one
     * stream. */
    if (++random->state[COUNTER] == 0)
        random->state[COUNTER + 1]++;
    random->used = 0;
}

void random_seed(struct random *random, const uint8_t seed[RANDOM_SEED_SIZE])
{
    *random = (struct random){
        .state = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, /* "expand 32-byte k" */
        .used = 16,
    };
    for (int i = 0; i < 8; i++) {
        const uint8_t *p = seed + 4 * i;
        random->state[4 + i] =
            (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
    }
}

void random_seed_number(struct random *random, uint64_t number)
{
    uint8_t seed[RANDOM_SEED_SIZE] = {0};
    for (int i = 0; i < 8; i++)
        seed[i] = (uint8_t)(number >> 8 * i);
    random_seed(random, seed);
}

uint32_t random_u32(struct random *random)
{
    if (random->used == 16)
        next_block(random);
    return random->block[random->used++];
}

uint64_t random_u64(struct random *random)
{
    uint64_t low = random_u32(random);
    return (uint64_t)random_u32(random) << 32 | low;
}

/* Lemire, "Fast Random Integer Generation in an Interval" (2019): the high half of a product is
 * uniform once those low halves are drawn again that 2^32 mod bound would favour. */
uint32_t random_below(struct random *random, uint32_t bound)
{
    uint64_t product = (uint64_t)random_u32(random) * bound;
    if ((uint32_t)product < bound) {
        uint32_t favoured = -bound % bound;
        while ((uint32_t)product < favoured)
            product = (uint64_t)random_u32(random) * bound;
    }
    return (uint32_t)(product >> 32);
}

void random_bytes(struct random *random, void *bytes, size_t length)
{
    uint8_t *p = bytes;
    for (size_t i = 0; i < length; i += 4) {
        uint32_t word = random_u32(random);
        for (size_t k = i; k < length && k < i + 4; k++, word >>= 8)
            p[k] = (uint8_t)word;
    }
}
