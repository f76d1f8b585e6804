#include "tcp/listen.h"

#include <errno.h>
#include <stdlib.h>

#include "base/seq.h"
#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/cookie.h"
#include "tcp/demux.h"
#include "tcp/fastopen.h"
#include "tcp/input.h"
#include "tcp/isn.h"
#include "tcp/mtu_probe.h"
#include "tcp/options.h"
#include "tcp/output.h"
#include "tcp/port.h"
#include "tcp/receive.h"
#include "tcp/records.h"
#include "tcp/rtt.h"
#include "tcp/saved_syn.h"
#include "tcp/timers.h"
#include "tcp/user_timeout.h"

static void half_open_free(struct half_open *half)
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

/* Linux's meaning of a backlog: one more may wait than was asked for. */
bool tcp_listener_is_full(const struct tcp_listener *listener)
{
    return listener->accept_count > listener->backlog;
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

/* TCP_DEFER_ACCEPT: a bare ACK makes no connection yet. */
static bool deferred(struct half_open *half, const struct segment *segment)
{
    if (half->timeouts >= half->listener->preferences.defer_accept || segment_length(segment) > 0)
        return false;
    half->acked = true;
    stack_count(half->listener->stack, COUNTER_TcpExtTCPDeferAcceptDrop);
    return true;
}

/* Fills a fresh connection with what the handshake has settled. */
static void promote_fill(struct tcb *tcb, const struct half_open *half)
{
    tcb->connection->local = half->local;
    tcb->connection->remote = half->remote;
    tcb->path = half->path;
    tcb->preferences = half->listener->preferences;
    tcb->accepted_open = true;
    tcb->rcv.irs = half->irs;
    tcb->rcv.nxt = tcb->rcv.wup = half->irs + 1;
    tcb->rcv.wnd = half->window_bytes;
    tcb->rcv.scale = half->scale;
    receive_window_begin(tcb);
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

/* Fast Open: a connection for a SYN with a good cookie (RFC 7413 §4.2.2). Its text may be read and
 * answered at once. */
static enum drop_reason open_early(struct half_open *half, const struct packet_in *packet,
                                   const struct segment *segment)
{
    struct tcp_listener *listener = half->listener;
    if (listener->preferences.save_syn)
        half->saved_syn = saved_syn_keep(listener->stack, packet, segment);
    struct tcb *tcb = half_open_promote(half);
    if (!tcb) {
        saved_syn_release(listener->stack, &half->saved_syn);
        return DROP_NO_MEMORY;
    }
    tcb->fast_open.early = true;
    tcb->fast_open.early_of = listener;
    list_append(&listener->early, &tcb->fast_open.early_link);
    listener->fast_open_count++;
    if (records_add(tcb, half->iss, half->iss + 1, tcb->snd.mss) < 0) {
        list_remove(&tcb->queue);
        listener->accept_count--;
        tcp_connection_free(tcb);
        return DROP_NO_MEMORY;
    }
    tcp_process_text(tcb, segment);
    tcb->fast_open.syn_data_acked = tcb->rcv.nxt != half->irs + 1;
    stack_count(listener->stack, COUNTER_TcpExtTCPFastOpenPassive);
    tcb->syn_attempts = 1;
    tcp_emit_bare(tcb, half->iss, TCP_SYN, WHY_SYN_ACK);
    timers_restart_retransmit(tcb);
    if (listener->stack->notify)
        listener->stack->notify(listener->stack, listener->owner, POLLIN | POLLRDNORM);
    return DROP_NONE;
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
    half->window_bytes = receive_initial_window(stack, &listener->preferences, &half->scale);
    return ip_path_find(stack, &half->local.address, &half->remote.address, &half->path);
}

/* Too many connections of the listener are half open to remember another (Linux's bound). */
static bool half_open_crowded(const struct tcp_listener *listener)
{
    return listener->half_open_count > listener->backlog ||
           listener->half_open_count >= LIMIT_HALF_OPEN;
}

/* Why no connection is begun for a SYN now; DROP_NONE: one is. */
static enum drop_reason check_room(const struct tcp_listener *listener)
{
    struct stack *stack = listener->stack;
    if (!stack_memory_allows(stack, TCP_CONNECTION_BYTES))
        return DROP_NO_MEMORY; /* nothing begins that could not be carried on */
    if (half_open_crowded(listener) && !stack->settings.tcp_syncookies) {
        stack_count(stack, COUNTER_TcpExtTCPReqQFullDrop);
        return DROP_TCP_LISTEN_FULL;
    }
    if (tcp_listener_is_full(listener)) {
        stack_count(stack, COUNTER_TcpExtListenOverflows);
        return DROP_TCP_LISTEN_FULL;
    }
    return DROP_NONE;
}

/* Keeps what a SYN has said until its handshake is over or given up: NULL without memory. */
static struct half_open *half_open_new(const struct half_open *fresh,
                                       const struct packet_in *packet,
                                       const struct segment *segment)
{
    struct tcp_listener *listener = fresh->listener;
    struct half_open *half = malloc(sizeof *half);
    if (!half)
        return NULL;
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
    return half;
}

static enum drop_reason take_syn(struct tcp_listener *listener, const struct packet_in *packet,
                                 const struct segment *segment)
{
    struct stack *stack = listener->stack;
    struct half_open fresh = {0};
    bool crowded = half_open_crowded(listener);
    enum drop_reason reason = check_room(listener);
    if (reason != DROP_NONE)
        return reason;
    if (half_open_fill(&fresh, listener, packet, segment) < 0)
        return DROP_NO_ROUTE;
    ecn_syn_arrives(&fresh.ecn, &stack->settings, segment);
    if (crowded)
        stack_count(stack, COUNTER_TcpExtTCPReqQFullDoCookies);
    if (crowded || stack->settings.tcp_syncookies == 2)
        return cookie_answer(&fresh);
    enum fast_open_answer answer =
        fast_open_judge(listener, &fresh.local, &fresh.remote, &segment->options);
    if (answer == FAST_OPEN_ACCEPT)
        return open_early(&fresh, packet, segment);
    fresh.offer_cookie = answer == FAST_OPEN_OFFER;
    struct half_open *half = half_open_new(&fresh, packet, segment);
    if (!half)
        return DROP_NO_MEMORY;
    half_open_answer(half);
    half_open_arm(half);
    return DROP_NONE;
}

enum drop_reason tcp_listen_arrives(struct tcp_listener *listener, const struct packet_in *packet,
                                    const struct segment *segment)
{
    if (segment->flags & TCP_RST)
        return DROP_TCP_RST;        /* first */
    if (segment->flags & TCP_ACK) { /* second */
        if (cookie_expected(listener, segment))
            return cookie_arrives(listener, packet, segment);
        tcp_reject(listener->stack, packet, segment);
        return DROP_TCP_NO_CONNECTION;
    }
    if (segment->flags & TCP_SYN && !(segment->flags & TCP_FIN))
        return take_syn(listener, packet, segment); /* third */
    return DROP_TCP_FLAGS;
}

/* A segment that is not acceptable, and a reset or a SYN that may be a true one. */
static void acknowledge(struct half_open *half, enum tcp_why why)
{
    struct stack *stack = half->listener->stack;
    bool challenge = why == WHY_ACK_CHALLENGE;
    if (!tcp_allowed(stack, &half->answers)) {
        stack_count(stack, challenge ? COUNTER_TcpExtTCPACKSkippedChallenge
                                     : COUNTER_TcpExtTCPACKSkippedSeq);
        return;
    }
    if (challenge)
        stack_count(stack, COUNTER_TcpExtTCPChallengeACK);
    struct segment ack = {.seq = half->iss + 1,
                          .ack = half->irs + 1,
                          .flags = TCP_ACK | ecn_half_open_flags(&half->ecn),
                          .window =
                              (uint16_t)(half->window_bytes >> (scales(half) ? half->scale : 0))};
    fill_timestamps(half, &ack.options);
    tcp_emit_segment(stack, &half->path, &half->local, &half->remote, &ack, 0, why);
}

/* As tcp_check_paws(). Only a segment that passes makes a connection: one that the connection
 * itself would drop would leave it behind with nothing to wait for. One without a timestamp passes:
 * that the peer knows of them, because our SYN,ACK came to it with its own, is not sure yet (RFC
 * 7323 §3.2). */
static enum drop_reason check_paws(struct half_open *half, const struct segment *segment)
{
    if (!half->listener->stack->settings.tcp_timestamps || !half->options.has_timestamps ||
        !segment->options.has_timestamps || segment->flags & TCP_RST)
        return DROP_NONE;
    if (seq_geq(segment->options.timestamp_value, half->options.timestamp_value))
        return DROP_NONE;
    acknowledge(half, WHY_ACK_DUPLICATE);
    return DROP_TCP_PAWS;
}

/* Ends a handshake so that the peer believes it, be it still in SYN-SENT or ESTABLISHED. */
static void reset(struct half_open *half)
{
    struct segment rst = {.seq = half->iss + 1, .ack = half->irs + 1, .flags = TCP_RST | TCP_ACK};
    stack_count(half->listener->stack, COUNTER_TcpAttemptFails);
    tcp_emit_segment(half->listener->stack, &half->path, &half->local, &half->remote, &rst, 0,
                     WHY_RESET);
    half_open_free(half);
}

/* A repeated SYN: ours was lost. */
static enum drop_reason syn_repeated(struct half_open *half, const struct segment *segment)
{
    if (!ecn_syn_repeated(&half->ecn, &half->listener->stack->settings, segment)) {
        reset(half);
        return DROP_TCP_ECN;
    }
    half_open_answer(half);
    return DROP_TCP_SYN;
}

/* §3.10.7.4, fourth, has a passive open return to LISTEN for any SYN in the window, by which
 * whoever guesses a window could end handshakes. As with the reset that RFC 5961 §4.2 asks for, the
 * peer is asked first: one that has begun anew answers the challenge with the reset that ends this.
 */
static enum drop_reason syn_arrives(struct half_open *half)
{
    acknowledge(half, WHY_ACK_CHALLENGE);
    return DROP_TCP_SYN;
}

/* RFC 5961 §3.2: only the number expected resets. */
static enum drop_reason reset_arrives(struct half_open *half, const struct segment *segment)
{
    if (segment->seq != half->irs + 1) {
        acknowledge(half, WHY_ACK_CHALLENGE);
        return DROP_TCP_RST;
    }
    stack_count(half->listener->stack, COUNTER_TcpAttemptFails);
    half_open_free(half);
    return DROP_NONE;
}

/* The peer's next segment may find room. */
static enum drop_reason refuse_for_want_of_room(struct half_open *half,
                                                const struct packet_in *packet,
                                                const struct segment *segment)
{
    struct stack *stack = half->listener->stack;
    stack_count(stack, COUNTER_TcpExtListenOverflows);
    if (stack->settings.tcp_abort_on_overflow) {
        tcp_reject(stack, packet, segment);
        half_open_free(half);
    }
    return DROP_TCP_LISTEN_FULL;
}

static enum drop_reason check_sequence(struct half_open *half, const struct segment *segment)
{
    if (segment->seq - (half->irs + 1) <= half->window_bytes)
        return DROP_NONE;
    if (!(segment->flags & TCP_RST))
        acknowledge(half, WHY_ACK_DUPLICATE);
    return DROP_TCP_SEQUENCE;
}

/* Fifth: the handshake's last ACK makes the connection, which goes on with the segment. */
static enum drop_reason ack_arrives(struct half_open *half, const struct packet_in *packet,
                                    const struct segment *segment)
{
    if (segment->ack != half->iss + 1) {
        tcp_reject(half->listener->stack, packet, segment);
        return DROP_TCP_ACK;
    }
    if (tcp_listener_is_full(half->listener))
        return refuse_for_want_of_room(half, packet, segment);
    if (deferred(half, segment))
        return DROP_TCP_DEFERRED;
    struct tcb *tcb = half_open_promote(half);
    if (!tcb)
        return DROP_NO_MEMORY;
    half_open_free(half);
    return tcp_segment_arrives(tcb, packet, segment);
}

/* The checks of §3.10.7.4 that matter before there is a connection, in its order. */
enum drop_reason tcp_half_open_arrives(struct half_open *half, const struct packet_in *packet,
                                       const struct segment *segment)
{
    if (segment->flags & TCP_SYN && !(segment->flags & (TCP_RST | TCP_ACK)) &&
        segment->seq == half->irs) {
        return syn_repeated(half, segment);
    }
    enum drop_reason reason = check_paws(half, segment);
    if (reason == DROP_NONE)
        reason = check_sequence(half, segment);
    if (reason != DROP_NONE)
        return reason;
    if (segment->flags & TCP_RST)
        return reset_arrives(half, segment);
    if (segment->flags & TCP_SYN)
        return syn_arrives(half);
    if (!(segment->flags & TCP_ACK))
        return DROP_TCP_NO_ACK;
    return ack_arrives(half, packet, segment);
}

/* Nobody waits for a half-open connection: who cannot be reached may try again. A SYN,ACK is never
 * too big. */
enum drop_reason tcp_half_open_path_error(struct half_open *half, const struct path_error *error,
                                          uint32_t seq)
{
    struct stack *stack = half->listener->stack;
    if (seq != half->iss) { /* RFC 5927 §4.1 */
        stack_count(stack, COUNTER_TcpExtOutOfWindowIcmps);
        return DROP_ICMP_NO_MATCH;
    }
    if (error->kind == PATH_ERROR_TOO_BIG)
        return DROP_ICMP_NO_MATCH;
    stack_count(stack, COUNTER_TcpAttemptFails);
    half_open_free(half);
    return DROP_NONE;
}

/* A listener in the place of `tcb`, which stays its caller's: NULL without memory. */
static struct tcp_listener *listener_new(const struct tcb *tcb, struct tcp_port *port, void *owner)
{
    struct tcp_listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return NULL;
    listener->stack = tcb->stack;
    listener->tcp = tcb->tcp;
    listener->owner = owner;
    listener->port = port;
    listener->local = tcb->connection->local;
    listener->preferences = tcb->preferences;
    if (tcb->fast_open.keys)
        listener->fast_open_keys = *tcb->fast_open.keys;
    list_init(&listener->accept_queue);
    list_init(&listener->half_open);
    list_init(&listener->early);
    list_append(&port->listeners, &listener->port_link);
    return listener;
}

int tcp_listen(struct tcb *tcb, unsigned backlog, void *owner, struct tcp_listener **out)
{
    if (tcb->state != TCP_CLOSED)
        return -EINVAL;
    if (!tcb->bound) {
        struct endpoint any = {.port = 0, .address = address_from_ipv4(0)};
        int error = port_bind(tcb, &any, false);
        if (error < 0)
            return error;
    }
    struct tcp_port *port = port_find(tcb->tcp, tcb->connection->local.port);
    if (!port_may_listen(tcb, port))
        return -EADDRINUSE;
    struct tcp_listener *listener = listener_new(tcb, port, owner);
    if (!listener)
        return -ENOMEM;
    tcp_listener_backlog(listener, backlog);
    tcb->connection->owner = NULL;
    tcp_connection_free(tcb);
    *out = listener;
    return 0;
}

int tcp_listener_backlog(struct tcp_listener *listener, unsigned backlog)
{
    listener->backlog = backlog < LIMIT_BACKLOG ? backlog : LIMIT_BACKLOG;
    return 0;
}

int tcp_accept(struct tcp_listener *listener, void *owner, struct tcb **out)
{
    /* One that has been reset meanwhile is given out all the same: its reader learns
     * (as on Linux). */
    if (list_empty(&listener->accept_queue))
        return -EAGAIN;
    struct tcb *tcb = container_of(listener->accept_queue.next, struct tcb, queue);
    list_remove(&tcb->queue);
    listener->accept_count--;
    tcb->listener = NULL;
    tcb->connection->owner = owner;
    *out = tcb;
    return 0;
}

void tcp_listener_close(struct tcp_listener *listener)
{
    struct tcp *tcp = listener->tcp;
    while (!list_empty(&listener->half_open))
        half_open_free(container_of(listener->half_open.next, struct half_open, link));
    while (!list_empty(&listener->accept_queue)) {
        struct tcb *tcb = container_of(listener->accept_queue.next, struct tcb, queue);
        list_remove(&tcb->queue);
        tcb->listener = NULL;
        tcp_abort(tcb);
    }
    /* Those accepted already go on without their listener. */
    for (struct list *l = listener->early.next; l != &listener->early; l = l->next)
        container_of(l, struct tcb, fast_open.early_link)->fast_open.early_of = NULL;
    list_remove(&listener->early);
    list_remove(&listener->port_link);
    port_release(tcp, listener->port);
    free(listener);
}

void tcp_listener_note_arrivals(struct tcp_listener *listener, bool on)
{
    listener->preferences.note_arrivals = on;
}

const struct endpoint *tcp_listener_local(const struct tcp_listener *listener)
{
    return &listener->local;
}

unsigned tcp_listener_readiness(const struct tcp_listener *listener)
{
    return list_empty(&listener->accept_queue) ? 0 : POLLIN | POLLRDNORM;
}
