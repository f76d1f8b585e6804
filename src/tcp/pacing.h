/* Pacing: segments leave at a rate instead of in bursts of a window, where the congestion control
 * asks for it, the user has named a most (SO_MAX_PACING_RATE), or the setting tcp.pacing is on.
 *
 * It is a token bucket, kept as the moment at which the next segment may leave: each one sent moves
 * that on by the time its bytes take at the rate. A timer that was late leaves tokens in the
 * bucket, which half pay for what is sent next, so that lateness does not lower the rate and an
 * idle time does not become a burst. What repairs a silence (a retransmission timeout, a probe)
 * does not wait, but is paid for. */
#ifndef TERN_TCP_PACING_H
#define TERN_TCP_PACING_H

#include <stdbool.h>
#include <stdint.h>

struct tcb;

/* Whether the pacer keeps back what might be sent now. */
bool pacing_holds(const struct tcb *tcb);
/* Calls back when it no longer does. */
void pacing_wait(struct tcb *tcb);
/* So much text has been sent. */
void pacing_sent(struct tcb *tcb, uint32_t bytes);

/* Estimates the rate of the connection, from window and RTT unless the congestion control has a
 * rate of its own; after each ACK, and when the connection opens. */
void pacing_update_rate(struct tcb *tcb);

#endif
