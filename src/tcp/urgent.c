/* The urgent pointer is a mark in the stream: what stands before it is urgent (MUST-31). It counts
 * from the segment's number and names the byte after the urgent ones (MUST-62), though what users
 * of the sockets interface call urgent is the one byte before.
 *
 * That byte stays in its place in the receive ring. With SO_OOBINLINE, which RFC 6093 §6
 * recommends, it is read there; without, as on Linux and BSD, reads pass over it and MSG_OOB takes
 * it out. A read that does not begin at the mark ends there, so that sockatmark(3) can tell.
 *
 * A pointer is clamped to what the window reaches (security rule 3); 0 is harmless. */
#include "tcp/urgent.h"

#include <errno.h>

#include "base/seq.h"
#include "tcp/connection.h"
#include "tcp/receive.h"

/* ── Receiving ── */

/* The number of the byte that is read next. */
static uint32_t read_point(const struct tcb *tcb)
{
    return tcb->rcv.nxt - tcb->rcv.fin - tcb->rcv.ring.length;
}

static uint32_t mark(const struct tcb *tcb)
{
    return tcb->rcv.up - 1;
}

bool tcp_at_mark(const struct tcb *tcb)
{
    return tcb->rcv.urgent && read_point(tcb) == mark(tcb);
}

bool urgent_is_next(const struct tcb *tcb)
{
    return tcp_at_mark(tcb) && !tcb->preferences.oob_inline && tcb->rcv.ring.length > 0;
}

uint32_t urgent_reach(const struct tcb *tcb)
{
    uint32_t held = tcb->rcv.ring.length;
    uint32_t before = mark(tcb) - read_point(tcb);
    return tcb->rcv.urgent && before > 0 && before < held ? before : held;
}

void urgent_read_past(struct tcb *tcb)
{
    if (tcb->rcv.urgent && seq_geq(read_point(tcb), tcb->rcv.up))
        tcb->rcv.urgent = false;
}

bool urgent_pending(const struct tcb *tcb)
{
    return tcb->rcv.urgent && !tcb->rcv.urgent_taken;
}

/* Whether the urgent byte has arrived, be it behind a hole. */
static bool has_arrived(const struct tcb *tcb)
{
    return seq_lt(mark(tcb), tcb->rcv.nxt - tcb->rcv.fin) ||
           ranges_cover(&tcb->rcv.out_of_order, mark(tcb), tcb->rcv.up);
}

ssize_t urgent_receive(struct tcb *tcb, const struct iovec *spans, int count, int flags)
{
    if (tcb->preferences.oob_inline || !urgent_pending(tcb))
        return -EINVAL;
    if (!has_arrived(tcb))
        return tcb->rcv.fin || tcb->receive_shut || tcb->ended ? 0 : -EAGAIN;
    for (int i = 0; i < count; i++) {
        if (spans[i].iov_len == 0)
            continue;
        if (!(flags & MSG_TRUNC))
            ring_copy_out(&tcb->rcv.ring, mark(tcb) - read_point(tcb), spans[i].iov_base, 1);
        tcb->rcv.urgent_taken = !(flags & MSG_PEEK);
        return 1;
    }
    return 0;
}

/* An urgent byte that nobody has asked for and at which reading stands is lost when another one
 * follows: left in its place, it would turn up among the others. */
static void discard_old(struct tcb *tcb)
{
    if (!urgent_is_next(tcb))
        return;
    ring_consume(&tcb->rcv.ring, 1);
    receive_consumed(tcb, 1);
}

enum tcp_step tcp_process_urgent(struct tcb *tcb, const struct segment *segment)
{
    if (!(segment->flags & TCP_URG) || !tcp_state_can_receive(tcb->state))
        return TCP_STEP_CONTINUE;
    /* RCV.UP <- max(RCV.UP, SEG.UP) */
    uint32_t up = segment->seq + segment->urgent;
    uint32_t edge = seq_max(tcb->rcv.wup + tcb->rcv.wnd, tcb->rcv.nxt + 1);
    if (seq_gt(up, edge))
        up = edge; /* a shut window still tells that something urgent waits behind it (MUST-66) */
    if (seq_leq(up, tcb->rcv.nxt) || (tcb->rcv.urgent && seq_leq(up, tcb->rcv.up)))
        return TCP_STEP_CONTINUE;
    discard_old(tcb);
    tcb->rcv.up = up;
    tcb->rcv.urgent = true;
    tcb->rcv.urgent_taken = false;
    stack_count(tcb->stack, COUNTER_TcpInUrgent);
    tcp_notify(tcb, POLLPRI); /* MUST-32 */
    return TCP_STEP_CONTINUE;
}

/* ── Sending ── */

void urgent_written(struct tcb *tcb)
{
    tcb->snd.up = tcb->snd.base + tcb->snd.ring.length;
    tcb->snd.urgent = true;
}

void urgent_departs(const struct tcb *tcb, struct segment *segment)
{
    if (!tcb->snd.urgent || !seq_lt(segment->seq, tcb->snd.up) || segment->flags & TCP_SYN)
        return;
    uint32_t distance = tcb->snd.up - segment->seq;
    /* Too far for the field: as far as that goes, unless a later segment will say it better. */
    if (distance > UINT16_MAX && !seq_gt(segment->seq + UINT16_MAX, tcb->snd.nxt))
        return;
    segment->flags |= TCP_URG;
    segment->urgent = distance < UINT16_MAX ? (uint16_t)distance : UINT16_MAX;
}

void urgent_acknowledged(struct tcb *tcb)
{
    if (tcb->snd.urgent && seq_geq(tcb->snd.una, tcb->snd.up))
        tcb->snd.urgent = false;
}
