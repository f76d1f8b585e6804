/* Arriving text goes straight to its place in the receive ring, in order or not; ranges know the
 * holes. */
#include "tcp/receive.h"

#include <errno.h>

#include "base/seq.h"
#include "tcp/arrivals.h"
#include "tcp/connection.h"
#include "tcp/memory.h"
#include "tcp/output.h"
#include "tcp/receive_space.h"
#include "tcp/sack.h"
#include "tcp/timers.h"

static uint32_t right_edge(const struct tcb *tcb)
{
    return tcb->rcv.wup + tcb->rcv.wnd;
}

void receive_duplicate(struct tcb *tcb, uint32_t start, uint32_t end)
{
    ecn_duplicate(tcb, end);
    if (tcb->opt.sack && tcb->stack->settings.tcp_dsack)
        tcb->rcv.duplicate = (struct range){start, end};
}

/* RFC 2883 §4.2: what of [seq, end) is held beyond a hole already, the first piece of it. */
static void report_overlap(struct tcb *tcb, uint32_t seq, uint32_t end)
{
    const struct range *held = ranges_find(&tcb->rcv.out_of_order, seq);
    if (held && seq_lt(held->start, end))
        receive_duplicate(tcb, seq_max(seq, held->start), seq_min(end, held->end));
}

/* Whether the ring may hold `needed` bytes for the sake of text at `seq`, as far as the memory of
 * all goes (memory.c). */
static bool memory_allows(struct tcb *tcb, uint32_t seq, uint32_t needed)
{
    uint32_t growth = ring_growth(&tcb->rcv.ring, needed);
    bool in_order = seq == tcb->rcv.nxt;
    if (growth == 0 || (in_order && tcp_memory_for(tcb, growth)))
        return true;
    if (in_order && tcb->rcv.ring.length > 0)
        stack_count(tcb->stack, COUNTER_TcpExtTCPRcvQDrop);
    if (in_order)
        return tcb->rcv.ring.length == 0; /* it must get on */
    if (!tcb->stack->memory_short && stack_memory_allows(tcb->stack, growth))
        return true;
    stack_count(tcb->stack, COUNTER_TcpExtTCPOFODrop);
    return false;
}

/* Writes [seq, seq + length) to its place. The memory that this takes is the ring's, bounded by the
 * window. */
static bool store(struct tcb *tcb, uint32_t seq, const uint8_t *text, uint32_t length)
{
    uint32_t offset = tcb->rcv.ring.length + (seq - tcb->rcv.nxt);
    if (!tcb->stack->memory_short)
        ring_spares_take(&tcb->tcp->spares, &tcb->rcv.ring, offset + length);
    if (!memory_allows(tcb, seq, offset + length))
        return false;
    if (ring_reserve(&tcb->rcv.ring, offset + length) < 0)
        return false;
    ring_write_at(&tcb->rcv.ring, offset, text, length);
    receive_space_take(tcb, length);
    tcp_connection_charge(tcb);
    return true;
}

/* RCV.NXT moves over what has just come. */
static void advance(struct tcb *tcb, uint32_t end)
{
    uint32_t bytes = end - tcb->rcv.nxt;
    ring_extend(&tcb->rcv.ring, bytes);
    tcb->rcv.nxt = end;
    tcb->stat.bytes_received += bytes;
}

/* And over what had come before behind it. */
static void advance_over_held(struct tcb *tcb)
{
    const struct range *next = ranges_find(&tcb->rcv.out_of_order, tcb->rcv.nxt);
    if (next && seq_leq(next->start, tcb->rcv.nxt))
        advance(tcb, next->end);
    ranges_trim(&tcb->rcv.out_of_order, tcb->rcv.nxt);
}

