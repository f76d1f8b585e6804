/* The one way to read the wire, and the one way to write it.
 *
 * A cursor never passes its end: a read that would do so returns zero, takes all that is left and
 * leaves `short_read` set, so that a parser may read a whole header and ask once. Multi-byte values
 * are big-endian (network order) on the wire and host order in C. (security rule 1) */
#ifndef TERN_BASE_BYTES_H
#define TERN_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *next;
    const uint8_t *end;
    bool short_read;
};

/* C17 does not define NULL + 0, and nothing may well be at NULL. */
static inline const uint8_t *bytes_after(const uint8_t *bytes, size_t length)
{
    return length ? bytes + length : bytes;
}

static inline struct cursor cursor_over(const void *bytes, size_t length)
{
    return (struct cursor){.next = bytes, .end = bytes_after(bytes, length)};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->next);
}

/* The next `length` bytes, or NULL when there are not that many. */
static inline const uint8_t *cursor_take(struct cursor *c, size_t length)
{
    const uint8_t *at = c->next;
    if (cursor_left(c) < length) {
        c->short_read = true;
        c->next = c->end;
        return NULL;
    }
    c->next = bytes_after(at, length);
    return at;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 1);
    return p ? p[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

/* A writer never passes its end either: what does not fit is not written and sets `overflow`. */
struct writer {
    uint8_t *start;
    uint8_t *next;
    size_t left; /* a number and not the end, so that compilers see a fixed header fit its room */
    bool overflow;
};

static inline struct writer writer_over(void *bytes, size_t length)
{
    return (struct writer){.start = bytes, .next = bytes, .left = length};
}

static inline size_t writer_length(const struct writer *w)
{
    return (size_t)(w->next - w->start);
}

/* Room for `length` bytes, or NULL when there is not so much. */
static inline uint8_t *writer_room(struct writer *w, size_t length)
{
    uint8_t *at = w->next;
    if (w->left < length) {
        w->overflow = true;
        return NULL;
    }
    w->next = length ? at + length : at;
    w->left -= length;
    return at;
}

static inline void writer_u8(struct writer *w, uint8_t value)
{
    uint8_t *p = writer_room(w, 1);
    if (p)
        p[0] = value;
}

static inline void writer_u16(struct writer *w, uint16_t value)
{
    uint8_t *p = writer_room(w, 2);
    if (p) {
        p[0] = (uint8_t)(value >> 8);
        p[1] = (uint8_t)value;
    }
}

static inline void writer_u32(struct writer *w, uint32_t value)
{
    uint8_t *p = writer_room(w, 4);
    if (p) {
        p[0] = (uint8_t)(value >> 24);
        p[1] = (uint8_t)(value >> 16);
        p[2] = (uint8_t)(value >> 8);
        p[3] = (uint8_t)value;
    }
}

static inline void writer_bytes(struct writer *w, const void *bytes, size_t length)
{
    uint8_t *p = writer_room(w, length);
    if (p && length)
        memcpy(p, bytes, length);
}

#endif
