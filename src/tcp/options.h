/* The options of segments: what we say in ours, and what a handshake settles
 * (RFC 7323, RFC 2018). */
#ifndef TERN_TCP_OPTIONS_H
#define TERN_TCP_OPTIONS_H

#include "tcp/tcb.h"

/* Our timestamp clock now: milliseconds from a random origin of the connection's own (RFC 7323
 * §5.4). */
uint32_t tcp_timestamp(const struct tcb *tcb);
uint32_t tcp_timestamp_at(const struct tcb *tcb, uint64_t when_ns); /* what it was then */
uint32_t tcp_timestamp_offset(const struct tcp *tcp, const struct endpoint *local,
                              const struct endpoint *remote);
uint32_t tcp_timestamp_clock(const struct stack *stack);

/* The options for a segment of the connection, whose flags are set, and that carries `text_length`
 * bytes: SACK blocks only as far as they leave room for those. */
void options_fill(struct tcb *tcb, struct segment *segment, uint32_t text_length);
/* Bytes of options that come and go, SACK and AccECN, in the next segment. */
uint32_t options_extra_size(const struct tcb *tcb);
/* The peer's SYN settles what the connection uses: what both sides offered. */
void options_negotiate(struct tcb *tcb, const struct tcp_options *peer);
/* The MSS to announce: what the interface takes, or less if the user wants less (TCP_MAXSEG). */
uint16_t options_own_mss(const struct ip_path *path, const struct tcp_preferences *preferences);
/* The shift to use for the peer's: at most 14 (RFC 7323 §2.3). */
uint8_t options_scale(const struct tcp_options *peer);
/* The peer's MSS: 536 where it said none (RFC 9293 §3.7.1 MUST-15), and no less than
 * LIMIT_MSS_MIN. */
uint16_t options_mss(const struct tcp_options *peer);

#endif
