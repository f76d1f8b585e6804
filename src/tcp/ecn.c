#include "tcp/ecn.h"

#include "tcp/ack.h"
#include "tcp/output.h"
#include "tcp/receive.h"
#include "tcp/tcb.h"

/* ── Arriving ── */

/* RFC 3168 §6.1.3. CWR first: a mark on the same packet is news. */
static void text_arrives(struct tcb *tcb, const struct segment *segment)
{
    struct ecn_state *ecn = &tcb->ecn;
    if (segment->flags & TCP_CWR) {
        ecn->echo = false;
        tcb->ack.now = true; /* the sender's window may be so small that it waits for this */
    }
    if (segment->ecn == ECN_CE && !ecn->echo) {
        ecn->echo = true;
        receive_quick(tcb, 2);
    } else if (segment->ecn == ECN_NOT_ECT && ecn->ect_seen) {
        receive_quick(tcb, 2); /* a retransmission, most likely: the sender is in trouble */
    }
    ecn->ect_seen |= segment->ecn != ECN_NOT_ECT;
}

enum tcp_step ecn_arrives(struct tcb *tcb, const struct segment *segment)
{
    if (tcb->ecn.handshake.mode == ECN_CLASSIC && segment->length > 0)
        text_arrives(tcb, segment);
    else if (tcb->ecn.handshake.mode == ECN_ACCURATE)
        accecn_arrives(tcb, segment);
    return TCP_STEP_CONTINUE;
}

static void classic_feedback(struct tcb *tcb, const struct segment *segment,
                             struct ack_event *event)
{
    if (!(segment->flags & TCP_ECE) || segment->flags & TCP_SYN)
        return;
    event->ece = true;
    event->ce = event->delivered;
    tcb->ecn.delivered_ce += event->delivered;
    stack_count_many(tcb->stack, COUNTER_TcpExtTCPDeliveredCE, event->delivered);
}

void ecn_feedback(struct tcb *tcb, const struct segment *segment, struct ack_event *event)
{
    if (tcb->ecn.handshake.mode == ECN_CLASSIC)
        classic_feedback(tcb, segment, event);
    else if (tcb->ecn.handshake.mode == ECN_ACCURATE)
        accecn_feedback(tcb, segment, event);
}

/* ── Departing ── */

void ecn_window_reduced(struct tcb *tcb)
{
    if (tcb->ecn.handshake.mode == ECN_CLASSIC)
        tcb->ecn.reduced = true;
}

void ecn_window_restored(struct tcb *tcb)
{
    tcb->ecn.reduced = false;
}

void ecn_timed_out(struct tcb *tcb)
{
    if (tcb->ecn.handshake.mode == ECN_ACCURATE)
        accecn_option_timed_out(tcb);
}

void ecn_duplicate(struct tcb *tcb, uint32_t end)
{
    if (tcb->ecn.handshake.mode == ECN_ACCURATE)
        accecn_option_duplicate(tcb, end);
}

/* RFC 3168 §6.1.4, §6.1.5 and §6.1.6: only new data can be marked; not what is sent again, a pure
 * acknowledgment or a window probe. */
static bool is_new_data(const struct send_decision *decision)
{
    return decision->length > 0 && !decision->record && decision->why != WHY_WINDOW_PROBE;
}

static uint8_t classic_departs(struct tcb *tcb, const struct send_decision *decision,
                               struct segment *segment)
{
    struct ecn_state *ecn = &tcb->ecn;
    if (segment->flags & TCP_RST)
        return ECN_NOT_ECT;
    if (ecn->echo)
        segment->flags |= TCP_ECE;
    if (!is_new_data(decision))
        return ECN_NOT_ECT;
    if (ecn->reduced) {
        segment->flags |= TCP_CWR;
        ecn->reduced = false;
    }
    return ecn->handshake.no_ect ? ECN_NOT_ECT : ECN_ECT0;
}

uint8_t ecn_departs(struct tcb *tcb, const struct send_decision *decision, struct segment *segment)
{
    if (segment->flags & TCP_SYN) {
        if (segment->flags & TCP_ACK)
            ecn_answer_departs(tcb, segment);
        else
            segment->flags |= ecn_syn_flags(tcb);
        return ECN_NOT_ECT;
    }
    switch (tcb->ecn.handshake.mode) {
    case ECN_CLASSIC:
        return classic_departs(tcb, decision, segment);
    case ECN_ACCURATE:
        return accecn_departs(tcb, decision, segment);
    default:
        return ECN_NOT_ECT;
    }
}
