/* A connection in short, group by group, and back. What is not kept is at its beginning: as in a
 * connection that has just opened, or that with nothing under way begins with the next byte. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "tcp/chrono.h"
#include "tcp/mtu_probe.h"
#include "tcp/pacing.h"
#include "tcp/preferences.h"
#include "tcp/rest.h"
#include "tcp/tcb.h"

/* ── In short ── */

enum { RTT_UNIT = 64, RATE_UNIT = 1024 };
#define STAT_UNIT (UINT64_C(1) << 24)

/* Upwards: what is 0 means something else than what is short. */
static uint32_t shorten_rtt(uint64_t ns)
{
    return ns >= (uint64_t)UINT32_MAX * RTT_UNIT ? UINT32_MAX
                                                 : (uint32_t)((ns + RTT_UNIT - 1) / RTT_UNIT);
}

static uint64_t lengthen_rtt(uint32_t units)
{
    return units == UINT32_MAX ? TIME_NEVER : (uint64_t)units * RTT_UNIT;
}

static uint32_t shorten_time(uint64_t then_ns, uint64_t from_ns)
{
    if (then_ns == 0)
        return 0;
    uint64_t units = then_ns > from_ns ? (then_ns - from_ns) / STAT_UNIT + 1 : 1;
    return units < UINT32_MAX ? (uint32_t)units : UINT32_MAX;
}

static uint64_t lengthen_time(uint32_t units, uint64_t from_ns)
{
    return units ? from_ns + (units - 1) * STAT_UNIT : 0;
}

static uint32_t shorten_rate(uint64_t rate)
{
    uint64_t units = (rate + RATE_UNIT / 2) / RATE_UNIT;
    return units < UINT32_MAX ? (uint32_t)units : UINT32_MAX;
}

/* ── What is rarely used ── */

/* What few connections have, kept as it is. */
struct rest_extra {
    struct ecn_state ecn;
    struct accecn accecn;
    struct tcb_mtu mtu;
    struct tcb_stat stat;
    struct tcb_chrono chrono;
    uint32_t iss, irs;
    uint32_t remote_user_timeout_s;
    bool user_timeout_off;
    struct saved_syn *saved_syn; /* of one that has a user */
};

static bool needs_extra(const struct tcb *tcb)
{
    const struct tcb_stat *stat = &tcb->stat;
    return tcb->ecn.handshake.mode != ECN_OFF || tcb->mtu.enabled || tcb->user_timeout.remote_s ||
           tcb->user_timeout.off || tcb->saved_syn || stat->retransmits ||
           stat->bytes_retransmitted || stat->bytes_sent != stat->bytes_acked ||
           tcb->chrono.spent_ns[CHRONO_BUSY] / TIME_US(1) > UINT32_MAX || stat->dsacks ||
           stat->reordering_events || stat->out_of_order || stat->timeouts || stat->timeout_ns ||
           tcb->chrono.spent_ns[CHRONO_PEER] || tcb->chrono.spent_ns[CHRONO_BUFFER];
}

static struct rest_extra *keep_extra(const struct tcb *tcb)
{
    struct rest_extra *extra = malloc(sizeof *extra);
    if (!extra)
        return NULL;
    *extra = (struct rest_extra){.ecn = tcb->ecn,
                                 .accecn = tcb->accecn,
                                 .mtu = tcb->mtu,
                                 .stat = tcb->stat,
                                 .chrono = tcb->chrono,
                                 .iss = tcb->snd.iss,
                                 .irs = tcb->rcv.irs,
                                 .remote_user_timeout_s = tcb->user_timeout.remote_s,
                                 .user_timeout_off = tcb->user_timeout.off,
                                 .saved_syn = tcb->saved_syn};
    stack_charge(tcb->stack, sizeof *extra);
    return extra;
}

static void discard_extra(struct stack *stack, struct rest_extra *extra)
{
    stack_charge(stack, -(int64_t)sizeof *extra);
    free(extra);
}

