#include "tcp/connection.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "tcp/arrivals.h"
#include "tcp/await.h"
#include "tcp/block.h"
#include "tcp/demux.h"
#include "tcp/lending.h"
#include "tcp/listener.h"
#include "tcp/mtu_probe.h"
#include "tcp/options.h"
#include "tcp/orphans.h"
#include "tcp/output.h"
#include "tcp/pacing.h"
#include "tcp/port.h"
#include "tcp/preferences.h"
#include "tcp/receive.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/reserve.h"
#include "tcp/rtt.h"
#include "tcp/saved_syn.h"
#include "tcp/sockopt.h"
#include "tcp/stamps.h"
#include "tcp/tcp.h"
#include "tcp/timers.h"
#include "tcp/user_timeout.h"
#include "tcp/zerocopy.h"

void tcp_connection_prepare(struct tcb *tcb, struct tcp_connection *connection)
{
    struct tcp *tcp = tcp_of(connection->stack);
    connection->tcb = tcb;
    tcb->connection = connection;
    tcb->stack = connection->stack;
    tcb->tcp = tcp;
    tcb->state = TCP_CLOSED;
    list_init(&tcb->queue);
    list_init(&tcb->fast_open.early_link);
    list_init(&tcb->ack.batch);
    list_init(&tcb->all);
    error_queue_init(&tcb->errors);
    zerocopy_init(tcb);
    stamps_init(tcb);
    list_append(&tcp->all, &tcb->all);
    timers_clear(tcb);
    records_init(tcb);
    rtt_init(tcb);
    recovery_init(tcb);
    stack_charge(tcb->stack, sizeof *tcb);
}

struct tcb *tcp_connection_new(struct tcp *tcp)
{
    if (!stack_memory_allows(tcp->stack, TCP_CONNECTION_BYTES))
        return NULL;
    struct tcp_connection *connection = slab_take(&tcp->connection_slab);
    struct tcb *tcb = block_take(tcp);
    if (!tcb || !connection) {
        if (connection)
            slab_give(&tcp->connection_slab, connection);
        if (tcb)
            block_give(tcp, tcb);
        return NULL;
    }
    memset(connection, 0, offsetof(struct tcp_connection, rest)); /* that, when it rests */
    connection->stack = tcp->stack;
    list_init(&connection->port_link);
    timers_init(connection);
    stack_charge(tcp->stack, sizeof *connection);
    tcp_connection_prepare(tcb, connection);
    preferences_init(&tcb->preferences, &tcp->stack->settings);
    tcb->snd.mss = tcb->snd.peer_mss = 536; /* RFC 9293 §3.7.1 MUST-15 */
    tcb->rcv.mss = 536;
    tcb->cc.cwnd = (uint32_t)tcp->stack->settings.tcp_initial_window;
    return tcb;
}

void tcp_connection_charge(struct tcb *tcb)
{
    uint32_t bytes = ring_capacity(&tcb->snd.ring) + ring_capacity(&tcb->rcv.ring) +
                     units_bytes(&tcb->snd.units);
    stack_charge(tcb->stack, (int64_t)bytes - (int64_t)tcb->charged);
    tcb->charged = bytes;
}

void tcp_connection_set_mss(struct tcb *tcb)
{
    uint32_t bound = mtu_probe_bound(tcb);
    uint32_t packet = bound < tcb->path.mtu ? bound : tcb->path.mtu;
    uint32_t room = packet - tcb->path.header_bytes - TCP_HEADER_MIN;
    uint32_t mss = tcb->snd.peer_mss < room ? tcb->snd.peer_mss : room;
    if (tcb->preferences.max_segment && tcb->preferences.max_segment < mss)
        mss = tcb->preferences.max_segment;
    if (tcb->opt.timestamps)
        mss -= 12; /* RFC 7323 §3.2, RFC 6691: options come out of it */
    tcb->snd.mss = mss;
    if (!tcp_state_synchronized(tcb->state)) { /* later it has been said */
        tcb->rcv.advertised_mss = options_own_mss(&tcb->path, &tcb->preferences);
        /* Where our SYN was too big, the way back is likely no wider. */
        if (tcb->fast_open.too_big && room < tcb->rcv.advertised_mss)
            tcb->rcv.advertised_mss = room;
    }
    if (tcb->rcv.mss > tcb->rcv.advertised_mss)
        tcb->rcv.mss = tcb->rcv.advertised_mss;
}

void tcp_notify(struct tcb *tcb, unsigned events)
{
    if (tcb->connection->owner && tcb->stack->notify)
        tcb->stack->notify(tcb->stack, tcb->connection->owner, events);
}

void tcp_connection_handshake_over(struct tcb *tcb)
{
    if (!tcb->opens_early)
        return;
    tcb->opens_early = false;
    list_remove(&tcb->fast_open.early_link);
    if (tcb->fast_open.early_of)
        tcb->fast_open.early_of->fast_open_count--;
    tcb->fast_open.early_of = NULL;
}

