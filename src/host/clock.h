/* The host's clock: what the machine's time is here. */
#ifndef TERN_HOST_CLOCK_H
#define TERN_HOST_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since this host started: the machine's time. It never goes back. */
uint64_t clock_now_ns(void);
/* What to add to clock_now_ns() to have the time of day, in nanoseconds since 1970. */
uint64_t clock_epoch_ns(void);
/* A time of clock_now_ns(), or TIME_NEVER, as the calls that wait until a time want it. */
struct timespec clock_timespec(uint64_t time_ns);

#endif
