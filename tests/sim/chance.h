/* What is chosen of a seed. */
#ifndef TESTS_SIM_CHANCE_H
#define TESTS_SIM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

/* Whether something is so, in so many of a hundred cases. */
static inline bool chance(struct random *random, uint32_t percent)
{
    return random_below(random, 100) < percent;
}

/* In so many of a hundred cases a share below so many thousandths; else none. */
static inline double chance_share(struct random *random, uint32_t percent, uint32_t permille)
{
    return chance(random, percent) ? random_below(random, permille) / 1000.0 : 0;
}

#endif