static void recall_extra(struct tcb *tcb, struct rest_extra *extra)
{
    tcb->ecn = extra->ecn;
    tcb->accecn = extra->accecn;
    tcb->mtu = extra->mtu;
    tcb->stat = extra->stat;
    tcb->chrono = extra->chrono;
    tcb->snd.iss = extra->iss;
    tcb->rcv.irs = extra->irs;
    tcb->user_timeout.remote_s = extra->remote_user_timeout_s;
    tcb->user_timeout.off = extra->user_timeout_off;
    tcb->saved_syn = extra->saved_syn;
    discard_extra(tcb->stack, extra);
}

/* ── The groups ── */

static void keep_state(const struct tcb *tcb, struct tcp_rest *rest)
{
    rest->state = (uint8_t)tcb->state;
    rest->detached = tcb->detached;
    rest->bound = tcb->bound;
    rest->bound_address = tcb->bound_address;
    rest->accepted_open = tcb->accepted_open;
    rest->receive_shut = tcb->receive_shut;
    rest->syn_data_acked = tcb->fast_open.syn_data_acked;
    rest->keepalive_sent = tcb->keepalive_sent;
    rest->interface = ip_interface_number(tcb->stack, tcb->path.interface);
    rest->mtu = (uint16_t)tcb->path.mtu;
    rest->header_bytes = (uint8_t)tcb->path.header_bytes;
    rest->ecn = tcb->ecn.handshake;
    rest->ecn_asked = tcb->ecn.asked;
    rest->ect_seen = tcb->ecn.ect_seen;
    rest->proven = (uint16_t)(tcb->mtu.proven < UINT16_MAX ? tcb->mtu.proven : UINT16_MAX);
}

/* This is no change of state, but the return to one. */
static void recall_state(struct tcb *tcb, const struct tcp_rest *rest)
{
    tcb->state = (enum tcp_state)rest->state;
    tcb->in_demux = tcb->ever_open = true;
    tcb->detached = rest->detached;
    tcb->bound = rest->bound;
    tcb->bound_address = rest->bound_address;
    tcb->accepted_open = rest->accepted_open;
    tcb->receive_shut = rest->receive_shut;
    tcb->fast_open.syn_data_acked = rest->syn_data_acked;
    tcb->keepalive_sent = rest->keepalive_sent;
    struct interface *interface = ip_interface(tcb->stack, rest->interface);
    tcb->path = (struct ip_path){
        .interface = interface,
        .source = tcb->connection->local.address,
        .mtu = rest->mtu,
        .link_mtu = interface->mtu,
        .header_bytes = rest->header_bytes,
        .version = tcb->stack->path_version - 1, /* so that it is looked up again */
        .mtu_until_ns = TIME_NEVER,
    };
    tcb->ecn.handshake = rest->ecn;
    tcb->ecn.asked = rest->ecn_asked;
    tcb->ecn.ect_seen = rest->ect_seen;
}

/* No search is going on. */
static void recall_mtu(struct tcb *tcb, const struct tcp_rest *rest)
{
    mtu_probe_begin(tcb);
    tcb->mtu.enabled = false;
    tcb->mtu.proven = rest->proven;
}

static void keep_sequence(const struct tcb *tcb, struct tcp_rest *rest)
{
    rest->una = tcb->snd.una;
    rest->wnd = tcb->snd.wnd;
    rest->max_wnd = tcb->snd.max_wnd;
    rest->snd_scale = tcb->snd.scale & 15u;
    rest->snd_fin = tcb->snd.fin_queued;
    rest->mss = (uint16_t)tcb->snd.mss;
    rest->peer_mss = (uint16_t)tcb->snd.peer_mss;
    rest->nxt = tcb->rcv.nxt;
    rest->rcv_wnd = tcb->rcv.wnd;
    rest->rcv_scale = tcb->rcv.scale & 15u;
    rest->rcv_fin = tcb->rcv.fin;
    rest->rcv_mss = (uint16_t)tcb->rcv.mss;
    rest->advertised_mss = (uint16_t)tcb->rcv.advertised_mss;
    rest->buffer = tcb->rcv.buffer;
    rest->limit = tcb->rcv.limit;
    rest->text_share = tcb->rcv.text_share;
}

