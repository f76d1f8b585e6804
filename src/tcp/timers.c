/* Theory of operation.
 *
 * A connection has up to nine deadlines at a time but one entry in the stack's wheel, armed no
 * later than the earliest of them. Moving a deadline back does not touch the wheel: the entry
 * fires, finds nothing due, and is armed again. So the restart of the retransmission timer on each
 * ACK costs one store.
 *
 *   RETRANSMIT  RFC 6298; the only one that counts towards giving up
 *   PROBE       RFC 8985 §7, at most once a flight, instead of waiting for RETRANSMIT
 *   REORDER     RFC 8985 §6.2 step 5, a fraction of a round trip
 *   PERSIST     the window is closed (persist.h)
 *   ACK         at most 0.2 s (RFC 9293 MUST-40 asks for less than 0.5 s)
 *   PACE        the pacer's next gap
 *   KEEPALIVE   off unless asked for (RFC 9293 MUST-25)
 *   LINGER      the end of TIME-WAIT, and of FIN-WAIT-2 when nobody will read any more
 *   REST        whether the control block can be put away (rest.h) */
#include "tcp/timers.h"

#include <errno.h>

#include "base/seq.h"
#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/fastopen.h"
#include "tcp/mtu_probe.h"
#include "tcp/output.h"
#include "tcp/persist.h"
#include "tcp/rate.h"
#include "tcp/receive.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/rtt.h"
#include "tcp/tcp.h"
#include "tcp/user_timeout.h"

/* The least time that the rest of an acknowledgment is given where the peer may have reneged. */
#define RENEGING_WAIT_LEAST TIME_MS(10)

static void timers_arm(struct tcb *tcb, uint64_t deadline_ns)
{
    if (deadline_ns < tcb->connection->timer.timer.deadline_ns)
        stack_arm(tcb->stack, &tcb->connection->timer, deadline_ns);
}

void timer_set(struct tcb *tcb, enum tcp_timer which, uint64_t deadline_ns)
{
    tcb->deadline_ns[which] = deadline_ns;
    timers_arm(tcb, deadline_ns);
}

void timer_clear(struct tcb *tcb, enum tcp_timer which)
{
    tcb->deadline_ns[which] = TIME_NEVER;
}

void timers_clear(struct tcb *tcb)
{
    for (int i = 0; i < TCP_TIMERS; i++)
        tcb->deadline_ns[i] = TIME_NEVER;
}

void timers_clear_all(struct tcb *tcb)
{
    timers_clear(tcb);
    stack_cancel(tcb->stack, &tcb->connection->timer);
}

void timers_restart_retransmit(struct tcb *tcb)
{
    if (tcb->records.out == 0) {
        timer_clear(tcb, TCP_TIMER_RETRANSMIT);
        timer_clear(tcb, TCP_TIMER_PROBE);
        return;
    }
    persist_over(tcb);
    timer_set(tcb, TCP_TIMER_RETRANSMIT, tcb->stack->now_ns + rtt_rto(tcb));
    tlp_schedule(tcb, true);
}

void timers_await_reneged(struct tcb *tcb)
{
    timer_clear(tcb, TCP_TIMER_PROBE);
    timer_set(tcb, TCP_TIMER_RETRANSMIT,
              tcb->stack->now_ns + time_max(tcb->rtt.srtt_ns / 2, RENEGING_WAIT_LEAST));
}

void timers_restart_keepalive(struct tcb *tcb)
{
    timer_clear(tcb, TCP_TIMER_KEEPALIVE);
    if (!tcb->preferences.keepalive || !tcp_state_synchronized(tcb->state) ||
        tcb->state == TCP_TIME_WAIT)
        return;
    tcb->keepalive_sent = 0;
    timer_set(tcb, TCP_TIMER_KEEPALIVE,
              tcb->stack->now_ns + TIME_S(tcb->preferences.keepalive_idle_s));
}

uint64_t timers_stall_limit(const struct tcb *tcb, int64_t retries, uint64_t first_ns)
{
    uint64_t most = TIME_MS(tcb->stack->settings.tcp_rto_max_ms);
    uint64_t total = 0, each = first_ns;
    for (int64_t i = 0; i <= retries; i++) {
        total += each;
        each = time_min(each * 2, most);
    }
    return total;
}

