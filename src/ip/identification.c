#include "ip/identification.h"

enum {
    CYCLE = 1 << 15,
    LOW_BITS = 7, /* the halves are of 8 and 7 bits */
    LOW_MASK = (1 << LOW_BITS) - 1,
};

static void draw_permutation(struct identification *identification, struct random *random)
{
    random_bytes(random, identification->round, sizeof identification->round);
    identification->used = 0;
}

void identification_init(struct identification *identification, struct random *random)
{
    identification->cycle_bit = 0;
    draw_permutation(identification, random);
}

static uint16_t permute(const struct identification *identification, uint16_t value)
{
    const uint8_t(*round)[256] = identification->round;
    unsigned high = value >> LOW_BITS, low = value & LOW_MASK;
    high ^= round[0][low];
    low ^= round[1][high] & LOW_MASK;
    high ^= round[2][low];
    low ^= round[3][high] & LOW_MASK;
    return (uint16_t)(high << LOW_BITS | low);
}

uint16_t identification_next(struct identification *identification, struct random *random)
{
    if (identification->used == CYCLE) {
        draw_permutation(identification, random);
        identification->cycle_bit ^= CYCLE;
    }
    return permute(identification, identification->used++) | identification->cycle_bit;
}
