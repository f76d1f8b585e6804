#include "tcp/hystart.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/tcb.h"

/* RFC 9406 §4.3. */
enum {
    SAMPLES = 8, /* N_RTT_SAMPLE */
    CSS_GROWTH_DIVISOR = 4,
    CSS_ROUNDS = 5,
    LOW_WINDOW = 16, /* of the original test, segments; below, a delay says little */
};
#define LEAST_RISE TIME_MS(4)
#define MOST_RISE  TIME_MS(16)

static void begin_round(struct hystart *h, const struct tcb *tcb)
{
    h->last_round_min_ns = h->round_min_ns;
    h->round_min_ns = TIME_NEVER;
    h->samples = 0;
    h->window_end = tcb->snd.nxt;
}

void hystart_reset(struct hystart *h, const struct tcb *tcb)
{
    *h = (struct hystart){
        .round_min_ns = TIME_NEVER, .last_round_min_ns = TIME_NEVER, .window_end = tcb->snd.nxt};
}

static uint64_t rise(uint64_t base_ns)
{
    return time_max(LEAST_RISE, time_min(base_ns / 8, MOST_RISE));
}

static void end_slow_start(struct tcb *tcb)
{
    tcb->cc.ssthresh = tcb->cc.cwnd;
    stack_count(tcb->stack, COUNTER_TcpExtTCPHystartDelayDetect);
    stack_count_many(tcb->stack, COUNTER_TcpExtTCPHystartDelayCwnd, tcb->cc.cwnd);
}

/* The round's own samples against the connection's minimum. */
static void test_against_minimum(struct hystart *h, struct tcb *tcb)
{
    uint64_t base = tcb->rtt.min_ns;
    if (h->samples > SAMPLES && base != TIME_NEVER && tcb->cc.cwnd >= LOW_WINDOW &&
        h->round_min_ns > base + rise(base))
        end_slow_start(tcb);
}

/* §4.2: a rise from one round to the next leads into conservative slow start; if the RTT falls back
 * meanwhile, it was noise. */
static void test_against_last_round(struct hystart *h)
{
    if (h->samples < SAMPLES)
        return;
    if (h->css_rounds) {
        if (h->round_min_ns < h->baseline_ns)
            h->css_rounds = 0;
        return;
    }
    if (h->last_round_min_ns != TIME_NEVER &&
        h->round_min_ns >= h->last_round_min_ns + rise(h->last_round_min_ns)) {
        h->baseline_ns = h->round_min_ns;
        h->css_rounds = CSS_ROUNDS;
    }
}

/* Segments that leave in one instant are a nanosecond apart on RACK's clock, and each of their
 * samples is shorter than the last by that: no fall of the round trip. */
static uint64_t whole_microseconds(uint64_t rtt_ns)
{
    return (rtt_ns + TIME_US(1) / 2) / TIME_US(1) * TIME_US(1);
}

/* §4.3: HyStart++ is for the first slow start; later ones know where to end. */
static bool applies(const struct tcb *tcb)
{
    switch (tcb->stack->settings.tcp_hystart) {
    case HYSTART_PLUS_PLUS:
        return tcb->cc.ssthresh == UINT32_MAX;
    case HYSTART_DELAY:
        return tcb->cc.cwnd < tcb->cc.ssthresh;
    default:
        return false;
    }
}

void hystart_on_ack(struct hystart *h, struct tcb *tcb, uint64_t rtt_ns)
{
    if (!applies(tcb))
        return;
    if (seq_gt(tcb->snd.una, h->window_end)) {
        if (h->css_rounds && --h->css_rounds == 0)
            end_slow_start(tcb);
        begin_round(h, tcb);
    }
    if (rtt_ns == TIME_NEVER)
        return;
    h->round_min_ns = time_min(h->round_min_ns, whole_microseconds(rtt_ns));
    if (h->samples < UINT16_MAX)
        h->samples++;
    if (tcb->stack->settings.tcp_hystart == HYSTART_DELAY)
        test_against_minimum(h, tcb);
    else
        test_against_last_round(h);
}

uint32_t hystart_growth(struct hystart *h, struct tcb *tcb, uint32_t acked)
{
    if (!h->css_rounds || !applies(tcb))
        return acked;
    tcb->cc.fraction += acked;
    uint32_t grown = tcb->cc.fraction / CSS_GROWTH_DIVISOR;
    tcb->cc.fraction %= CSS_GROWTH_DIVISOR;
    return grown;
}