/* R2 of RFC 9293 §3.8.3 (MUST-20, MUST-23), or the user timeout (MUST-21, RFC 5482). */
static bool given_up(const struct tcb *tcb)
{
    const struct settings *settings = &tcb->stack->settings;
    uint64_t stalled = tcb->stack->now_ns - tcb->recovery.first_timeout_ns;
    uint64_t timeout_ms = user_timeout_ms(tcb);
    if (timeout_ms)
        return stalled >= TIME_MS(timeout_ms);
    if (tcb->state == TCP_SYN_SENT || tcb->state == TCP_SYN_RECEIVED) {
        int64_t most =
            tcb->accepted_open ? settings->tcp_synack_retries : tcb->preferences.syn_retries;
        /* SYNs that do not back off are more, in no more time; those that the link does not take,
         * fewer. */
        bool linear = tcb->state == TCP_SYN_SENT && settings->tcp_syn_linear_timeouts > 0;
        return (!linear && tcb->syn_attempts > most) ||
               stalled >= timers_stall_limit(tcb, most, TIME_MS(settings->tcp_rto_initial_ms));
    }
    /* Of what was lost long ago, and has not been sent again before all that stood before it was
     * acknowledged, no retransmission has failed yet. */
    stalled = time_min(stalled, tcb->stack->now_ns - tcb->recovery.advanced_ns);
    int64_t retries = tcb->detached ? settings->tcp_orphan_retries : settings->tcp_retries2;
    return stalled >= timers_stall_limit(tcb, retries, TIME_MS(settings->tcp_rto_min_ms));
}

/* The peer has taken its window back, and answers: what is sent again is a probe of it, and must
 * not end the connection (SHLD-17, MUST-35). */
static bool peer_refuses(const struct tcb *tcb)
{
    uint64_t silent = tcb->stack->now_ns - tcb->stat.last_ack_received_ns;
    return tcb->snd.wnd == 0 && !tcb->detached && user_timeout_ms(tcb) == 0 &&
           tcp_state_synchronized(tcb->state) &&
           silent <= TIME_MS(tcb->stack->settings.tcp_rto_max_ms);
}

bool timers_give_up(struct tcb *tcb, const char *why, const char *clause)
{
    stack_count(tcb->stack, COUNTER_TcpExtTCPAbortOnTimeout);
    stack_trace(tcb->stack, TERN_TRACE_NOTE, NULL, 0, NULL, why, clause);
    if (tcb->state == TCP_SYN_SENT)
        fast_open_failed(tcb);
    tcp_connection_end(tcb, tcb->soft_error ? tcb->soft_error : ETIMEDOUT);
    return false;
}

/* R1 of RFC 9293 §3.8.3: so many retransmissions have gone unanswered that something may be wrong
 * with the path. Who asks for errors is told once (SHLD-9); and perhaps smaller segments get
 * through. */
static void doubt_path(struct tcb *tcb)
{
    uint8_t r1 = (uint8_t)tcb->stack->settings.tcp_retries1;
    if (tcb->rtt.backoff < r1) /* what the link did not take tells nothing of the path */
        return;
    if (tcb->rtt.backoff == r1 && !tcb->soft_error) {
        tcb->soft_error = ETIMEDOUT;
        stack_trace(tcb->stack, TERN_TRACE_NOTE, NULL, 0, NULL,
                    "what was sent again and again is not acknowledged: R1 is reached",
                    "RFC 9293 §3.8.3 SHLD-9");
        tcp_notify(tcb, 0);
    }
    mtu_probe_black_hole(tcb);
}

/* RFC 6298 §5.5, which SYNs may be let off at first: they are few and small, and the wait is the
 * user's (Linux's tcp_syn_linear_timeouts). */
static bool backs_off(const struct tcb *tcb)
{
    return tcb->state != TCP_SYN_SENT ||
           tcb->syn_attempts > tcb->stack->settings.tcp_syn_linear_timeouts + 1;
}

