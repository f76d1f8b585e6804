/* Theory of operation.
 *
 * A window that is not filled says nothing of what the path bears. So it grows only while it is
 * what holds the sender (cc_is_limited()), and after a pause of a timeout with nothing out it is
 * brought back to the initial one, as RFC 5681 §4.1 and RFC 2861 have it, unless
 * tcp.slow_start_after_idle is off.
 *
 * RFC 7661 goes another way, where tcp.window_validation asks for it: how much was really
 * acknowledged in a round trip, at the most in the last few, is pipeACK (§4.2). A window of more
 * than twice that is not validated (§4.3): it is kept, for a user who pauses and goes on; but
 * congestion makes it fall from what was really in the pipe (§4.4.1), what it lets go is paced
 * (§4.4.2), and after five minutes it halves (§4.4.3). */
#include "tcp/cwv.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/rtt.h"

/* How long a window that is not validated is kept (§4.4.3: the non-validated period). */
#define PERIOD TIME_S(300)

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t pipe_ack(const struct tcb *tcb)
{
    return max_u32(tcb->cwv.pipe_now, tcb->cwv.pipe_before);
}

/* pipeACK is not defined before the first round trip, and after recovery; and what every connection
 * begins with needs no proof. */
bool cwv_is_validated(const struct tcb *tcb)
{
    uint32_t pipe = pipe_ack(tcb);
    return pipe == 0 || tcb->cc.cwnd <= 2 * pipe ||
           tcb->cc.cwnd <= (uint32_t)tcb->stack->settings.tcp_initial_window;
}

static bool applies(const struct tcb *tcb)
{
    return tcb->stack->settings.tcp_window_validation && !tcb->cc.operations->control;
}

void cwv_begin(struct tcb *tcb)
{
    tcb->cwv.pipe_now = tcb->cwv.pipe_before = 0;
    tcb->cwv.pipe_round_end = tcb->snd.iss;
    tcb->cwv.validated_ns = tcb->stack->now_ns;
}

void cwv_sent(struct tcb *tcb, bool limited)
{
    if (seq_geq(tcb->snd.una, tcb->cc.usage_end) || limited ||
        (!tcb->cc.limited && tcb->records.out > tcb->cc.most_out)) {
        tcb->cc.limited = limited;
        tcb->cc.most_out = tcb->records.out;
        tcb->cc.usage_end = tcb->snd.nxt;
    }
}

bool cwv_paces(const struct tcb *tcb)
{
    return applies(tcb) && !cwv_is_validated(tcb);
}

static uint64_t sampling_period(const struct tcb *tcb)
{
    return time_max(3 * tcb->rtt.srtt_ns, TIME_S(1));
}

/* The greatest sample of the last sampling period, max(3 RTT, 1 s): of the present half of it and
 * the one before. */
static void take_sample(struct tcb *tcb, uint32_t segments)
{
    uint64_t now = tcb->stack->now_ns;
    if (now - tcb->cwv.pipe_since_ns > sampling_period(tcb)) {
        tcb->cwv.pipe_before = tcb->cwv.pipe_now;
        tcb->cwv.pipe_now = 0;
        tcb->cwv.pipe_since_ns = now;
    }
    tcb->cwv.pipe_now = max_u32(tcb->cwv.pipe_now, segments);
}

static void end_period(struct tcb *tcb)
{
    uint32_t initial = (uint32_t)tcb->stack->settings.tcp_initial_window;
    uint32_t three_quarters = tcb->cc.cwnd - tcb->cc.cwnd / 4;
    tcb->cc.ssthresh = max_u32(tcb->cc.ssthresh, three_quarters);
    if (tcb->cc.cwnd > initial)
        tcb->cc.cwnd = max_u32(tcb->cc.cwnd / 2, initial);
    tcb->cwv.validated_ns += PERIOD;
}

/* One reduction for each period that has gone by (§4.5.2). */
static void end_periods(struct tcb *tcb)
{
    while (!cwv_is_validated(tcb) && tcb->stack->now_ns - tcb->cwv.validated_ns >= PERIOD)
        end_period(tcb);
    if (cwv_is_validated(tcb))
        tcb->cwv.validated_ns = tcb->stack->now_ns;
}

void cwv_acknowledged(struct tcb *tcb)
{
    if (!applies(tcb))
        return;
    if (seq_geq(tcb->snd.una, tcb->cwv.pipe_round_end)) {
        if (tcb->cwv.pipe_round_end != tcb->snd.iss)
            take_sample(tcb, (uint32_t)(tcb->rate.delivered - tcb->cwv.pipe_round_start));
        tcb->cwv.pipe_round_start = tcb->rate.delivered;
        tcb->cwv.pipe_round_end = tcb->snd.nxt;
    }
    end_periods(tcb);
}

void cwv_reducing(struct tcb *tcb)
{
    if (!applies(tcb))
        return;
    tcb->cwv.fell_from = 0;
    if (!cwv_is_validated(tcb)) {
        tcb->cc.cwnd = max_u32(max_u32(pipe_ack(tcb), tcb->records.out), 2);
        tcb->cwv.fell_from = tcb->cc.cwnd;
        tcb->cwv.resent_before = tcb->stat.retransmits;
    }
    cwv_begin(tcb); /* §4.2: undefined until measured again */
}

void cwv_recovered(struct tcb *tcb)
{
    uint32_t from = tcb->cwv.fell_from;
    if (!applies(tcb) || from == 0)
        return;
    uint32_t resent = tcb->stat.retransmits - tcb->cwv.resent_before;
    uint32_t left = resent < from ? from - resent : 0;
    uint32_t window = (uint32_t)((uint64_t)tcb->cc.ssthresh * left / from);
    tcb->cc.ssthresh = max_u32(window, 2);
    tcb->cc.cwnd = max_u32(window, 1);
    tcb->cwv.fell_from = 0;
}

/* §4.5.1: in a pause nothing is acknowledged, and what was before it counts no longer; but the
 * window is kept. */
static void paused(struct tcb *tcb)
{
    uint64_t now = tcb->stack->now_ns;
    if (pipe_ack(tcb) && now - tcb->cwv.pipe_since_ns > sampling_period(tcb)) {
        tcb->cwv.pipe_before = 0;
        tcb->cwv.pipe_now = 1; /* 0 would be: not known */
        tcb->cwv.pipe_since_ns = now;
    }
    end_periods(tcb);
}

void cwv_resumes(struct tcb *tcb)
{
    uint64_t idle = tcb->stack->now_ns - tcb->stat.last_data_sent_ns;
    uint64_t rto = rtt_rto(tcb);
    if (applies(tcb)) {
        if (tcb->records.out == 0)
            paused(tcb);
        return;
    }
    if (tcb->records.out || !tcb->stat.last_data_sent_ns || idle <= rto ||
        !tcb->stack->settings.tcp_slow_start_after_idle)
        return;
    uint32_t initial = (uint32_t)tcb->stack->settings.tcp_initial_window;
    uint32_t three_quarters = tcb->cc.cwnd - tcb->cc.cwnd / 4;
    if (initial > tcb->cc.cwnd)
        initial = tcb->cc.cwnd;
    if (tcb->cc.ssthresh < three_quarters)
        tcb->cc.ssthresh = three_quarters;
    for (; idle > rto && tcb->cc.cwnd > initial; idle -= rto)
        tcb->cc.cwnd = tcb->cc.cwnd / 2 > initial ? tcb->cc.cwnd / 2 : initial;
}
