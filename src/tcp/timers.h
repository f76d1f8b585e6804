/* A connection's timers; what each is for stands at enum tcp_timer. */
#ifndef TERN_TCP_TIMERS_H
#define TERN_TCP_TIMERS_H

#include "base/time.h"
#include "tcp/tcb.h"

/* When the link took no packet nothing is known of the network: no back-off, and another try soon.
 */
#define TIMERS_LINK_RETRY TIME_MS(500)

void timers_init(struct tcp_connection *connection);
/* No deadline is set. */
void timers_clear(struct tcb *tcb);
void timer_set(struct tcb *tcb, enum tcp_timer which, uint64_t deadline_ns);
void timer_clear(struct tcb *tcb, enum tcp_timer which);
void timers_clear_all(struct tcb *tcb);
static inline uint64_t timer_deadline(const struct tcb *tcb, enum tcp_timer which)
{
    return tcb->deadline_ns[which];
}
static inline bool timer_is_set(const struct tcb *tcb, enum tcp_timer which)
{
    return tcb->deadline_ns[which] != UINT64_MAX;
}

/* RFC 6298 §5.1 to §5.3: runs the retransmission timer anew while something is outstanding, stops
 * it when nothing is; with it the tail loss probe. */
void timers_restart_retransmit(struct tcb *tcb);
/* The peer has acknowledged up to what it had SACKed, and no further: it has thrown that away,
 * unless the rest of its acknowledgment is on the way (RFC 2018 §8). Waits for that half a round
 * trip. */
void timers_await_reneged(struct tcb *tcb);
/* What is out gets through again: timeouts from now on are others. */
void timers_stall_over(struct tcb *tcb);
/* How long a stall of this many timeouts lasts when each doubles the last, from the shortest
 * timeout: the meaning of the retry settings (RFC 1122 §4.2.3.5: R2 in time, not in a count that a
 * short RTT makes meaningless). */
uint64_t timers_stall_limit(const struct tcb *tcb, int64_t retries, uint64_t first_ns);
/* Ends the connection with the error that its user shall be told, and says why. False: it is no
 * more. */
bool timers_give_up(struct tcb *tcb, const char *why, const char *clause);
/* Keepalive runs while the option is on and the connection is open (RFC 9293 §3.8.4). */
void timers_restart_keepalive(struct tcb *tcb);

#endif
