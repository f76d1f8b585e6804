/* What to send next. tcp_next_send is the one place where the windows, Nagle and recovery meet; it
 * decides and changes nothing.
 *
 * The order: what is lost before what is new (RFC 6675 §5 NextSeg), new data as far as both windows
 * reach, the FIN with the last of it. An acknowledgment that is owed rides on any of these; alone
 * it goes only when nothing else did. */
#include "tcp/output.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/receive.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/sack.h"
#include "tcp/timers.h"

static const struct send_decision NOTHING = {.why = WHY_NOTHING};

uint32_t tcp_segment_size(const struct tcb *tcb)
{
    uint32_t cutoff = tcb->snd.max_wnd > 536 ? tcb->snd.max_wnd / 2 : tcb->snd.max_wnd;
    uint32_t mss = tcb->snd.mss;
    if (cutoff && cutoff < mss)
        mss = cutoff < LIMIT_MSS_MIN ? LIMIT_MSS_MIN : cutoff;
    /* SACK blocks ride on data too, and come out of it (RFC 6691, RFC 2018 §3). */
    uint32_t blocks = sack_option_size(tcb);
    return mss > LIMIT_MSS_MIN + blocks ? mss - blocks : mss;
}

/* The largest super-segment: what the link takes, and about a millisecond of the present rate, at
 * least two segments, so that a slow connection does not send in lumps. */
static uint32_t burst_segments(const struct tcb *tcb, uint32_t mss)
{
    const struct interface *interface = tcb->path.interface;
    uint32_t most = interface->super_packet_max > LIMIT_HEADERS
                        ? interface->super_packet_max - LIMIT_HEADERS
                        : LIMIT_SUPER_PACKET - LIMIT_HEADERS;
    uint64_t bytes = tcb->cc.pacing_rate >> 10;
    uint64_t rtt_shift = tcb->rtt.min_ns == TIME_NEVER ? 63 : tcb->rtt.min_ns / 1000 >> 9;
    if (rtt_shift < 16)
        bytes += most >> rtt_shift;
    if (bytes > most)
        bytes = most;
    uint32_t segments = (uint32_t)bytes / mss;
    return segments > 2 ? segments : 2;
}

static uint32_t window_end(const struct tcb *tcb)
{
    return tcb->snd.una + tcb->snd.wnd;
}

static uint32_t data_end(const struct tcb *tcb)
{
    return tcb->snd.base + tcb->snd.ring.length;
}

