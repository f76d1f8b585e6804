/* Tail loss probe (RFC 8985 §7): when the last segments of a flight get no answer, one of them is
 * sent once more, two round trips later, so that its SACK can start fast recovery instead of a
 * timeout. */
#include "base/seq.h"
#include "base/time.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"

/* §7.2: PTO = 2 * SRTT, plus the peer's longest delayed ACK when a single segment is out; never
 * after the RTO. */
static uint64_t probe_timeout(const struct tcb *tcb)
{
    uint64_t pto = TIME_MS(tcb->stack->settings.tcp_rto_initial_ms);
    if (tcb->rtt.srtt_ns) {
        pto = 2 * tcb->rtt.srtt_ns;
        pto += tcb->records.out == 1 ? TIME_MS(tcb->stack->settings.tcp_rto_min_ms) : TIME_MS(2);
    }
    return pto;
}

/* Arms the probe in place of the retransmission timer where the conditions of §7.2 hold. */
void tlp_schedule(struct tcb *tcb)
{
    timer_clear(tcb, TCP_TIMER_PROBE);
    if (!tcb->stack->settings.tcp_tail_loss_probe || !tcb->opt.sack ||
        !tcp_state_synchronized(tcb->state) || tcb->records.out == 0 || tcb->rack.probe_out ||
        tcb->records.sacked ||
        (tcb->recovery.phase != TCP_PHASE_OPEN && tcb->recovery.phase != TCP_PHASE_REDUCED))
        return;
    uint64_t at = tcb->stack->now_ns + probe_timeout(tcb);
    uint64_t rto_at = timer_deadline(tcb, TCP_TIMER_RETRANSMIT);
    if (at < rto_at)
        timer_set(tcb, TCP_TIMER_PROBE, at);
}

/* §7.4: what the ACK of a probe says. The probe repaired a loss when it was a retransmission and
 * the ACK of what it covers comes without a D-SACK for it. */
void tlp_on_ack(struct tcb *tcb, const struct ack_event *event, uint32_t ack)
{
    if (!tcb->rack.probe_out || seq_lt(ack, tcb->rack.probe_end))
        return;
    if (tcb->rack.probe_was_new) {
        tcb->rack.probe_out = false;
    } else if (event->dsack) {
        tcb->rack.probe_out = false; /* both arrived: nothing was lost */
    } else if (seq_gt(ack, tcb->rack.probe_end)) {
        tcb->rack.probe_out = false;
        stack_count(tcb->stack, COUNTER_TcpExtTCPLossProbeRecovery);
        recovery_on_probe_loss(tcb);
    } else if (!event->advanced && !event->sacked && !event->has_text && !event->window_changed) {
        tcb->rack.probe_out = false; /* a pure duplicate: the original had arrived */
    }
}
