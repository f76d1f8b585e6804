#include "tcp/pacing.h"

#include "base/time.h"
#include "tcp/cwv.h"
#include "tcp/tcb.h"
#include "tcp/timers.h"

static bool is_paced(const struct tcb *tcb)
{
    return tcb->cc.operations->set_rate || tcb->stack->settings.tcp_pacing || cwv_paces(tcb) ||
           tcb->preferences.max_pacing_rate != UINT64_MAX;
}

bool pacing_holds(const struct tcb *tcb)
{
    return tcb->cc.next_send_ns > tcb->stack->now_ns;
}

void pacing_wait(struct tcb *tcb)
{
    timer_set(tcb, TCP_TIMER_PACE, tcb->cc.next_send_ns);
}

/* The initial window may go at once (RFC 6928): what a network stands without pacing, it stands.
 * BBR wants it paced. */
static bool in_initial_window(const struct tcb *tcb)
{
    return !tcb->cc.operations->set_rate &&
           tcb->stat.data_segments_out < (uint32_t)tcb->stack->settings.tcp_initial_window;
}

void pacing_sent(struct tcb *tcb, uint32_t bytes)
{
    if (tcb->cc.pacing_rate == 0 || !is_paced(tcb) || in_initial_window(tcb))
        return;
    uint64_t now = tcb->stack->now_ns;
    uint64_t cost = bytes * TIME_S(1) / tcb->cc.pacing_rate;
    if (tcb->cc.next_send_ns < now) {
        cost -= time_min(now - tcb->cc.next_send_ns, cost / 2);
        tcb->cc.next_send_ns = now;
    }
    tcb->cc.next_send_ns += cost;
}

/* A window a round trip, and more: twice as much in slow start, which doubles the window in a round
 * trip; else a fifth, so that the pacer is not what holds the window down. */
static void set_usual_rate(struct tcb *tcb)
{
    const struct settings *settings = &tcb->stack->settings;
    uint64_t segments = tcb->cc.cwnd > tcb->records.out ? tcb->cc.cwnd : tcb->records.out;
    bool slow_start = tcb->cc.cwnd < tcb->cc.ssthresh / 2;
    uint64_t percent =
        (uint64_t)(slow_start ? settings->tcp_pacing_ss_ratio : settings->tcp_pacing_ca_ratio);
    uint64_t srtt_us = tcb->rtt.srtt_ns / TIME_US(1);
    if (tcb->rtt.srtt_ns == 0)
        return;
    tcb->cc.pacing_rate = segments * tcb->snd.mss * percent * 10000 / (srtt_us ? srtt_us : 1);
}

void pacing_update_rate(struct tcb *tcb)
{
    if (tcb->cc.operations->set_rate)
        tcb->cc.operations->set_rate(tcb);
    else
        set_usual_rate(tcb);
    if (tcb->cc.pacing_rate > tcb->preferences.max_pacing_rate)
        tcb->cc.pacing_rate = tcb->preferences.max_pacing_rate;
}
