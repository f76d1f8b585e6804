#include "tcp/listen.h"

#include "tcp/connection.h"
#include "tcp/cookie.h"
#include "tcp/fastopen.h"
#include "tcp/half_open.h"
#include "tcp/input.h"
#include "tcp/output.h"
#include "tcp/receive.h"
#include "tcp/records.h"
#include "tcp/saved_syn.h"
#include "tcp/timers.h"

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
    tcb->opens_early = true;
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

/* Too many connections of the listener are half open to remember another (Linux's bound). */
static bool crowded(const struct tcp_listener *listener)
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
    if (crowded(listener) && !stack->settings.tcp_syncookies) {
        stack_count(stack, COUNTER_TcpExtTCPReqQFullDrop);
        return DROP_TCP_LISTEN_FULL;
    }
    if (tcp_listener_is_full(listener)) {
        stack_count(stack, COUNTER_TcpExtListenOverflows);
        return DROP_TCP_LISTEN_FULL;
    }
    return DROP_NONE;
}

static enum drop_reason take_syn(struct tcp_listener *listener, const struct packet_in *packet,
                                 const struct segment *segment)
{
    struct stack *stack = listener->stack;
    struct half_open fresh = {0};
    bool too_many = crowded(listener);
    enum drop_reason reason = check_room(listener);
    if (reason != DROP_NONE)
        return reason;
    if (half_open_fill(&fresh, listener, packet, segment) < 0)
        return DROP_NO_ROUTE;
    ecn_syn_arrives(&fresh.ecn, &stack->settings, segment);
    if (too_many)
        stack_count(stack, COUNTER_TcpExtTCPReqQFullDoCookies);
    if (too_many || stack->settings.tcp_syncookies == 2)
        return cookie_answer(&fresh);
    enum fast_open_answer answer =
        fast_open_judge(listener, &fresh.local, &fresh.remote, &segment->options);
    if (answer == FAST_OPEN_ACCEPT)
        return open_early(&fresh, packet, segment);
    fresh.offer_cookie = answer == FAST_OPEN_OFFER;
    return half_open_begin(&fresh, packet, segment) ? DROP_NONE : DROP_NO_MEMORY;
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
