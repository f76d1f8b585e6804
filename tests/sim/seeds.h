/* Seeded worlds, one after the other. */
#ifndef TESTS_SIM_SEEDS_H
#define TESTS_SIM_SEEDS_H

#include <stdint.h>

/* A number that the environment may give. */
uint64_t seeds_number(const char *name, uint64_t otherwise);
/* Plays seeds 1 to `runs`, or as many as SIM_RUNS says, or the one that SIM_SEED says. What `play`
 * returns is its world's capture_hash. How many were played. */
uint64_t seeds_play(uint64_t runs, uint64_t (*play)(uint64_t seed));

#endif
