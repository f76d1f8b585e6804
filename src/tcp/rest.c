#include "tcp/rest.h"

#include "base/time.h"
#include "tcp/block.h"
#include "tcp/connection.h"
#include "tcp/memory.h"
#include "tcp/output.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"

/* What is still going on is looked at again after so long. */
#define LOOK_AGAIN TIME_S(1)

/* ── When ── */

static bool sending_is_over(const struct tcb *tcb)
{
    return tcb->snd.una == tcb->snd.nxt && tcb->records.count == 0 && tcb_unsent(tcb) == 0 &&
           !tcb->snd.ring.bytes && !tcb->snd.ring.held && tcb->snd.units.capacity == 0 &&
           !tcb->snd.reservation && !tcb->snd.lending && !tcb->snd.full && !tcb->snd.urgent &&
           tcb->snd.fin_queued == tcb->snd.fin_acked;
}

static bool receiving_is_over(const struct tcb *tcb)
{
    return !tcb->rcv.ring.bytes && !tcb->rcv.ring.held && !tcb->rcv.out_of_order.items &&
           !tcb->rcv.landing && !tcb->rcv.arrivals && !tcb->rcv.urgent &&
           tcb->rcv.fin == tcb->rcv.fin_seen && tcb->rcv.duplicate.start == tcb->rcv.duplicate.end;
}

/* An acknowledgment is owed, or challenges are still counted (RFC 5961 §7). */
static bool acknowledging_is_over(const struct tcb *tcb)
{
    return list_empty(&tcb->ack.batch) && !tcb->ack.pending && !tcb->ack.now &&
           !tcp_allowance_runs(tcb->stack, &tcb->allowance.challenges) &&
           tcb->rcv.wup == tcb->rcv.nxt;
}

static bool recovery_is_over(const struct tcb *tcb)
{
    if (tcb->state == TCP_TIME_WAIT)
        return true; /* nothing is sent any more but acknowledgments */
    return tcb->recovery.phase == TCP_PHASE_OPEN && tcb->recovery.timeouts == 0 &&
           tcb->recovery.probes == 0 && tcb->rtt.backoff == 0 && !tcb->rack.probe_out &&
           !tcb->ecn.echo && !tcb->ecn.reduced && tcb->mtu.size == 0;
}

/* Its user is to be told something, or has asked for what counts on from call to call. One that has
 * no user (yet) stands in a queue: a listener's, or that of those that may be reset (orphans.h). */
static bool user_is_served(const struct tcb *tcb)
{
    return list_empty(&tcb->queue) && !tcb->error && !tcb->soft_error && !tcb->ended &&
           error_queue_empty(&tcb->errors) && tcb->zerocopy.count == 0 && !tcb->zerocopy.used &&
           tcb->stamps.count == 0 && tcb->stamps.base == 0 && !tcb->opens_early &&
           !tcb->fast_open.keys && !tcb->user_timeout.announce;
}

/* One deadline is kept, that of the connection's one timer: which, or TCP_TIMERS for none. False
 * where there are others. */
static bool find_deadline(const struct tcb *tcb, enum tcp_timer *which)
{
    *which = TCP_TIMERS;
    for (unsigned i = 0; i < TCP_TIMERS; i++) {
        if (i == TCP_TIMER_REST || tcb->deadline_ns[i] == TIME_NEVER)
            continue;
        if (*which != TCP_TIMERS || (i != TCP_TIMER_KEEPALIVE && i != TCP_TIMER_LINGER))
            return false;
        *which = (enum tcp_timer)i;
    }
    return true;
}

bool rest_possible(const struct tcb *tcb)
{
    enum tcp_timer which;
    bool settled = tcb->state == TCP_ESTABLISHED || tcb->state == TCP_CLOSE_WAIT ||
                   tcb->state == TCP_FIN_WAIT_2 || tcb->state == TCP_TIME_WAIT;
    return settled && tcb->connection->kept && tcb->in_demux && sending_is_over(tcb) &&
           receiving_is_over(tcb) && acknowledging_is_over(tcb) && recovery_is_over(tcb) &&
           user_is_served(tcb) && find_deadline(tcb, &which) &&
           !tcb->stack->settings.tcp_window_validation; /* which remembers what was in the pipe */
}

/* ── There and back ── */

/* The timer, which may be due earlier than the deadline, waits for exactly that from now on. */
static void keep_deadline(struct tcb *tcb, struct tcp_rest *rest)
{
    enum tcp_timer which;
    find_deadline(tcb, &which);
    rest->timer = (uint8_t)which;
    stack_cancel(tcb->stack, &tcb->connection->timer);
    if (which != TCP_TIMERS)
        stack_arm(tcb->stack, &tcb->connection->timer, tcb->deadline_ns[which]);
}

/* Where the timer is not armed any more it has just run. */
static void recall_deadline(struct tcb *tcb, const struct tcp_rest *rest)
{
    const struct timer *timer = &tcb->connection->timer.timer;
    if (rest->timer != TCP_TIMERS)
        tcb->deadline_ns[rest->timer] =
            timer_armed(timer) ? timer->deadline_ns : tcb->stack->now_ns;
}

