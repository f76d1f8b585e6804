/* The states of RFC 9293 §3.3.2 and the one function that changes a connection's. */
#ifndef TERN_TCP_STATE_H
#define TERN_TCP_STATE_H

#include <stdbool.h>

struct tcb;

/* In the order and with the numbers of Linux's tcpi_state. LISTEN is a listener's, TIME-WAIT comes
 * last in a life. */
enum tcp_state {
    TCP_ESTABLISHED = 1,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_TIME_WAIT,
    TCP_CLOSED,
    TCP_CLOSE_WAIT,
    TCP_LAST_ACK,
    TCP_LISTEN,
    TCP_CLOSING,
    TCP_STATES
};

/* Changes the state. The change must be in the RFC's diagram (figure 5, with its notes and resets),
 * which is asserted. */
void tcp_set_state(struct tcb *tcb, enum tcp_state state);

/* The states in which the handshake is behind us: ESTABLISHED to TIME-WAIT. */
static inline bool tcp_state_synchronized(enum tcp_state s)
{
    return s != TCP_CLOSED && s != TCP_LISTEN && s != TCP_SYN_SENT && s != TCP_SYN_RECEIVED;
}
/* The states in which the user may still send: ESTABLISHED and CLOSE-WAIT. */
static inline bool tcp_state_can_send(enum tcp_state s)
{
    return s == TCP_ESTABLISHED || s == TCP_CLOSE_WAIT;
}
/* The states in which text may still arrive. */
static inline bool tcp_state_can_receive(enum tcp_state s)
{
    return s == TCP_ESTABLISHED || s == TCP_FIN_WAIT_1 || s == TCP_FIN_WAIT_2;
}

#endif