/* With nothing under way, what all of these say is that it begins with the next byte. */
static void recall_sequence(struct tcb *tcb, const struct tcp_rest *rest)
{
    tcb->snd.una = tcb->snd.nxt = tcb->snd.up = tcb->snd.push = tcb->snd.small = rest->una;
    tcb->snd.iss = rest->una - 1;
    tcb->snd.base = rest->una - rest->snd_fin;
    tcb->snd.fin_queued = tcb->snd.fin_sent = tcb->snd.fin_acked = rest->snd_fin;
    tcb->snd.wnd = rest->wnd;
    tcb->snd.max_wnd = rest->max_wnd;
    tcb->snd.wl1 = rest->nxt; /* the next segment is no older than the one that set the window */
    tcb->snd.wl2 = rest->una;
    tcb->snd.scale = rest->snd_scale;
    tcb->snd.mss = rest->mss;
    tcb->snd.peer_mss = rest->peer_mss;
    tcb->rcv.nxt = tcb->rcv.wup = tcb->rcv.up = rest->nxt;
    tcb->rcv.wnd = rest->rcv_wnd;
    tcb->rcv.irs = rest->nxt - 1;
    tcb->rcv.scale = rest->rcv_scale;
    tcb->rcv.fin = tcb->rcv.fin_seen = rest->rcv_fin;
    tcb->rcv.fin_seq = rest->nxt - 1;
    tcb->rcv.mss = rest->rcv_mss;
    tcb->rcv.advertised_mss = rest->advertised_mss;
    tcb->rcv.buffer = rest->buffer;
    tcb->rcv.limit = rest->limit;
    tcb->rcv.text_share = rest->text_share;
    tcb->rcv.read_start_ns = tcb->stack->now_ns;
    tcb->rtt.period_end = tcb->recovery.high = tcb->records.highest_sacked = rest->una;
    tcb->rack.end = tcb->rack.dsack_round = rest->una;
}

static void keep_options(const struct tcb *tcb, struct tcp_rest *rest)
{
    rest->quick = tcb->ack.quick;
    rest->interactive = tcb->ack.interactive;
    rest->sack = tcb->opt.sack;
    rest->timestamps = tcb->opt.timestamps;
    rest->scaling = tcb->opt.scaling;
    rest->ts_offset = tcb->opt.ts_offset;
    rest->ts_recent = tcb->opt.ts_recent;
    rest->ts_recent_since = shorten_time(tcb->opt.ts_recent_ns, tcb->stat.established_ns);
}

static void recall_options(struct tcb *tcb, const struct tcp_rest *rest)
{
    tcb->ack.quick = rest->quick;
    tcb->ack.interactive = rest->interactive;
    tcb->opt.sack = rest->sack;
    tcb->opt.timestamps = rest->timestamps;
    tcb->opt.scaling = rest->scaling;
    tcb->opt.ts_offset = rest->ts_offset;
    tcb->opt.ts_recent = rest->ts_recent;
    tcb->opt.ts_recent_ns = lengthen_time(rest->ts_recent_since, rest->established_ns);
    tcb->opt.last_ack_sent = rest->nxt;
}