static void count_timeout(struct tcb *tcb)
{
    stack_count(tcb->stack, COUNTER_TcpExtTCPTimeouts);
    tcb->stat.timeouts++;
    if (tcb->recovery.timeouts)
        return;
    tcb->stat.timeout_rounds++;
    tcb->stat.timeout_since_ns = tcb->stack->now_ns;
}

void timers_stall_over(struct tcb *tcb)
{
    tcb->recovery.timeouts = 0;
    tcb->recovery.advanced_ns = tcb->stack->now_ns;
    if (tcb->stat.timeout_since_ns)
        tcb->stat.timeout_ns += tcb->stack->now_ns - tcb->stat.timeout_since_ns;
    tcb->stat.timeout_since_ns = 0;
}

/* No later than the user timeout is over: a back-off does not prolong it. */
static void await_retransmit(struct tcb *tcb, uint64_t wait_ns)
{
    uint64_t at = tcb->stack->now_ns + wait_ns;
    uint64_t timeout_ns = TIME_MS(user_timeout_ms(tcb));
    if (timeout_ns)
        at = time_min(at, tcb->recovery.first_timeout_ns + timeout_ns);
    timer_set(tcb, TCP_TIMER_RETRANSMIT, at);
}

/* RFC 6298 §5.4 to §5.7. Each handler returns whether the connection still exists. */
static bool retransmit_expired(struct tcb *tcb)
{
    if (tcb->records.out == 0)
        return true;
    if (tcb->recovery.timeouts == 0) {
        const struct sent_record *first = records_first(tcb);
        tcb->recovery.first_timeout_ns = first ? first->sent_ns : tcb->stack->now_ns;
    }
    if (given_up(tcb) && !peer_refuses(tcb))
        return timers_give_up(tcb, "given up: what was sent again and again is not acknowledged",
                              "RFC 9293 §3.8.3 MUST-20");
    count_timeout(tcb);
    if (tcp_state_synchronized(tcb->state)) {
        doubt_path(tcb);
        recovery_on_timeout(tcb);
    } else {
        tcb->syn_attempts++;
        struct sent_record *first = records_first(tcb);
        if (first)
            records_mark_lost(tcb, first);
        if (tcb->state == TCP_SYN_SENT)
            fast_open_syn_lost(tcb);
        tcb->cc.cwnd = 1;
    }
    if (tcb->recovery.timeouts < UINT8_MAX)
        tcb->recovery.timeouts++;
    tlp_forget(tcb);
    timer_clear(tcb, TCP_TIMER_REORDER);
    bool went = tcp_retransmit_first(tcb, WHY_TIMEOUT);
    if (!went && !tcp_state_synchronized(tcb->state))
        tcb->syn_attempts--;
    if (went && tcb->rtt.backoff < 32 && backs_off(tcb))
        tcb->rtt.backoff++;
    timer_clear(tcb, TCP_TIMER_PROBE);
    await_retransmit(tcb, went ? rtt_rto(tcb) : TIMERS_LINK_RETRY);
    return true;
}

/* RFC 8985 §7.3: new data if the window lets it, else the last segment again. */
static bool probe_expired(struct tcb *tcb)
{
    if (tcb->records.out == 0)
        return true;
    if (tlp_send_probe(tcb))
        stack_count(tcb->stack, COUNTER_TcpExtTCPLossProbes);
    timer_clear(tcb, TCP_TIMER_PROBE);
    timer_set(tcb, TCP_TIMER_RETRANSMIT, tcb->stack->now_ns + rtt_rto(tcb));
    return true;
}

static bool reorder_expired(struct tcb *tcb)
{
    tcb->rack.advanced = true;
    recovery_on_reorder_timeout(tcb);
    tcp_output(tcb);
    if (!timer_is_set(tcb, TCP_TIMER_RETRANSMIT))
        timers_restart_retransmit(tcb);
    return true;
}