static uint32_t congestion_room(const struct tcb *tcb)
{
    uint32_t out = tcb_in_flight(tcb);
    return tcb->cc.cwnd > out ? tcb->cc.cwnd - out : 0;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint16_t record_flags(const struct tcb *tcb, uint32_t seq, uint32_t end)
{
    uint16_t flags = 0;
    if (seq == tcb->snd.iss)
        flags |= TCP_SYN;
    if (tcb->snd.fin_sent && end == data_end(tcb) + 1)
        flags |= TCP_FIN;
    return flags;
}

/* Describes the sending again of the first `segments` of a record. */
static struct send_decision resend(const struct tcb *tcb, struct sent_record *record,
                                   uint32_t segments, enum tcp_why why)
{
    uint32_t bytes = min_u32(record->end - record->start, segments * record->mss);
    uint32_t end = record->start + bytes;
    uint16_t flags = record_flags(tcb, record->start, end);
    uint32_t text = bytes - ((flags & TCP_SYN) != 0) - ((flags & TCP_FIN) != 0);
    if (text && end - ((flags & TCP_FIN) != 0) == tcb->snd.push)
        flags |= TCP_PSH;
    return (struct send_decision){why, record->start, text, record->mss, flags, record};
}

static struct send_decision next_lost(const struct tcb *tcb, uint32_t room)
{
    struct sent_record *record = records_next_lost(tcb);
    if (!record || (seq_geq(record->start, window_end(tcb)) && record->start != tcb->snd.una))
        return NOTHING;
    uint32_t segments = min_u32(room, burst_segments(tcb, record->mss));
    enum tcp_why why = tcb->recovery.phase == TCP_PHASE_LOSS ? WHY_TIMEOUT : WHY_RECOVERY;
    return resend(tcb, record, segments, why);
}

/* Nagle as Minshall amended it: a short segment waits while another short one is unacknowledged
 * (RFC 9293 §3.7.4, draft-minshall-nagle); a corked one waits anyway. */
static bool short_may_go(const struct tcb *tcb)
{
    if (tcb->snd.fin_queued)
        return true;
    if (tcb->preferences.cork || tcb->snd.more)
        return false;
    if (tcb->preferences.no_delay)
        return true;
    return tcb->snd.una == tcb->snd.nxt ||
           !(seq_gt(tcb->snd.small, tcb->snd.una) && seq_leq(tcb->snd.small, tcb->snd.nxt));
}

/* How much of `unsent` goes now, cut to whole segments where a short one must wait. */
static uint32_t new_length(const struct tcb *tcb, uint32_t unsent, uint32_t room, uint32_t mss)
{
    uint32_t usable = seq_gt(window_end(tcb), tcb->snd.nxt) ? window_end(tcb) - tcb->snd.nxt : 0;
    uint32_t most = min_u32(room, burst_segments(tcb, mss)) * mss;
    uint32_t length = min_u32(min_u32(unsent, usable), most);
    uint32_t tail = length % mss;
    if (tail == 0)
        return length;
    /* The tail is short: either it is the end of the data, or the window cuts it. The window's cut
     * never goes out short (RFC 9293 §3.8.6.2.1); the persist timer sends it if nothing else
     * happens. */
    if (length == unsent && (short_may_go(tcb)))
        return length;
    return length - tail;
}

static struct send_decision next_new(const struct tcb *tcb, uint32_t room)
{
    uint32_t unsent = seq_diff(data_end(tcb), tcb->snd.nxt) > 0 ? data_end(tcb) - tcb->snd.nxt : 0;
    uint32_t mss = tcp_segment_size(tcb);
    uint32_t length = unsent && room ? new_length(tcb, unsent, room, mss) : 0;
    uint16_t flags = 0;
    bool fin = tcb->snd.fin_queued && !tcb->snd.fin_sent && length == unsent &&
               seq_lt(tcb->snd.nxt + length, window_end(tcb));
    /* The last FIN need not wait for the congestion window: it carries nothing. */
    if (!length && !fin)
        return NOTHING;
    if (fin)
        flags |= TCP_FIN;
    if (length && (tcb->snd.nxt + length == tcb->snd.push || length > mss))
        flags |= TCP_PSH; /* §3.9.1.2 MUST-61, and at the end of a super-segment */
    return (struct send_decision){
        length ? WHY_DATA : WHY_FIN, tcb->snd.nxt, length, mss, flags, NULL};
}

struct send_decision tcp_next_send(const struct tcb *tcb)
{
    if (!tcb_open(tcb) || tcb->state == TCP_TIME_WAIT || !records_room(tcb))
        return NOTHING;
    if (timer_is_set(tcb, TCP_TIMER_PACE))
        return NOTHING;
    uint32_t room = congestion_room(tcb);
    if (room && !tcb->recovery.prefer_new) {
        struct send_decision decision = next_lost(tcb, room);
        if (decision.why != WHY_NOTHING)
            return decision;
    }
    return next_new(tcb, room);
}

/* Carries a resending out. */
static bool send_again(struct tcb *tcb, const struct send_decision *decision)
{
    uint32_t bytes =
        decision->length + ((decision->flags & TCP_SYN) != 0) + ((decision->flags & TCP_FIN) != 0);
    struct sent_record *record = records_resend(tcb, decision->record, bytes);
    if (!record)
        return false;
    tcp_emit(tcb, decision);
    recovery_on_retransmit(tcb, record);
    tcb->stat.retransmits += record->segments;
    tcb->stat.bytes_retransmitted += decision->length;
    stack_count_many(tcb->stack, COUNTER_TcpRetransSegs, record->segments);
    if (!timer_is_set(tcb, TCP_TIMER_RETRANSMIT))
        timers_restart_retransmit(tcb);
    return true;
}

/* RFC 5681 §4.1: a window that has not been used for a timeout says nothing of the path any more.
 */
static void restart_after_idle(struct tcb *tcb)
{
    uint64_t idle = tcb->stack->now_ns - tcb->stat.last_data_sent_ns;
    uint64_t rto = rtt_rto(tcb);
    if (tcb->records.out || !tcb->stat.last_data_sent_ns)
        return;
    if (tcb->cc.operations->resumed)
        tcb->cc.operations->resumed(tcb, idle);
    if (idle <= rto || !tcb->stack->settings.tcp_slow_start_after_idle)
        return;
    uint32_t initial = min_u32((uint32_t)tcb->stack->settings.tcp_initial_window, tcb->cc.cwnd);
    uint32_t three_quarters = tcb->cc.cwnd - tcb->cc.cwnd / 4;
    if (tcb->cc.ssthresh < three_quarters)
        tcb->cc.ssthresh = three_quarters;
    for (; idle > rto && tcb->cc.cwnd > initial; idle -= rto)
        tcb->cc.cwnd = tcb->cc.cwnd / 2 > initial ? tcb->cc.cwnd / 2 : initial;
}

static bool send_new(struct tcb *tcb, const struct send_decision *decision)
{
    uint32_t end = decision->seq + decision->length + ((decision->flags & TCP_FIN) != 0);
    uint32_t out_before = tcb->records.out;
    if (decision->length)
        restart_after_idle(tcb);
    if (records_add(tcb, decision->seq, end, decision->mss) < 0)
        return false;
    tcb->snd.nxt = end;
    if (decision->flags & TCP_FIN)
        tcb->snd.fin_sent = true;
    if (decision->length % decision->mss)
        tcb->snd.small = end;
    tcp_emit(tcb, decision);
    tcb->recovery.prr_out += tcb->records.out - out_before;
    if (decision->length) {
        tcb->stat.last_data_sent_ns = tcb->stack->now_ns;
        receive_data_sent(tcb);
    }
    if (out_before == 0 || !timer_is_set(tcb, TCP_TIMER_RETRANSMIT))
        timers_restart_retransmit(tcb);
    else
        tlp_schedule(tcb);
    return true;
}

/* Whether cwnd, and not the application or the peer, is what holds the sender: then and only then
 * may it grow (RFC 7661). The fullest moment of each round trip counts. */
static void note_limited(struct tcb *tcb, bool held_back)
{
    uint32_t out = tcb_in_flight(tcb);
    bool new_round = seq_geq(tcb->snd.una, tcb->cc.limited_end);
    if (new_round || held_back || (!tcb->cc.limited && out > tcb->cc.limited_out)) {
        tcb->cc.limited = held_back || out >= tcb->cc.cwnd;
        tcb->cc.limited_out = out;
        tcb->cc.limited_end = tcb->snd.nxt;
    }
    /* In slow start twice what is out suffices. */
    if (tcb->cc.cwnd < tcb->cc.ssthresh && tcb->cc.cwnd < 2 * tcb->cc.limited_out)
        tcb->cc.limited = true;
}

void tcp_output(struct tcb *tcb)
{
    bool sent = false;
    for (;;) {
        struct send_decision decision = tcp_next_send(tcb);
        if (decision.why == WHY_NOTHING)
            break;
        bool went = decision.record ? send_again(tcb, &decision) : send_new(tcb, &decision);
        if (!went)
            break;
        sent = true;
    }
    if (sent)
        note_limited(tcb, congestion_room(tcb) == 0 && tcb_unsent(tcb) > 0);
    if (!sent && tcb->ack.now)
        tcp_send_ack(tcb, WHY_ACK);
    timers_check_persist(tcb);
}

void tcp_retransmit_first(struct tcb *tcb, enum tcp_why why)
{
    struct sent_record *first = records_first(tcb);
    if (!first)
        return;
    struct send_decision decision = resend(tcb, first, 1, why);
    send_again(tcb, &decision);
}

bool tcp_send_loss_probe(struct tcb *tcb)
{
    struct send_decision fresh = next_new(tcb, 1);
    if (tcb->rack.probe_out || !records_room(tcb))
        return false;
    tcb->rack.probe_end = tcb->snd.nxt;
    if (fresh.why != WHY_NOTHING) {
        fresh.why = WHY_LOSS_PROBE;
        if (fresh.length > fresh.mss) {
            fresh.length = fresh.mss;
            fresh.flags = (uint16_t)(fresh.flags & ~(TCP_FIN | TCP_PSH));
        }
        if (!send_new(tcb, &fresh))
            return false;
        tcb->rack.probe_was_new = true;
        tcb->rack.probe_end = tcb->snd.nxt;
    } else {
        struct sent_record *last = records_last(tcb);
        if (!last || last->retransmitted)
            return false;
        if (last->segments > 1) {
            last = records_split(tcb, last, last->start + (last->segments - 1) * last->mss);
            if (!last)
                return false;
        }
        struct send_decision again = resend(tcb, last, 1, WHY_LOSS_PROBE);
        if (!send_again(tcb, &again))
            return false;
        tcb->rack.probe_was_new = false;
    }
    tcb->rack.probe_out = true;
    return true;
}

/* RFC 9293 §3.8.6.1. What the window still takes goes out now, short as it is. With the window shut
 * the probe is an old sequence number without text: every peer must answer it (§3.10.7.4), and
 * nothing is lost when it refuses. */
void tcp_send_window_probe(struct tcb *tcb)
{
    uint32_t usable = seq_gt(window_end(tcb), tcb->snd.nxt) ? window_end(tcb) - tcb->snd.nxt : 0;
    uint32_t unsent = data_end(tcb) - tcb->snd.nxt;
    uint32_t length = min_u32(min_u32(usable, unsent), tcp_segment_size(tcb));
    stack_count(tcb->stack, COUNTER_TcpExtTCPWinProbe);
    if (length == 0) {
        tcp_emit_bare(tcb, tcb->snd.una - 1, 0, WHY_WINDOW_PROBE);
        return;
    }
    struct send_decision decision = {WHY_WINDOW_PROBE,      tcb->snd.nxt, length,
                                     tcp_segment_size(tcb), TCP_PSH,      NULL};
    send_new(tcb, &decision);
}
