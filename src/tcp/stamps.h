/* Transmit times of a stream (SO_TIMESTAMPING): of each send call's last byte, when it was handed
 * down, when it went to the link, each time anew when it is sent again, and when it was
 * acknowledged.
 *
 * A mark stands for that byte until it is acknowledged. As on Linux a packet has one: bytes that
 * join a packet not sent yet take its mark over. */
#ifndef TERN_TCP_STAMPS_H
#define TERN_TCP_STAMPS_H

#include <stdint.h>

struct tcb;

void stamps_init(struct tcb *tcb);
void stamps_release(struct tcb *tcb);
/* A send call is over whose bytes are the last that were taken; `flags` (core/stamps.h) say what is
 * to be told of it. */
void stamps_mark(struct tcb *tcb, uint32_t flags);
/* Bytes are about to join those from `start` on, which are not sent yet. */
void stamps_joined(struct tcb *tcb, uint32_t start);
/* [start, end) has gone to the link. */
void stamps_sent(struct tcb *tcb, uint32_t start, uint32_t end);
/* SND.UNA has moved. */
void stamps_acknowledged(struct tcb *tcb);

#endif
