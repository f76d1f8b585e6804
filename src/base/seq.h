/* Serial-number arithmetic on 32-bit sequence numbers (RFC 9293 §3.4, RFC 1982).
 *
 * Two sequence numbers can be ordered while they lie less than 2^31 apart, which every window
 * guarantees. Nothing in tern compares sequence numbers in any other way. */
#ifndef TERN_BASE_SEQ_H
#define TERN_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/* How far `to` lies after `from`; negative when it lies before. */
static inline int32_t seq_diff(uint32_t to, uint32_t from)
{
    return (int32_t)(to - from);
}

static inline bool seq_lt(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) < 0;
}

static inline bool seq_leq(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) <= 0;
}

static inline bool seq_gt(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) > 0;
}

static inline bool seq_geq(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) >= 0;
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_gt(a, b) ? a : b;
}

static inline uint32_t seq_min(uint32_t a, uint32_t b)
{
    return seq_lt(a, b) ? a : b;
}

#endif
