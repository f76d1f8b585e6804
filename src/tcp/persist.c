/* RFC 9293 §3.8.6.1 and RFC 6429: a window that stays shut is probed for as long as the peer
 * answers, be it for days. Such a connection ends
 *
 *   when its probes are not answered, like any that is not (R2, or the user timeout agreed upon);
 *   when its user has said with TCP_USER_TIMEOUT how long what he writes may wait, and it has;
 *   when its user closes it with a reset, or has closed it and the stack waits no longer: as long
 *   as backing off to tcp.rto_max_ms takes, and no less than tcp.orphan_retries, as on Linux; or
 *   there are too many such, or memory has run short (orphans.h). */
#include "tcp/persist.h"

#include "base/time.h"
#include "tcp/output.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/user_timeout.h"

/* Whether only the user's cork, and not the peer's window, keeps what is unsent. */
static bool held_by_cork(const struct tcb *tcb)
{
    return tcb->preferences.cork && !tcb->snd.fin_queued && tcb_unsent(tcb) < tcb->snd.mss &&
           tcb_unsent(tcb) <= tcb->snd.wnd;
}

static bool anything_waits(const struct tcb *tcb)
{
    return tcb->records.out == 0 &&
           (tcb_unsent(tcb) || (tcb->snd.fin_queued && !tcb->snd.fin_sent));
}

/* No later than the user's time is over, which counts from the first probe, as on Linux: until then
 * the window may have been about to open. */
static void await(struct tcb *tcb, uint64_t wait_ns)
{
    uint64_t at = tcb->stack->now_ns + wait_ns;
    uint64_t user_ns = TIME_MS(tcb->preferences.user_timeout_ms);
    if (user_ns && tcb->recovery.persists)
        at = time_min(at, tcb->recovery.persist_since_ns + user_ns);
    timer_set(tcb, TCP_TIMER_PERSIST, at);
}

void persist_check(struct tcb *tcb)
{
    if (!anything_waits(tcb) || !tcp_state_synchronized(tcb->state) ||
        timer_is_set(tcb, TCP_TIMER_PERSIST))
        return;
    if (timer_is_set(tcb, TCP_TIMER_PACE) || held_by_cork(tcb))
        return;
    await(tcb, rtt_rto(tcb));
}

void persist_over(struct tcb *tcb)
{
    tcb->recovery.persists = false;
    timer_clear(tcb, TCP_TIMER_PERSIST);
}

void persist_answered(struct tcb *tcb)
{
    if (tcb->recovery.probes == 0)
        return;
    tcb->recovery.probes = 0;
    if (tcb->snd.wnd)
        tcb->rtt.backoff = 0;
}

void persist_orphaned(struct tcb *tcb)
{
    tcb->recovery.persist_since_ns = tcb->stack->now_ns;
}

/* As long as backing off to the longest interval takes: a window that opens after a while is waited
 * for, as if there was a user. */
static uint64_t orphan_limit(const struct tcb *tcb)
{
    const struct settings *settings = &tcb->stack->settings;
    uint64_t shortest = TIME_MS(settings->tcp_rto_min_ms);
    int64_t doublings = 0;
    while (shortest << doublings < TIME_MS(settings->tcp_rto_max_ms))
        doublings++;
    int64_t retries = settings->tcp_orphan_retries;
    return timers_stall_limit(tcb, retries > doublings ? retries : doublings, shortest);
}

/* A count of probes alone would end in seconds what the link refuses to carry, since then they come
 * without back-off: so much time as they take with it must have passed as well (SHLD-11). */
static bool answers_no_more(const struct tcb *tcb)
{
    const struct settings *settings = &tcb->stack->settings;
    if (tcb->recovery.probes == 0)
        return false;
    uint64_t silent = tcb->stack->now_ns - tcb->recovery.first_timeout_ns;
    uint64_t agreed_ns = TIME_MS(user_timeout_ms(tcb));
    if (agreed_ns)
        return silent >= agreed_ns;
    int64_t most = tcb->detached ? settings->tcp_orphan_retries : settings->tcp_retries2;
    uint64_t shortest = TIME_MS(settings->tcp_rto_min_ms);
    return tcb->recovery.probes >= most &&
           silent + shortest >= timers_stall_limit(tcb, most, shortest);
}

/* Gives it up if it is time. */
static bool persisted_enough(struct tcb *tcb)
{
    uint64_t persisted = tcb->stack->now_ns - tcb->recovery.persist_since_ns;
    uint64_t user_ns = TIME_MS(tcb->preferences.user_timeout_ms);
    const char *why = NULL;
    if (user_ns && persisted >= user_ns)
        why = "given up: the peer's window is shut for longer than the user allows";
    else if (answers_no_more(tcb))
        why = "given up: the peer answers no window probes any more";
    else if (tcb->detached && persisted >= orphan_limit(tcb))
        why = "given up: its user has closed it, and the peer's window stays shut";
    if (why)
        timers_give_up(tcb, why, "RFC 9293 §3.8.6.1, RFC 6429 §4");
    return why;
}

bool persist_expired(struct tcb *tcb)
{
    if (!anything_waits(tcb)) {
        tcb->recovery.probes = 0;
        persist_over(tcb);
        return true;
    }
    if (tcb->recovery.probes == 0)
        tcb->recovery.first_timeout_ns = tcb->stack->now_ns;
    if (!tcb->recovery.persists)
        tcb->recovery.persist_since_ns = tcb->stack->now_ns;
    tcb->recovery.persists = true;
    if (persisted_enough(tcb))
        return false;
    bool went = tcp_send_window_probe(tcb);
    if (tcb->recovery.probes < UINT8_MAX)
        tcb->recovery.probes++;
    if (went && tcb->rtt.backoff < 32)
        tcb->rtt.backoff++;
    if (tcb->records.out == 0)
        await(tcb, went ? rtt_rto(tcb) : TIMERS_LINK_RETRY);
    return true;
}
