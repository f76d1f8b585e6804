#include "tcp/info.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/chrono.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"

/* tcpi_options, as linux/tcp.h numbers them. */
enum {
    INFO_TIMESTAMPS = 1,
    INFO_SACK = 2,
    INFO_WINDOW_SCALE = 4,
    INFO_ECN = 8,
    INFO_ECN_SEEN = 16,
    INFO_SYN_DATA = 32,
};

/* tcpi_ca_state: Linux's Open, Disorder, CWR, Recovery, Loss are our phases, in this order. */
static void fill_recovery(const struct tcb *tcb, struct tern_tcp_info *info)
{
    info->tcpi_ca_state = (uint8_t)tcb->recovery.phase;
    info->tcpi_retransmits = tcb->recovery.timeouts;
    info->tcpi_probes = tcb->recovery.probes;
    info->tcpi_backoff = tcb->rtt.backoff;
    info->tcpi_unacked = tcb->records.out;
    info->tcpi_sacked = tcb->records.sacked;
    info->tcpi_lost = tcb->records.lost_out;
    info->tcpi_retrans = tcb->records.retransmitted;
    info->tcpi_reordering = tcb->recovery.reordering;
    info->tcpi_total_retrans = tcb->stat.retransmits;
    info->tcpi_dsack_dups = tcb->stat.dsacks;
    info->tcpi_reord_seen = tcb->stat.reordering_events;
}

/* What has never happened is as old as the connection. */
static uint32_t milliseconds_since(const struct tcb *tcb, uint64_t then_ns)
{
    if (then_ns == 0)
        then_ns = tcb->stat.established_ns;
    if (then_ns == 0)
        return 0;
    return (uint32_t)((tcb->stack->now_ns - then_ns) / TIME_MS(1));
}

static void fill_times(const struct tcb *tcb, struct tern_tcp_info *info)
{
    info->tcpi_rto = (uint32_t)(rtt_rto(tcb) / TIME_US(1));
    info->tcpi_ato = (uint32_t)(tcb->ack.delay_ns / TIME_US(1));
    info->tcpi_rtt = (uint32_t)(tcb->rtt.srtt_ns / TIME_US(1));
    info->tcpi_rttvar = (uint32_t)(tcb->rtt.deviation_ns / TIME_US(1));
    info->tcpi_min_rtt =
        tcb->rtt.min_ns == TIME_NEVER ? UINT32_MAX : (uint32_t)(tcb->rtt.min_ns / TIME_US(1));
    info->tcpi_rcv_rtt = (uint32_t)(tcb->rcv.rtt_ns / TIME_US(1));
    info->tcpi_total_rto_time = (uint32_t)(tcb->stat.timeout_ns / TIME_MS(1));
    info->tcpi_last_data_sent = milliseconds_since(tcb, tcb->stat.last_data_sent_ns);
    info->tcpi_last_data_recv = milliseconds_since(tcb, tcb->ack.last_data_ns);
    info->tcpi_last_ack_recv = milliseconds_since(tcb, tcb->stat.last_ack_received_ns);
    uint64_t peer = chrono_ns(tcb, CHRONO_PEER), buffer = chrono_ns(tcb, CHRONO_BUFFER);
    info->tcpi_busy_time = (chrono_ns(tcb, CHRONO_BUSY) + peer + buffer) / TIME_US(1);
    info->tcpi_rwnd_limited = peer / TIME_US(1);
    info->tcpi_sndbuf_limited = buffer / TIME_US(1);
}

static uint16_t clamp_u16(uint32_t count)
{
    return count < UINT16_MAX ? (uint16_t)count : UINT16_MAX;
}