/* Text at RCV.NXT to its reader, or to its place in the ring. */
static enum tcp_step take_next(struct tcb *tcb, const uint8_t *text, uint32_t length)
{
    uint32_t landed = receive_land(tcb, text, length);
    if (landed < length) {
        if (!store(tcb, tcb->rcv.nxt, text + landed, length - landed)) {
            tcb->ack.now = true;
            if (landed)
                tcp_notify(tcb, POLLIN | POLLRDNORM);
            return tcp_drop(DROP_TCP_MEMORY);
        }
        advance(tcb, tcb->rcv.nxt + length - landed);
    }
    return TCP_STEP_CONTINUE;
}

/* What has been taken is told of. */
static void tell_taken(struct tcb *tcb, const struct segment *segment)
{
    arrivals_note(tcb);
    if (tcb->rcv.ring.length >= LIMIT_READER_BYTES)
        tcb->stack->batch_enough = true;
    receive_data_arrived(tcb, segment);
    tcp_notify(tcb, POLLIN | POLLRDNORM);
}

static enum tcp_step take_in_order(struct tcb *tcb, const struct segment *segment,
                                   const uint8_t *text, uint32_t length)
{
    bool holes = tcb->rcv.out_of_order.count > 0;
    if (holes)
        report_overlap(tcb, tcb->rcv.nxt, tcb->rcv.nxt + length);
    enum tcp_step step = take_next(tcb, text, length);
    if (step != TCP_STEP_CONTINUE)
        return step;
    if (holes) {
        advance_over_held(tcb);
        /* What fills a hole is acknowledged at once (RFC 5681 §4.2). */
        tcb->ack.now = true;
        if (tcb->rcv.out_of_order.count == 0)
            receive_quick(tcb, 2);
    }
    tell_taken(tcb, segment);
    return TCP_STEP_CONTINUE;
}

enum tcp_step receive_predicted(struct tcb *tcb, const struct segment *segment)
{
    tcb->stat.data_segments_in++;
    enum tcp_step step = take_next(tcb, segment->text, segment->length);
    if (step == TCP_STEP_CONTINUE)
        tell_taken(tcb, segment);
    return step;
}

static enum tcp_step take_out_of_order(struct tcb *tcb, const struct segment *segment, uint32_t seq,
                                       const uint8_t *text, uint32_t length)
{
    uint32_t end = seq + length;
    receive_measure(tcb, segment);
    tcb->ack.now = true; /* RFC 5681 §4.2: the duplicate ACK that tells of the hole */
    receive_quick(tcb, 16);
    stack_count(tcb->stack, COUNTER_TcpExtTCPOFOQueue);
    tcb->stat.out_of_order++;
    report_overlap(tcb, seq, end);
    if (ranges_cover(&tcb->rcv.out_of_order, seq, end)) {
        sack_note(tcb, seq);
        return TCP_STEP_CONTINUE;
    }
    if (!store(tcb, seq, text, length) ||
        ranges_add(&tcb->rcv.out_of_order, seq, end, LIMIT_OUT_OF_ORDER_RANGES, NULL) < 0)
        return tcp_drop(DROP_TCP_MEMORY);
    sack_note(tcb, seq);
    receive_window_held_up(tcb, length);
    tcb->stat.last_received_ns = tcb->stack->now_ns;
    return TCP_STEP_CONTINUE;
}

/* All of the text is here already, and the FIN behind it is next: what was sent again for the FIN's
 * sake is not reported, lest the sender take a retransmission to have been needless. */
static bool brings_only_fin(const struct tcb *tcb, const struct segment *segment)
{
    return segment->flags & TCP_FIN && !(segment->flags & TCP_SYN) && !tcb->rcv.fin &&
           segment->seq + segment->length == tcb->rcv.nxt;
}

/* §3.10.7.4 leaves open what becomes of text that begins within the window and ends beyond it.
 * While nothing waits to be read there is room for a segment, whatever was offered, and it is taken
 * whole; else none of it is, for who heeds no window is not helped with half of what he sends. */
