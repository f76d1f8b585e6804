/* What the SYNs settle about ECN: RFC 3168 §6.1.1, RFC 9768 §3.1 and its Table 2.
 *
 *   A asks        B answers               both use
 *   AE CWR ECE    B can accurate: 010 011 100 110, by how the SYN came marked    accurate
 *   AE CWR ECE    B can classic:  001                                            classic
 *      CWR ECE    001                                                            classic
 *   else          000                                                            nothing
 *
 * Whichever mode a host enters first it stays in. SYNs that are lost may be lost for their flags:
 * both sides try again without, at last. */
#include "tcp/accecn_peers.h"
#include "tcp/ack.h"
#include "tcp/ecn.h"
#include "tcp/tcb.h"

/* Linux's values of tcp.ecn. */
enum {
    SETTING_OFF,
    SETTING_CLASSIC,
    SETTING_AGREE_CLASSIC,
    SETTING_ACCURATE,
    SETTING_AGREE_ACCURATE_ASK_CLASSIC,
    SETTING_AGREE_ACCURATE,
};

enum {
    FLAGS_NONE = 0,
    FLAGS_CLASSIC_ANSWER = TCP_ECE,
    FLAGS_CLASSIC_ASK = TCP_CWR | TCP_ECE,
    FLAGS_ACCURATE_ASK = TCP_AE | TCP_CWR | TCP_ECE,
    FLAGS_BROKEN = FLAGS_ACCURATE_ASK,       /* of an answer: our own flags thrown back */
    FLAGS_RESERVED_ANSWER = TCP_AE | TCP_ECE /* agrees all the same (RFC 9768 §3.1.3) */
};

static uint16_t flags_of(const struct segment *segment)
{
    return segment->flags & (TCP_AE | TCP_CWR | TCP_ECE);
}

/* RFC 9768 §3.1.3: whatever is neither nothing nor classic asks for AccECN. */
static bool asks_for_accurate(const struct segment *syn)
{
    return flags_of(syn) != FLAGS_NONE && flags_of(syn) != FLAGS_CLASSIC_ASK;
}

/* Who knows nothing of AE looks at the other two. */
static bool asks_for_classic(const struct segment *syn)
{
    return (syn->flags & FLAGS_CLASSIC_ASK) == FLAGS_CLASSIC_ASK;
}

static enum ecn_mode asked_by(const struct settings *settings)
{
    switch (settings->tcp_ecn) {
    case SETTING_CLASSIC:
    case SETTING_AGREE_ACCURATE_ASK_CLASSIC:
        return ECN_CLASSIC;
    case SETTING_ACCURATE:
        return ECN_ACCURATE;
    default:
        return ECN_OFF;
    }
}

static bool agrees_to_accurate(const struct settings *settings)
{
    return settings->tcp_ecn >= SETTING_ACCURATE;
}

/* ── Asking ── */

/* A SYN that was lost may have been lost for its flags. For classic ones the next goes without (RFC
 * 3168 §6.1.1.1), for accurate ones the one after (RFC 9768 §3.1.4.1). */
static bool gives_up_asking(const struct tcb *tcb)
{
    unsigned tries = tcb->ecn.asked == ECN_ACCURATE ? 2 : 1;
    return tcb->stack->settings.tcp_ecn_fallback && tcb->syn_attempts > tries;
}

void ecn_open(struct tcb *tcb)
{
    const struct settings *settings = &tcb->stack->settings;
    tcb->ecn.asked = (uint8_t)asked_by(settings);
    tcb->ecn.plain_syn = false;
    if (tcb->ecn.asked == ECN_ACCURATE && settings->tcp_ecn_fallback && accecn_peer_avoided(tcb))
        tcb->ecn.asked = ECN_OFF;
}

uint16_t ecn_syn_flags(struct tcb *tcb)
{
    if (tcb->ecn.asked == ECN_OFF)
        return FLAGS_NONE;
    if (gives_up_asking(tcb)) {
        tcb->ecn.plain_syn = true;
        return FLAGS_NONE;
    }
    return tcb->ecn.asked == ECN_ACCURATE ? FLAGS_ACCURATE_ASK : FLAGS_CLASSIC_ASK;
}

