/* Memory of rings that have become empty, kept for the next ring that is filled. A bulk transfer
 * fills and empties rings all the time; memory that is new each time would have each of its pages
 * made by the kernel anew. Who asks and answers does so as well, with as little as a ring may have,
 * and malloc() would take as long as all else that the ring does. The latest comes back first: it
 * is the likeliest to be in the cache. */
#ifndef TERN_BASE_RING_SPARES_H
#define TERN_BASE_RING_SPARES_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/ring.h"

struct ring_spares {
    struct {
        uint8_t *bytes;
        uint32_t capacity;
    } kept[LIMIT_RING_SPARES];
    unsigned count;
    uint8_t *small[LIMIT_RING_SMALL_SPARES]; /* of RING_CAPACITY_MIN bytes each */
    unsigned small_count;
};

/* Gives a ring that owns no memory, and is about to hold `needed` bytes, some that is kept, if
 * there is any: a large piece whatever is needed, a small one where it is enough. */
void ring_spares_take(struct ring_spares *spares, struct ring *ring, uint32_t needed);
/* As ring_release(); but memory that is worth it is kept. */
void ring_spares_give(struct ring_spares *spares, struct ring *ring);
void ring_spares_release(struct ring_spares *spares);

#endif