static bool has_no_room(const struct tcb *tcb, uint32_t seq, uint32_t length)
{
    if (seq_leq(seq + length, right_edge(tcb)))
        return false;
    return tcb->rcv.ring.length > 0 || (seq != tcb->rcv.nxt && seq_geq(seq, right_edge(tcb)));
}

enum tcp_step tcp_process_text(struct tcb *tcb, const struct segment *segment)
{
    uint32_t seq = segment->seq + ((segment->flags & TCP_SYN) != 0);
    uint32_t length = segment->length;
    const uint8_t *text = segment->text;
    if (length == 0)
        return TCP_STEP_CONTINUE;
    if (!tcb_can_receive(tcb) || tcb->rcv.fin)
        return TCP_STEP_CONTINUE; /* §3.10.7.4, seventh: nothing should come; it is ignored */
    tcb->stat.data_segments_in++;
    /* The user has closed and data still comes: it can never be delivered (RFC 2525 §2.17, RFC 9293
     * §3.6.1 SHLD-3). */
    if ((tcb->detached || (tcb->receive_shut && tcb->snd.fin_queued)) &&
        seq_gt(seq + length, tcb->rcv.nxt)) {
        stack_count(tcb->stack, COUNTER_TcpExtTCPAbortOnData);
        tcp_connection_end(tcb, ECONNRESET);
        return TCP_STEP_GONE_RST;
    }
    if (brings_only_fin(tcb, segment))
        return TCP_STEP_CONTINUE;
    if (seq_lt(seq, tcb->rcv.nxt)) {
        uint32_t known = tcb->rcv.nxt - seq;
        receive_duplicate(tcb, seq, seq_min(seq + length, tcb->rcv.nxt));
        tcb->ack.now = true;
        if (known >= length)
            return TCP_STEP_CONTINUE;
        seq += known;
        text += known;
        length -= known;
    }
    if (has_no_room(tcb, seq, length)) {
        stack_count(tcb->stack, COUNTER_TcpExtBeyondWindow);
        return tcp_drop_ack(DROP_TCP_SEQUENCE);
    }
    if (seq == tcb->rcv.nxt)
        return take_in_order(tcb, segment, text, length);
    return take_out_of_order(tcb, segment, seq, text, length);
}

static void peer_closed(struct tcb *tcb)
{
    tcb->rcv.fin = true;
    tcb->rcv.nxt++;
    receive_fin_arrived(tcb); /* §3.10.7.4, eighth: an acknowledgment for the FIN */
    switch (tcb->state) {
    case TCP_SYN_RECEIVED:
    case TCP_ESTABLISHED:
        tcp_set_state(tcb, TCP_CLOSE_WAIT);
        break;
    case TCP_FIN_WAIT_1:
        tcp_set_state(
            tcb, TCP_CLOSING); /* our FIN's acknowledgment would have led to FIN-WAIT-2 before */
        break;
    case TCP_FIN_WAIT_2:
        tcp_connection_time_wait(tcb);
        break;
    default:
        break;
    }
    tcp_notify(tcb, POLLIN | POLLRDNORM | POLLRDHUP);
}

enum tcp_step tcp_process_fin(struct tcb *tcb, const struct segment *segment)
{
    uint32_t at = segment->seq + ((segment->flags & TCP_SYN) != 0) + segment->length;
    if (segment->flags & TCP_FIN && !tcb->rcv.fin &&
        seq_leq(at, seq_max(right_edge(tcb), tcb->rcv.nxt))) {
        tcb->rcv.fin_seen = true;
        tcb->rcv.fin_seq = at;
        if (seq_gt(at, tcb->rcv.nxt)) {
            tcb->ack.now = true; /* it came ahead of what is missing */
            sack_note(tcb, at);
        }
    }
    if (tcb->rcv.fin_seen && !tcb->rcv.fin && tcb->rcv.fin_seq == tcb->rcv.nxt)
        peer_closed(tcb);
    else if (segment->flags & TCP_FIN && tcb->rcv.fin)
        tcb->ack.now = true;
    return TCP_STEP_CONTINUE;
}