/* ── Agreeing ── */

void ecn_syn_arrives(struct ecn_handshake *handshake, const struct settings *settings,
                     const struct segment *syn)
{
    handshake->mode = ECN_OFF;
    if (settings->tcp_ecn == SETTING_OFF)
        return;
    if (agrees_to_accurate(settings) && asks_for_accurate(syn)) {
        handshake->mode = ECN_ACCURATE;
        handshake->peer_ecn = syn->ecn;
    } else if (asks_for_classic(syn) && syn->ecn == ECN_NOT_ECT) {
        /* A SYN that is itself marked or could be is not RFC 3168's (§6.1.1). */
        handshake->mode = ECN_CLASSIC;
    }
}

bool ecn_syn_repeated(struct ecn_handshake *handshake, const struct settings *settings,
                      const struct segment *syn)
{
    bool nothing = flags_of(syn) == FLAGS_NONE;
    switch (handshake->mode) {
    case ECN_ACCURATE:
        if (flags_of(syn) == FLAGS_CLASSIC_ASK)
            return false;
        /* §3.1.5: the client may end up without; it is told the latest codepoint all the same. */
        handshake->no_ect |= nothing;
        handshake->peer_ecn = syn->ecn;
        return true;
    case ECN_CLASSIC:
        if (agrees_to_accurate(settings) && asks_for_accurate(syn))
            return false;
        /* A peer that comes back without ECN has fallen back, and may never agree: nothing that we
         * send is to be marked (RFC 3168 §6.1.1). */
        if (!asks_for_classic(syn))
            handshake->plain = handshake->no_ect = true;
        return true;
    default:
        return true;
    }
}

/* RFC 9768 §3.2.3.2.2: the first has flags and option; one that is lost may be lost for the option,
 * and when the next is lost as well, for the flags. */
static void answer_accurate(struct ecn_handshake *handshake, const struct settings *settings,
                            unsigned timeouts, struct segment *answer)
{
    if (timeouts > 0 && settings->tcp_ecn_fallback) {
        handshake->no_ect = true; /* §3.1.5 */
        return;
    }
    answer->flags |= accecn_handshake_flags(handshake->peer_ecn);
    if (handshake->answers == 0 && settings->tcp_ecn_option)
        accecn_option_begin(&answer->options);
}

void ecn_answer(struct ecn_handshake *handshake, const struct settings *settings, unsigned timeouts,
                struct segment *answer)
{
    if (handshake->mode == ECN_CLASSIC && !handshake->plain)
        answer->flags |= FLAGS_CLASSIC_ANSWER;
    else if (handshake->mode == ECN_ACCURATE)
        answer_accurate(handshake, settings, timeouts, answer);
    if (handshake->answers < UINT8_MAX)
        handshake->answers++;
}

uint16_t ecn_half_open_flags(const struct ecn_handshake *handshake)
{
    return handshake->mode == ECN_ACCURATE ? accecn_flags(0) : FLAGS_NONE;
}

/* ── The answer ── */

static enum ecn_mode mode_by_answer(const struct tcb *tcb, uint16_t flags)
{
    if (tcb->ecn.asked == ECN_CLASSIC)
        return (flags & FLAGS_CLASSIC_ASK) == FLAGS_CLASSIC_ANSWER ? ECN_CLASSIC : ECN_OFF;
    if (tcb->ecn.asked != ECN_ACCURATE || flags == FLAGS_NONE || flags == FLAGS_BROKEN)
        return ECN_OFF;
    return flags == FLAGS_CLASSIC_ANSWER ? ECN_CLASSIC : ECN_ACCURATE;
}

/* How the SYN,ACK came marked is told with the pure ACK that answers it, and counted: once, however
 * many come (RFC 9768 §3.2.2.1, §3.2.2.2). */
