/* The driver: the host of a stack that has a device (sock/host.h says what a host owes). It owns
 * the link, the lock around the machine, and the helper thread.
 *
 * To drive is to poll the link, feed the machine, run its timers, and sleep in poll(2) until there
 * is more to do. There is one seat for that, and whoever sits in it drives:
 *
 *   - A thread that waits takes the seat when it is free or the helper's. While another waiting
 *     thread has it, it sleeps on a semaphore of its own, until it is woken for its own sake or
 *     summoned to take over.
 *   - Who leaves the seat summons one of the sleepers to it.
 *   - The helper thread takes the seat when nobody waits. A program that waits again and again
 *     would pass the seat to and fro with each call, two thread switches each time; so the helper
 *     lets it stand empty until nobody has polled the link for HELPER_GRACE_NS, and leaves it when
 *     another thread has had to wait for it. While the seat is empty, a call that finds the link
 *     not polled for LOOK_AFTER_NS does that first. So a busy program drives by its calls, and its
 *     timers and answers are late by at most twice HELPER_GRACE_NS, or a little more, when it stops
 *     calling (helper_looks_again).
 *
 * A program with an event loop of its own (tern_fd, loop.c) drives by its calls alone: from then on
 * the seat is empty but for threads that wait, and the helper is dismissed.
 *
 * Who sleeps in poll(2) has said until when. A call that makes something due earlier kicks it out
 * (alarm.h); so does one that wakes it, or that takes the seat from the helper. */
#ifndef TERN_HOST_DRIVER_H
#define TERN_HOST_DRIVER_H

#include <sys/uio.h>

#include "link/link.h"
#include "sock/host.h"

struct driver;
struct group_member;
struct tern;

/* Makes a driver over `link`, which is its own from now on, unless it fails: -ENOMEM, -EMFILE,
 * -ENFILE. `member` is the stack's place among those over the same device, also its own, or NULL.
 * The host that it gives to a stack is its own end: stop() and release(). */
int driver_new(struct link *link, struct group_member *member, struct driver **out);
struct sock_host *driver_host(struct driver *driver);
/* What the stack's interface sends through; `driver` is its link. */
int driver_transmit(void *driver, const struct iovec *spans, int count,
                    const struct tern_offload *offload);
/* Starts the helper thread: from now on packets are answered. `t` is the stack that was made over
 * this host. 0, -EAGAIN or -ENOMEM. */
int driver_start(struct driver *driver, struct tern *t);

#endif
