/* The user's calls (RFC 9293 §3.10.1 to §3.10.5), for connections. STATUS is in readiness.c;
 * listeners' are in listener.c. */
#include <errno.h>

#include "base/seq.h"
#include "base/time.h"
#include "core/stamps.h"
#include "tcp/connection.h"
#include "tcp/demux.h"
#include "tcp/fastopen.h"
#include "tcp/isn.h"
#include "tcp/options.h"
#include "tcp/orphans.h"
#include "tcp/output.h"
#include "tcp/port.h"
#include "tcp/receive.h"
#include "tcp/receive_space.h"
#include "tcp/records.h"
#include "tcp/saved_syn.h"
#include "tcp/send.h"
#include "tcp/stamps.h"
#include "tcp/timers.h"
#include "tcp/urgent.h"
#include "tcp/user.h"
#include "tcp/zerocopy.h"

int tcp_create(struct stack *stack, void *owner, struct tcb **out)
{
    struct tcb *tcb = tcp_connection_new(tcp_of(stack));
    if (!tcb)
        return -ENOMEM;
    tcb->connection->owner = owner;
    *out = tcb;
    return 0;
}

int tcp_bind(struct tcb *tcb, const struct endpoint *local, bool reuse)
{
    if (!address_is_unspecified(&local->address) && !tcb->preferences.free_bind &&
        !ip_is_ours(tcb->stack, &local->address))
        return -EADDRNOTAVAIL;
    if (tcb->bound || tcb->state != TCP_CLOSED)
        return -EINVAL;
    tcb->preferences.reuse_address = reuse;
    tcb->bound_address = !address_is_unspecified(&local->address);
    return port_bind(tcb, local, reuse);
}

/* The local endpoint for a connection to `remote`: the bound port, or an ephemeral one. */
static int claim_local(struct tcb *tcb, const struct endpoint *remote)
{
    if (!tcb->bound)
        return port_bind_for(tcb, &tcb->path.source, remote);
    struct endpoint local = {tcb->path.source, tcb->connection->local.port};
    if (demux_find(tcb->tcp, &local, remote) ||
        !ip_flow_is_ours(tcb->stack, IP_PROTOCOL_TCP, &local, remote))
        return -EADDRNOTAVAIL;
    tcb->connection->local.address = tcb->path.source;
    port_opens(tcb);
    return 0;
}

/* A SYN, with the first `text` bytes of the send ring (Fast Open). The records come first: without
 * them nothing may be sent. */
static int send_syn(struct tcb *tcb, uint32_t text)
{
    uint32_t iss =
        tcp_initial_sequence(tcb->tcp, &tcb->connection->local, &tcb->connection->remote);
    tcb->snd.iss = tcb->snd.una = iss;
    tcb->snd.base = tcb->snd.push = iss + 1;
    tcb->snd.small = iss;
    tcb->recovery.high = tcb->records.highest_sacked = iss;
    tcp_connection_set_mss(tcb);
    int error = records_add(tcb, iss, iss + 1, tcb->snd.mss);
    if (error == 0 && text)
        error = records_add(tcb, iss + 1, iss + 1 + text, text);
    if (error < 0) {
        records_release(tcb);
        return error;
    }
    if (text)
        records_last(tcb)->push = true;
    tcb->snd.nxt = iss + 1 + text;
    tcb->opt.ts_offset =
        tcp_timestamp_offset(tcb->tcp, &tcb->connection->local, &tcb->connection->remote);
    tcb->syn_timestamp = tcp_timestamp(tcb);
    tcb->rcv.wnd = receive_initial_window(tcb->stack, &tcb->preferences, tcb->rcv.advertised_mss,
                                          &tcb->rcv.scale);
    receive_window_begin(tcb);
    cc_start(tcb);
    tcb->syn_attempts = 1;
    ecn_open(tcb);
    tcp_set_state(tcb, TCP_SYN_SENT);
    stack_count(tcb->stack, COUNTER_TcpActiveOpens);
    struct send_decision syn = {
        .why = WHY_SYN, .seq = iss, .length = text, .mss = UINT16_MAX, .flags = TCP_SYN};
    tcp_emit(tcb, &syn);
    timers_restart_retransmit(tcb);
    return 0;
}

/* A connection that failed may be tried again on the same socket; one that has been
 * open may not. */
static int forget_failure(struct tcb *tcb)
{
    tcb->ended = false;
    tcb->error = tcb->soft_error = 0;
    return tcb->ever_open ? -EISCONN : 0;
}