static void take_codepoint(struct tcb *tcb, const struct segment *syn_ack)
{
    struct accecn *a = &tcb->accecn;
    tcb->ecn.handshake.peer_ecn = syn_ack->ecn;
    a->reflect = true;
    a->demand = 2;
    if (syn_ack->ecn == ECN_CE && !a->counted_syn_ack) {
        a->counted_syn_ack = true;
        a->received_ce++;
    }
    accecn_option_seen(tcb, &syn_ack->options);
}

/* §3.2.2.3: our SYN could not be marked, so it must not have come so. A mark on it, wherever it was
 * put, is answered as the loss of the SYN would be. */
static void judge_answer(struct tcb *tcb, uint16_t flags)
{
    int codepoint = accecn_handshake_codepoint(flags);
    if (flags == FLAGS_RESERVED_ANSWER || codepoint == ECN_NOT_ECT)
        return;
    if (tcb->stack->settings.tcp_ecn_fallback)
        accecn_fail(tcb, ACCECN_FEEDBACK_MANGLED, "the SYN's ECN field was changed on its way");
    if (codepoint == ECN_CE)
        tcb->cc.cwnd = 1;
}

/* Whichever SYN it answers: flags on it can only come of flags on that. */
static void learn_of_peer(struct tcb *tcb, uint16_t flags)
{
    if (tcb->ecn.asked != ECN_ACCURATE)
        return;
    if (tcb->ecn.plain_syn && flags == FLAGS_NONE)
        accecn_peer_lost(tcb);
    else
        accecn_peer_answers(tcb);
}

void ecn_syn_ack_arrives(struct tcb *tcb, const struct segment *syn_ack)
{
    struct ecn_handshake *handshake = &tcb->ecn.handshake;
    learn_of_peer(tcb, flags_of(syn_ack));
    handshake->mode = (uint8_t)mode_by_answer(tcb, flags_of(syn_ack));
    if (handshake->mode == ECN_CLASSIC)
        handshake->no_ect = tcb->ecn.plain_syn; /* RFC 3168 §6.1.1 */
    if (handshake->mode != ECN_ACCURATE)
        return;
    accecn_begin(tcb, syn_ack->ecn);
    take_codepoint(tcb, syn_ack);
    accecn_bytes_arrive(tcb, syn_ack->ecn, syn_ack->length);
    judge_answer(tcb, flags_of(syn_ack));
}

bool ecn_syn_ack_repeated(struct tcb *tcb, const struct segment *syn_ack)
{
    uint16_t flags = flags_of(syn_ack);
    bool handshake = !tcp_state_synchronized(tcb->state);
    switch (tcb->ecn.handshake.mode) {
    case ECN_ACCURATE:
        if (handshake && flags == FLAGS_CLASSIC_ANSWER)
            return false;
        take_codepoint(tcb, syn_ack);
        return true;
    case ECN_CLASSIC:
        return !handshake || tcb->ecn.asked != ECN_ACCURATE ||
               mode_by_answer(tcb, flags) != ECN_ACCURATE;
    default:
        return true;
    }
}

/* RFC 9768 §3.1.2: as the responding host would, but no more than we have asked for ourselves,
 * since the peer goes by that. */
void ecn_simultaneous_open(struct tcb *tcb, const struct segment *syn)
{
    struct ecn_handshake *handshake = &tcb->ecn.handshake;
    ecn_syn_arrives(handshake, &tcb->stack->settings, syn);
    if (handshake->mode == ECN_ACCURATE && tcb->ecn.asked == ECN_CLASSIC)
        handshake->mode = asks_for_classic(syn) ? ECN_CLASSIC : ECN_OFF;
    else if (tcb->ecn.asked == ECN_OFF)
        handshake->mode = ECN_OFF;
    if (handshake->mode == ECN_CLASSIC)
        handshake->no_ect = tcb->ecn.plain_syn;
    accecn_begin(tcb, syn->ecn);
}

void ecn_answer_departs(struct tcb *tcb, struct segment *answer)
{
    struct ecn_handshake *handshake = &tcb->ecn.handshake;
    ecn_answer(handshake, &tcb->stack->settings, handshake->answers > 1, answer);
}
