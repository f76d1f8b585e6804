/* Arriving acknowledgments (RFC 9293 §3.10.7.4, fifth): SND.UNA, the window, a round-trip sample;
 * and from them the ack_event that recovery and congestion control go by. */
#include "tcp/ack.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/cwv.h"
#include "tcp/lending.h"
#include "tcp/mtu_probe.h"
#include "tcp/options.h"
#include "tcp/output.h"
#include "tcp/pacing.h"
#include "tcp/persist.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/sack.h"
#include "tcp/send.h"
#include "tcp/stamps.h"
#include "tcp/timers.h"
#include "tcp/urgent.h"
#include "tcp/user_timeout.h"
#include "tcp/zerocopy.h"

static struct ack_event event_begin(const struct tcb *tcb, const struct segment *segment)
{
    return (struct ack_event){
        .prior_una = tcb->snd.una,
        .prior_in_flight = tcb_in_flight(tcb),
        .first_sent_ns = TIME_NEVER,
        .last_sent_ns = TIME_NEVER,
        .sack_sent_ns = TIME_NEVER,
        .rtt_ns = TIME_NEVER,
        .highest_sacked = tcb->snd.una,
        .has_text = segment_length(segment) > 0,
        .echoes = tcb->opt.timestamps && segment->options.has_timestamps &&
                  segment->options.timestamp_echo,
        .echo = segment->options.timestamp_echo,
    };
}

/* §3.10.7.4: SND.WND, unless the segment is older than the one that set it last. Returns whether it
 * changed. */
static bool update_window(struct tcb *tcb, const struct segment *segment)
{
    uint32_t window = (uint32_t)segment->window << (segment->flags & TCP_SYN ? 0 : tcb->snd.scale);
    bool newer = seq_lt(tcb->snd.wl1, segment->seq) ||
                 (tcb->snd.wl1 == segment->seq && seq_leq(tcb->snd.wl2, segment->ack)) ||
                 seq_gt(segment->ack, tcb->snd.una);
    if (!newer)
        return false;
    tcb->snd.wl1 = segment->seq;
    tcb->snd.wl2 = segment->ack;
    if (window == tcb->snd.wnd)
        return false;
    tcb->snd.wnd = window;
    if (window > tcb->snd.max_wnd)
        tcb->snd.max_wnd = window;
    return true;
}

/* Frees the acknowledged bytes of the send ring, and says when there is room again. */
void ack_release_bytes(struct tcb *tcb)
{
    struct ring *ring = &tcb->snd.ring;
    uint32_t acked = seq_gt(tcb->snd.una, tcb->snd.base) ? tcb->snd.una - tcb->snd.base : 0;
    if (acked > ring->length)
        acked = ring->length; /* the FIN has no byte */
    ring_consume(ring, acked);
    tcb->snd.base += acked;
    lending_acknowledged(tcb);
    tcb->stat.bytes_acked += acked;
    if (ring->length == 0 && !tcb->snd.reservation) {
        ring_spares_give(&tcb->tcp->spares, ring); /* an idle connection owns nothing */
        units_release(tcb);
    }
    tcp_connection_charge(tcb);
    stamps_acknowledged(tcb);
    zerocopy_acknowledged(tcb);
    if (acked)
        send_tell_room(tcb);
}

static void advance(struct tcb *tcb, uint32_t ack, struct ack_event *event)
{
    event->advanced = true;
    tcp_connection_handshake_over(tcb);
    tcb->snd.una = ack;
    records_acknowledge(tcb, ack, event);
    mtu_probe_acknowledged(tcb);
    urgent_acknowledged(tcb);
    if (!tcb->opt.sack)
        newreno_advanced(tcb, event);
    ack_release_bytes(tcb);
    timers_stall_over(tcb);
    if (tcb->snd.fin_sent && ack == tcb->snd.nxt)
        tcb->snd.fin_acked = true;
    if (tcb->snd.fin_acked || tcb->records.out == 0)
        tcp_notify(tcb, 0); /* someone may be waiting for everything to be acknowledged */
}

/* RFC 6298 §3 with Karn: only what was sent once is a sample; a timestamp echo is one for
 * retransmissions too (RFC 7323 §4), but not with a D-SACK: that answers a duplicate, and echoes
 * the original, whose own acknowledgment was lost long ago. */
