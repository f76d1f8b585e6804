/* RFC 6093 §6: urgent data is left in the stream, in line; the pointer tells the user where the
 * mark is. It is clamped to what the window reaches (security rule 3); 0 is harmless. */
#include "tcp/urgent.h"

#include "base/seq.h"
#include "tcp/connection.h"

enum tcp_step tcp_process_urgent(struct tcb *tcb, const struct segment *segment)
{
    if (!(segment->flags & TCP_URG) || !tcp_state_can_receive(tcb->state))
        return TCP_STEP_CONTINUE;
    /* RCV.UP <- max(RCV.UP, SEG.UP); the pointer is of the byte after the urgent ones (MUST-62). */
    uint32_t up = segment->seq + segment->urgent;
    uint32_t edge = seq_max(tcb->rcv.wup + tcb->rcv.wnd, tcb->rcv.nxt + 1);
    if (seq_gt(up, edge))
        up = edge; /* a shut window still tells that something urgent waits behind it (MUST-66) */
    if (seq_leq(up, tcb->rcv.nxt) || (tcb->rcv.urgent && seq_leq(up, tcb->rcv.up)))
        return TCP_STEP_CONTINUE;
    tcb->rcv.up = up;
    tcb->rcv.urgent = true;
    tcp_notify(tcb, POLLPRI); /* MUST-32 */
    return TCP_STEP_CONTINUE;
}
