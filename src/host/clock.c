#include "host/clock.h"

#include "base/time.h"

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now); /* which cannot fail: both clocks exist on every Linux */
    return TIME_S(now.tv_sec) + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_epoch_ns(void)
{
    return read_ns(CLOCK_REALTIME) - read_ns(CLOCK_MONOTONIC);
}

struct timespec clock_timespec(uint64_t time_ns)
{
    return (struct timespec){.tv_sec = (time_t)(time_ns / TIME_S(1)),
                             .tv_nsec = (long)(time_ns % TIME_S(1))};
}
