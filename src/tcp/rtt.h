/* Round-trip time and the retransmission timeout (RFC 6298). */
#ifndef TERN_TCP_RTT_H
#define TERN_TCP_RTT_H

#include "tcp/tcb.h"

void rtt_init(struct tcb *tcb);
/* Takes one sample (RFC 6298 §2.2, §2.3). It also ends the back-off (§5.7 and Karn). */
void rtt_sample(struct tcb *tcb, uint64_t rtt_ns);
/* The handshake is over. When it gave no sample, because a SYN had to be sent again, the first data
 * get three seconds (§5.7). */
void rtt_established(struct tcb *tcb);
/* A sample for the windowed minimum only: what a retransmission may spoil stays out (RFC 8985 §6.2
 * step 1). */
void rtt_min_sample(struct tcb *tcb, uint64_t rtt_ns);
/* RTO with the back-off in force (§5.5), bounded by tcp.rto_max (§2.5). */
uint64_t rtt_rto(const struct tcb *tcb);

#endif