static bool keepalive_expired(struct tcb *tcb)
{
    const struct tcp_preferences *p = &tcb->preferences;
    uint64_t now = tcb->stack->now_ns;
    if (tcb->records.out || tcb_unsent(tcb)) {
        timers_restart_keepalive(tcb);
        return true;
    }
    uint64_t heard = time_max(tcb->stat.last_received_ns, tcb->stat.last_ack_received_ns);
    uint64_t idle = now - time_max(heard, tcb->stat.established_ns);
    if (idle < TIME_S(p->keepalive_idle_s)) {
        timer_set(tcb, TCP_TIMER_KEEPALIVE, now - idle + TIME_S(p->keepalive_idle_s));
        return true;
    }
    uint64_t timeout_ms = user_timeout_ms(tcb);
    bool over = timeout_ms ? idle >= TIME_MS(timeout_ms) && tcb->keepalive_sent > 0
                           : tcb->keepalive_sent >= p->keepalive_probes;
    if (over) {
        tcp_send_reset(tcb);
        return timers_give_up(tcb, "given up: keep-alives are not answered", "RFC 9293 §3.8.4");
    }
    tcp_send_keepalive(tcb);
    stack_count(tcb->stack, COUNTER_TcpExtTCPKeepAlive);
    tcb->keepalive_sent++;
    timer_set(tcb, TCP_TIMER_KEEPALIVE, now + TIME_S(p->keepalive_interval_s));
    return true;
}

static bool ack_expired(struct tcb *tcb)
{
    receive_ack_expired(tcb);
    return true;
}

static bool pace_expired(struct tcb *tcb)
{
    tcp_output(tcb);
    return true;
}

static bool linger_expired(struct tcb *tcb)
{
    tcp_connection_end(tcb, 0);
    return false;
}

static bool (*const handlers[TCP_TIMERS])(struct tcb *) = {
    [TCP_TIMER_RETRANSMIT] = retransmit_expired,
    [TCP_TIMER_PROBE] = probe_expired,
    [TCP_TIMER_REORDER] = reorder_expired,
    [TCP_TIMER_PERSIST] = persist_expired,
    [TCP_TIMER_ACK] = ack_expired,
    [TCP_TIMER_PACE] = pace_expired,
    [TCP_TIMER_KEEPALIVE] = keepalive_expired,
    [TCP_TIMER_LINGER] = linger_expired,
    [TCP_TIMER_REST] = rest_expired,
};

/* The order in which timers due at one moment run: what repairs gently before what gives up. */
static const enum tcp_timer order[TCP_TIMERS] = {
    TCP_TIMER_ACK,       TCP_TIMER_PACE,    TCP_TIMER_REORDER,
    TCP_TIMER_PROBE,     TCP_TIMER_PERSIST, TCP_TIMER_RETRANSMIT,
    TCP_TIMER_KEEPALIVE, TCP_TIMER_LINGER,  TCP_TIMER_REST,
};

/* For a resting connection that cannot wake without memory, and may do so later. */
#define WAKE_RETRY TIME_MS(100)

static void timers_expired(struct stack *stack, struct stack_timer *timer)
{
    struct tcp_connection *connection = container_of(timer, struct tcp_connection, timer);
    if (!connection->tcb && connection->rest.state == TCP_TIME_WAIT && !connection->owner) {
        tcp_connection_time_wait_over(connection);
        return;
    }
    struct tcb *tcb = tcp_connection_wake(connection);
    if (!tcb) {
        stack_arm(stack, timer, stack->now_ns + WAKE_RETRY);
        return;
    }
    rate_check_app_limited(tcb);
    for (int i = 0; i < TCP_TIMERS; i++) {
        enum tcp_timer which = order[i];
        if (tcb->deadline_ns[which] > stack->now_ns)
            continue;
        tcb->deadline_ns[which] = TIME_NEVER;
        if (!handlers[which](tcb))
            return;
    }
    uint64_t earliest = TIME_NEVER;
    for (int i = 0; i < TCP_TIMERS; i++)
        earliest = time_min(earliest, tcb->deadline_ns[i]);
    if (earliest != TIME_NEVER)
        timers_arm(tcb, earliest);
}

void timers_init(struct tcp_connection *connection)
{
    timer_init(&connection->timer.timer);
    connection->timer.expired = timers_expired;
}
