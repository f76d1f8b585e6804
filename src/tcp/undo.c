/* Undo: a recovery that reordering or a delay spike caused, not loss, is taken back.
 *
 * Two witnesses: the timestamp that an ACK echoes is older than our first retransmission, so the
 * original arrived (Eifel, RFC 3522 and RFC 4015); or D-SACKs account for every retransmission (RFC
 * 3708). */
#include "base/seq.h"
#include "tcp/options.h"
#include "tcp/records.h"
#include "tcp/recovery.h"

/* A copy that was sent before this phase may still be acknowledged. */
static bool copies_are_out(const struct tcb *tcb)
{
    const struct sent_record *first = records_first(tcb);
    return tcb->records.retransmitted > 0 || (first && first->retransmitted);
}

void undo_begin(struct tcb *tcb)
{
    tcb->recovery.undo_possible = true;
    tcb->undo.marker = tcb->snd.una;
    tcb->undo.retransmits = tcb->records.retransmitted;
    tcb->recovery.undo_counting = tcb->records.retransmitted > 0;
    tcb->undo.prior_ssthresh = tcb->cc.ssthresh;
    /* RFC 3522 §3.2 step 1: RetransmitTS is the first copy's. With a later one's, each copy of
     * before would pass for an original, for what is echoed then is older. */
    if (!copies_are_out(tcb))
        tcb->recovery.retransmit_ts_known = false;
}

void undo_forget(struct tcb *tcb)
{
    tcb->recovery.undo_possible = false;
}

void undo_note_copies(struct tcb *tcb, uint32_t end, uint32_t segments)
{
    if (!tcb->recovery.undo_possible || seq_leq(end, tcb->undo.marker))
        return;
    if (segments > tcb->undo.retransmits)
        segments = tcb->undo.retransmits;
    tcb->undo.retransmits -= segments;
}

static bool original_arrived(const struct tcb *tcb, const struct segment *segment)
{
    return tcb->opt.timestamps && segment && segment->options.has_timestamps &&
           segment->options.timestamp_echo != 0 && tcb->recovery.retransmit_ts_known &&
           seq_lt(segment->options.timestamp_echo, tcb->undo.retransmit_ts);
}

static bool all_duplicates(const struct tcb *tcb)
{
    return tcb->recovery.undo_counting && tcb->undo.retransmits == 0;
}

static bool may_undo(const struct tcb *tcb, const struct segment *segment)
{
    return tcb->recovery.undo_possible && (all_duplicates(tcb) || original_arrived(tcb, segment));
}

/* The window as it was, unless marks are among the reasons for what it is: they were no mistake. */
static void restore_window(struct tcb *tcb)
{
    if (tcb->undo.prior_ssthresh == 0)
        return;
    if (tcb->cc.operations->undone)
        tcb->cc.operations->undone(tcb);
    if (tcb->undo.prior_cwnd > tcb->cc.cwnd)
        tcb->cc.cwnd = tcb->undo.prior_cwnd;
    if (tcb->undo.prior_ssthresh > tcb->cc.ssthresh)
        tcb->cc.ssthresh = tcb->undo.prior_ssthresh;
    ecn_window_restored(tcb);
}

static void take_back(struct tcb *tcb, bool unmark)
{
    if (unmark) {
        for (struct sent_record *r = records_first(tcb); r; r = records_next(r))
            records_unmark_lost(tcb, r);
    }
    restore_window(tcb);
    undo_forget(tcb);
    tcb->rack.advanced = true;
}

bool undo_recovery(struct tcb *tcb, const struct segment *segment)
{
    if (!may_undo(tcb, segment))
        return false;
    stack_count(tcb->stack, tcb->recovery.phase == TCP_PHASE_LOSS ? COUNTER_TcpExtTCPLossUndo
                                                                  : COUNTER_TcpExtTCPFullUndo);
    take_back(tcb, false);
    return true;
}

bool undo_dsack(struct tcb *tcb)
{
    if (!tcb->recovery.undo_possible || !all_duplicates(tcb))
        return false;
    stack_count(tcb->stack, COUNTER_TcpExtTCPDSACKUndo);
    take_back(tcb, false);
    return true;
}

/* A partial ACK for an original: stop marking; but while retransmissions are still out, only stop
 * reducing. The hole was filled late, not by us: that is reordering, and from now on RACK waits for
 * it. */
bool undo_partial(struct tcb *tcb, const struct segment *segment, const struct ack_event *event)
{
    if (!tcb->recovery.undo_possible || !original_arrived(tcb, segment))
        return false;
    if (seq_lt(event->prior_una, tcb->records.highest_sacked)) {
        rack_note_reordering(tcb, event->prior_una);
        stack_count(tcb->stack, COUNTER_TcpExtTCPTSReorder);
    }
    if (tcb->records.retransmitted)
        return true;
    stack_count(tcb->stack, COUNTER_TcpExtTCPPartialUndo);
    take_back(tcb, true);
    tcb->recovery.phase = TCP_PHASE_OPEN;
    return true;
}

bool undo_loss(struct tcb *tcb, const struct segment *segment, bool frto)
{
    if (!frto && !may_undo(tcb, segment))
        return false;
    take_back(tcb, true);
    stack_count(tcb->stack, COUNTER_TcpExtTCPLossUndo);
    if (frto)
        stack_count(tcb->stack, COUNTER_TcpExtTCPSpuriousRTOs);
    tcb->recovery.timeouts = 0;
    if (frto || tcb->opt.sack) {
        tcb->recovery.phase = TCP_PHASE_OPEN;
        tcb->recovery.frto = false;
    }
    return true;
}
