/* STATUS (RFC 9293 §3.10.6): what a connection is ready for, and what else its user may ask. */
#include "tcp/send.h"
#include "tcp/tcb.h"
#include "tcp/urgent.h"

static unsigned receive_readiness(const struct tcb *tcb)
{
    unsigned events = 0;
    if (tcb->rcv.fin || tcb->receive_shut || tcb->ended)
        events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (tcp_queued_in(tcb))
        events |= POLLIN | POLLRDNORM;
    if (urgent_pending(tcb))
        events |= POLLPRI;
    return events;
}

/* Whether there is room to write. The answer no is a promise to tell when it changes. */
static bool has_room(struct tcb *tcb)
{
    if (tcb->snd.fin_queued || send_writable(tcb))
        return true;
    tcb->snd.full = true;
    return false;
}

unsigned tcp_readiness(struct tcb *tcb)
{
    unsigned events = 0;
    bool open = tcb_open(tcb);
    if (open || tcb->ended || tcb->receive_shut)
        events |= receive_readiness(tcb);
    if (tcb->opens_late)
        events |= POLLOUT | POLLWRNORM;
    else if (tcb->state == TCP_CLOSED)
        events |= POLLOUT | POLLWRNORM | POLLHUP;
    else if (open && has_room(tcb))
        events |= POLLOUT | POLLWRNORM;
    if (open && tcb->snd.fin_queued && (tcb->rcv.fin || tcb->receive_shut))
        events |= POLLHUP;
    if (tcb->error || !error_queue_empty(&tcb->errors))
        events |= POLLERR;
    return events;
}

const struct endpoint *tcp_local(const struct tcb *tcb)
{
    return &tcb->connection->local;
}

const struct endpoint *tcp_remote(const struct tcb *tcb)
{
    return &tcb->connection->remote;
}

void tcp_expect_text(struct tcb *tcb, bool expected)
{
    tcb->snd.expected = expected;
}

bool tcp_asking(const struct tcb *tcb)
{
    return tcb->state == TCP_SYN_SENT;
}

bool tcp_has_peer(const struct tcb *tcb)
{
    return (tcb_open(tcb) && tcb->state != TCP_TIME_WAIT) || tcb->opens_late;
}

bool tcp_opening(const struct tcb *tcb)
{
    return tcb->state == TCP_SYN_SENT || (tcb->state == TCP_SYN_RECEIVED && !tcb->accepted_open);
}

bool tcp_connected(const struct tcb *tcb)
{
    return tcb_open(tcb) || tcb->opens_late;
}

bool tcp_drained(const struct tcb *tcb)
{
    if (tcb->state == TCP_CLOSED)
        return true;
    bool fin_pending = tcb->snd.fin_queued && !tcb->snd.fin_acked;
    return tcb->snd.ring.length == 0 && !fin_pending;
}

uint32_t tcp_queued_in(const struct tcb *tcb)
{
    return tcb->preferences.oob_inline ? tcb->rcv.ring.length
                                       : urgent_reach(tcb) - urgent_is_next(tcb);
}

int tcp_inq(const struct tcb *tcb)
{
    if (!tcb->preferences.inq)
        return -1;
    uint32_t held = tcb->rcv.ring.length;
    return held ? (int)held : tcb->rcv.fin || tcb->ended;
}

uint32_t tcp_queued_out(const struct tcb *tcb)
{
    bool fin =
        tcb->state == TCP_FIN_WAIT_1 || tcb->state == TCP_CLOSING || tcb->state == TCP_LAST_ACK;
    return tcb->snd.ring.length + fin;
}
