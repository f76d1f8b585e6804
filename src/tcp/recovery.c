/* Theory of operation.
 *
 * Every ACK becomes an ack_event (ack.c) and arrives here once. The connection is in one of five
 * phases:
 *
 *   OPEN       nothing is missing; the congestion control may grow the window
 *   DISORDER   something is missing, not enough to call it lost; new data may still go (RFC 3042)
 *   REDUCED    a single reduction without retransmission: ECN, or a loss that a probe repaired
 *   RECOVERY   fast recovery: what is lost is sent again; PRR spreads the reduction
 *   LOSS       after a timeout: everything is lost until shown otherwise; slow start
 *
 * What is lost is decided in rack.c for a peer with SACK, in newreno.c without. Sending itself is
 * output.c's: it asks for records_next_lost() while the window has room. A phase ends when SND.UNA
 * reaches recovery.high, the SND.NXT of its start. Whether it was all a mistake is asked of undo.c
 * and frto.c. */
#include "tcp/recovery.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/cwv.h"
#include "tcp/mtu_probe.h"
#include "tcp/options.h"
#include "tcp/records.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"

void recovery_init(struct tcb *tcb)
{
    tcb->recovery.reordering = (uint32_t)tcb->stack->settings.tcp_reordering;
    tcb->recovery.phase = TCP_PHASE_OPEN;
    tcb->cc.ssthresh = UINT32_MAX;
    tcb->rack.window_steps = 1;
}

/* RFC 3168 §6.1.2, RFC 9438 §4.6: marks, unlike losses, bring the window down to one segment; and
 * one that is marked at that is followed by nothing for a timeout, and each further one for twice
 * as long. */
static void reduce_below_two(struct tcb *tcb, uint32_t window)
{
    uint8_t *waits = &tcb->recovery.waits;
    if (window > 1)
        *waits = 0;
    if (window > 2 || tcb->cc.operations->control)
        return;
    tcb->recovery.to_one = true;
    if (window > 1)
        return;
    uint64_t wait = rtt_rto(tcb) << *waits;
    tcb->cc.next_send_ns =
        tcb->stack->now_ns + time_min(wait, TIME_MS(tcb->stack->settings.tcp_rto_max_ms));
    if (*waits < 10)
        ++*waits;
}

static void enter_reduced(struct tcb *tcb, uint32_t delivered, bool marked)
{
    if (tcb->recovery.phase >= TCP_PHASE_REDUCED)
        return;
    uint32_t window = tcb->cc.cwnd;
    undo_begin(tcb);
    undo_forget(tcb);
    tcb->undo.prior_ssthresh = 0; /* fast recovery, if it comes to that, goes back no further */
    prr_begin(tcb, delivered);
    if (marked)
        reduce_below_two(tcb, window);
    tcb->recovery.high = tcb->snd.nxt;
    tcb->recovery.phase = TCP_PHASE_REDUCED;
}

static void enter_recovery(struct tcb *tcb, uint32_t delivered, bool ece)
{
    stack_count(tcb->stack,
                tcb->opt.sack ? COUNTER_TcpExtTCPSackRecovery : COUNTER_TcpExtTCPRenoRecovery);
    bool reducing = tcb->recovery.phase == TCP_PHASE_REDUCED;
    uint32_t prior_ssthresh = tcb->undo.prior_ssthresh;
    undo_begin(tcb);
    if (reducing)
        tcb->undo.prior_ssthresh = prior_ssthresh;
    else
        prr_begin(tcb, delivered);
    if (ece)
        tcb->undo.prior_ssthresh = 0; /* marks are no mistake: nothing to go back to */
    tcb->recovery.high = tcb->snd.nxt;
    tcb->recovery.phase = TCP_PHASE_RECOVERY;
}

static void to_open(struct tcb *tcb)
{
    bool amiss = tcb->records.sacked || tcb->records.lost_out || tcb->records.retransmitted;
    tcb->recovery.phase = amiss ? TCP_PHASE_DISORDER : TCP_PHASE_OPEN;
}

/* Without SACK the duplicates of a phase that has just ended may still come in. Held until
 * something above `high` is acknowledged, they cannot start another (RFC 6582 §3.2 step 2, "careful
 * variant"). */
static bool hold_without_sack(struct tcb *tcb)
{
    return !tcb->opt.sack && tcb->snd.una == tcb->recovery.high &&
           tcb->recovery.phase >= TCP_PHASE_RECOVERY;
}

/* SND.UNA has reached the recovery point. Returns whether there is nothing more to do with this
 * ACK. */
static bool end_phase(struct tcb *tcb, const struct segment *segment)
{
    switch (tcb->recovery.phase) {
    case TCP_PHASE_REDUCED:
        if (tcb->snd.una == tcb->recovery.high)
            return false; /* after the reduction's last segment, not with it */
        prr_end(tcb);
        tcb->recovery.phase = TCP_PHASE_OPEN;
        return false;
    case TCP_PHASE_RECOVERY:
        rack_recovered(tcb);
        if (!tcb->opt.sack)
            newreno_reset(tcb);
        if (!undo_recovery(tcb, segment) && hold_without_sack(tcb)) {
            prr_end(tcb);
            return true;
        }
        prr_end(tcb);
        tcb->recovery.phase = TCP_PHASE_OPEN;
        return false;
    default:
        return false;
    }
}

