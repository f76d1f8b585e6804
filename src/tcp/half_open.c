#include "tcp/half_open.h"

#include <stdlib.h>

#include "base/time.h"
#include "tcp/accecn.h"
#include "tcp/connection.h"
#include "tcp/demux.h"
#include "tcp/fastopen.h"
#include "tcp/isn.h"
#include "tcp/mtu_probe.h"
#include "tcp/options.h"
#include "tcp/output.h"
#include "tcp/port.h"
#include "tcp/receive.h"
#include "tcp/rtt.h"
#include "tcp/saved_syn.h"
#include "tcp/user_timeout.h"

void half_open_free(struct half_open *half)
{
    struct tcp_listener *listener = half->listener;
    stack_cancel(listener->stack, &half->timer);
    table_remove(&listener->tcp->half_open, &half->node);
    list_remove(&half->link);
    listener->half_open_count--;
    saved_syn_release(listener->stack, &half->saved_syn);
    stack_charge(listener->stack, -(int64_t)sizeof *half);
    free(half);
}

static bool scales(const struct half_open *half)
{
    return half->options.has_window_scale && half->listener->stack->settings.tcp_window_scaling;
}

static void fill_timestamps(const struct half_open *half, struct tcp_options *o)
{
    struct stack *stack = half->listener->stack;
    if (!half->options.has_timestamps || !stack->settings.tcp_timestamps)
        return;
    o->has_timestamps = true;
    o->timestamp_value = tcp_timestamp_clock(stack) + half->ts_offset;
    o->timestamp_echo = half->options.timestamp_value;
}

void half_open_answer(struct half_open *half)
{
    struct stack *stack = half->listener->stack;
    const struct settings *settings = &stack->settings;
    struct segment segment = {.seq = half->iss,
                              .ack = half->irs + 1,
                              .flags = TCP_SYN | TCP_ACK,
                              .window = (uint16_t)half->window_bytes};
    struct tcp_options *o = &segment.options;
    o->has_mss = true;
    o->mss = options_own_mss(&half->path, &half->listener->preferences);
    o->has_sack_permitted = half->options.has_sack_permitted && settings->tcp_sack;
    o->has_window_scale = scales(half);
    o->window_scale = half->scale;
    fill_timestamps(half, o);
    user_timeout_tell(settings, &half->listener->preferences, o);
    ecn_answer(&half->ecn, settings, half->timeouts, &segment);
    if (half->offer_cookie && half->attempts == 0) /* RFC 7413 §4.2.1: what is repeated is plain */
        fast_open_offer(half->listener, &half->local, &half->remote, &half->options, o);
    if (half->attempts < UINT8_MAX)
        half->attempts++;
    half->sent_ns = stack->now_ns;
    tcp_emit_segment(stack, &half->path, &half->local, &half->remote, &segment,
                     half->listener->preferences.traffic_class, WHY_SYN_ACK);
}

/* An ACK or a reset after our SYN,ACK, which answers what the peer has sent. */
static struct segment reply(const struct half_open *half, uint16_t flags)
{
    return (struct segment){.seq = half->iss + 1, .ack = half->irs + 1, .flags = flags};
}

void half_open_acknowledge(struct half_open *half, enum tcp_why why)
{
    struct segment ack = reply(half, TCP_ACK | ecn_half_open_flags(&half->ecn));
    ack.window = (uint16_t)(half->window_bytes >> (scales(half) ? half->scale : 0));
    fill_timestamps(half, &ack.options);
    tcp_emit_segment(half->listener->stack, &half->path, &half->local, &half->remote, &ack, 0, why);
}

void half_open_reset(struct half_open *half)
{
    struct segment rst = reply(half, TCP_RST | TCP_ACK);
    stack_count(half->listener->stack, COUNTER_TcpAttemptFails);
    tcp_emit_segment(half->listener->stack, &half->path, &half->local, &half->remote, &rst, 0,
                     WHY_RESET);
    half_open_free(half);
}

static void half_open_arm(struct half_open *half)
{
    struct stack *stack = half->listener->stack;
    uint64_t rto = TIME_MS(stack->settings.tcp_rto_initial_ms)
                   << (half->timeouts < 20 ? half->timeouts : 20u);
    stack_arm(stack, &half->timer,
              stack->now_ns + time_min(rto, TIME_MS(stack->settings.tcp_rto_max_ms)));
}

