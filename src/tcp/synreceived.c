#include "tcp/synreceived.h"

#include "base/seq.h"
#include "tcp/half_open.h"
#include "tcp/input.h"
#include "tcp/listener.h"
#include "tcp/output.h"

/* TCP_DEFER_ACCEPT: a bare ACK makes no connection yet. */
static bool deferred(struct half_open *half, const struct segment *segment)
{
    if (half->timeouts >= half->listener->preferences.defer_accept || segment_length(segment) > 0)
        return false;
    half->acked = true;
    stack_count(half->listener->stack, COUNTER_TcpExtTCPDeferAcceptDrop);
    return true;
}

/* A segment that is not acceptable, and a reset or a SYN that may be a true one. */
static void acknowledge(struct half_open *half, enum tcp_why why)
{
    struct stack *stack = half->listener->stack;
    bool challenge = why == WHY_ACK_CHALLENGE;
    if (!tcp_allowed(stack, &half->answers)) {
        stack_count(stack, challenge ? COUNTER_TcpExtTCPACKSkippedChallenge
                                     : COUNTER_TcpExtTCPACKSkippedSeq);
        return;
    }
    if (challenge)
        stack_count(stack, COUNTER_TcpExtTCPChallengeACK);
    half_open_acknowledge(half, why);
}

/* As tcp_check_paws(). Only a segment that passes makes a connection: one that the connection
 * itself would drop would leave it behind with nothing to wait for. One without a timestamp passes:
 * that the peer knows of them, because our SYN,ACK came to it with its own, is not sure yet (RFC
 * 7323 §3.2). */
static enum drop_reason check_paws(struct half_open *half, const struct segment *segment)
{
    if (!half->listener->stack->settings.tcp_timestamps || !half->options.has_timestamps ||
        !segment->options.has_timestamps || segment->flags & TCP_RST)
        return DROP_NONE;
    if (seq_geq(segment->options.timestamp_value, half->options.timestamp_value))
        return DROP_NONE;
    acknowledge(half, WHY_ACK_DUPLICATE);
    return DROP_TCP_PAWS;
}

/* A repeated SYN: ours was lost. */
static enum drop_reason syn_repeated(struct half_open *half, const struct segment *segment)
{
    if (!ecn_syn_repeated(&half->ecn, &half->listener->stack->settings, segment)) {
        half_open_reset(half);
        return DROP_TCP_ECN;
    }
    half_open_answer(half);
    return DROP_TCP_SYN;
}

/* §3.10.7.4, fourth, has a passive open return to LISTEN for any SYN in the window, by which
 * whoever guesses a window could end handshakes. As with the reset that RFC 5961 §4.2 asks for, the
 * peer is asked first: one that has begun anew answers the challenge with the reset that ends this.
 */
static enum drop_reason syn_arrives(struct half_open *half)
{
    acknowledge(half, WHY_ACK_CHALLENGE);
    return DROP_TCP_SYN;
}

/* RFC 5961 §3.2: only the number expected resets. */
static enum drop_reason reset_arrives(struct half_open *half, const struct segment *segment)
{
    if (segment->seq != half->irs + 1) {
        acknowledge(half, WHY_ACK_CHALLENGE);
        return DROP_TCP_RST;
    }
    stack_count(half->listener->stack, COUNTER_TcpAttemptFails);
    half_open_free(half);
    return DROP_NONE;
}

/* The peer's next segment may find room. */
static enum drop_reason refuse_for_want_of_room(struct half_open *half,
                                                const struct packet_in *packet,
                                                const struct segment *segment)
{
    struct stack *stack = half->listener->stack;
    stack_count(stack, COUNTER_TcpExtListenOverflows);
    if (stack->settings.tcp_abort_on_overflow) {
        tcp_reject(stack, packet, segment);
        half_open_free(half);
    }
    return DROP_TCP_LISTEN_FULL;
}

static enum drop_reason check_sequence(struct half_open *half, const struct segment *segment)
{
    if (segment->seq - (half->irs + 1) <= half->window_bytes)
        return DROP_NONE;
    if (!(segment->flags & TCP_RST))
        acknowledge(half, WHY_ACK_DUPLICATE);
    return DROP_TCP_SEQUENCE;
}

/* Fifth: the handshake's last ACK makes the connection, which goes on with the segment. */
static enum drop_reason ack_arrives(struct half_open *half, const struct packet_in *packet,
                                    const struct segment *segment)
{
    if (segment->ack != half->iss + 1) {
        tcp_reject(half->listener->stack, packet, segment);
        return DROP_TCP_ACK;
    }
    if (tcp_listener_is_full(half->listener))
        return refuse_for_want_of_room(half, packet, segment);
    if (deferred(half, segment))
        return DROP_TCP_DEFERRED;
    struct tcb *tcb = half_open_promote(half);
    if (!tcb)
        return DROP_NO_MEMORY;
    half_open_free(half);
    return tcp_segment_arrives(tcb, packet, segment);
}

/* The checks of §3.10.7.4 that matter before there is a connection, in its order. */
enum drop_reason tcp_half_open_arrives(struct half_open *half, const struct packet_in *packet,
                                       const struct segment *segment)
{
    if (segment->flags & TCP_SYN && !(segment->flags & (TCP_RST | TCP_ACK)) &&
        segment->seq == half->irs) {
        return syn_repeated(half, segment);
    }
    enum drop_reason reason = check_paws(half, segment);
    if (reason == DROP_NONE)
        reason = check_sequence(half, segment);
    if (reason != DROP_NONE)
        return reason;
    if (segment->flags & TCP_RST)
        return reset_arrives(half, segment);
    if (segment->flags & TCP_SYN)
        return syn_arrives(half);
    if (!(segment->flags & TCP_ACK))
        return DROP_TCP_NO_ACK;
    return ack_arrives(half, packet, segment);
}

/* Nobody waits for a half-open connection: who cannot be reached may try again. A SYN,ACK is never
 * too big. */
enum drop_reason tcp_half_open_path_error(struct half_open *half, const struct path_error *error,
                                          uint32_t seq)
{
    struct stack *stack = half->listener->stack;
    if (seq != half->iss) { /* RFC 5927 §4.1 */
        stack_count(stack, COUNTER_TcpExtOutOfWindowIcmps);
        return DROP_ICMP_NO_MATCH;
    }
    if (error->kind == PATH_ERROR_TOO_BIG)
        return DROP_ICMP_NO_MATCH;
    stack_count(stack, COUNTER_TcpAttemptFails);
    half_open_free(half);
    return DROP_NONE;
}
