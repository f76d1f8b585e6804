/* What is chosen of a seed: whether something is so, in so many of a hundred cases. */
#ifndef TESTS_SIM_CHANCE_H
#define TESTS_SIM_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"

static inline bool chance(struct random *random, uint32_t percent)
{
    return random_below(random, 100) < percent;
}

#endif