/* Whether OPEN makes sense now, and if so from where: path and local endpoint. */
static int prepare_open(struct tcb *tcb, const struct endpoint *remote)
{
    if (tcb->state == TCP_SYN_SENT || tcb->state == TCP_SYN_RECEIVED)
        return -EALREADY;
    if (tcb->state != TCP_CLOSED || tcb->opens_late)
        return -EISCONN;
    if (remote->port == 0)
        return -EADDRNOTAVAIL;
    int error = forget_failure(tcb);
    if (error < 0)
        return error;
    const struct address *source = tcb->bound ? &tcb->connection->local.address : NULL;
    if (source && address_is_unspecified(source))
        source = NULL;
    error = ip_path_find(tcb->stack, source, &remote->address, &tcb->path);
    if (error == 0 && tcb->path.kind != PATH_TO_ONE)
        error = -ENETUNREACH; /* MUST-46; Linux's word */
    if (error < 0)
        return error;
    error = claim_local(tcb, remote);
    if (error == 0)
        tcb->connection->remote = *remote;
    return error;
}

static int finish_open(struct tcb *tcb, uint32_t text)
{
    demux_insert(tcb);
    int error = send_syn(tcb, text);
    if (error < 0)
        demux_remove(tcb);
    return error < 0 ? error : -EINPROGRESS;
}

static bool fast_open_allowed(const struct tcb *tcb)
{
    return tcb->stack->settings.tcp_fastopen & FAST_OPEN_CLIENT;
}

int tcp_connect(struct tcb *tcb, const struct endpoint *remote)
{
    uint32_t text_most;
    int error = prepare_open(tcb, remote);
    if (error < 0)
        return error;
    if (tcb->preferences.fast_open_connect && fast_open_allowed(tcb) &&
        fast_open_prepare(tcb, &text_most)) {
        tcb->opens_late = true; /* the first write brings the SYN */
        return 0;
    }
    return finish_open(tcb, 0);
}

/* Copies up to `most` bytes, for the SYN: how many, or -ENOBUFS. */
static ssize_t copy_in(struct tcb *tcb, const struct iovec *spans, int count, size_t most)
{
    size_t taken = 0;
    for (int i = 0; i < count && taken < most; i++) {
        size_t left = most - taken;
        size_t part = spans[i].iov_len < left ? spans[i].iov_len : left;
        if (ring_append(&tcb->snd.ring, spans[i].iov_base, (uint32_t)part) < 0)
            return -ENOBUFS;
        taken += part;
    }
    return (ssize_t)taken;
}

/* Opens with as much of `spans` in the SYN as may be. */
static ssize_t open_with_text(struct tcb *tcb, const struct iovec *spans, int count)
{
    uint32_t text_most;
    ssize_t text = 0;
    if (fast_open_prepare(tcb, &text_most) && text_most)
        text = copy_in(tcb, spans, count, text_most);
    if (text < 0) {
        ring_release(&tcb->snd.ring);
        return text;
    }
    tcb->fast_open.has_text = text > 0;
    int error = finish_open(tcb, (uint32_t)text);
    if (error != -EINPROGRESS)
        ring_release(&tcb->snd.ring);
    tcb->snd.push += (uint32_t)text;
    tcp_connection_charge(tcb);
    return text ? text : error;
}

static ssize_t send_deferred(struct tcb *tcb, const struct iovec *spans, int count)
{
    tcb->opens_late = false;
    return open_with_text(tcb, spans, count);
}

ssize_t tcp_connect_send(struct tcb *tcb, const struct endpoint *remote, const struct iovec *spans,
                         int count)
{
    if (!fast_open_allowed(tcb))
        return -EOPNOTSUPP;
    if (tcb->opens_late)
        return send_deferred(tcb, spans, count);
    int error = prepare_open(tcb, remote);
    return error < 0 ? error : open_with_text(tcb, spans, count);
}

/* An error is told once; afterwards the connection is simply over. */
static int take_error(struct tcb *tcb)
{
    int error = tcb->error;
    tcb->error = 0;
    return -error;
}

int tcp_error(struct tcb *tcb, bool clear)
{
    int error = tcb->error;
    if (clear)
        tcb->error = 0;
    return error;
}

int tcp_soft_error(struct tcb *tcb)
{
    int error = tcb->soft_error;
    tcb->soft_error = 0;
    return error;
}

void tcp_numbers_sends(struct tcb *tcb)
{
    tcb->zerocopy.used = true;
}

void tcp_sent(struct tcb *tcb, struct error_note *completion, uint32_t stamps)
{
    if (stamps & STAMP_TX)
        stamps_mark(tcb, stamps);
    if (completion)
        zerocopy_sent(tcb, completion);
}

struct error_note *tcp_take_note(struct tcb *tcb)
{
    return error_queue_take(&tcb->errors, &tcb->error);
}

int tcp_send_check(struct tcb *tcb)
{
    if (tcb->error)
        return take_error(tcb);
    if (tcb->state == TCP_SYN_SENT || (tcb->state == TCP_SYN_RECEIVED && !tcb->opens_early))
        return tcb->snd.fin_queued ? -EPIPE : -EAGAIN;
    if (!tcb_can_send(tcb))
        return -EPIPE;
    return tcb->snd.reservation ? -EAGAIN : 0;
}

ssize_t tcp_send(struct tcb *tcb, const struct iovec *spans, int count, int flags)
{
    if (tcb->opens_late && !tcb->error)
        return send_deferred(tcb, spans, count);
    int error = tcp_send_check(tcb);
    return error < 0 ? error : send_take(tcb, spans, count, flags);
}