static void fill_counts(const struct tcb *tcb, struct tern_tcp_info *info)
{
    info->tcpi_bytes_acked = tcb->stat.bytes_acked;
    info->tcpi_bytes_received = tcb->stat.bytes_received;
    info->tcpi_bytes_sent = tcb->stat.bytes_sent;
    info->tcpi_bytes_retrans = tcb->stat.bytes_retransmitted;
    info->tcpi_segs_out = tcb->stat.segments_out;
    info->tcpi_segs_in = tcb->stat.segments_in;
    info->tcpi_data_segs_out = tcb->stat.data_segments_out;
    info->tcpi_data_segs_in = tcb->stat.data_segments_in;
    info->tcpi_delivery_rate = tcb->rate.latest;
    info->tcpi_delivery_rate_app_limited = tcb->rate.latest == 0 || tcb->rate.latest_app_limited;
    info->tcpi_delivered = (uint32_t)tcb->rate.delivered;
    info->tcpi_notsent_bytes = seq_gt(tcb->snd.base + tcb->snd.ring.length, tcb->snd.nxt)
                                   ? tcb->snd.base + tcb->snd.ring.length - tcb->snd.nxt
                                   : 0;
    info->tcpi_total_rto = clamp_u16(tcb->stat.timeouts);
    info->tcpi_total_rto_recoveries = clamp_u16(tcb->stat.timeout_rounds);
    info->tcpi_rcv_ooopack = tcb->stat.out_of_order;
}

static uint32_t ecn_mode(const struct tcb *tcb)
{
    return tcb->state == TCP_SYN_SENT && tcb->ecn.asked == ECN_ACCURATE ? ECN_PENDING
                                                                        : tcb->ecn.handshake.mode;
}

static void fill_ecn(const struct tcb *tcb, struct tern_tcp_info *info)
{
    const struct accecn *a = &tcb->accecn;
    info->tcpi_ecn_mode = ecn_mode(tcb) & 3u;
    info->tcpi_accecn_opt_seen = a->seen & 3u;
    info->tcpi_accecn_fail_mode = a->failures & 15u;
    info->tcpi_delivered_ce = tcb->ecn.delivered_ce;
    info->tcpi_received_ce = a->received_ce;
    info->tcpi_delivered_e1_bytes = a->delivered_bytes[ECN_ECT1 - 1];
    info->tcpi_delivered_e0_bytes = a->delivered_bytes[ECN_ECT0 - 1];
    info->tcpi_delivered_ce_bytes = a->delivered_bytes[ECN_CE - 1];
    info->tcpi_received_e1_bytes = a->received_bytes[ECN_ECT1 - 1];
    info->tcpi_received_e0_bytes = a->received_bytes[ECN_ECT0 - 1];
    info->tcpi_received_ce_bytes = a->received_bytes[ECN_CE - 1];
}

void tcp_info_fill(const struct tcb *tcb, struct tern_tcp_info *info)
{
    /* TIME-WAIT is the stack's business: its socket is over, and Linux tells so. */
    *info = (struct tern_tcp_info){
        .tcpi_state = (uint8_t)(tcb->state == TCP_TIME_WAIT ? TCP_CLOSED : tcb->state)};
    info->tcpi_options =
        (uint8_t)((tcb->opt.timestamps ? INFO_TIMESTAMPS : 0) | (tcb->opt.sack ? INFO_SACK : 0) |
                  (tcb->opt.scaling ? INFO_WINDOW_SCALE : 0) |
                  (tcb->ecn.handshake.mode != ECN_OFF ? INFO_ECN : 0) |
                  (tcb->ecn.ect_seen ? INFO_ECN_SEEN : 0) |
                  (tcb->fast_open.syn_data_acked ? INFO_SYN_DATA : 0));
    info->tcpi_snd_wscale = tcb->snd.scale & 15u;
    info->tcpi_rcv_wscale = tcb->rcv.scale & 15u;
    info->tcpi_snd_mss = tcb->snd.mss;
    info->tcpi_rcv_mss = tcb->rcv.mss;
    info->tcpi_advmss = tcb->rcv.advertised_mss;
    info->tcpi_pmtu = tcb->path.mtu;
    info->tcpi_snd_ssthresh = tcb->cc.ssthresh < INT32_MAX ? tcb->cc.ssthresh : INT32_MAX;
    info->tcpi_snd_cwnd = tcb->cc.cwnd;
    info->tcpi_rcv_space = tcb->rcv.buffer;
    info->tcpi_rcv_ssthresh = tcb->rcv.limit;
    info->tcpi_snd_wnd = tcb->snd.wnd;
    info->tcpi_rcv_wnd = tcb->rcv.wnd;
    info->tcpi_pacing_rate = tcb->cc.pacing_rate ? tcb->cc.pacing_rate : UINT64_MAX;
    info->tcpi_max_pacing_rate = tcb->preferences.max_pacing_rate;
    fill_recovery(tcb, info);
    fill_times(tcb, info);
    fill_counts(tcb, info);
    fill_ecn(tcb, info);
}
