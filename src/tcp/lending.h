/* A writer's memory that is sent from; inside TCP. */
#ifndef TERN_TCP_LENDING_H
#define TERN_TCP_LENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

struct tcb;

/* Bytes that are being queued, at the send ring's end, where room for them has been made: true when
 * they are lent, and so need not be copied there. They are the first of `available` in one piece.
 */
bool lending_takes(struct tcb *tcb, const uint8_t *bytes, uint32_t length, size_t available);
/* Copies to the ring what is lent and still needed: something else is about to follow it there, or
 * the writer goes. */
void lending_settle(struct tcb *tcb);
/* SND.UNA has moved on. */
void lending_acknowledged(struct tcb *tcb);
/* Nothing will be sent any more. */
void lending_over(struct tcb *tcb);
/* Where `length` queued bytes from `seq` on stand: in how many spans, three at the most. */
int lending_spans(const struct tcb *tcb, uint32_t seq, uint32_t length, struct iovec spans[3]);

#endif
