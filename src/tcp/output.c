/* What to send next. tcp_next_send is the one place where the windows, Nagle and recovery meet; it
 * decides and changes nothing.
 *
 * The order: what is lost before what is new (RFC 6675 §4 NextSeg), new data as far as both windows
 * reach, the FIN with the last of it. An acknowledgment that is owed rides on any of these; alone
 * it goes only when nothing else did. */
#include "tcp/output.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/await.h"
#include "tcp/chrono.h"
#include "tcp/cwv.h"
#include "tcp/mtu.h"
#include "tcp/mtu_probe.h"
#include "tcp/options.h"
#include "tcp/pacing.h"
#include "tcp/persist.h"
#include "tcp/receive.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/send.h"
#include "tcp/timers.h"
#include "tcp/units.h"

uint32_t tcp_segment_size(const struct tcb *tcb)
{
    uint32_t cutoff = tcb->snd.max_wnd > 536 ? tcb->snd.max_wnd / 2 : tcb->snd.max_wnd;
    uint32_t mss = tcb->snd.mss;
    if (cutoff && cutoff < mss)
        mss = cutoff < LIMIT_MSS_MIN ? LIMIT_MSS_MIN : cutoff;
    /* SACK blocks and AccECN ride on data too, and come out of it (RFC 6691, RFC 2018 §3). */
    uint32_t extra = options_extra_size(tcb);
    return mss > LIMIT_MSS_MIN + extra ? mss - extra : mss;
}

/* Fast Open sends before our SYN is acknowledged, for which the peer needs no room. */
static uint32_t window_end(const struct tcb *tcb)
{
    return tcb->snd.una + (tcb->snd.una == tcb->snd.iss) + tcb->snd.wnd;
}

static uint32_t data_end(const struct tcb *tcb)
{
    return tcb->snd.base + tcb->snd.ring.length;
}

