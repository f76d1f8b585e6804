/* TIME-WAIT (RFC 9293 §3.6.1 and §3.10.7.4, RFC 6191, RFC 1337). */
#ifndef TERN_TCP_TIMEWAIT_H
#define TERN_TCP_TIMEWAIT_H

#include "core/stack.h"
#include "tcp/tcb.h"

enum drop_reason tcp_time_wait_arrives(struct tcb *tcb, const struct packet_in *packet,
                                       const struct segment *segment);

#endif
