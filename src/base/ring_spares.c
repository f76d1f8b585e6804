#include "base/ring_spares.h"

#include <stdlib.h>

void ring_spares_take(struct ring_spares *spares, struct ring *ring)
{
    if (ring->bytes || spares->count == 0)
        return;
    spares->count--;
    ring->bytes = spares->kept[spares->count].bytes;
    ring->capacity = spares->kept[spares->count].capacity;
}

void ring_spares_give(struct ring_spares *spares, struct ring *ring)
{
    if (ring->bytes != ring->held && ring->capacity >= LIMIT_RING_SPARE_LEAST &&
        ring->capacity <= LIMIT_RING_SPARE_MOST && spares->count < LIMIT_RING_SPARES) {
        spares->kept[spares->count].bytes = ring->bytes;
        spares->kept[spares->count].capacity = ring->capacity;
        spares->count++;
        ring->bytes = NULL;
    }
    ring_release(ring);
}

void ring_spares_release(struct ring_spares *spares)
{
    while (spares->count > 0)
        free(spares->kept[--spares->count].bytes);
}