static void sample_rtt(struct tcb *tcb, const struct segment *segment, struct ack_event *event)
{
    uint64_t now = tcb->stack->now_ns;
    if (event->last_sent_ns != TIME_NEVER)
        event->rtt_ns = time_since(event->last_sent_ns, now);
    else if (event->sack_sent_ns != TIME_NEVER)
        event->rtt_ns = time_since(event->sack_sent_ns, now);
    if (event->rtt_ns != TIME_NEVER)
        rtt_min_sample(tcb, event->rtt_ns);

    if (event->first_sent_ns != TIME_NEVER && !event->retransmitted_acked)
        rtt_sample(tcb, time_since(event->first_sent_ns, now));
    else if (event->sack_sent_ns != TIME_NEVER)
        rtt_sample(tcb, time_since(event->sack_sent_ns, now));
    else if (event->advanced && !event->dsack && tcb->opt.timestamps &&
             segment->options.has_timestamps && segment->options.timestamp_echo)
        rtt_sample(tcb, TIME_MS(tcp_timestamp(tcb) - segment->options.timestamp_echo));
}

/* The handshake's last step: our SYN is acknowledged (§3.10.7.4, fifth, SYN-RECEIVED). */
static enum tcp_step finish_handshake(struct tcb *tcb, const struct segment *segment)
{
    if (!seq_lt(tcb->snd.una, segment->ack) || seq_gt(segment->ack, tcb->snd.nxt))
        return tcp_drop_rst(DROP_TCP_ACK);
    tcb->snd.wl1 = segment->seq - 1; /* so that this segment sets the window */
    update_window(tcb, segment);
    if (!tcb->opens_early)
        rate_delivered(tcb, 1); /* our SYN,ACK, which only a half-open entry remembered */
    tcp_connection_established(tcb);
    return TCP_STEP_CONTINUE;
}

/* §3.10.7.4 fifth, what the acknowledgment of our FIN leads to. */
static enum tcp_step fin_acknowledged(struct tcb *tcb)
{
    switch (tcb->state) {
    case TCP_FIN_WAIT_1:
        tcp_set_state(tcb, TCP_FIN_WAIT_2);
        if (tcb->detached && !tcp_connection_linger(tcb))
            return TCP_STEP_GONE;
        tcp_notify(tcb, 0);
        return TCP_STEP_CONTINUE;
    case TCP_CLOSING:
        tcp_connection_time_wait(tcb);
        return TCP_STEP_CONTINUE;
    case TCP_LAST_ACK:
        tcp_connection_end(tcb, 0);
        return TCP_STEP_GONE;
    default:
        return TCP_STEP_CONTINUE;
    }
}

/* RFC 5961 §5.2: an ACK for what was never sent, or older than any window, is not to be
 * believed. */
static bool acceptable(const struct tcb *tcb, uint32_t ack)
{
    return seq_geq(ack, tcb->snd.una - tcb->snd.max_wnd) && seq_leq(ack, tcb->snd.nxt);
}

/* RFC 7323 §4.3: TS.Recent follows the segment that the next ACK will have been caused by. Only who
 * acknowledges what makes sense is believed: neither a reset nor a forged segment, which fail
 * before this, can move it on and have the real ones fail PAWS. */
static void update_ts_recent(struct tcb *tcb, const struct segment *segment)
{
    tcb->opt.ts_advanced = false;
    if (!tcb->opt.timestamps || !segment->options.has_timestamps ||
        seq_gt(segment->seq, tcb->opt.last_ack_sent))
        return;
    tcb->opt.ts_advanced = seq_gt(segment->options.timestamp_value, tcb->opt.ts_recent);
    tcb->opt.ts_recent = segment->options.timestamp_value;
    tcb->opt.ts_recent_ns = tcb->stack->now_ns;
}

/* RFC 9768 §3.2.2.5.1: an ACK of marked ACKs looks like a duplicate, but it has no SACK blocks. */
static bool acknowledges_acks(const struct tcb *tcb, const struct segment *segment)
{
    return tcb->ecn.handshake.mode == ECN_ACCURATE && tcb->opt.sack &&
           segment->options.sack_count == 0;
}

/* Whether `event` is a duplicate ACK as RFC 5681 §2 defines it. */
static bool is_duplicate(const struct tcb *tcb, const struct segment *segment,
                         const struct ack_event *event)
{
    return segment->ack == tcb->snd.una && !event->advanced && !event->has_text &&
           !event->window_changed && tcb->records.out > 0 && !acknowledges_acks(tcb, segment);
}

