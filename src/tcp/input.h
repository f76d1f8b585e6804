/* Arriving segments: the way in (RFC 9293 §3.10.7). */
#ifndef TERN_TCP_INPUT_H
#define TERN_TCP_INPUT_H

#include "core/stack.h"
#include "tcp/tcb.h"

/* A TCP packet has arrived: parses, verifies, finds whom it is for. */
enum drop_reason tcp_input(struct stack *stack, const struct packet_in *packet);
/* SEGMENT ARRIVES for a connection. It may be gone afterwards. */
enum drop_reason tcp_segment_arrives(struct tcb *tcb, const struct packet_in *packet,
                                     const struct segment *segment);

#endif