static void half_open_expired(struct stack *stack, struct stack_timer *timer)
{
    struct half_open *half = container_of(timer, struct half_open, timer);
    uint8_t defer = half->listener->preferences.defer_accept;
    if (half->timeouts >= stack->settings.tcp_synack_retries &&
        (!half->acked || half->timeouts >= defer)) {
        stack_count(stack, COUNTER_TcpAttemptFails);
        half_open_free(half);
        return;
    }
    /* Once the last ACK is here there is nothing to repeat, until the time for data is nearly over:
     * then the answer to a SYN,ACK still makes a connection, data or not. */
    if (!half->acked || half->timeouts + 1 >= defer) {
        stack_count(stack, COUNTER_TcpRetransSegs);
        half_open_answer(half);
    }
    if (half->timeouts < UINT8_MAX)
        half->timeouts++;
    half_open_arm(half);
}

int half_open_fill(struct half_open *half, struct tcp_listener *listener,
                   const struct packet_in *packet, const struct segment *segment)
{
    struct stack *stack = listener->stack;
    half->local = (struct endpoint){packet->destination, segment->destination_port};
    half->remote = (struct endpoint){packet->source, segment->source_port};
    half->listener = listener;
    half->options = segment->options;
    half->irs = segment->seq;
    half->iss = tcp_initial_sequence(listener->tcp, &half->local, &half->remote);
    half->ts_offset = tcp_timestamp_offset(listener->tcp, &half->local, &half->remote);
    half->peer_window = segment->window;
    int error = ip_path_find(stack, &half->local.address, &half->remote.address, &half->path);
    if (error == 0)
        half->window_bytes = receive_initial_window(
            stack, &listener->preferences, options_own_mss(&half->path, &listener->preferences),
            &half->scale);
    return error;
}

bool half_open_begin(const struct half_open *fresh, const struct packet_in *packet,
                     const struct segment *segment)
{
    struct tcp_listener *listener = fresh->listener;
    struct half_open *half = malloc(sizeof *half);
    if (!half)
        return false;
    *half = *fresh;
    if (listener->preferences.save_syn)
        half->saved_syn = saved_syn_keep(listener->stack, packet, segment);
    half->timer.expired = half_open_expired;
    timer_init(&half->timer.timer);
    table_insert(&listener->tcp->half_open, &half->node,
                 demux_hash(listener->tcp, &half->local, &half->remote));
    list_append(&listener->half_open, &half->link);
    listener->half_open_count++;
    stack_charge(listener->stack, sizeof *half);
    half_open_answer(half);
    half_open_arm(half);
    return true;
}

/* Fills a fresh connection with what the handshake has settled. */
static void promote_fill(struct tcb *tcb, const struct half_open *half)
{
    tcb->connection->local = half->local;
    tcb->connection->remote = half->remote;
    tcb->path = half->path;
    tcb->preferences = half->listener->preferences;
    tcb->ack.interactive = half->listener->interactive;
    tcb->accepted_open = true;
    tcb->rcv.irs = half->irs;
    tcb->rcv.nxt = tcb->rcv.wup = half->irs + 1;
    tcb->rcv.wnd = half->window_bytes;
    tcb->rcv.scale = half->scale;
    tcb->snd.iss = tcb->snd.una = half->iss;
    tcb->snd.nxt = tcb->snd.base = half->iss + 1;
    tcb->snd.push = half->iss + 1;
    tcb->snd.small = half->iss;
    tcb->snd.wnd = tcb->snd.max_wnd = half->peer_window;
    tcb->recovery.high = half->iss;
    tcb->records.highest_sacked = half->iss;
    tcb->opt.ts_offset = half->ts_offset;
    tcb->opt.last_ack_sent = tcb->rcv.nxt;
    options_negotiate(tcb, &half->options);
    tcb->ecn.handshake = half->ecn;
    accecn_begin(tcb, half->ecn.peer_ecn);
    tcp_connection_set_mss(tcb);
    receive_window_begin(tcb);
    mtu_probe_begin(tcb);
    cc_start(tcb);
    tcp_set_state(tcb, TCP_SYN_RECEIVED);
}

struct tcb *half_open_promote(struct half_open *half)
{
    struct tcp_listener *listener = half->listener;
    struct tcb *tcb = tcp_connection_new(listener->tcp);
    if (!tcb)
        return NULL;
    promote_fill(tcb, half);
    if (port_join(tcb) < 0) {
        tcp_connection_free(tcb);
        return NULL;
    }
    tcb->saved_syn = half->saved_syn;
    half->saved_syn = NULL;
    demux_insert(tcb);
    tcb->listener = listener;
    list_append(&listener->accept_queue, &tcb->queue);
    listener->accept_count++;
    if (half->attempts == 1) {
        rtt_sample(tcb, listener->stack->now_ns - half->sent_ns);
        rtt_min_sample(tcb, listener->stack->now_ns - half->sent_ns);
    } else if (half->timeouts) {
        tcb->cc.cwnd = 1; /* RFC 5681 §3.1: a lost SYN,ACK */
    }
    return tcb;
}
