#include "tcp/accecn.h"

#include "base/seq.h"
#include "tcp/ack.h"
#include "tcp/output.h"
#include "tcp/tcb.h"

enum {
    CEP_FIRST = 5, /* r.cep and s.cep begin there (§3.2.1) */
    ACE_MASK = 7,

    /* §3.2.2.5.1: so many marked packets are acknowledged at once. */
    MARKS_WITH_TEXT = 2,
    MARKS_WITHOUT_TEXT = 3,

    AVERAGE_SHIFT = 6,
    CONTRADICTIONS = 2, /* in a row, and it is no accident (§3.2.3.2.5) */

    THINNED_ACK = 4, /* who acknowledges more than this at a time usually lets no ACK get lost */

    /* §3.2.2.3: all packets of so many round trips at the start came marked, and so many of them:
     * something marks whatever passes. */
    ROUNDS_ALL_MARKED = 4,
    PACKETS_ALL_MARKED = 8,
};

uint16_t accecn_flags(uint32_t packets)
{
    uint32_t ace = packets + CEP_FIRST;
    return (uint16_t)((ace & 1 ? TCP_ECE : 0) | (ace & 2 ? TCP_CWR : 0) | (ace & 4 ? TCP_AE : 0));
}

uint32_t accecn_bits(uint16_t flags)
{
    return (flags & TCP_ECE ? 1u : 0) | (flags & TCP_CWR ? 2u : 0) | (flags & TCP_AE ? 4u : 0);
}

uint16_t accecn_handshake_flags(uint8_t codepoint)
{
    switch (codepoint) {
    case ECN_ECT1:
        return TCP_CWR | TCP_ECE;
    case ECN_ECT0:
        return TCP_AE;
    case ECN_CE:
        return TCP_AE | TCP_CWR;
    default:
        return TCP_CWR;
    }
}

int accecn_handshake_codepoint(uint16_t flags)
{
    for (int codepoint = ECN_NOT_ECT; codepoint <= ECN_CE; codepoint++)
        if (accecn_bits(accecn_handshake_flags((uint8_t)codepoint)) == accecn_bits(flags))
            return codepoint;
    return -1;
}

void accecn_fail(struct tcb *tcb, enum accecn_failure failure, const char *why)
{
    tcb->accecn.failures |= (uint8_t)failure;
    tcb->ecn.handshake.no_ect = true;
    stack_count(tcb->stack, COUNTER_TcpExtTCPAccECNFallback);
    stack_trace(tcb->stack, TERN_TRACE_NOTE, NULL, 0, NULL, why, "RFC 9768 §3.2.2");
}

void accecn_begin(struct tcb *tcb, uint8_t codepoint)
{
    tcb->accecn.previous = codepoint;
    tcb->accecn.demand = 1;
    tcb->accecn.round_end = tcb->snd.nxt;
    tcb->accecn.bytes_followed = true;
}

static bool is_pure_ack(const struct segment *segment)
{
    return segment_length(segment) == 0 && segment->options.sack_count == 0 &&
           !(segment->flags & (TCP_SYN | TCP_RST));
}

/* ── Arriving: the receiver's side ── */

void accecn_arrives(struct tcb *tcb, const struct segment *segment)
{
    struct accecn *a = &tcb->accecn;
    bool changed = segment->ecn != a->previous, text = segment->length > 0;
    bool marked = segment->ecn == ECN_CE;
    uint32_t marks = marked && !(segment->flags & TCP_SYN) ? segment->packets : 0;
    a->previous = segment->ecn;
    a->received_ce += marks;
    marks += a->unsaid_ce;
    a->unsaid_ce = marks < UINT8_MAX ? (uint8_t)marks : UINT8_MAX;
    accecn_bytes_arrive(tcb, segment->ecn, segment->length);
    /* The order and the time of changes are to be seen too: the ACK of the first with another
     * codepoint, and the next, which shows that the last counted with it. */
    if (changed || marked)
        a->demand = 2;
    bool owed = text || tcb->ack.pending;
    if (text && changed)
        tcb->ack.now = true; /* §3.2.2.5.1, change-triggered */
    if (a->unsaid_ce >= (owed ? MARKS_WITH_TEXT : MARKS_WITHOUT_TEXT)) {
        tcb->ack.acks_alone = !owed && !tcb->ack.now;
        tcb->ack.now = true; /* increment-triggered */
    }
}

