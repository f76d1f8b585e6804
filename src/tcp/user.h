/* What SEND and RECEIVE (user.c) have in common with the calls that work in place (reserve.c). */
#ifndef TERN_TCP_USER_H
#define TERN_TCP_USER_H

#include "tcp/tcb.h"

/* Whether SEND is possible now: 0, or tcp_send's error. */
int tcp_send_check(struct tcb *tcb);
/* What RECEIVE answers when there is nothing. */
ssize_t tcp_nothing_to_read(struct tcb *tcb);
/* The user has done with the first `bytes` of the receive ring. */
void tcp_read_past(struct tcb *tcb, uint32_t bytes);

#endif
