/* RACK: what was sent before something that has been delivered, by more than a reordering window,
 * is lost (RFC 8985 §6).
 *
 * records.in_flight is in order of transmission, so only the records that are due are looked at:
 * the work of an ACK grows with what it reveals, not with the window. */
#include "base/seq.h"
#include "base/time.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"

/* What an ACK that is nearly here still gets, lest the timer fire just before it. */
#define TIMER_SLACK TIME_MS(2)

enum {
    WINDOW_PERSIST = 16, /* RACK.reo_wnd_persist: recoveries that a wider window outlasts (§6.2) */
    WINDOW_STEPS_MOST = UINT8_MAX, /* quarters of a round trip; SRTT is the bound before */
};

/* RACK_sent_after: whether the most recently delivered segment was sent after the record. */
static bool sent_before_delivered(const struct tcb *tcb, const struct sent_record *record)
{
    return tcb->rack.sent_ns > record->sent_ns ||
           (tcb->rack.sent_ns == record->sent_ns && seq_gt(tcb->rack.end, record->end));
}

/* §6.2 step 4: no window while there has been no reordering and either recovery is on or enough has
 * been SACKed; else a quarter of the minimum RTT, times the steps that D-SACKs have added, at most
 * SRTT. */
static uint64_t reordering_window(const struct tcb *tcb)
{
    if (!tcb->rack.reordering_seen && (tcb->recovery.phase >= TCP_PHASE_RECOVERY ||
                                       tcb->records.sacked >= tcb->recovery.reordering))
        return 0;
    uint64_t min = tcb->rtt.min_ns == TIME_NEVER ? 0 : tcb->rtt.min_ns;
    return time_min(min / 4 * tcb->rack.window_steps, tcb->rtt.srtt_ns);
}

uint64_t rack_timeout_window(const struct tcb *tcb)
{
    return tcb->rack.reordering_seen ? reordering_window(tcb) : 0;
}

uint64_t rack_remaining(const struct tcb *tcb, const struct sent_record *record,
                        uint64_t reorder_ns)
{
    uint64_t due = record->sent_ns + (uint64_t)tcb->rack.rtt_ns + reorder_ns;
    uint64_t now = tcb->stack->now_ns;
    return due > now ? due - now : 0;
}

/* §8: one of them at a time. What the reordering timer will find is not to be taken for lost by a
 * timeout just before it. */
static void one_timer(struct tcb *tcb)
{
    uint64_t reorder_ns = tcb->deadline_ns[TCP_TIMER_REORDER];
    timer_clear(tcb, TCP_TIMER_PROBE);
    if (tcb->deadline_ns[TCP_TIMER_RETRANSMIT] <= reorder_ns)
        timer_set(tcb, TCP_TIMER_RETRANSMIT, reorder_ns + rtt_rto(tcb));
}

uint32_t rack_detect_losses(struct tcb *tcb)
{
    uint32_t lost = 0;
    if (!tcb->rack.advanced)
        return 0;
    tcb->rack.advanced = false;
    timer_clear(tcb, TCP_TIMER_REORDER);
    uint64_t window = reordering_window(tcb);
    struct list *head = &tcb->records.in_flight;
    for (struct list *l = head->next, *next; l != head; l = next) {
        next = l->next;
        struct sent_record *record = container_of(l, struct sent_record, order);
        if (!sent_before_delivered(tcb, record))
            break;
        uint64_t remaining = rack_remaining(tcb, record, window);
        if (remaining) {
            /* Sent later than this one means due later: the timer is for the first. */
            timer_set(tcb, TCP_TIMER_REORDER, tcb->stack->now_ns + remaining + TIMER_SLACK);
            one_timer(tcb);
            break;
        }
        lost += records_mark_lost(tcb, record);
    }
    return lost;
}

/* §6.2 step 3: the duplicate threshold follows the distance, in segments. */
void rack_note_reordering(struct tcb *tcb, uint32_t from)
{
    uint32_t metric = tcb->records.highest_sacked - from;
    uint32_t segments = (metric + tcb->snd.mss - 1) / tcb->snd.mss;
    uint32_t most = (uint32_t)tcb->stack->settings.tcp_max_reordering;
    if (segments > tcb->recovery.reordering)
        tcb->recovery.reordering = segments < most ? segments : most;
    tcb->rack.reordering_seen = true;
    tcb->stat.reordering_events++;
}

/* RACK.fack: the highest that has been SACKed or acknowledged. */
static void update_highest(struct tcb *tcb, const struct ack_event *event)
{
    if (seq_gt(event->highest_sacked, tcb->records.highest_sacked))
        tcb->records.highest_sacked = event->highest_sacked;
    if (seq_lt(tcb->records.highest_sacked, tcb->snd.una))
        tcb->records.highest_sacked = tcb->snd.una;
}

/* §6.2 step 4: a D-SACK, once a round trip, widens the window by a quarter RTT. */
static void widen_window(struct tcb *tcb, const struct ack_event *event)
{
    if (seq_lt(tcb->snd.una, tcb->rack.dsack_round) && tcb->rack.dsack_round_open)
        return;
    tcb->rack.dsack_round_open = false;
    if (event->dsack_widens) {
        tcb->rack.dsack_round = tcb->snd.nxt;
        tcb->rack.dsack_round_open = true;
        tcb->rack.window_persist = WINDOW_PERSIST;
        if (tcb->rack.window_steps < WINDOW_STEPS_MOST)
            tcb->rack.window_steps++;
    }
}

/* §6.2 step 3: reordering shows when something never retransmitted arrives below what had arrived
 * before. */
void rack_update_window(struct tcb *tcb, const struct ack_event *event)
{
    update_highest(tcb, event);
    if (event->reordered && tcb->opt.sack) {
        rack_note_reordering(tcb, event->reordered_from);
        stack_count(tcb->stack, COUNTER_TcpExtTCPSACKReorder);
    }
    widen_window(tcb, event);
}

/* §6.2 step 4: the window shrinks again after so many recoveries without a D-SACK. */
void rack_recovered(struct tcb *tcb)
{
    if (tcb->rack.window_persist && --tcb->rack.window_persist == 0)
        tcb->rack.window_steps = 1;
}
