/* What holds in a world at any moment, and when all is over. */
#ifndef TESTS_SIM_CHECKS_H
#define TESTS_SIM_CHECKS_H

#include "sim/world.h"

/* Of every connection: that its records add up, and that it and its other end agree. */
void check_connections(const struct world *world);
/* Neither connections nor ports nor memory. */
void check_nothing_left(const struct world *world, int machine);

#endif
