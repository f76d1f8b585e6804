/* Urgent data (RFC 9293 §3.8.5, RFC 6093). */
#ifndef TERN_TCP_URGENT_H
#define TERN_TCP_URGENT_H

#include "tcp/step.h"
#include "tcp/tcb.h"

/* §3.10.7.4, sixth: check the URG bit. */
enum tcp_step tcp_process_urgent(struct tcb *tcb, const struct segment *segment);

/* Whether the next byte to be read is out of line: the urgent one, to be passed over. */
bool urgent_is_next(const struct tcb *tcb);
/* How many bytes, the one to be passed over included, a read may take: to the mark
 * and not beyond. */
uint32_t urgent_reach(const struct tcb *tcb);
/* The user has read on. */
void urgent_read_past(struct tcb *tcb);
/* recv(2) with MSG_OOB: 1, 0 (nothing will come any more), -EAGAIN, -EINVAL. */
ssize_t urgent_receive(struct tcb *tcb, const struct iovec *spans, int count, int flags);
/* Whether urgent data is still to be read. */
bool urgent_pending(const struct tcb *tcb);

/* send(2) with MSG_OOB: what has been written so far is urgent. */
void urgent_written(struct tcb *tcb);
/* A segment is about to leave: says in it where the urgent data ends (§3.10.2). */
void urgent_departs(const struct tcb *tcb, struct segment *segment);
/* SND.UNA has moved. */
void urgent_acknowledged(struct tcb *tcb);

#endif