static void detect_losses(struct tcb *tcb, struct ack_event *event)
{
    if (tcb->opt.sack) {
        event->lost += rack_detect_losses(tcb);
    } else {
        uint32_t before = tcb->records.lost_out;
        newreno_mark_lost(tcb, event->advanced);
        if (tcb->records.lost_out > before)
            event->lost += tcb->records.lost_out - before;
    }
}

static void count_without_sack(struct tcb *tcb, struct ack_event *event)
{
    if (!tcb->opt.sack && event->duplicate)
        newreno_duplicate(tcb, event);
}

static void on_ack_in_recovery(struct tcb *tcb, const struct segment *segment,
                               struct ack_event *event)
{
    if (event->advanced && undo_partial(tcb, segment, event) &&
        tcb->recovery.phase != TCP_PHASE_RECOVERY)
        return;
    count_without_sack(tcb, event);
    if (undo_dsack(tcb)) {
        to_open(tcb);
        return;
    }
    detect_losses(tcb, event);
}

static void on_ack_in_loss(struct tcb *tcb, const struct segment *segment, struct ack_event *event)
{
    bool recovered = seq_geq(tcb->snd.una, tcb->recovery.high);
    if (event->advanced && undo_loss(tcb, segment, false))
        return;
    if (frto_on_ack(tcb, segment, event))
        return;
    if (recovered && !hold_without_sack(tcb)) {
        rack_recovered(tcb);
        if (!tcb->opt.sack)
            newreno_reset(tcb);
        undo_recovery(tcb, segment);
        tcb->recovery.timeouts = 0;
        tcb->recovery.frto = false;
        tcb->recovery.phase = TCP_PHASE_OPEN;
        return;
    }
    if (!tcb->opt.sack) {
        /* Duplicates prove deliveries only once nothing that was sent before the timeout can be
         * what they are for. */
        if (seq_gt(tcb->snd.nxt, tcb->recovery.high) && event->duplicate)
            newreno_duplicate(tcb, event);
        else if (event->advanced)
            newreno_reset(tcb);
    }
    uint32_t again = tcb->records.retransmitted;
    detect_losses(tcb, event);
    /* The loss of a retransmission is another sign of congestion (RFC 5681 §4.3). */
    if (tcb->records.retransmitted < again)
        enter_recovery(tcb, event->delivered, event->ece);
}

static void on_ack_otherwise(struct tcb *tcb, struct ack_event *event)
{
    if (!tcb->opt.sack && event->advanced)
        newreno_reset(tcb);
    else
        count_without_sack(tcb, event);
    /* The last copies may be reported when the phase is over already. */
    if (tcb->recovery.phase <= TCP_PHASE_DISORDER)
        undo_dsack(tcb);
    detect_losses(tcb, event);
    if (tcb->records.lost_out > 0) {
        if (mtu_probe_lost(tcb))
            return;
        enter_recovery(tcb, event->delivered, event->ece);
        return;
    }
    if (event->ece)
        enter_reduced(tcb, event->delivered, true); /* as for a loss, once a round trip */
    if (tcb->recovery.phase != TCP_PHASE_REDUCED)
        to_open(tcb);
}

/* Something is amiss, or has been until now. */
static bool suspicious(const struct tcb *tcb, const struct ack_event *event)
{
    return event->sacked || event->duplicate || event->dsack || event->ece ||
           tcb->recovery.phase != TCP_PHASE_OPEN || tcb->records.lost_out || tcb->records.sacked;
}

static void set_window(struct tcb *tcb, const struct ack_event *event)
{
    if (tcb->cc.operations->control) {
        tcb->cc.operations->control(tcb, event);
        return;
    }
    if (tcb->recovery.phase == TCP_PHASE_RECOVERY || tcb->recovery.phase == TCP_PHASE_REDUCED) {
        prr_on_ack(tcb, event->delivered, event->lost, event->advanced);
        return;
    }
    /* With much reordering anything delivered may grow the window, else only what
     * SND.UNA passes. */
    bool grows = event->advanced ||
                 (event->delivered &&
                  tcb->recovery.reordering > (uint32_t)tcb->stack->settings.tcp_reordering);
    if (grows)
        tcb->cc.operations->acknowledged(tcb, event);
    cwv_acknowledged(tcb);
}

void recovery_on_untroubled_ack(struct tcb *tcb, struct ack_event *event)
{
    rack_update_window(tcb, event);
    rate_finish(tcb, event);
    set_window(tcb, event);
}