/* What has been SACKed was sent before the oldest segment went out (again): the path delivers, and
 * the retransmission has had no time yet to be acknowledged. */
static bool sacked_before_head(const struct tcb *tcb, const struct ack_event *event)
{
    const struct sent_record *head = records_first(tcb);
    return head && event->sack_sent_ns != TIME_NEVER && event->sack_sent_ns < head->sent_ns;
}

/* What any acceptable ACK says: the peer lives, and can be reached. */
static void note_alive(struct tcb *tcb, const struct segment *segment)
{
    update_ts_recent(tcb, segment);
    user_timeout_arrives(tcb, &segment->options);
    tcb->stat.last_ack_received_ns = tcb->stack->now_ns;
    tcb->soft_error = 0; /* whatever was in the way no longer is */
    tcb->keepalive_sent = 0;
}

/* Returns whether it changed. */
static bool take_window(struct tcb *tcb, const struct segment *segment)
{
    bool changed = update_window(tcb, segment);
    persist_answered(tcb);
    if (changed && units_first(tcb))
        cwv_resumes(tcb);
    return changed;
}

/* Nothing was out, but it may tell what became of the last that was. */
static void process_when_idle(struct tcb *tcb, const struct segment *segment,
                              struct ack_event *event)
{
    if (tcb->snd.wnd && seq_lt(tcb->snd.nxt, tcb->snd.una + tcb->snd.wnd))
        timer_clear(tcb, TCP_TIMER_PERSIST);
    if (event->dsack)
        recovery_on_ack(tcb, segment, event);
    else
        tlp_on_ack(tcb, event, segment->ack);
}

/* RFC 6298 §5.3. */
static void restart_timer(struct tcb *tcb, const struct ack_event *event)
{
    if (event->advanced && records_reneged(tcb))
        timers_await_reneged(tcb);
    else if (event->advanced || sacked_before_head(tcb, event))
        timers_restart_retransmit(tcb);
}

enum tcp_step tcp_process_ack(struct tcb *tcb, const struct segment *segment)
{
    if (!(segment->flags & TCP_ACK))
        return tcp_drop(DROP_TCP_NO_ACK);
    bool syn_acked = tcb->state == TCP_SYN_RECEIVED;
    if (syn_acked) {
        enum tcp_step step = finish_handshake(tcb, segment);
        if (step != TCP_STEP_CONTINUE)
            return step;
    }
    if (!acceptable(tcb, segment->ack)) {
        tcp_send_challenge(tcb);
        return tcp_drop(DROP_TCP_ACK);
    }
    note_alive(tcb, segment);
    rate_check_app_limited(tcb);
    struct ack_event event = event_begin(tcb, segment);
    event.syn_acked = syn_acked;
    uint32_t prior_out = tcb->records.out;
    if (seq_geq(segment->ack, tcb->snd.una))
        event.window_changed = take_window(tcb, segment);
    if (tcb->opt.sack)
        sack_process(tcb, segment, &event);
    if (seq_gt(segment->ack, tcb->snd.una))
        advance(tcb, segment->ack, &event);
    event.duplicate = is_duplicate(tcb, segment, &event);
    ecn_feedback(tcb, segment, &event);
    if (prior_out == 0 && !event.advanced) {
        process_when_idle(tcb, segment, &event);
        return TCP_STEP_CONTINUE;
    }
    sample_rtt(tcb, segment, &event);
    recovery_on_ack(tcb, segment, &event);
    pacing_update_rate(tcb);
    restart_timer(tcb, &event);
    return event.advanced && tcb->snd.fin_acked ? fin_acknowledged(tcb) : TCP_STEP_CONTINUE;
}

void ack_predicted(struct tcb *tcb, const struct segment *segment)
{
    note_alive(tcb, segment);
    rate_check_app_limited(tcb);
    take_window(tcb, segment);
    if (tcb->records.out == 0)
        return; /* there is nothing that it could tell of */
    struct ack_event event = event_begin(tcb, segment);
    if (segment->ack != tcb->snd.una)
        advance(tcb, segment->ack, &event);
    sample_rtt(tcb, segment, &event);
    recovery_on_untroubled_ack(tcb, &event);
    pacing_update_rate(tcb);
    if (event.advanced)
        timers_restart_retransmit(tcb);
}
