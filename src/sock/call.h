/* The shape of every call on a socket: begin, do what can be done, wait and do it again if need be,
 * end.
 *
 *     struct call call;
 *     ssize_t result = call_begin(&call, t, socket);       the machine is ours, or an error
 *     if (result == 0) {
 *         call_patience(&call, flags, timeout);
 *         while ((result = attempt(call.socket)) == -EAGAIN && (error = call_wait(…)) == 0)
 *             ;
 *     }
 *     return call_end(&call, result);                      -1 and errno for what is negative */
#ifndef TERN_SOCK_CALL_H
#define TERN_SOCK_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct socket;
struct tern;

struct call {
    struct tern *t;
    struct socket *socket;        /* NULL once the call has no more to do with it (call_wait) */
    const struct msghdr *message; /* of sendmsg(2), whose control messages count; else NULL */
    uint64_t deadline_ns;
    bool blocks;
    bool entered;
    bool sends;  /* much, on a stream */
    bool writes; /* the socket has been told that something is about to be written */
};

/* Enters the machine, which catches up. 0, -ENODEV (a forked child) or -EBUSY (a callback);
 * call_end() belongs to it in any case. */
int call_enter(struct call *call, struct tern *t);
/* The same, and finds the socket: 0, and beside those -EBADF or -ENOTSOCK (epoll's). */
int call_begin(struct call *call, struct tern *t, int descriptor);
/* The same, for a call that writes: what is short, and would be sent alone when the machine catches
 * up, goes with what is written. */
int call_begin_write(struct call *call, struct tern *t, int descriptor);
/* Either of them. */
typedef int call_beginning(struct call *call, struct tern *t, int descriptor);
/* Catches up once more, for a call that left the machine and came back in order to write. */
void call_catch_up_to_write(struct call *call);
/* Between enter and end: finds the socket, or what else a descriptor stands for: 0 or -EBADF. */
int call_find(struct call *call, int descriptor);
/* Says whether and how long the call may wait: not with O_NONBLOCK or MSG_DONTWAIT in `flags`. */
void call_patience(struct call *call, int flags, uint64_t timeout_ns);
/* Waits for one of `events` of the call's socket, or for anything (0). 0 when it is worth another
 * attempt; -EAGAIN when the call may not wait, or not longer; -EBADF when the socket was closed
 * meanwhile, and -EPIPE or -ECONNRESET when another thread has given up its connection, which may
 * have been followed by another: then the call has no socket any more; -EINTR; -ENETDOWN. */
int call_wait(struct call *call, unsigned events);
/* Leaves the machine, and turns a negative result into -1 and errno. */
ssize_t call_end(struct call *call, ssize_t result);

/* No call is a cancellation point. Between enter and leave the host sees to that; a call that does
 * more than this, waits for a file or calls a function of the user's, does all of it between these
 * two: what the first gives is for the second. */
int call_cancel_off(void);
void call_cancel_back(int before);

#endif
