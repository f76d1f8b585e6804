#include "tcp/state.h"

#include <assert.h>
#include <stdint.h>

#include "tcp/tcb.h"

#define TO(state) (1u << TCP_##state)

/* RFC 9293 §3.3.2, figure 5. Any state may fall to CLOSED: a reset, an abort, a timeout. LISTEN
 * stands in no row because a listener is an object of its own (listener.c). */
static const uint16_t state_next[TCP_STATES] = {
    [TCP_CLOSED] = TO(SYN_SENT) | TO(SYN_RECEIVED),
    [TCP_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
    [TCP_SYN_RECEIVED] = TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [TCP_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [TCP_FIN_WAIT_1] = TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
    [TCP_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
    [TCP_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [TCP_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
    [TCP_LAST_ACK] = TO(CLOSED),
    [TCP_TIME_WAIT] = TO(CLOSED),
};

void tcp_set_state(struct tcb *tcb, enum tcp_state state)
{
    assert(state_next[tcb->state] & (1u << state));
    tcb->state = state;
}