/* Copies bytes [from, to) of the receive ring, as far as they fit: how many. */
static uint32_t copy_out(const struct tcb *tcb, uint32_t from, uint32_t to,
                         const struct iovec *spans, int count, bool discard)
{
    uint32_t at = from;
    for (int i = 0; i < count && at < to; i++) {
        uint32_t part = spans[i].iov_len < to - at ? (uint32_t)spans[i].iov_len : to - at;
        if (!discard && part)
            ring_copy_out(&tcb->rcv.ring, at, spans[i].iov_base, part);
        at += part;
    }
    return at - from;
}

ssize_t tcp_nothing_to_read(struct tcb *tcb)
{
    if (tcb->error)
        return take_error(tcb);
    if (tcb->rcv.fin || tcb->receive_shut || tcb->ended)
        return 0;
    if (tcb->state == TCP_CLOSED && !tcb->opens_late)
        return -ENOTCONN;
    bool over = tcp_state_synchronized(tcb->state) && !tcp_state_can_receive(tcb->state);
    return over ? 0 : -EAGAIN;
}

static bool have_room(const struct iovec *spans, int count)
{
    while (count > 0 && spans->iov_len == 0)
        spans++, count--;
    return count > 0;
}

void tcp_read_past(struct tcb *tcb, uint32_t bytes)
{
    if (bytes == 0)
        return;
    ring_consume(&tcb->rcv.ring, bytes);
    receive_space_give(tcb, bytes);
    if (tcb->rcv.ring.length == 0 && tcb->rcv.out_of_order.count == 0) {
        ring_spares_give(&tcb->tcp->spares, &tcb->rcv.ring); /* an idle connection owns no ring */
        tcp_connection_charge(tcb);
    }
    receive_consumed(tcb, bytes);
}

ssize_t tcp_receive(struct tcb *tcb, const struct iovec *spans, int count, int flags)
{
    if (flags & MSG_OOB)
        return urgent_receive(tcb, spans, count, flags);
    uint32_t hole = urgent_is_next(tcb) && have_room(spans, count);
    uint32_t reach = urgent_reach(tcb);
    uint32_t taken = copy_out(tcb, hole, reach, spans, count, flags & MSG_TRUNC);
    if (!(flags & MSG_PEEK))
        tcp_read_past(tcb, hole + taken);
    return reach > hole ? taken : tcp_nothing_to_read(tcb);
}

/* Queues the FIN; the state says at once that the user has closed (§3.10.4). */
static void queue_fin(struct tcb *tcb)
{
    if (tcb->snd.fin_queued)
        return;
    tcb->snd.fin_queued = true;
    if (tcb->state == TCP_ESTABLISHED || (tcb->state == TCP_SYN_RECEIVED && tcb->opens_early))
        tcp_set_state(tcb, TCP_FIN_WAIT_1);
    else if (tcb->state == TCP_CLOSE_WAIT)
        tcp_set_state(tcb, TCP_LAST_ACK);
    tcp_output(tcb);
}

int tcp_shutdown_send(struct tcb *tcb)
{
    if (tcb->state == TCP_CLOSED || tcb->state == TCP_TIME_WAIT)
        return -ENOTCONN;
    if (tcb->state == TCP_SYN_SENT) {
        tcp_connection_end(tcb, 0);
        return 0;
    }
    queue_fin(tcb);
    return 0;
}

int tcp_shutdown_receive(struct tcb *tcb)
{
    tcb->receive_shut = true;
    tcp_notify(tcb, POLLIN | POLLRDHUP);
    return tcp_has_peer(tcb) ? 0 : -ENOTCONN;
}

void tcp_abort(struct tcb *tcb)
{
    tcb->connection->owner = NULL;
    tcb->detached = true;
    if (tcb->state == TCP_CLOSED) {
        tcp_connection_free(tcb);
        return;
    }
    if (tcb_open(tcb) && tcb->state != TCP_TIME_WAIT)
        tcp_send_reset(tcb); /* §3.10.5 */
    tcp_connection_end(tcb, 0);
}

void tcp_detach(struct tcb *tcb)
{
    bool unread = tcb->rcv.ring.length > 0;
    if (tcb->state == TCP_CLOSED || tcb->state == TCP_SYN_SENT || unread) {
        if (unread && tcb_open(tcb))
            stack_count(tcb->stack, COUNTER_TcpExtTCPAbortOnClose);
        tcp_abort(tcb);
        return;
    }
    tcb->connection->owner = NULL;
    tcb->detached = true;
    saved_syn_release(tcb->stack, &tcb->saved_syn); /* nobody can ask for it any more */
    if (tcb->state == TCP_TIME_WAIT)
        return;
    orphan_begin(tcb);
    if (tcb->state == TCP_FIN_WAIT_2) {
        if (tcb->preferences.linger2_s < 0)
            tcp_send_reset(tcb);
        tcp_connection_linger(tcb);
        return;
    }
    queue_fin(tcb);
}