void recovery_on_ack(struct tcb *tcb, const struct segment *segment, struct ack_event *event)
{
    tcb->recovery.prefer_new = false;
    rack_update_window(tcb, event);
    tlp_on_ack(tcb, event, segment->ack);
    if (suspicious(tcb, event)) {
        bool done = false;
        if (seq_geq(tcb->snd.una, tcb->recovery.high))
            done = end_phase(tcb, segment);
        if (!done) {
            if (tcb->recovery.phase == TCP_PHASE_RECOVERY)
                on_ack_in_recovery(tcb, segment, event);
            else if (tcb->recovery.phase == TCP_PHASE_LOSS)
                on_ack_in_loss(tcb, segment, event);
            if (tcb->recovery.phase < TCP_PHASE_RECOVERY)
                on_ack_otherwise(tcb, event);
        }
    }
    rate_finish(tcb, event);
    set_window(tcb, event);
}

/* Without a reordering window of its own to go by, everything not SACKed is lost. What RACK still
 * holds to be on its way, because it was sent less than a round trip and the reordering window ago,
 * keeps its chance (RFC 8985 §6.3); the first segment is what the timer was for. */
static void mark_all_lost(struct tcb *tcb)
{
    struct sent_record *first = records_first(tcb);
    uint64_t window = rack_timeout_window(tcb);
    if (records_reneged(tcb)) {
        stack_count(tcb->stack, COUNTER_TcpExtTCPSACKReneging);
        records_forget_sacks(tcb);
    }
    if (!tcb->opt.sack)
        newreno_reset(tcb);
    for (struct sent_record *r = first; r; r = records_next(r)) {
        if (r != first && tcb->opt.sack && rack_remaining(tcb, r, window) > 0)
            continue;
        records_mark_lost(tcb, r);
    }
}

void recovery_on_timeout(struct tcb *tcb)
{
    bool fresh = tcb->recovery.phase < TCP_PHASE_RECOVERY;
    mtu_probe_inconclusive(tcb);
    mark_all_lost(tcb);
    if (tcb->recovery.phase <= TCP_PHASE_DISORDER || seq_geq(tcb->snd.una, tcb->recovery.high) ||
        (tcb->recovery.phase == TCP_PHASE_LOSS && tcb->recovery.timeouts == 0)) {
        uint32_t prior = tcb->cc.cwnd;
        undo_begin(tcb);
        tcb->undo.prior_cwnd = prior;
        cwv_reducing(tcb);
        tcb->cc.ssthresh = tcb->cc.operations->reduced(tcb);
    }
    ecn_window_reduced(tcb);
    ecn_timed_out(tcb);
    if (tcb->cc.operations->timed_out)
        tcb->cc.operations->timed_out(tcb);
    tcb->cc.cwnd = tcb_in_flight(tcb) + 1; /* the loss window, RFC 5681 §3.1 */
    tcb->cc.fraction = 0;
    if (tcb->recovery.phase <= TCP_PHASE_DISORDER &&
        tcb->recovery.reordering > (uint32_t)tcb->stack->settings.tcp_reordering)
        tcb->recovery.reordering = (uint32_t)tcb->stack->settings.tcp_reordering;
    tcb->recovery.phase = TCP_PHASE_LOSS;
    tcb->recovery.too_big = false;
    tcb->recovery.high = tcb->snd.nxt;
    tcb->recovery.frto = tcb->stack->settings.tcp_frto && (fresh || tcb->recovery.timeouts > 0);
    tcb->recovery.prefer_new = false;
}

void recovery_on_reorder_timeout(struct tcb *tcb)
{
    uint32_t lost = rack_detect_losses(tcb);
    if (!lost || mtu_probe_lost(tcb))
        return;
    if (tcb->recovery.phase < TCP_PHASE_RECOVERY)
        enter_recovery(tcb, 0, false);
    /* PRR gives leave to send for what is delivered, and no ACK has come: a segment's worth, so
     * that what is lost goes now. */
    if (tcb->recovery.phase == TCP_PHASE_RECOVERY && !tcb->cc.operations->control)
        prr_on_ack(tcb, 1, lost, false);
}

void recovery_on_probe_loss(struct tcb *tcb)
{
    enter_reduced(tcb, 0, false);
    prr_end(tcb);
    to_open(tcb);
}

/* Without a phase of its own the next duplicate ACK would take what is marked for a loss like any
 * other. */
void recovery_on_too_big(struct tcb *tcb)
{
    if (tcb->records.lost_out == 0 || tcb->recovery.phase >= TCP_PHASE_RECOVERY)
        return;
    undo_forget(tcb);
    tcb->recovery.phase = TCP_PHASE_LOSS;
    tcb->recovery.high = tcb->snd.nxt;
    tcb->recovery.frto = tcb->recovery.prefer_new = false;
    tcb->recovery.too_big = true;
}

void recovery_on_retransmit(struct tcb *tcb, const struct sent_record *record)
{
    if (!tcb->recovery.retransmit_ts_known) {
        tcb->recovery.retransmit_ts_known = true;
        tcb->undo.retransmit_ts = tcp_timestamp(tcb);
    }
    tcb->undo.retransmits += record->segments;
    tcb->recovery.undo_counting = true;
    tcb->recovery.prr_out += record->segments;
}