/* Inline, for link-time optimization would make a call of it. */
static inline uint32_t congestion_room(const struct tcb *tcb)
{
    uint32_t out = tcb_in_flight(tcb);
    if (out && tcb->opens_early && tcb->snd.una == tcb->snd.iss)
        out--; /* our SYN: the initial window is for what follows the handshake (RFC 5681 §3.1) */
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

struct send_decision tcp_resend(const struct tcb *tcb, struct sent_record *record,
                                uint32_t segments, enum tcp_why why)
{
    uint32_t most = segments * record->mss;
    bool whole = records_text(tcb, record->start, record->end) <= most;
    uint32_t bytes = whole ? record->end - record->start : most;
    uint32_t end = record->start + bytes;
    uint16_t flags = record_flags(tcb, record->start, end);
    uint32_t text = bytes - ((flags & TCP_SYN) != 0) - ((flags & TCP_FIN) != 0);
    if (text > record->mss || (text && record->push && end == record->end))
        flags |= TCP_PSH;
    return (struct send_decision){.why = why,
                                  .seq = record->start,
                                  .length = text,
                                  .mss = record->mss,
                                  .flags = flags,
                                  .record = record};
}

static struct send_decision hold(enum tcp_held held)
{
    return (struct send_decision){.why = WHY_NOTHING, .held = held};
}

static enum tcp_why why_again(const struct tcb *tcb)
{
    if (tcb->recovery.phase != TCP_PHASE_LOSS)
        return WHY_RECOVERY;
    return tcb->recovery.too_big ? WHY_TOO_BIG : WHY_TIMEOUT;
}

/* RFC 7323 §2.4: what lies beyond a window that has shrunk goes once more; then the first alone
 * does, as a probe, and what only the rounding of the peer's scale leaves outside. */
static bool beyond_window(const struct tcb *tcb, const struct sent_record *record)
{
    uint32_t rounding = (1u << tcb->snd.scale) - 1;
    return seq_geq(record->start, window_end(tcb) + rounding) && record->retransmitted &&
           record->start != tcb->snd.una;
}

static struct send_decision next_lost(const struct tcb *tcb, uint32_t room)
{
    struct sent_record *record = records_next_lost(tcb);
    if (!record)
        return hold(HELD_BY_NOTHING_MORE);
    if (beyond_window(tcb, record))
        return hold(HELD_BY_PEER);
    uint32_t segments = min_u32(room, burst_segments(tcb, record->mss));
    return tcp_resend(tcb, record, segments, why_again(tcb));
}

/* Nagle as Minshall amended it: what is short waits while something short is unacknowledged (RFC
 * 9293 §3.7.4, draft-minshall-nagle); what is corked waits anyway, and so does what more is about
 * to be written to. */
static bool short_must_wait(const struct tcb *tcb, enum tcp_urge urge)
{
    if (tcb->snd.urgent)
        return false;
    if (urge == URGE_MORE)
        return true;
    if (urge != URGE_USUAL)
        return false;
    if (tcb->preferences.cork || tcb->snd.writing)
        return true;
    return !tcb->preferences.no_delay && tcb->records.out > 0 &&
           seq_gt(tcb->snd.small, tcb->snd.una) && seq_leq(tcb->snd.small, tcb->snd.nxt);
}

/* How much of the first unit, of `length` bytes and more than one segment, goes now: what both
 * windows allow, a short end only where it need not wait. The peer's window may cut it anywhere:
 * full segments go before, so that this is no silly window (RFC 9293 §3.8.6.2.1). */
static uint32_t part_to_send(const struct tcb *tcb, uint32_t length, bool last, uint32_t usable,
                             uint32_t most, uint32_t mss, enum tcp_urge urge)
{
    if (most <= usable && !last)
        return min_u32(length, most);
    uint32_t part = min_u32(length, usable);
    if (most <= part)
        return most;
    if (urge == URGE_USUAL && last && part == length && await_keeps(tcb))
        return 0;
    return short_must_wait(tcb, urge) ? part - part % mss : part;
}

/* The FIN's own segment: it carries nothing, and need not wait for the congestion window. */
static struct send_decision next_fin(const struct tcb *tcb)
{
    if (!tcb->snd.fin_queued || tcb->snd.fin_sent)
        return hold(HELD_BY_NOTHING_MORE);
    if (seq_geq(tcb->snd.nxt, window_end(tcb)))
        return hold(HELD_BY_PEER);
    return (struct send_decision){
        .why = WHY_FIN, .seq = tcb->snd.nxt, .mss = tcp_segment_size(tcb), .flags = TCP_FIN};
}

/* How many segments may go in one burst: half a window at most, so that two are on their way. */
static uint32_t burst_room(const struct tcb *tcb, uint32_t room, uint32_t burst)
{
    uint32_t half = tcb->cc.cwnd / 2 > 1 ? tcb->cc.cwnd / 2 : 1;
    return min_u32(min_u32(room, half), burst);
}

/* A burst that the first unit is too short for takes the rest from the next one. */
static void fill_burst(struct tcb *tcb)
{
    uint32_t room = congestion_room(tcb);
    if (tcb->snd.units.count < 2 || room == 0)
        return;
    uint32_t mss = tcp_segment_size(tcb);
    units_grow(tcb, burst_room(tcb, room, burst_segments(tcb, mss)) * mss);
}

struct send_decision tcp_send_fresh(const struct tcb *tcb, uint32_t room, enum tcp_urge urge)
{
    const struct send_unit *unit = units_first(tcb);
    if (!unit)
        return next_fin(tcb);
    if (room == 0)
        return hold(HELD_BY_CONGESTION);
    uint32_t mss = tcp_segment_size(tcb);
    uint32_t length = unit->end - tcb->snd.nxt;
    uint32_t usable = seq_gt(window_end(tcb), tcb->snd.nxt) ? window_end(tcb) - tcb->snd.nxt : 0;
    bool last = tcb->snd.units.count == 1;
    bool fin = last && tcb->snd.fin_queued;
    enum tcp_held held;
    if (min_u32(length + fin, mss) > usable)
        return hold(HELD_BY_PEER);
    uint32_t burst = burst_segments(tcb, mss);
    uint32_t segments = burst_room(tcb, room, burst);
    uint32_t part = length;
    if (length <= mss) {
        if (length < mss && last && !fin && short_must_wait(tcb, urge))
            return hold(HELD_BY_USER);
    } else {
        if (urge != URGE_ONE && burst_should_wait(tcb, length, !last, room * tcb->snd.mss, usable,
                                                  burst * tcb->snd.mss, &held))
            return hold(held);
        part = part_to_send(tcb, length, last, usable, segments * mss, mss, urge);
        if (part == 0)
            return hold(HELD_BY_USER);
    }
    bool whole = part == length;
    uint16_t flags = 0;
    /* §3.9.1.2 MUST-61; and at the end of a burst, which is handed up at once. */
    if (part > mss || (whole && unit->push))
        flags |= TCP_PSH;
    if (whole && fin && part < usable)
        flags |= TCP_FIN;
    return (struct send_decision){
        .why = WHY_DATA, .seq = tcb->snd.nxt, .length = part, .mss = mss, .flags = flags};
}

struct send_decision tcp_next_send(const struct tcb *tcb, enum tcp_urge urge)
{
    if (!tcb_open(tcb) || tcb->state == TCP_TIME_WAIT)
        return hold(HELD_BY_STATE);
    if (!records_room(tcb))
        return hold(HELD_BY_RECORDS);
    if (pacing_holds(tcb))
        return hold(HELD_BY_PACE);
    uint32_t room = congestion_room(tcb);
    if (tcb->recovery.prefer_new) {
        /* F-RTO: new data tells more. Where there is none to send, the other way round. */
        struct send_decision fresh = tcp_send_fresh(tcb, room, URGE_PUSH);
        if (fresh.why != WHY_NOTHING || seq_gt(tcb->snd.nxt, tcb->recovery.high))
            return fresh;
    }
    struct send_decision lost = room ? next_lost(tcb, room) : hold(HELD_BY_CONGESTION);
    return lost.why != WHY_NOTHING ? lost : tcp_send_fresh(tcb, room, urge);
}

static void count_resending(struct tcb *tcb, const struct send_decision *decision,
                            const struct sent_record *record)
{
    tcb->stat.retransmits += record->segments;
    tcb->stat.bytes_retransmitted += decision->length;
    stack_count_many(tcb->stack, COUNTER_TcpRetransSegs, record->segments);
}

/* Of the sequence space. */
static uint32_t occupied(const struct send_decision *decision)
{
    return decision->length + ((decision->flags & TCP_SYN) != 0) +
           ((decision->flags & TCP_FIN) != 0);
}

static bool send_again(struct tcb *tcb, struct send_decision *decision)
{
    struct sent_record *record = decision->record;
    uint32_t bytes = occupied(decision);
    if (bytes < record->end - record->start && !records_split(tcb, record, record->start + bytes))
        return false;
    if (tcp_emit(tcb, decision) < 0)
        return false;
    /* Without memory to tell them apart, what the link did not take counts as sent, and lost. */
    if (!records_resend(tcb, record, occupied(decision)))
        records_resend(tcb, record, bytes);
    pacing_sent(tcb, decision->length);
    recovery_on_retransmit(tcb, record);
    count_resending(tcb, decision, record);
    /* The timer is for the oldest segment, which has just been given another chance. */
    if (record == records_first(tcb) || !timer_is_set(tcb, TCP_TIMER_RETRANSMIT))
        timers_restart_retransmit(tcb);
    return true;
}

bool tcp_send_probe(struct tcb *tcb, struct send_decision *decision)
{
    if (tcp_emit(tcb, decision) < 0)
        return false;
    records_probe(tcb, decision->record);
    pacing_sent(tcb, decision->length);
    count_resending(tcb, decision, decision->record);
    return true;
}

static bool send_new(struct tcb *tcb, struct send_decision *decision)
{
    uint32_t out_before = tcb->records.out;
    if (records_add(tcb, decision->seq, decision->seq + occupied(decision), decision->mss) < 0)
        return false;
    if (out_before == 0 && tcb->stat.last_data_sent_ns && tcb->cc.operations->resumed)
        tcb->cc.operations->resumed(tcb, tcb->stack->now_ns - tcb->stat.last_data_sent_ns);
    struct sent_record *record = records_last(tcb);
    if (tcp_emit(tcb, decision) < 0) {
        records_take_back(tcb, record); /* it has not been sent */
        return false;
    }
    uint32_t text_end = decision->seq + decision->length;
    uint32_t end = decision->seq + occupied(decision);
    if (end != record->end)
        records_shorten(tcb, record, end);
    const struct send_unit *unit = units_first(tcb);
    /* What belongs to the unit's last byte; a burst's own push does not last. */
    record->push = unit && unit->push && unit->end == text_end;
    record->ends_record = unit && unit->ends_record && unit->end == text_end;
    tcb->snd.nxt = end;
    units_sent(tcb, text_end);
    if (decision->flags & TCP_FIN)
        tcb->snd.fin_sent = true;
    if (decision->length && decision->length % decision->mss)
        tcb->snd.small = end;
    pacing_sent(tcb, decision->length);
    tcb->recovery.prr_out += tcb->records.out - out_before;
    if (decision->length) {
        tcb->stat.last_data_sent_ns = tcb->stack->now_ns;
        receive_data_sent(tcb);
    }
    if (out_before == 0 || !timer_is_set(tcb, TCP_TIMER_RETRANSMIT))
        timers_restart_retransmit(tcb);
    else
        tlp_schedule(tcb, false);
    return true;
}

bool tcp_carry_out(struct tcb *tcb, struct send_decision *decision)
{
    return decision->record ? send_again(tcb, decision) : send_new(tcb, decision);
}

/* New text, what is lost, or the FIN: after most segments there is none of them, and then nobody
 * need ask the windows. */
static bool anything_to_send(const struct tcb *tcb)
{
    return tcb->snd.units.count > 0 || !list_empty(&tcb->records.lost) ||
           (tcb->snd.fin_queued && !tcb->snd.fin_sent);
}

/* Sends all that may go; *sent says whether anything went. Returns the decision that ended it. */
static struct send_decision send_what_may_go(struct tcb *tcb, enum tcp_urge urge, bool *sent)
{
    bool all = urge == URGE_USUAL || urge == URGE_PUSH;
    *sent = false;
    if (!anything_to_send(tcb))
        return hold(HELD_BY_NOTHING_MORE);
    enum mtu_probe_turn turn = all ? mtu_probe_send(tcb) : MTU_PROBE_NONE;
    *sent = turn == MTU_PROBE_SENT;
    if (turn == MTU_PROBE_WAIT)
        return hold(HELD_BY_CONGESTION);
    do {
        fill_burst(tcb);
        struct send_decision decision = tcp_next_send(tcb, urge);
        if (decision.why == WHY_NOTHING || !tcp_carry_out(tcb, &decision))
            return decision;
        *sent = true;
        if (urge == URGE_ONE && !decision.record)
            return decision;
    } while (anything_to_send(tcb));
    return hold(HELD_BY_NOTHING_MORE);
}

void tcp_output_urged(struct tcb *tcb, enum tcp_urge urge)
{
    bool sent;
    mtu_refresh(tcb);
    struct send_decision decision = send_what_may_go(tcb, urge, &sent);
    tcb->snd.put_off |= tcb->snd.writing && decision.held == HELD_BY_USER;
    if (sent)
        send_tell_room(tcb);
    bool limited = decision.held == HELD_BY_CONGESTION || congestion_room(tcb) == 0;
    if (sent || limited)
        cwv_sent(tcb, limited);
    if (tcb->recovery.prefer_new && !seq_gt(tcb->snd.nxt, tcb->recovery.high))
        tcb->recovery.frto = tcb->recovery.prefer_new = false;
    if (!sent && tcb->ack.now)
        tcp_send_ack(tcb, WHY_ACK);
    chrono_update(tcb, decision.held);
    if (decision.held == HELD_BY_PACE)
        pacing_wait(tcb);
    persist_check(tcb);
}

void tcp_output(struct tcb *tcb)
{
    tcp_output_urged(tcb, URGE_USUAL);
}

bool tcp_retransmit_first(struct tcb *tcb, enum tcp_why why)
{
    struct sent_record *first = records_first(tcb);
    if (!first)
        return false;
    struct send_decision decision = tcp_resend(tcb, first, 1, why);
    return tcp_carry_out(tcb, &decision);
}

/* RFC 9293 §3.8.6.1. What the window still takes goes out now, short as it is. With the window shut
 * the probe is an old sequence number without text: every peer must answer it (§3.10.7.4), and
 * nothing is lost when it refuses. */
bool tcp_send_window_probe(struct tcb *tcb)
{
    const struct send_unit *unit = units_first(tcb);
    uint32_t usable = seq_gt(window_end(tcb), tcb->snd.nxt) ? window_end(tcb) - tcb->snd.nxt : 0;
    uint32_t unsent = unit ? unit->end - tcb->snd.nxt : 0;
    uint32_t mss = tcp_segment_size(tcb);
    uint32_t length = min_u32(min_u32(usable, unsent), mss);
    stack_count(tcb->stack, COUNTER_TcpExtTCPWinProbe);
    bool fin = tcb->snd.fin_queued && length < usable && tcb->snd.nxt + length == data_end(tcb);
    if (length == 0 && !fin) {
        if (tcb->snd.urgent) /* an old number could not say it (MUST-66) */
            tcp_emit_bare(tcb, tcb->snd.una, 0, WHY_WINDOW_PROBE);
        return tcp_emit_bare(tcb, tcb->snd.una - 1, 0, WHY_WINDOW_PROBE) == 0;
    }
    uint16_t flags = (uint16_t)((length ? TCP_PSH : 0) | (fin ? TCP_FIN : 0));
    struct send_decision decision = {
        .why = WHY_WINDOW_PROBE, .seq = tcb->snd.nxt, .length = length, .mss = mss, .flags = flags};
    return send_new(tcb, &decision);
}
