/* The life of a connection: made, told about, ended. */
#ifndef TERN_TCP_CONNECTION_H
#define TERN_TCP_CONNECTION_H

#include "tcp/tcb.h"

/* A tcb in CLOSED with the stack's defaults; NULL without memory. */
struct tcb *tcp_connection_new(struct tcp *tcp);
/* Makes a block, all zero, the connection's, with what every one begins with. */
void tcp_connection_prepare(struct tcb *tcb, struct tcp_connection *connection);
/* Fixes the segment size and the windows' start once path and peer's options are known. */
void tcp_connection_set_mss(struct tcb *tcb);
/* Our SYN has been acknowledged: what Fast Open had opened early is now open like any other. */
void tcp_connection_handshake_over(struct tcb *tcb);
/* Enters ESTABLISHED. */
void tcp_connection_established(struct tcb *tcb);
/* The connection is over: to CLOSED, buffers for sending freed, the owner told `error` (positive
 * errno, 0: none). With no owner the tcb is freed: touch it no more. */
void tcp_connection_end(struct tcb *tcb, int error);
void tcp_connection_free(struct tcb *tcb);
/* Enters TIME-WAIT, of which there are at most LIMIT_TIME_WAIT: the oldest are over then. */
void tcp_connection_time_wait(struct tcb *tcb);
/* Ends one in TIME-WAIT, at rest only if nobody owns it. */
void tcp_connection_time_wait_over(struct tcp_connection *connection);
/* In FIN-WAIT-2 nobody will read any more: waits for the peer's FIN only so long, or, with
 * TCP_LINGER2 below 0, not at all. Whether the connection still exists. */
bool tcp_connection_linger(struct tcb *tcb);

/* Tells the owner that what it may ask has changed. */
void tcp_notify(struct tcb *tcb, unsigned events);
/* Brings the stack's memory account up to date with the rings. */
void tcp_connection_charge(struct tcb *tcb);

#endif
