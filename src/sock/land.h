/* Text of a stream that arrives straight in the memory of who reads it, without a copy from the
 * receive ring (tcp/landing.c). */
#ifndef TERN_SOCK_LAND_H
#define TERN_SOCK_LAND_H

#include <stddef.h>
#include <sys/uio.h>

struct call;
struct spans;

/* Waits for bytes. What comes meanwhile goes straight to `spans`, if that is all it takes to have
 * received it (no `flags`): how many did; 0: it is worth another attempt; or call_wait()'s
 * errors. */
ssize_t land_waiting(struct call *call, const struct iovec *spans, int count, int flags);
/* For who reads a stream and has room left for more than was there: what is just arriving for him,
 * without a wait, if the largest packet has room. How many bytes that were; `left` is without
 * them. */
size_t land_in_passing(struct call *call, struct spans *left);

#endif
