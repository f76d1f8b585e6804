#include "base/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t capacity_for(uint32_t needed)
{
    uint32_t capacity = RING_CAPACITY_MIN;
    while (capacity < needed)
        capacity *= 2;
    return capacity;
}

/* Frees the memory, unless it is held. */
static void let_go(struct ring *ring)
{
    if (ring->bytes != ring->held)
        free(ring->bytes);
}

/* Grows where it is: for what is large the kernel then moves pages instead of bytes, and the new
 * ones need not be touched before they are used. What had gone around the old end goes on behind
 * it; each doubling leaves room for that. */
static int grow_in_place(struct ring *ring, uint32_t capacity)
{
    uint8_t *bytes = realloc(ring->bytes, capacity);
    if (bytes == NULL)
        return -ENOMEM;
    memcpy(bytes + ring->capacity, bytes, ring->start);
    ring->bytes = bytes;
    ring->capacity = capacity;
    return 0;
}

/* Moves the first `keep` bytes, which fit in both, to a new area of `capacity` bytes. */
static int set_capacity(struct ring *ring, uint32_t capacity, uint32_t keep)
{
    uint8_t *bytes = malloc(capacity);
    if (bytes == NULL)
        return -ENOMEM;
    ring_copy_out(ring, 0, bytes, keep);
    let_go(ring);
    ring->bytes = bytes;
    ring->capacity = capacity;
    ring->start = 0;
    return 0;
}

uint32_t ring_growth(const struct ring *ring, uint32_t needed)
{
    if (needed <= ring->capacity || needed > RING_CAPACITY_MAX)
        return 0;
    return capacity_for(needed) - ring->capacity;
}

int ring_reserve(struct ring *ring, uint32_t needed)
{
    if (needed <= ring->capacity)
        return 0;
    if (needed > RING_CAPACITY_MAX)
        return -EMSGSIZE;
    if (ring->bytes == ring->held) /* or there is nothing yet */
        return set_capacity(ring, capacity_for(needed), ring->capacity);
    return grow_in_place(ring, capacity_for(needed));
}

void ring_shrink(struct ring *ring, uint32_t keep)
{
    if (keep == 0) {
        ring_release(ring);
        return;
    }
    if (keep > ring->capacity / 4 || ring->capacity == RING_CAPACITY_MIN)
        return;
    /* Twice what is kept, so that the next byte does not grow it again. */
    set_capacity(ring, capacity_for(keep * 2), keep);
}

void ring_release(struct ring *ring)
{
    let_go(ring);
    *ring = (struct ring){.held = ring->held, .held_capacity = ring->held_capacity};
}

void ring_hold(struct ring *ring)
{
    ring_unhold(ring);
    ring->held = ring->bytes;
    ring->held_capacity = ring->capacity;
}

void ring_unhold(struct ring *ring)
{
    if (ring->held != ring->bytes)
        free(ring->held);
    ring->held = NULL;
    ring->held_capacity = 0;
}

int ring_spans(const struct ring *ring, uint32_t offset, uint32_t length, struct iovec spans[2])
{
    if (length == 0)
        return 0;
    uint32_t at = (ring->start + offset) & (ring->capacity - 1);
    uint32_t before_wrap = ring->capacity - at;
    spans[0] = (struct iovec){ring->bytes + at, length};
    if (length <= before_wrap)
        return 1;
    spans[0].iov_len = before_wrap;
    spans[1] = (struct iovec){ring->bytes, length - before_wrap};
    return 2;
}

void ring_write_at(struct ring *ring, uint32_t offset, const void *bytes, uint32_t length)
{
    struct iovec spans[2];
    int count = ring_spans(ring, offset, length, spans);
    const uint8_t *from = bytes;
    for (int i = 0; i < count; i++) {
        memcpy(spans[i].iov_base, from, spans[i].iov_len);
        from += spans[i].iov_len;
    }
}

void ring_copy_out(const struct ring *ring, uint32_t offset, void *to, uint32_t length)
{
    struct iovec spans[2];
    int count = ring_spans(ring, offset, length, spans);
    uint8_t *at = to;
    for (int i = 0; i < count; i++) {
        memcpy(at, spans[i].iov_base, spans[i].iov_len);
        at += spans[i].iov_len;
    }
}

void ring_extend(struct ring *ring, uint32_t count)
{
    ring->length += count;
}

int ring_append(struct ring *ring, const void *bytes, uint32_t length)
{
    if (length > RING_CAPACITY_MAX)
        return -EMSGSIZE;
    int error = ring_reserve(ring, ring->length + length);
    if (error < 0)
        return error;
    ring_write_at(ring, ring->length, bytes, length);
    ring_extend(ring, length);
    return 0;
}

void ring_consume(struct ring *ring, uint32_t count)
{
    if (count == 0)
        return;
    ring->start = (ring->start + count) & (ring->capacity - 1);
    ring->length -= count;
}
