/* A user who writes again and again should find that each packet takes with it what was written
 * last. Twice there is a write to wait for:
 *
 *   when its call has begun, and the machine catches up before it looks at the bytes: an
 *   acknowledgment that is taken in then would else send what is short alone;
 *
 *   when a write has just ended and its user is likely to write again at once (MSG_BATCH): what was
 *   left when all full bursts had gone would else be a packet of its own.
 *
 * Nagle's rule waits in the same way for what is less than a segment, until all is acknowledged;
 * but this waits for nothing that may not come. One connection of a stack at a time waits between
 * two calls, and whatever its user does next but write ends it, as does a host that drives without
 * him: before it sleeps, and a moment after his last call. Linux lets a packet that is not full
 * wait until what went before it has left the network card (its tcp_autocorking). */
#include "tcp/await.h"

#include "tcp/output.h"
#include "tcp/protocol.h"
#include "tcp/tcb.h"
#include "tcp/tcp.h"

void await_begin(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    if (tcp->awaits != tcb)
        tcp_let_go(tcp->stack);
    tcp->awaits = tcb;
    tcb->snd.writing = true;
}

bool await_end(struct tcb *tcb)
{
    bool put_off = tcb->snd.put_off;
    if (tcb->tcp->awaits == tcb)
        tcb->tcp->awaits = NULL;
    tcb->snd.writing = tcb->snd.put_off = false;
    return put_off;
}

bool await_keeps(const struct tcb *tcb)
{
    return tcb->snd.writing && !tcb->snd.fin_queued;
}

bool tcp_await_write(struct tcb *tcb, bool on)
{
    if (on)
        tcb->snd.writing = tcb->snd.units.count > 0;
    else if (await_end(tcb)) /* and was not only left to wait, by MSG_MORE, as it still may */
        tcp_output(tcb);
    return tcb->snd.writing;
}

void tcp_let_go(struct stack *stack)
{
    struct tcp *tcp = tcp_of(stack);
    if (tcp->awaits)
        tcp_await_write(tcp->awaits, false);
}