/* ── Arriving: the sender's side ── */

/* Table 4: in SYN-RECEIVED a pure ACK tells how our SYN,ACK came marked. */
static void handshake_acknowledged(struct tcb *tcb, const struct segment *segment)
{
    tcb->accecn.handshake_bits = (uint8_t)accecn_bits(segment->flags);
    if (accecn_bits(segment->flags) == 0) {
        tcb->accecn.deaf = true; /* note 1: the peer may not have agreed at last */
        accecn_fail(tcb, ACCECN_FEEDBACK_MANGLED, "the peer's ACK knows nothing of AccECN");
        return;
    }
    int codepoint = accecn_handshake_codepoint(segment->flags);
    if (codepoint > ECN_NOT_ECT && tcb->stack->settings.tcp_ecn_fallback)
        accecn_fail(tcb, ACCECN_FEEDBACK_MANGLED, "the SYN,ACK's ECN field was changed on its way");
    if (codepoint == ECN_CE) {
        tcb->ecn.delivered_ce++;
        tcb->cc.cwnd = 1; /* as if it had been lost */
    }
}

static void note_acknowledged(struct accecn *a, uint32_t segments)
{
    uint32_t x64 = segments << AVERAGE_SHIFT;
    if (segments == 0)
        return;
    if (a->average_ack_x64 == 0)
        a->average_ack_x64 = x64;
    else
        a->average_ack_x64 += (uint32_t)(((int64_t)x64 - a->average_ack_x64) / 64);
}

/* §3.2.2.5.2, Appendix A.2: how many marks `increment` stands for, modulo 8, when `segments` have
 * been acknowledged. The most that can be, unless the option or a habit of acknowledging much at a
 * time makes the least more likely. */
static uint32_t marks_meant(const struct tcb *tcb, uint32_t increment, uint32_t segments,
                            bool bytes_known, uint32_t ce_bytes)
{
    if (segments <= ACE_MASK)
        return increment;
    uint32_t most = segments - ((segments - increment) & ACE_MASK);
    if (!bytes_known)
        return tcb->accecn.average_ack_x64 > THINNED_ACK << AVERAGE_SHIFT ? increment : most;
    if (ce_bytes <= increment * tcb->snd.mss || ce_bytes < most * tcb->snd.mss / 2)
        return increment;
    return most;
}

/* §3.2.2.3. */
static void watch_for_constant_marks(struct tcb *tcb, const struct ack_event *event)
{
    struct accecn *a = &tcb->accecn;
    if (a->path_shown)
        return;
    a->round_ce += event->ce;
    a->round_delivered += event->delivered;
    if (seq_lt(tcb->snd.una, a->round_end) || a->round_delivered == 0)
        return;
    /* Marks on pure ACKs count with the rest; what bytes tell is sure. */
    a->path_shown = a->round_ce < a->round_delivered || a->delivered_bytes[ECN_ECT0 - 1] > 0;
    if (a->marked_rounds < ROUNDS_ALL_MARKED)
        a->marked_rounds++;
    a->round_ce = a->round_delivered = 0;
    a->round_end = tcb->snd.nxt;
    if (!a->path_shown && a->marked_rounds == ROUNDS_ALL_MARKED &&
        tcb->ecn.delivered_ce >= PACKETS_ALL_MARKED) {
        a->path_shown = a->deaf = true;
        accecn_fail(tcb, ACCECN_FEEDBACK_MANGLED, "everything comes marked");
    }
}

/* §3.2.2.4: the counter does not begin with zero. */
static bool is_zeroed(struct tcb *tcb, uint32_t ace)
{
    struct accecn *a = &tcb->accecn;
    if (a->ace_seen)
        return false;
    a->ace_seen = true;
    if (ace != 0 || !tcb->stack->settings.tcp_ecn_fallback)
        return false;
    a->deaf = true;
    accecn_fail(tcb, ACCECN_FEEDBACK_MANGLED, "the ACE field is zeroed");
    return true;
}

/* §3.2.3.2.5: bytes came marked, and no packet did. Eight packets that nobody knows to have
 * arrived, pure ACKs and duplicates, could explain it once. */
