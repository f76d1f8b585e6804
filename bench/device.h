/* A TUN device that has been made and is up, but had nobody at its other end. */
#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

/* Waits until what the kernel sends to the device `name` is kept for who has just opened it:
 * before, it is lost. */
void device_await(const char *name);

#endif