static void keep_path(const struct tcb *tcb, struct tcp_rest *rest)
{
    rest->srtt = shorten_rtt(tcb->rtt.srtt_ns);
    rest->rttvar = shorten_rtt(tcb->rtt.rttvar_ns);
    rest->deviation = shorten_rtt(tcb->rtt.deviation_ns);
    rest->rto = shorten_rtt(tcb->rtt.rto_ns);
    rest->min_rtt = shorten_rtt(tcb->rtt.min_ns);
    rest->min_since = shorten_time(tcb->rtt.min_stamp_ns, tcb->stat.established_ns);
    rest->window_steps = tcb->rack.window_steps;
    rest->window_persist = tcb->rack.window_persist;
    rest->reordering_seen = tcb->rack.reordering_seen;
    rest->rtt_taken = tcb->rack.rtt_taken;
    rest->cwnd = tcb->cc.cwnd;
    rest->ssthresh = tcb->cc.ssthresh;
    rest->delivered = tcb->rate.delivered;
    rest->delivery_rate = shorten_rate(tcb->rate.latest);
    rest->rate_app_limited = tcb->rate.latest_app_limited;
}

static void recall_path(struct tcb *tcb, const struct tcp_rest *rest)
{
    tcb->rtt.srtt_ns = tcb->rtt.latest_ns = lengthen_rtt(rest->srtt);
    tcb->rtt.rttvar_ns = lengthen_rtt(rest->rttvar);
    tcb->rtt.deviation_ns = tcb->rtt.deviation_max_ns = lengthen_rtt(rest->deviation);
    tcb->rtt.rto_ns = lengthen_rtt(rest->rto);
    tcb->rtt.min_ns = lengthen_rtt(rest->min_rtt);
    tcb->rtt.min_stamp_ns = lengthen_time(rest->min_since, rest->established_ns);
    tcb->rack.window_steps = rest->window_steps;
    tcb->rack.window_persist = rest->window_persist;
    tcb->rack.reordering_seen = rest->reordering_seen;
    tcb->rack.rtt_taken = rest->rtt_taken;
    tcb->rate.delivered = rest->delivered;
    tcb->rate.latest = (uint64_t)rest->delivery_rate * RATE_UNIT;
    tcb->rate.latest_app_limited = rest->rate_app_limited;
    tcb->rate.app_limited = rest->delivered ? rest->delivered : 1; /* it was its user who paused */
    tcb->cc.cwnd = rest->cwnd;
    tcb->cc.ssthresh = rest->ssthresh;
    tcb->cc.usage_end = rest->una;
}

/* What is about text to come, of which in TIME-WAIT there is none. */
static void keep_habits(const struct tcb *tcb, struct tcp_rest *rest)
{
    rest->read_most = tcb->rcv.read_most;
    rest->receiver_rtt = shorten_rtt(tcb->rcv.rtt_ns);
    rest->ack_delay = shorten_rtt(tcb->ack.delay_ns);
    rest->reordering = tcb->recovery.reordering;
}

static void recall_habits(struct tcb *tcb, const struct tcp_rest *rest)
{
    tcb->rcv.read_most = rest->read_most;
    tcb->rcv.rtt_ns = lengthen_rtt(rest->receiver_rtt);
    tcb->ack.delay_ns = lengthen_rtt(rest->ack_delay);
    tcb->recovery.reordering = rest->reordering;
}

static void keep_statistics(const struct tcb *tcb, struct tcp_rest *rest)
{
    const struct tcb_stat *stat = &tcb->stat;
    uint64_t from = stat->established_ns;
    rest->established_ns = from;
    rest->sent = shorten_time(stat->last_sent_ns, from);
    rest->data_sent = shorten_time(stat->last_data_sent_ns, from);
    rest->received = shorten_time(stat->last_received_ns, from);
    rest->ack_received = shorten_time(stat->last_ack_received_ns, from);
    rest->data_received = shorten_time(tcb->ack.last_data_ns, from);
    rest->answers_since = shorten_time(tcb->allowance.answers.since_ns, from);
    rest->answers = tcb->allowance.answers.taken;
    rest->bytes_acked = stat->bytes_acked;
    rest->bytes_received = stat->bytes_received;
    rest->segments_in = stat->segments_in;
    rest->segments_out = stat->segments_out;
    rest->data_segments_in = stat->data_segments_in;
    rest->data_segments_out = stat->data_segments_out;
    rest->busy_us = (uint32_t)(tcb->chrono.spent_ns[CHRONO_BUSY] / TIME_US(1));
}

