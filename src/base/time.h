/* Time inside the machine: nanoseconds since an origin that only the host knows. It never goes
 * back. */
#ifndef TERN_BASE_TIME_H
#define TERN_BASE_TIME_H

#include <stdint.h>

#define TIME_US(n) ((uint64_t)(n)*1000u)
#define TIME_MS(n) ((uint64_t)(n)*1000000u)
#define TIME_S(n)  ((uint64_t)(n)*1000000000u)
#define TIME_NEVER UINT64_MAX

static inline uint64_t time_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t time_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* How long ago `then` was; 0 when it is yet to come. */
static inline uint64_t time_since(uint64_t then, uint64_t now)
{
    return now > then ? now - then : 0;
}

#endif
