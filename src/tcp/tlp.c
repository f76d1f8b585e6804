/* Tail loss probe (RFC 8985 §7): when the last segments of a flight get no answer, one of them is
 * sent once more, two round trips later, so that its SACK can start fast recovery instead of a
 * timeout. */
#include "base/seq.h"
#include "base/time.h"
#include "tcp/mtu_probe.h"
#include "tcp/output.h"
#include "tcp/records.h"
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

/* When the retransmission timer runs out: from now where something has just been acknowledged, else
 * counted from the oldest segment's sending. */
static uint64_t rto_at(const struct tcb *tcb, bool advancing)
{
    const struct sent_record *oldest = records_first(tcb);
    uint64_t since = advancing || !oldest ? tcb->stack->now_ns : oldest->sent_ns;
    uint64_t at = since + rtt_rto(tcb);
    return at > tcb->stack->now_ns ? at : TIME_NEVER;
}

/* Arms the probe in place of the retransmission timer where the conditions of §7.2 hold; one that
 * is armed stays so when SACKs come, for it may be the sooner to tell of the end. */
void tlp_schedule(struct tcb *tcb, bool advancing)
{
    timer_clear(tcb, TCP_TIMER_PROBE);
    if (!tcb->stack->settings.tcp_tail_loss_probe || !tcb->opt.sack ||
        !tcp_state_synchronized(tcb->state) || tcb->records.out == 0 ||
        (tcb->recovery.phase != TCP_PHASE_OPEN && tcb->recovery.phase != TCP_PHASE_REDUCED) ||
        tcb->records.sacked)
        return;
    uint64_t at = tcb->stack->now_ns + probe_timeout(tcb);
    timer_set(tcb, TCP_TIMER_PROBE, time_min(at, rto_at(tcb, advancing)));
}

/* Whatever the congestion window says, a segment goes. */
static bool send_new_data(struct tcb *tcb)
{
    uint32_t out = tcb_in_flight(tcb);
    struct send_decision decision =
        tcp_send_fresh(tcb, tcb->cc.cwnd > out ? tcb->cc.cwnd - out : 1, URGE_ONE);
    if (decision.why == WHY_NOTHING)
        return false;
    decision.why = WHY_LOSS_PROBE;
    return tcp_carry_out(tcb, &decision);
}

static bool send_last_again(struct tcb *tcb)
{
    mtu_probe_inconclusive(tcb);
    struct sent_record *last = records_last(tcb);
    if (!last)
        return false;
    /* By bytes: a record of what was SACKed may hold many short segments. */
    uint32_t text = records_text(tcb, last->start, last->end);
    uint32_t before = text ? (text - 1) / last->mss * last->mss : 0;
    if (before)
        last = records_split(tcb, last, last->start + before);
    if (!last)
        return false;
    struct send_decision decision = tcp_resend(tcb, last, 1, WHY_LOSS_PROBE);
    return tcp_send_probe(tcb, &decision);
}

/* §7.3: new data if there is some and the peer's window lets it, else the last segment again. One
 * at a time, and none before a round trip has been measured since the last: what is sent again
 * yields no sample, and SRTT could never follow a path that has become longer. */
bool tlp_send_probe(struct tcb *tcb)
{
    if (tcb->rack.probe_out || !tcb->rack.rtt_taken || !records_room(tcb))
        return false;
    tcb->rack.probe_was_new = send_new_data(tcb);
    tcb->rack.probe_out = tcb->rack.probe_was_new || send_last_again(tcb);
    tcb->rack.probe_end = tcb->snd.nxt;
    if (tcb->rack.probe_out)
        tcb->rack.rtt_taken = false;
    return tcb->rack.probe_out;
}

/* §7.4: what the ACK of a probe says. The probe repaired a loss when it was a retransmission and
 * the ACK of what it covers comes without a D-SACK for it. */
void tlp_on_ack(struct tcb *tcb, const struct ack_event *event, uint32_t ack)
{
    if (!tcb->rack.probe_out || seq_lt(ack, tcb->rack.probe_end))
        return;
    if (tcb->rack.probe_was_new) {
        tcb->rack.probe_out = false;
    } else if (event->dsack && !event->dsack_widens) {
        tcb->rack.probe_out = false; /* a copy of the probe: both arrived, nothing was lost */
    } else if (seq_gt(ack, tcb->rack.probe_end)) {
        tcb->rack.probe_out = false;
        stack_count(tcb->stack, COUNTER_TcpExtTCPLossProbeRecovery);
        recovery_on_probe_loss(tcb);
    } else if (!event->advanced && !event->sacked && !event->has_text && !event->window_changed) {
        tcb->rack.probe_out = false; /* a pure duplicate: the original had arrived */
    }
}

void tlp_forget(struct tcb *tcb)
{
    tcb->rack.probe_out = false;
}