static void judge_consistency(struct tcb *tcb, uint32_t increment)
{
    struct accecn *a = &tcb->accecn;
    a->contradictions = increment > 0 ? 0 : (uint8_t)(a->contradictions + 1);
    if (a->contradictions == CONTRADICTIONS)
        accecn_fail(tcb, ACCECN_FEEDBACK_MANGLED, "ACE field and AccECN option contradict");
}

static void take_counter(struct tcb *tcb, const struct segment *segment, struct ack_event *event,
                         bool bytes_known, uint32_t ce_bytes)
{
    uint32_t ace = accecn_bits(segment->flags);
    if (is_zeroed(tcb, ace) || tcb->accecn.deaf)
        return;
    uint32_t increment = (ace - CEP_FIRST - tcb->ecn.delivered_ce) & ACE_MASK;
    uint32_t marks = marks_meant(tcb, increment, event->delivered, bytes_known, ce_bytes);
    if (bytes_known && ce_bytes > 0 && event->delivered <= ACE_MASK)
        judge_consistency(tcb, increment);
    tcb->ecn.delivered_ce += marks;
    stack_count_many(tcb->stack, COUNTER_TcpExtTCPDeliveredCE, marks);
    event->ce = marks;
    event->ece = marks > 0;
    watch_for_constant_marks(tcb, event);
}

/* An ACK of the SYN,ACK that comes once more, delayed or doubled, tells of it and is no counter
 * (§3.2.2.2). */
static bool repeats_handshake(const struct tcb *tcb, const struct segment *segment)
{
    return tcb->accepted_open && !tcb->accecn.ace_seen && is_pure_ack(segment) &&
           segment->ack == tcb->snd.iss + 1 &&
           accecn_bits(segment->flags) == tcb->accecn.handshake_bits;
}

void accecn_feedback(struct tcb *tcb, const struct segment *segment, struct ack_event *event)
{
    struct accecn *a = &tcb->accecn;
    note_acknowledged(a, event->delivered);
    if (segment->flags & TCP_SYN)
        return; /* §3.2.2: there the flags are no counter */
    /* Appendix A.1: what tells nothing new may be older than what we have heard. */
    if (!event->advanced && !event->sacked && !tcb->opt.ts_advanced)
        return;
    uint32_t ce_bytes = 0;
    accecn_option_seen(tcb, &segment->options);
    bool told = accecn_option_read(tcb, &segment->options, &ce_bytes);
    /* After an ACK without it the option tells of what that acknowledged as well. */
    bool bytes_known = told && (a->bytes_followed || ce_bytes == 0);
    a->bytes_followed = told;
    if (event->delivered > 0)
        a->option_works = true;
    if (event->syn_acked && is_pure_ack(segment))
        handshake_acknowledged(tcb, segment);
    else if (!repeats_handshake(tcb, segment))
        take_counter(tcb, segment, event, bytes_known, ce_bytes);
}

/* ── Departing ── */

/* Once both sides have ended and the user has let go nobody asks for the counter (§3.1.2: TIME-WAIT
 * knows nothing of what was negotiated). */
static bool is_forgotten(const struct tcb *tcb)
{
    return tcb->state == TCP_TIME_WAIT && tcb->detached;
}

/* ECN++ (RFC 8311 §4.3, draft-ietf-tcpm-generalized-ecn §3.2): with this feedback all but SYNs and
 * resets can be marked, also what is sent again; pure ACKs only where SACK tells ACKs of them from
 * duplicates. */
static uint8_t codepoint_for(const struct tcb *tcb, const struct segment *segment, bool pure)
{
    bool may =
        !tcb->ecn.handshake.no_ect && !(segment->flags & TCP_RST) && (!pure || tcb->opt.sack);
    return may ? ECN_ECT0 : ECN_NOT_ECT;
}

uint8_t accecn_departs(struct tcb *tcb, const struct send_decision *decision,
                       struct segment *segment)
{
    struct accecn *a = &tcb->accecn;
    bool pure = decision->length == 0 && !(segment->flags & (TCP_FIN | TCP_RST));
    if (a->reflect && pure) {
        segment->flags |= accecn_handshake_flags(tcb->ecn.handshake.peer_ecn);
    } else if (!is_forgotten(tcb)) {
        segment->flags |= accecn_flags(a->received_ce);
        a->unsaid_ce = 0;
    }
    a->reflect = false;
    return codepoint_for(tcb, segment, pure);
}
