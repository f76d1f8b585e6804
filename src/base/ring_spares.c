#include "base/ring_spares.h"

#include <stdlib.h>

static void take_small(struct ring_spares *spares, struct ring *ring)
{
    if (spares->small_count == 0)
        return;
    ring->bytes = spares->small[--spares->small_count];
    ring->capacity = RING_CAPACITY_MIN;
}

void ring_spares_take(struct ring_spares *spares, struct ring *ring, uint32_t needed)
{
    if (ring->bytes)
        return;
    if (spares->count > 0) {
        spares->count--;
        ring->bytes = spares->kept[spares->count].bytes;
        ring->capacity = spares->kept[spares->count].capacity;
    } else if (needed <= RING_CAPACITY_MIN) {
        take_small(spares, ring);
    }
}

static bool keep(struct ring_spares *spares, const struct ring *ring)
{
    if (ring->capacity == RING_CAPACITY_MIN && spares->small_count < LIMIT_RING_SMALL_SPARES) {
        spares->small[spares->small_count++] = ring->bytes;
        return true;
    }
    if (ring->capacity < LIMIT_RING_SPARE_LEAST || ring->capacity > LIMIT_RING_SPARE_MOST ||
        spares->count == LIMIT_RING_SPARES)
        return false;
    spares->kept[spares->count].bytes = ring->bytes;
    spares->kept[spares->count].capacity = ring->capacity;
    spares->count++;
    return true;
}

void ring_spares_give(struct ring_spares *spares, struct ring *ring)
{
    if (ring->bytes != ring->held && keep(spares, ring))
        ring->bytes = NULL;
    ring_release(ring);
}

void ring_spares_release(struct ring_spares *spares)
{
    while (spares->count > 0)
        free(spares->kept[--spares->count].bytes);
    while (spares->small_count > 0)
        free(spares->small[--spares->small_count]);
}
