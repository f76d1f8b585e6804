/* Proportional Rate Reduction (RFC 9937): spreads a reduction
 * of the window over the round trip in which it happens, and rebuilds the flight no faster than
 * slow start when losses have emptied it. */
#include "tcp/cc.h"
#include "tcp/cwv.h"
#include "tcp/recovery.h"

/* §6.1: what may still be delivered, and what the ACK that begins it has told to be. */
static uint32_t recovery_flight_size(const struct tcb *tcb, uint32_t delivered)
{
    uint32_t segments = tcb->records.out - tcb->records.sacked + delivered;
    return segments ? segments : 1;
}

/* What the reduction leads to. */
static uint32_t target(const struct tcb *tcb)
{
    return tcb->recovery.to_one ? 1 : tcb->cc.ssthresh;
}

void prr_begin(struct tcb *tcb, uint32_t delivered)
{
    tcb->undo.prior_cwnd = tcb->cc.cwnd;
    cwv_reducing(tcb);
    tcb->recovery.recover_fs = recovery_flight_size(tcb, delivered);
    tcb->recovery.prr_delivered = 0;
    tcb->recovery.prr_out = 0;
    tcb->recovery.to_one = false;
    tcb->cc.fraction = 0;
    tlp_forget(tcb); /* whatever it finds, the window is being reduced for */
    tcb->cc.ssthresh = tcb->cc.operations->reduced(tcb);
    ecn_window_reduced(tcb);
}

void prr_on_ack(struct tcb *tcb, uint32_t delivered, uint32_t newly_lost, bool advanced)
{
    /* §6.2: without SACK a duplicate ACK counts as a segment, and anybody can send many. */
    uint32_t left = tcb->recovery.recover_fs - tcb->recovery.prr_delivered;
    if (!tcb->opt.sack && delivered > left)
        delivered = left;
    if (delivered == 0)
        return;
    int64_t pipe = tcb_in_flight(tcb);
    int64_t ssthresh = target(tcb);
    int64_t may_send;
    tcb->recovery.prr_delivered += delivered;
    int64_t balance = (int64_t)tcb->recovery.prr_delivered - tcb->recovery.prr_out;
    if (pipe > ssthresh) {
        int64_t recover_fs = tcb->recovery.recover_fs;
        may_send = (tcb->recovery.prr_delivered * ssthresh + recover_fs - 1) / recover_fs -
                   tcb->recovery.prr_out;
    } else {
        may_send = balance > delivered ? balance : delivered;
        if (advanced && newly_lost == 0)
            may_send++; /* safeACK: SSRB, the slow-start reduction bound; else CRB's conservation */
        if (may_send > ssthresh - pipe)
            may_send = ssthresh - pipe;
    }
    /* The fast retransmit itself always goes out. */
    if (may_send < 1 && tcb->recovery.prr_out == 0)
        may_send = 1;
    if (may_send < 0)
        may_send = 0;
    tcb->cc.cwnd = (uint32_t)(pipe + may_send);
}

void prr_end(struct tcb *tcb)
{
    if (tcb->cc.ssthresh < UINT32_MAX &&
        (tcb->recovery.phase == TCP_PHASE_REDUCED || tcb->recovery.undo_possible)) {
        tcb->cc.cwnd = target(tcb);
        cwv_recovered(tcb);
    }
}