bool rest_begin(struct tcb *tcb)
{
    struct tcp_connection *connection = tcb->connection;
    if (!rest_keep(tcb, &connection->rest))
        return false;
    keep_deadline(tcb, &connection->rest);
    list_remove(&tcb->all);
    connection->tcb = NULL;
    stack_charge(tcb->stack, -(int64_t)sizeof *tcb);
    block_give(tcb->tcp, tcb);
    return true;
}

static struct tcb *wake(struct tcp_connection *connection, struct tcb *tcb)
{
    tcp_connection_prepare(tcb, connection);
    rest_recall(tcb, &connection->rest);
    recall_deadline(tcb, &connection->rest);
    tcb->woken = true;
    return tcb;
}

/* For a call, or a timer, which both end without notice: the timer looks after it. */
static struct tcb *wake_for_call(struct tcp_connection *connection, struct tcb *tcb)
{
    if (!tcb)
        return NULL;
    wake(connection, tcb);
    timer_set(tcb, TCP_TIMER_REST, tcb->stack->now_ns);
    return tcb;
}

struct tcb *tcp_connection_wake(struct tcp_connection *connection)
{
    if (connection->tcb)
        return connection->tcb;
    return wake_for_call(connection, block_take(tcp_of(connection->stack)));
}

struct tcb *tcp_connection_wake_to_end(struct tcp_connection *connection)
{
    if (connection->tcb)
        return connection->tcb;
    return wake_for_call(connection, block_take_to_end(tcp_of(connection->stack)));
}

struct tcb *rest_wake(struct tcp_connection *connection)
{
    if (connection->tcb)
        return connection->tcb;
    struct tcp *tcp = tcp_of(connection->stack);
    struct tcp_beyond beyond;
    if (!tcp_memory_to_wake(tcp, &connection->remote.address, &beyond))
        return NULL;
    struct tcb *tcb = block_take(tcp);
    if (!tcb)
        return NULL;
    tcb->beyond = beyond;
    tcp_memory_woken(tcp, &beyond);
    tcp->settled = connection;
    return wake(connection, tcb);
}

/* ── The time for it ── */

/* How long nothing must have gone on: no less than a retransmission timeout, after which the
 * congestion window is void anyhow. */
static uint64_t quiet_needed_ns(const struct tcb *tcb)
{
    uint64_t after = TIME_MS(tcb->stack->settings.tcp_rest_after_ms);
    bool at_once = after == 0 || tcb->woken || tcb->state == TCP_TIME_WAIT;
    return at_once ? 0 : time_max(after, rtt_rto(tcb));
}

void rest_watch(struct tcb *tcb)
{
    if (tcb->connection->kept && tcp_state_synchronized(tcb->state))
        timer_set(tcb, TCP_TIMER_REST, tcb->stack->now_ns + quiet_needed_ns(tcb));
}

void rest_hasten(struct tcb *tcb)
{
    if (!tcb->connection->kept || !tcp_state_synchronized(tcb->state))
        return;
    tcb->woken = true;
    timer_set(tcb, TCP_TIMER_REST, tcb->stack->now_ns);
}

void rest_soon(struct tcb *tcb)
{
    tcb->tcp->settled = tcb->connection;
}

void rest_settle(struct tcp *tcp)
{
    struct tcp_connection *connection = tcp->settled;
    tcp->settled = NULL;
    if (connection && connection->tcb && connection->kept &&
        tcp_state_synchronized(connection->tcb->state))
        rest_expired(connection->tcb);
}

struct tcp_connection *tcp_connection_keep(struct tcb *tcb)
{
    tcb->connection->kept = true;
    rest_watch(tcb);
    return tcb->connection;
}

static uint64_t quiet_since(const struct tcb *tcb)
{
    return time_max(time_max(tcb->stat.last_sent_ns, tcb->stat.last_received_ns),
                    time_max(tcb->stat.last_ack_received_ns, tcb->stat.established_ns));
}

bool rest_expired(struct tcb *tcb)
{
    uint64_t now = tcb->stack->now_ns;
    uint64_t due = quiet_since(tcb) + quiet_needed_ns(tcb);
    bool possible = rest_possible(tcb);
    tcb->woken = false;
    if (possible && due <= now && rest_begin(tcb))
        return false;
    timer_set(tcb, TCP_TIMER_REST, possible && due > now ? due : now + LOOK_AGAIN);
    return true;
}

/* ── What can be told without the block ── */

bool tcp_connection_rests(const struct tcp_connection *connection)
{
    return !connection->tcb;
}

bool tcp_rest_has_peer(const struct tcp_connection *connection)
{
    return connection->rest.state != TCP_TIME_WAIT;
}

bool tcp_rest_at_end(const struct tcp_connection *connection)
{
    return connection->rest.rcv_fin || connection->rest.receive_shut;
}

unsigned tcp_rest_readiness(const struct tcp_connection *connection)
{
    unsigned events = POLLOUT | POLLWRNORM;
    if (tcp_rest_at_end(connection)) {
        events |= POLLIN | POLLRDNORM | POLLRDHUP;
        if (connection->rest.snd_fin)
            events |= POLLHUP;
    }
    return events;
}

const struct endpoint *tcp_connection_local(const struct tcp_connection *connection)
{
    return &connection->local;
}

const struct endpoint *tcp_connection_remote(const struct tcp_connection *connection)
{
    return &connection->remote;
}
