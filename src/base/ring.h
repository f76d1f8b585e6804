/* A byte ring that grows on demand and owns no memory while it is empty and released.
 *
 * It holds `length` bytes from its first on. Bytes may also be written beyond `length`
 * (out-of-order data at its final place) without counting yet; ring_extend() makes them count. The
 * capacity is a power of two; growing keeps every byte written, counted or not. The owner charges
 * memory by ring_capacity(). */
#ifndef TERN_BASE_RING_H
#define TERN_BASE_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct ring {
    uint8_t *bytes;
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t start;    /* index of the first byte, < capacity */
    uint32_t length;   /* bytes that count, from start on */
    uint8_t *held;     /* memory that somebody looks at: see ring_hold() */
    uint32_t held_capacity;
};

#define RING_CAPACITY_MIN 1024u /* of a ring with memory */
#define RING_CAPACITY_MAX (1u << 30)

/* Makes room for `needed` bytes counted from the first, growing geometrically: 0, -ENOMEM or
 * -EMSGSIZE when beyond RING_CAPACITY_MAX. On an error nothing has changed. */
int ring_reserve(struct ring *ring, uint32_t needed);
/* The bytes by which ring_reserve() would grow it. */
uint32_t ring_growth(const struct ring *ring, uint32_t needed);
/* Gives memory back when `keep` bytes (from the first on, counted or not) would fit in a quarter of
 * the capacity. */
void ring_shrink(struct ring *ring, uint32_t keep);
/* Frees everything; the ring is empty and usable again. */
void ring_release(struct ring *ring);

/* The memory that ring_spans() shows stays as it is until ring_unhold(), whatever becomes of the
 * ring: one that grows leaves it behind with what it held, one that is released does
 * not free it. */
void ring_hold(struct ring *ring);
void ring_unhold(struct ring *ring);

/* Copies bytes to `offset` from the first byte; offset + length must be within the capacity.
 * `length` is unchanged. */
void ring_write_at(struct ring *ring, uint32_t offset, const void *bytes, uint32_t length);
/* Lets `count` more bytes count, which have been written already. */
void ring_extend(struct ring *ring, uint32_t count);
/* ring_reserve, ring_write_at, ring_extend: 0 or ring_reserve's error. */
int ring_append(struct ring *ring, const void *bytes, uint32_t length);

/* Describes `length` bytes from `offset` as at most two spans; returns their number (0 when length
 * is 0). The area must be within the capacity, and is writable. */
int ring_spans(const struct ring *ring, uint32_t offset, uint32_t length, struct iovec spans[2]);
void ring_copy_out(const struct ring *ring, uint32_t offset, void *to, uint32_t length);
/* Drops `count` <= length bytes from the front. */
void ring_consume(struct ring *ring, uint32_t count);

/* What the ring's memory takes, that which is left behind for a holder included. */
static inline uint32_t ring_capacity(const struct ring *ring)
{
    return ring->capacity + (ring->held != ring->bytes ? ring->held_capacity : 0);
}

#endif
