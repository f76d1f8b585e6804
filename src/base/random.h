/* The machine's only source of randomness: ChaCha8 keyed with the 32 bytes it was seeded with. What
 * it yields cannot be predicted from what it yielded before (security rule 7); the same seed yields
 * the same stream. */
#ifndef TERN_BASE_RANDOM_H
#define TERN_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { RANDOM_SEED_SIZE = 32 };

struct random {
    uint32_t state[16];
    uint32_t block[16];
    unsigned used; /* words of block handed out */
};

void random_seed(struct random *random, const uint8_t seed[RANDOM_SEED_SIZE]);
/* For tests and simulations: a seed made from one number. */
void random_seed_number(struct random *random, uint64_t number);
uint32_t random_u32(struct random *random);
uint64_t random_u64(struct random *random);
uint32_t random_below(struct random *random, uint32_t bound); /* uniform in [0, bound); bound > 0 */
void random_bytes(struct random *random, void *bytes, size_t length);

#endif
