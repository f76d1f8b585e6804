/* What a machine knows of its connections, as bytes that are the same in two machines of the same
 * state.
 *
 * A connection and what it holds are copied whole, and only what names a place in memory is
 * replaced: a pointer by whether there is one, a list by whether it is empty; what they lead to
 * follows. So no member can be forgotten: a new one is compared as it is, and a new pointer, which
 * differs wherever there are two machines, makes each comparison fail until it is named in image.c.
 * Of what all connections of a machine have in common, image.c names what counts. */
#ifndef TESTS_SIM_IMAGE_H
#define TESTS_SIM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "sim/world.h"

enum { IMAGE_BYTES = 1 << 25, IMAGE_PARTS = 1 << 17 };

/* Large, and so best static. */
struct image {
    struct {
        const char *name;
        size_t start;
    } parts[IMAGE_PARTS];
    size_t part_count;
    size_t length;
    uint8_t bytes[IMAGE_BYTES];
};

void image_clear(struct image *image);
/* Adds what machine `index` of the world is like now. */
void image_add(struct image *image, const struct world *world, int index);
/* Stops the test where they differ, and says in what. */
void image_compare(const struct image *a, const struct image *b, uint64_t seed);

#endif
