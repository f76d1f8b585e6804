/* What sockets need of whatever makes time pass and packets arrive: the host under them.
 *
 * The machine (core/stack.h) is pure: it neither reads a clock nor sleeps. Sockets do both, through
 * this table. Two hosts exist: the driver of a device (host/driver.h), for stacks of tern_open(),
 * and the engine's, for stacks of tern_engine_new(), which passes the question on to whoever
 * brought the loop.
 *
 * Every socket call has this shape, and blocking is nothing else than what stands in its loop:
 *
 *     error = host->operations->enter(host);    the machine is ours
 *     host->operations->catch_up(host);         and its clock is right
 *     while ((result = what the call does, without ever waiting) == -EAGAIN and it may block)
 *         put a struct sock_waiter where the socket's events look for it
 *         error = host->operations->wait(host, &waiter, deadline)
 *         take the waiter away again
 *         leave the loop on an error
 *     host->operations->leave(host);
 *
 * Who drives. A thread that waits is not idle: it is the one that polls the device, feeds the
 * machine what arrives and runs its timers, until what it waits for is there. So a program of one
 * thread needs no other. When several threads wait, one of them drives and the others sleep, each
 * on its own, until `wake` names them; when the driving one has what it wanted, it hands over to
 * another. While no thread waits, a helper thread of the host drives. A call that does not wait
 * disturbs nobody, unless it has made the machine's next deadline earlier than the one that the
 * driving thread went to sleep with; leave() sees to that.
 *
 * Time. stack->now_ns is the clock: catch_up() and wait() return with it up to date and all that
 * was due done, so that a call computes its deadline from it.
 *
 * Threads. Between enter() and leave() the machine belongs to the caller, who makes no system call
 * that can block. wait() gives it away while it sleeps, so that anything may have changed when it
 * returns: sockets closed, numbers used anew. Calls are not cancellation points: a thread cannot be
 * cancelled between enter() and leave(), nor beside them (call_cancel_off).
 *
 * Fork. The child of a fork owns neither the device nor the helper thread: enter() refuses there
 * with -ENODEV before it touches anything. stop() refuses likewise, and release() then gives back
 * the child's copies of the descriptors and nothing else. */
#ifndef TERN_SOCK_HOST_H
#define TERN_SOCK_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct sock_host;

/* One waiting call. Starts as {0}; lives on the stack of the waiting thread; the socket floor keeps
 * it wherever it finds whom to wake, by a member of its own around it. */
struct sock_waiter {
    uint64_t spin_ns; /* how long to look again and again before it sleeps */
    bool woken;       /* by wake(); wait() takes it back when it returns */
    void *sleeper;    /* the host's own */
};

struct sock_host_operations {
    /* Takes the machine. 0; or, and then nothing is taken, -ENODEV in the child of a fork, and
     * -EBUSY where this thread has the machine already: it is in a callback of the user's that the
     * machine has called. */
    int (*enter)(struct sock_host *host);
    /* Between enter and leave, at most once: lets time pass in it (stack_advance), and takes in
     * what has arrived where nobody has looked for a while. */
    void (*catch_up)(struct sock_host *host);
    /* Gives the machine back, and sees that what it now needs done in time will be. */
    void (*leave)(struct sock_host *host);
    /* Between enter and leave. Gives the machine away, makes time pass and packets arrive, and
     * takes it again. 0 when the waiter was woken, or something else has happened that may be what
     * it waits for (ask again, wait again); -ETIMEDOUT when `deadline_ns` has come (TIME_NEVER:
     * never does); -EINTR when this thread has handled a signal; -ENETDOWN when the device is gone
     * for good. With a deadline that has passed already, what has arrived is still taken in,
     * without sleeping: that is how a poll with timeout 0 looks. An engine without a `wait` of its
     * own: -EAGAIN. */
    int (*wait)(struct sock_host *host, struct sock_waiter *waiter, uint64_t deadline_ns);
    /* Between enter and leave: takes in a packet, where the last ones say that one may be there,
     * and keeps the machine. Whether it is worth another look: one was there, and there is room for
     * the next where its text is awaited (tcp/landing.c). */
    bool (*look)(struct sock_host *host);
    /* The same each time, for what was sent may be acknowledged already. Whether there was a
     * packet.
     */
    bool (*look_back)(struct sock_host *host);
    /* Between enter and leave: what time it is, if what the call leaves to be done
     * (stack_batch_end) will be in a few milliseconds though no call follows; 0: that is not so. */
    uint64_t (*may_put_off)(struct sock_host *host);
    /* Between enter and leave, or from within the machine: what `waiter` waits for may be there.
     * The waiter may have been woken already, and need not be in wait() yet. */
    void (*wake)(struct sock_host *host, struct sock_waiter *waiter);
    /* Between enter and leave. What a loop of the user's own waits on: a descriptor that is
     * readable while something has arrived, is due in the machine, or was announced. From the first
     * call on no helper thread drives. The host's own; -EOPNOTSUPP of an engine, -EMFILE, -ENFILE,
     * -ENOMEM. */
    int (*descriptor)(struct sock_host *host);
    /* Between enter and leave, or from within the machine: keeps that descriptor readable from now
     * on, or no longer. */
    void (*announce)(struct sock_host *host, bool on);
    /* What to add to the machine's time to have the time of day, in nanoseconds since 1970; 0 where
     * its clock is the caller's own. */
    uint64_t (*epoch)(struct sock_host *host);
    /* The end, in two steps (tern_close_stack). stop: ends the helper thread; from here on only the
     * calling thread runs the machine, which can still send (resets). No wait, and enter (by the
     * callbacks of what is sent) says -EBUSY. 0, or
     * -ENODEV in the child of a fork: then leave the machine as it is, and go on to release. */
    int (*stop)(struct sock_host *host);
    /* release: closes the device and frees the host. The machine can no longer send. 0, or the
     * negative errno with which a capture's packets were lost. */
    int (*release)(struct sock_host *host);
};

/* The first member of each host. */
struct sock_host {
    const struct sock_host_operations *operations;
};

#endif