void tcp_connection_established(struct tcb *tcb)
{
    bool was_early = tcb->opens_early;
    tcp_connection_handshake_over(tcb);
    tcp_set_state(tcb, TCP_ESTABLISHED);
    tcb->ever_open = true;
    tcb->stat.established_ns = tcb->stack->now_ns;
    tcb->ack.last_data_ns = tcb->stack->now_ns; /* its SYN, if nothing else */
    tcb->recovery.phase = TCP_PHASE_OPEN;
    timers_stall_over(tcb);
    tcb->recovery.high = tcb->snd.una;
    tcb->records.highest_sacked = tcb->snd.una;
    if (tcb->accepted_open)
        stack_count(tcb->stack, COUNTER_TcpPassiveOpens);
    rtt_established(tcb);
    user_timeout_announce(tcb);
    timers_restart_keepalive(tcb);
    rest_watch(tcb);
    pacing_update_rate(tcb);
    if (tcb->snd.fin_queued)
        tcp_set_state(tcb, TCP_FIN_WAIT_1); /* closed before it opened (§3.10.4) */
    if (tcb->listener && tcb->stack->notify && !was_early)
        tcb->stack->notify(tcb->stack, tcb->listener->owner, POLLIN | POLLRDNORM);
    tcp_notify(tcb, POLLOUT | POLLWRNORM);
}

static void leave_time_wait(struct tcp_connection *connection)
{
    list_remove(&connection->rest.time_wait);
    tcp_of(connection->stack)->time_wait_count--;
}

/* Nothing will be sent or put in order any more: frees all that was for that. What has arrived for
 * the user stays. */
static void stop_working(struct tcb *tcb)
{
    timers_clear_all(tcb);
    list_remove(&tcb->ack.batch);
    await_end(tcb);
    cc_release(tcb);
    records_release(tcb);
    lending_over(tcb);
    ring_spares_give(&tcb->tcp->spares, &tcb->snd.ring);
    units_release(tcb);
    zerocopy_release(tcb);
    stamps_release(tcb);
    ranges_release(&tcb->rcv.out_of_order);
    tcp_connection_charge(tcb);
}

static void free_lasting(struct tcp_connection *connection)
{
    struct tcp *tcp = tcp_of(connection->stack);
    if (tcp->settled == connection)
        tcp->settled = NULL;
    stack_charge(connection->stack, -(int64_t)sizeof *connection);
    slab_give(&tcp->connection_slab, connection);
}

void tcp_connection_free(struct tcb *tcb)
{
    receive_landing_over(tcb);
    ring_unhold(&tcb->rcv.ring);
    ring_spares_give(&tcb->tcp->spares, &tcb->rcv.ring);
    arrivals_release(tcb);
    stop_working(tcb);
    reserve_orphan(tcb);
    tcp_connection_charge(tcb);
    error_queue_release(tcb->stack, &tcb->errors);
    tcp_connection_handshake_over(tcb);
    demux_remove(tcb);
    port_leave(tcb);
    orphan_end(tcb);
    list_remove(&tcb->all);
    free(tcb->fast_open.keys);
    saved_syn_release(tcb->stack, &tcb->saved_syn);
    stack_charge(tcb->stack, -(int64_t)sizeof *tcb);
    free_lasting(tcb->connection);
    block_give(tcb->tcp, tcb);
}

void tcp_connection_end(struct tcb *tcb, int error)
{
    if (tcb->state == TCP_TIME_WAIT)
        leave_time_wait(tcb->connection);
    tcp_set_state(tcb, TCP_CLOSED);
    tcb->ended = true;
    if (error && !tcb->error)
        tcb->error = error;
    if (!tcb->connection->owner && !tcb->listener) {
        tcp_connection_free(tcb);
        return;
    }
    tcp_connection_handshake_over(tcb);
    /* The owner may still read what has arrived; nothing else is needed any more. */
    stop_working(tcb);
    demux_remove(tcb);
    port_leave(tcb);
    tcp_notify(tcb, POLLIN | POLLOUT | POLLRDHUP | POLLHUP | (error ? POLLERR : 0));
}

void tcp_connection_time_wait_over(struct tcp_connection *connection)
{
    if (connection->tcb) {
        tcp_connection_end(connection->tcb, 0);
        return;
    }
    struct tcp *tcp = tcp_of(connection->stack);
    leave_time_wait(connection);
    stack_cancel(connection->stack, &connection->timer);
    demux_remove_connection(tcp, connection);
    port_give_back(connection);
    rest_discard(tcp, &connection->rest);
    free_lasting(connection);
}

/* The oldest go first: what is open never suffers for what is over (security rule 16). */
static void limit_time_wait(struct tcp *tcp)
{
    while (tcp->time_wait_count > LIMIT_TIME_WAIT) {
        struct tcp_connection *oldest =
            container_of(tcp->time_wait.next, struct tcp_connection, rest.time_wait);
        if (oldest->owner && !tcp_connection_wake(oldest))
            return; /* without memory: the next one to come sees to it */
        stack_count(tcp->stack, COUNTER_TcpExtTCPTimeWaitOverflow);
        tcp_connection_time_wait_over(oldest);
    }
}

bool tcp_connection_linger(struct tcb *tcb)
{
    int64_t seconds = tcb->preferences.linger2_s ? tcb->preferences.linger2_s
                                                 : tcb->stack->settings.tcp_fin_timeout_s;
    if (seconds < 0) {
        tcp_connection_end(tcb, 0);
        return false;
    }
    timer_set(tcb, TCP_TIMER_LINGER, tcb->stack->now_ns + TIME_S(seconds));
    return true;
}

void tcp_connection_time_wait(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    tcp_set_state(tcb, TCP_TIME_WAIT);
    orphan_end(tcb);
    stop_working(tcb);
    list_append(&tcp->time_wait, &tcb->connection->rest.time_wait);
    tcp->time_wait_count++;
    limit_time_wait(tcp);
    timer_set(tcb, TCP_TIMER_LINGER,
              tcb->stack->now_ns + TIME_S(tcb->stack->settings.tcp_time_wait_s));
    rest_soon(tcb);
    tcp_notify(tcb, POLLIN | POLLHUP);
}
