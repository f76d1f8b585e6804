/* CUBIC (RFC 9438): after a reduction the window follows a cubic function of the time since, flat
 * around the window at which the last loss was met and steep far from it; and is never smaller than
 * Reno's would be.
 *
 * Whole numbers only: time in milliseconds, windows in segments. */
#include "base/time.h"
#include "tcp/ack.h"
#include "tcp/cc.h"
#include "tcp/hystart.h"
#include "tcp/tcb.h"

enum {
    BETA = 717, /* of 1024: 0.7 (§4.6) */
    ONE = 1024,
};
/* C is 0.4 segments a second cubed (§5.1): 1 / C in milliseconds cubed a segment. */
#define C_INVERSE INT64_C(2500000000)

/* What §4.9.2 has restored when a reduction was for nothing. */
struct curve {
    uint64_t epoch_ns;      /* t_epoch; 0: none has begun */
    uint32_t origin;        /* the plateau: W_max, or cwnd where that is larger */
    uint32_t w_max;         /* W_max; 0: no loss has told it yet, or not since a timeout */
    uint32_t k_ms;          /* K: when the plateau is reached */
    uint32_t w_est;         /* W_est */
    uint32_t reno_fraction; /* segments acknowledged towards its next */
    uint32_t cwnd_prior;    /* the window before the last reduction */
};

struct cubic {
    struct hystart hystart;
    uint64_t seen_ns; /* until when time has been put on the curve, or left out of it */
    struct curve curve;
    uint64_t interval_ns; /* when growth_interval() last gave an answer */
    uint32_t interval;    /* which, for `interval_cwnd` */
    uint32_t interval_cwnd;
    struct curve before; /* as `curve` was before the last reduction */
};
_Static_assert(sizeof(struct cubic) <= sizeof(((struct tcb *)0)->cc.private_state), "fits");

static struct cubic *cubic_of(struct tcb *tcb)
{
    return (struct cubic *)(void *)tcb->cc.private_state;
}

static void cubic_reset(struct tcb *tcb)
{
    struct cubic *c = cubic_of(tcb);
    *c = (struct cubic){.seen_ns = tcb->stack->now_ns};
    hystart_reset(&c->hystart, tcb);
}

static uint32_t cube_root(uint64_t x)
{
    uint64_t root = 0;
    for (int shift = 63; shift >= 0; shift -= 3) {
        root <<= 1;
        uint64_t step = 3 * root * (root + 1) + 1;
        if (x >> shift >= step) {
            x -= step << shift;
            root++;
        }
    }
    return (uint32_t)root;
}

/* §4.2: K = cbrt((W_max - cwnd_epoch) / C). */
static void epoch_begin(struct tcb *tcb, struct curve *c)
{
    c->epoch_ns = tcb->stack->now_ns;
    c->w_est = tcb->cc.cwnd;
    c->reno_fraction = 0;
    if (c->w_max <= tcb->cc.cwnd) {
        c->k_ms = 0;
        c->origin = tcb->cc.cwnd;
    } else {
        c->k_ms = cube_root((uint64_t)(c->w_max - tcb->cc.cwnd) * C_INVERSE);
        c->origin = c->w_max;
    }
}

/* W_cubic(t) = C * (t - K)^3 + W_max. */
static int64_t window_at(const struct curve *c, uint64_t t_ms)
{
    int64_t x = (int64_t)t_ms - (int64_t)c->k_ms;
    if (x > 1000000)
        x = 1000000;
    if (x < -1000000)
        x = -1000000;
    return (int64_t)c->origin + x * x * x / C_INVERSE;
}

/* §4.3: what Reno would have by now: alpha segments a round trip, with the same reduction as ours
 * alpha = 3 * (1 - beta) / (1 + beta), and 1 from where the window was reduced on. */
static void follow_reno(struct curve *c, uint32_t cwnd)
{
    for (;;) {
        bool beyond = c->w_est >= c->cwnd_prior;
        uint64_t scaled = (uint64_t)cwnd * (ONE + BETA) / (3 * (ONE - BETA));
        uint32_t per_segment = beyond ? cwnd : (uint32_t)scaled;
        if (per_segment == 0)
            per_segment = 1;
        if (c->reno_fraction <= per_segment)
            return;
        c->reno_fraction -= per_segment;
        c->w_est++;
    }
}

/* §4.2: how many segments must be acknowledged for the window to grow by one, so that it is at
 * `target` a round trip from now; at most half a segment each. 0: it is there, and stays. */
static uint32_t interval_to(uint32_t cwnd, int64_t target)
{
    if (target <= cwnd)
        return 0;
    uint64_t interval = cwnd / (uint64_t)(target - cwnd);
    return interval > 2 ? (uint32_t)interval : 2;
}

/* To the curve (§4.4, §4.5) or to what Reno would have (§4.3), whichever is farther. Where no loss
 * has said where the plateau is, neither ever nor since a timeout, none is kept to: a twentieth a
 * round trip at the least, as Linux has it. */
enum { WITHOUT_PLATEAU = 20 };

