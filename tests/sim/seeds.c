#include "sim/seeds.h"

#include <stdlib.h>

uint64_t seeds_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

uint64_t seeds_play(uint64_t runs, uint64_t (*play)(uint64_t seed))
{
    uint64_t one = seeds_number("SIM_SEED", 0);
    uint64_t first = one ? one : 1, last = one ? one : seeds_number("SIM_RUNS", runs);
    for (uint64_t seed = first; seed <= last; seed++)
        play(seed);
    return last - first + 1;
}
