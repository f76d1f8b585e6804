/* The persist condition: nothing is in flight, and the peer's window lets nothing go. */
#ifndef TERN_TCP_PERSIST_H
#define TERN_TCP_PERSIST_H

#include "tcp/tcb.h"

/* Starts the persist timer if the window keeps everything from going out and nothing is in flight
 * (RFC 9293 §3.8.6.1). */
void persist_check(struct tcb *tcb);
/* Something goes out, or there is nothing any more that could. */
void persist_over(struct tcb *tcb);
/* An acceptable ACK has come, and its window been taken. */
void persist_answered(struct tcb *tcb);
/* The user has closed: his patience is no longer known, and that of the stack counts from now. */
void persist_orphaned(struct tcb *tcb);
/* TCP_TIMER_PERSIST: probes the window, or gives the connection up. Whether it still exists. */
bool persist_expired(struct tcb *tcb);

#endif