static uint32_t reckon_interval(struct tcb *tcb, struct curve *c, uint32_t acked)
{
    uint32_t cwnd = tcb->cc.cwnd;
    if (c->epoch_ns == 0) {
        epoch_begin(tcb, c);
        c->reno_fraction = acked;
    }
    uint64_t ahead = tcb->stack->now_ns + tcb->rtt.srtt_ns - c->epoch_ns;
    int64_t target = window_at(c, ahead / TIME_MS(1));
    follow_reno(c, cwnd);
    uint32_t interval = interval_to(cwnd, target > c->w_est ? target : c->w_est);
    if (c->w_max == 0 && (interval == 0 || interval > WITHOUT_PLATEAU))
        return WITHOUT_PLATEAU;
    return interval;
}

/* Within this time, or a quarter of a round trip where that is shorter, the last answer does for
 * every ACK: neither curve moves by more than a part of a segment. */
#define RECKON_EVERY TIME_MS(31)

static uint32_t growth_interval(struct tcb *tcb, struct cubic *c, uint32_t acked)
{
    uint32_t cwnd = tcb->cc.cwnd;
    uint64_t now = tcb->stack->now_ns;
    c->curve.reno_fraction += acked;
    if (c->curve.epoch_ns && c->interval_cwnd == cwnd &&
        now - c->interval_ns <= time_min(RECKON_EVERY, tcb->rtt.srtt_ns / 4))
        return c->interval;
    c->interval_cwnd = cwnd;
    c->interval_ns = now;
    c->interval = reckon_interval(tcb, &c->curve, acked);
    return c->interval;
}

/* §4.2 and §5.8: time in which the window was not filled, and so did not grow, is not time on the
 * curve. */
static void leave_out_time(struct tcb *tcb, struct cubic *c)
{
    if (c->curve.epoch_ns)
        c->curve.epoch_ns += tcb->stack->now_ns - c->seen_ns;
    c->seen_ns = tcb->stack->now_ns;
}

static void cubic_acknowledged(struct tcb *tcb, const struct ack_event *event)
{
    struct cubic *c = cubic_of(tcb);
    hystart_on_ack(&c->hystart, tcb, event->rtt_ns);
    if (!cc_is_limited(tcb)) {
        leave_out_time(tcb, c);
        return;
    }
    c->seen_ns = tcb->stack->now_ns;
    uint32_t left = event->delivered;
    if (tcb->cc.cwnd < tcb->cc.ssthresh) {
        c->curve.epoch_ns = 0; /* the congestion avoidance to come is a stage of its own */
        left = cc_slow_start(tcb, hystart_growth(&c->hystart, tcb, left));
        if (left == 0)
            return;
    }
    uint32_t interval = growth_interval(tcb, c, left);
    if (interval)
        cc_additive_increase(tcb, interval, left);
}

/* §4.6, and §4.7: who loses before the last maximum makes room for others. */
static uint32_t cubic_reduced(struct tcb *tcb)
{
    struct cubic *c = cubic_of(tcb);
    uint32_t cwnd = tcb->cc.cwnd, w_max = c->curve.w_max;
    c->before = c->curve;
    c->curve.epoch_ns = 0;
    c->curve.cwnd_prior = cwnd;
    c->curve.w_max = cwnd < w_max ? (uint32_t)((uint64_t)cwnd * (ONE + BETA) / (2 * ONE)) : cwnd;
    uint32_t reduced = (uint32_t)((uint64_t)cwnd * BETA / ONE);
    return reduced > 2 ? reduced : 2;
}

/* §4.9.2: unless the window has since grown beyond what it was. */
static void cubic_undone(struct tcb *tcb)
{
    struct cubic *c = cubic_of(tcb);
    if (tcb->cc.cwnd >= c->curve.cwnd_prior)
        return;
    c->curve = c->before;
    c->interval_cwnd = 0;
}

/* §4.8: a timeout starts everything anew; but alpha still goes by the window before it. */
static void cubic_timed_out(struct tcb *tcb)
{
    struct cubic *c = cubic_of(tcb);
    struct curve before = c->before;
    uint32_t cwnd_prior = c->curve.cwnd_prior;
    cubic_reset(tcb);
    c->before = before;
    c->curve.cwnd_prior = cwnd_prior;
}

static void cubic_resumed(struct tcb *tcb, uint64_t idle_ns)
{
    (void)idle_ns; /* of which the time to the last ACK is none */
    leave_out_time(tcb, cubic_of(tcb));
}

/* The plateau stays; the way towards it begins anew, as after any pause (§4.8). */
static uint64_t cubic_rest(const struct tcb *tcb)
{
    const struct cubic *c = (const struct cubic *)(const void *)tcb->cc.private_state;
    return (uint64_t)c->curve.cwnd_prior << 32 | c->curve.w_max;
}

static void cubic_wake(struct tcb *tcb, uint64_t memory)
{
    cubic_reset(tcb);
    cubic_of(tcb)->curve.w_max = (uint32_t)memory;
    cubic_of(tcb)->curve.cwnd_prior = (uint32_t)(memory >> 32);
}

const struct cc_operations cc_cubic = {
    .name = "cubic",
    .init = cubic_reset,
    .acknowledged = cubic_acknowledged,
    .reduced = cubic_reduced,
    .undone = cubic_undone,
    .timed_out = cubic_timed_out,
    .resumed = cubic_resumed,
    .rest = cubic_rest,
    .wake = cubic_wake,
};