static void recall_statistics(struct tcb *tcb, const struct tcp_rest *rest)
{
    struct tcb_stat *stat = &tcb->stat;
    uint64_t from = rest->established_ns;
    stat->established_ns = from;
    stat->last_sent_ns = lengthen_time(rest->sent, from);
    stat->last_data_sent_ns = lengthen_time(rest->data_sent, from);
    stat->last_received_ns = lengthen_time(rest->received, from);
    stat->last_ack_received_ns = lengthen_time(rest->ack_received, from);
    tcb->ack.last_data_ns = lengthen_time(rest->data_received, from);
    tcb->allowance.answers.since_ns = lengthen_time(rest->answers_since, from);
    tcb->allowance.answers.taken = rest->answers;
    stat->bytes_acked = rest->bytes_acked;
    stat->bytes_received = rest->bytes_received;
    stat->bytes_sent = rest->bytes_acked; /* nothing was sent twice, and all has arrived */
    stat->segments_in = rest->segments_in;
    stat->segments_out = rest->segments_out;
    stat->data_segments_in = rest->data_segments_in;
    stat->data_segments_out = rest->data_segments_out;
    tcb->chrono.spent_ns[CHRONO_BUSY] = TIME_US(rest->busy_us);
    tcb->chrono.since_ns = tcb->stack->now_ns;
}

/* What its user has asked for. A buffer that had grown by itself does so again when needed. */
static struct preferences_share *keep_preferences(const struct tcb *tcb)
{
    struct tcp_preferences kept;
    memcpy(&kept, &tcb->preferences, sizeof kept); /* with what lies between its members */
    if (!kept.send_buffer_fixed)
        kept.send_buffer = (uint32_t)tcb->stack->settings.tcp_sndbuf;
    return preferences_share(tcb->tcp, &kept);
}

/* ── All of it ── */

bool rest_keep(const struct tcb *tcb, struct tcp_rest *rest)
{
    bool has_extra = needs_extra(tcb);
    struct preferences_share *preferences = keep_preferences(tcb);
    if (!preferences)
        return false;
    struct rest_extra *extra = has_extra ? keep_extra(tcb) : NULL;
    if (has_extra && !extra) {
        preferences_unshare(tcb->tcp, preferences);
        return false;
    }
    struct list time_wait = rest->time_wait;
    *rest = (struct tcp_rest){.preferences = preferences, .extra = extra, .time_wait = time_wait};
    if (tcb->state != TCP_TIME_WAIT)
        keep_habits(tcb, rest);
    keep_state(tcb, rest);
    keep_sequence(tcb, rest);
    keep_options(tcb, rest);
    keep_path(tcb, rest);
    keep_statistics(tcb, rest);
    rest->cc = cc_rest(tcb, &rest->cc_memory);
    return true;
}

void rest_recall(struct tcb *tcb, const struct tcp_rest *rest)
{
    tcb->preferences = rest->preferences->preferences;
    preferences_unshare(tcb->tcp, rest->preferences);
    recall_state(tcb, rest);
    recall_sequence(tcb, rest);
    recall_options(tcb, rest);
    recall_path(tcb, rest);
    if (tcb->state != TCP_TIME_WAIT)
        recall_habits(tcb, rest);
    recall_statistics(tcb, rest);
    recall_mtu(tcb, rest);
    if (rest->extra)
        recall_extra(tcb, rest->extra);
    cc_wake(tcb, rest->cc, rest->cc_memory);
}

void rest_discard(struct tcp *tcp, const struct tcp_rest *rest)
{
    preferences_unshare(tcp, rest->preferences);
    if (rest->extra)
        discard_extra(tcp->stack, rest->extra);
}
