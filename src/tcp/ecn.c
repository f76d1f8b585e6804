#include "tcp/ecn.h"

#include "tcp/ack.h"
#include "tcp/output.h"
#include "tcp/receive.h"
#include "tcp/tcb.h"

/* Linux's values of tcp.ecn. */
enum { SETTING_OFF = 0, SETTING_CLASSIC = 1, SETTING_ACCEPT = 2 };

static bool has_flags(const struct segment *segment, uint16_t flags)
{
    return (segment->flags & (TCP_ECE | TCP_CWR)) == flags;
}

/* ── The handshake ── */

static enum ecn_mode asked_by(const struct settings *settings)
{
    return settings->tcp_ecn == SETTING_CLASSIC ? ECN_CLASSIC : ECN_OFF;
}

/* RFC 3168 §6.1.1: an ECN-setup SYN has both flags. One that was lost may have been lost for that
 * (§6.1.1.1): the next goes without. */
uint16_t ecn_syn_flags(struct tcb *tcb)
{
    if (tcb->syn_attempts <= 1)
        tcb->ecn.asked = (uint8_t)asked_by(&tcb->stack->settings);
    if (tcb->ecn.asked == ECN_OFF)
        return 0;
    if (tcb->syn_attempts > 1) {
        tcb->ecn.handshake.no_ect = true;
        return 0;
    }
    return TCP_ECE | TCP_CWR;
}

/* A SYN that is itself marked or could be is not RFC 3168's (§6.1.1). */
static bool is_classic_syn(const struct segment *syn)
{
    return has_flags(syn, TCP_ECE | TCP_CWR) && syn->ecn == ECN_NOT_ECT;
}

void ecn_syn_arrives(struct ecn_handshake *handshake, const struct settings *settings,
                     const struct segment *syn)
{
    handshake->mode = ECN_OFF;
    if (settings->tcp_ecn != SETTING_OFF && is_classic_syn(syn))
        handshake->mode = ECN_CLASSIC;
}

/* A peer that comes back without ECN has fallen back, and may never agree: nothing that we send is
 * to be marked (§6.1.1). */
void ecn_syn_repeated(struct ecn_handshake *handshake, const struct segment *syn)
{
    if (has_flags(syn, TCP_ECE | TCP_CWR))
        return;
    handshake->plain = handshake->no_ect = true;
}

uint16_t ecn_answer_flags(struct ecn_handshake *handshake)
{
    return handshake->mode == ECN_CLASSIC && !handshake->plain ? TCP_ECE : 0;
}

void ecn_syn_ack_arrives(struct tcb *tcb, const struct segment *syn_ack)
{
    struct ecn_handshake *handshake = &tcb->ecn.handshake;
    handshake->mode = ECN_OFF;
    if (tcb->ecn.asked != ECN_OFF && has_flags(syn_ack, TCP_ECE))
        handshake->mode = ECN_CLASSIC;
}

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
    return TCP_STEP_CONTINUE;
}

void ecn_feedback(struct tcb *tcb, const struct segment *segment, struct ack_event *event)
{
    if (tcb->ecn.handshake.mode != ECN_CLASSIC || !(segment->flags & TCP_ECE) ||
        segment->flags & TCP_SYN)
        return;
    event->ece = true;
    event->ce = event->delivered;
    tcb->ecn.delivered_ce += event->delivered;
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
        segment->flags |=
            segment->flags & TCP_ACK ? ecn_answer_flags(&tcb->ecn.handshake) : ecn_syn_flags(tcb);
        return ECN_NOT_ECT;
    }
    if (tcb->ecn.handshake.mode == ECN_CLASSIC)
        return classic_departs(tcb, decision, segment);
    return ECN_NOT_ECT;
}
