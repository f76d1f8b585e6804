/* The one way to wait. Whatever blocks, from recv() to poll() to tern_quiesce(), does what it can
 * without waiting, and when that is -EAGAIN comes here and tries again afterwards.
 *
 * A waiting call hangs itself on the list of every socket it looks at. What happens to a socket
 * wakes those who wait for such events; closing it, or giving up its connection, tells all of them
 * that there is nothing more to wait for. Whoever waits drives: what
 * goes on meanwhile is the host's business (host.h). */
#ifndef TERN_SOCK_WAIT_H
#define TERN_SOCK_WAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "sock/host.h"

struct stack;
struct tern;

/* One call's interest in one socket, or in the stack as a whole. */
struct waiting {
    struct list *at; /* &socket->waiting or &tern->waiting */
    unsigned events; /* POLL… bits that wake the call, POLLERR and POLLHUP always; 0: anything */
    uint32_t busy_poll_us; /* the socket's SO_BUSY_POLL */
    int over; /* out: the errno of a call whose socket has nothing more to do with it; or 0 */
    struct list link;
    struct sock_waiter *waiter;
};

/* Gives the machine away and takes it again when one of `count` interests may have been met: 0, or
 * host.h's errors for wait(). */
int wait_for(struct tern *t, struct waiting *waiting, size_t count, uint64_t deadline_ns);

/* stack->notify: wakes the calls that wait for one of `events` of the socket `owner`, and tells who
 * has an interest in it (interest.h); when that is NULL, wakes those that wait for the stack as a
 * whole. `events` 0: something that poll does not show. */
void wait_notify(struct stack *stack, void *owner, unsigned events);
/* Wakes everybody on the list. */
void wait_wake_all(struct tern *t, struct list *at);
/* Takes everybody off the list, and tells them that what they waited for is no more, and with which
 * errno that call ends: the socket is gone, or has begun anew. */
void wait_end(struct tern *t, struct list *at, int error);

/* `timeout_ns` from now on; TIME_NEVER stays that. */
uint64_t wait_deadline(const struct tern *t, uint64_t timeout_ns);

#endif
