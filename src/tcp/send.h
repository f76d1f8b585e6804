/* SEND (RFC 9293 §3.10.2): the user's bytes into the send queue, and how much the queue holds. */
#ifndef TERN_TCP_SEND_H
#define TERN_TCP_SEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct tcb;

/* Takes as many bytes as there is room for, and sends what may go: their number, -EAGAIN or
 * -ENOBUFS. Flags: MSG_MORE, MSG_EOR. */
ssize_t send_take(struct tcb *tcb, const struct iovec *spans, int count, int flags);
/* How many of `length` bytes may be queued now; 0: the user has to wait. */
uint32_t send_room(struct tcb *tcb, size_t length);
/* Queues `length` bytes that stand behind those of the send ring already, for which there was room:
 * their number, or -ENOBUFS. 0 pushes what waits for more, unless MSG_MORE. */
ssize_t send_written(struct tcb *tcb, uint32_t length, int flags);
/* Whether a writer is worth waking: a third of the send buffer is free, and
 * less than half of TCP_NOTSENT_LOWAT unsent (poll's POLLOUT). */
bool send_writable(const struct tcb *tcb);
/* Bytes have left the queue, or have been sent at least: tells the user who was told to wait, once,
 * that a writer is worth waking. */
void send_tell_room(struct tcb *tcb);

#endif
