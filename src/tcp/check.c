#include "tcp/check.h"

#include <errno.h>

#include "base/seq.h"
#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/fastopen.h"
#include "tcp/output.h"
#include "tcp/receive.h"

/* RFC 7323 §5.5: after this long without a segment TS.Recent has outlived its meaning. */
#define PAWS_IDLE TIME_S(24u * 24 * 3600)

enum tcp_step tcp_check_paws(struct tcb *tcb, const struct segment *segment)
{
    if (!tcb->opt.timestamps || segment->flags & TCP_RST)
        return TCP_STEP_CONTINUE;
    /* §3.2; not before the handshake has settled them. */
    if (!segment->options.has_timestamps)
        return tcp_state_synchronized(tcb->state) && tcb->stack->settings.tcp_timestamps_strict
                   ? tcp_drop(DROP_TCP_MISSING_TIMESTAMP)
                   : TCP_STEP_CONTINUE;
    if (seq_geq(segment->options.timestamp_value, tcb->opt.ts_recent) ||
        tcb->stack->now_ns - tcb->opt.ts_recent_ns > PAWS_IDLE)
        return TCP_STEP_CONTINUE;
    stack_count(tcb->stack, COUNTER_TcpExtPAWSEstab);
    return tcp_drop_ack(DROP_TCP_PAWS);
}

/* RFC 9293 §3.10.7.4, first. The window's lower end is what has been acknowledged, and its upper
 * end belongs to it, so that a zero window still lets acknowledgments, resets and probes in; text
 * beyond it is looked at later (receive.c). */
enum tcp_step tcp_check_sequence(struct tcb *tcb, const struct segment *segment)
{
    uint32_t end = segment->seq + segment_length(segment);
    uint32_t edge = tcb->rcv.wup + tcb->rcv.wnd;
    uint32_t high = seq_gt(edge, tcb->rcv.nxt) ? edge : tcb->rcv.nxt;
    if (seq_geq(end, tcb->rcv.wup) && seq_leq(segment->seq, high))
        return TCP_STEP_CONTINUE;
    if (segment->flags & TCP_RST)
        return tcp_drop(DROP_TCP_SEQUENCE);
    if (segment->flags & TCP_SYN)
        return tcp_check_syn(tcb, segment); /* RFC 5961 §4.2: irrespective of the sequence number */
    if (segment->length && seq_lt(end, tcb->rcv.nxt))
        receive_duplicate(tcb, segment->seq, end);
    if (seq_gt(segment->seq, high))
        stack_count(tcb->stack, COUNTER_TcpExtBeyondWindow);
    return tcp_drop_ack(DROP_TCP_SEQUENCE);
}

static int reset_error(const struct tcb *tcb)
{
    switch (tcb->state) {
    case TCP_SYN_SENT:
        return ECONNREFUSED;
    case TCP_SYN_RECEIVED:
        return tcb->accepted_open ? ECONNRESET : ECONNREFUSED;
    case TCP_CLOSE_WAIT:
        return EPIPE;
    default:
        return ECONNRESET;
    }
}

/* Second: RFC 5961 §3.2. Only the exact number resets; another one in the window is challenged, for
 * whoever really reset will then know the exact one. */
enum tcp_step tcp_check_reset(struct tcb *tcb, const struct segment *segment)
{
    if (!(segment->flags & TCP_RST))
        return TCP_STEP_CONTINUE;
    if (segment->seq != tcb->rcv.nxt) {
        /* Narrower than the first step: neither what is acknowledged late, nor the edge. */
        if (!seq_gt(segment->seq, tcb->rcv.nxt) ||
            !seq_lt(segment->seq, tcb->rcv.wup + tcb->rcv.wnd))
            return tcp_drop(DROP_TCP_SEQUENCE);
        tcp_send_challenge(tcb);
        return tcp_drop(DROP_TCP_RST);
    }
    if (tcp_state_synchronized(tcb->state))
        stack_count(tcb->stack, COUNTER_TcpEstabResets);
    else
        stack_count(tcb->stack, COUNTER_TcpAttemptFails);
    if (tcb->fast_open.early_of)
        fast_open_reset(tcb->fast_open.early_of);
    tcp_connection_end(tcb, reset_error(tcb));
    return TCP_STEP_GONE;
}

/* Fourth: RFC 5961 §4.2. A SYN on an open connection changes nothing; the challenge makes a peer
 * that has really restarted send the reset that ends it. In SYN-RECEIVED the answer to a repeated
 * SYN is our SYN again. */
enum tcp_step tcp_check_syn(struct tcb *tcb, const struct segment *segment)
{
    if (!(segment->flags & TCP_SYN))
        return TCP_STEP_CONTINUE;
    if (tcb->state == TCP_SYN_RECEIVED && segment->seq == tcb->rcv.irs) {
        if (segment->flags & TCP_ACK) { /* simultaneous open: the other's SYN,ACK */
            if (!ecn_syn_ack_repeated(tcb, segment)) {
                tcp_connection_end(tcb, ECONNRESET);
                return TCP_STEP_GONE_RST;
            }
            receive_duplicate(tcb, segment->seq, segment->seq + 1);
            tcb->ack.now = true;
            return TCP_STEP_CONTINUE;
        }
        tcp_retransmit_first(tcb, WHY_SYN_ACK);
        return tcp_drop(DROP_TCP_SYN);
    }
    if (segment->flags & TCP_ACK && segment->seq == tcb->rcv.irs)
        ecn_syn_ack_repeated(tcb, segment);
    stack_count(tcb->stack, COUNTER_TcpExtTCPSYNChallenge);
    tcp_send_challenge(tcb);
    tcb->accecn.reflect = false;
    return tcp_drop(DROP_TCP_SYN);
}
