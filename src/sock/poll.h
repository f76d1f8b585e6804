/* What poll(2) and select(2) share. */
#ifndef TERN_SOCK_POLL_H
#define TERN_SOCK_POLL_H

#include <poll.h>
#include <stdint.h>

struct tern;

/* The whole of poll(2), its time out in nanoseconds (TIME_NEVER: none): how many are ready, or -1
 * with errno. `always`: the POLL… bits that are answered also where they are not asked for. */
int poll_call(struct tern *t, struct pollfd *fds, nfds_t count, unsigned always,
              uint64_t timeout_ns);

#endif
