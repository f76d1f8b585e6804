/* Segments of nobody's, for a connection that does not expect them. */
#ifndef TESTS_SIM_FORGE_H
#define TESTS_SIM_FORGE_H

#include "base/random.h"
#include "sim/world.h"

/* Makes machine `index` take a segment that is nearly the next of its first connection's peer: with
 * flags, numbers, options and marks that are now and then not right. */
void forge_segment(struct world *world, int index, struct random *random);

#endif
