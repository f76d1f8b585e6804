/* Header prediction (Jacobson 1990; RFC 7323 §5.6).
 *
 * Nearly every segment of a bulk transfer, and of questions and answers, is the next of the peer's
 * stream or acknowledges the next of ours, and brings nothing else. Of such a one it is known what
 * the steps of arrival find: that they do not apply. Where the conditions below hold input.c passes
 * them by, and has what is left of two of them done, by the functions that they end in:
 * ack_predicted() and receive_predicted().
 *
 * The window need not be as before: it is taken by the function that the step takes it by. A peer
 * that receives in bulk says another with nearly every acknowledgment.
 *
 * Each condition is there because without it a step would do something that those two do not.
 * tests/sim/test_prediction.c plays conversations with and without prediction, and compares all
 * state after each segment. */
#include "tcp/predict.h"

#include "base/seq.h"
#include "tcp/timers.h"

enum { TIMESTAMPS_LENGTH = 12 }; /* with what aligns them (RFC 7323 appendix A) */

/* Timestamps where they are used, and no other option: no SACK (RFC 2018), AccECN or user timeout.
 * PAWS comes before prediction, else an old duplicate could be next in sequence (RFC 7323 §5.6). */
static bool options_as_predicted(const struct tcb *tcb, const struct segment *segment)
{
    if (!tcb->opt.timestamps)
        return segment->header_length == TCP_HEADER_MIN;
    return segment->header_length == TCP_HEADER_MIN + TIMESTAMPS_LENGTH &&
           segment->options.has_timestamps &&
           seq_geq(segment->options.timestamp_value, tcb->opt.ts_recent);
}

/* The text begins where the last ended, and ends within the window (§3.10.7.4, first and seventh);
 * nothing is held behind it that it could join or fill the way to (RFC 5681 §4.2), no FIN either
 * (eighth). */
static bool text_as_predicted(const struct tcb *tcb, const struct segment *segment)
{
    return segment->seq == tcb->rcv.nxt &&
           seq_leq(segment->seq + segment->length, tcb->rcv.wup + tcb->rcv.wnd) &&
           tcb->rcv.out_of_order.count == 0 && !tcb->rcv.fin_seen;
}

/* It acknowledges what is out, or nothing new (fifth; RFC 5961 §5); without text that would be a
 * duplicate ACK, a window update or a probe. */
static bool ack_as_predicted(const struct tcb *tcb, const struct segment *segment)
{
    return seq_geq(segment->ack, tcb->snd.una) && seq_leq(segment->ack, tcb->snd.nxt) &&
           (segment->length > 0 || segment->ack != tcb->snd.una);
}

/* The network has marked nothing, and is not seen for the first time to be able to (RFC 3168
 * §6.1.3). With AccECN every segment tells or counts something (RFC 9768). */
static bool marks_as_predicted(const struct tcb *tcb, const struct segment *segment)
{
    const struct ecn_state *ecn = &tcb->ecn;
    if (ecn->handshake.mode == ECN_OFF)
        return true;
    return ecn->handshake.mode == ECN_CLASSIC &&
           (segment->length == 0 ||
            (segment->ecn != ECN_CE && ecn->ect_seen == (segment->ecn != ECN_NOT_ECT)));
}

/* Nothing that we have sent is missing, or was until now (recovery.c; but text of a SYN may be lost
 * without a phase, RFC 7413 §4.2.2), or has been sent to find that out (RFC 8985 §7.4); and no
 * window is waited for (persist.c). */
static bool sending_untroubled(const struct tcb *tcb)
{
    return tcb->recovery.phase == TCP_PHASE_OPEN && tcb->records.lost_out == 0 &&
           !tcb->rack.probe_out && !timer_is_set(tcb, TCP_TIMER_PERSIST);
}

bool predict_holds(const struct tcb *tcb, const struct segment *segment)
{
    /* No RST (second), SYN (fourth), URG (sixth), FIN (eighth), ECE or CWR (RFC 3168 §6.1). */
    return (segment->flags & ~TCP_PSH) == TCP_ACK && tcb->state == TCP_ESTABLISHED &&
           text_as_predicted(tcb, segment) && ack_as_predicted(tcb, segment) &&
           options_as_predicted(tcb, segment) && marks_as_predicted(tcb, segment) &&
           sending_untroubled(tcb) && tcb->stack->settings.tcp_header_prediction;
}
