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

struct cubic {
    uint64_t epoch_ns;      /* t_epoch; 0: none has begun */
    uint64_t min_rtt_ns;    /* the least seen */
    uint32_t origin;        /* the plateau: W_max, or cwnd where that is larger */
    uint32_t last_max;      /* W_max */
    uint32_t k_ms;          /* K: when the plateau is reached */
    uint32_t reno_window;   /* W_est */
    uint32_t reno_fraction; /* segments acknowledged towards its next */
    uint32_t prior_cwnd;    /* cwnd_prior: before the last reduction */
    uint32_t interval;      /* growth_interval()'s last answer, for `interval_cwnd` */
    uint32_t interval_cwnd;
    uint64_t interval_ns; /* when it was given */
    struct hystart hystart;
};
_Static_assert(sizeof(struct cubic) <= sizeof(((struct tcb *)0)->cc.private_state), "fits");

static struct cubic *cubic_of(struct tcb *tcb)
{
    return (struct cubic *)(void *)tcb->cc.private_state;
}

static void cubic_reset(struct tcb *tcb)
{
    struct cubic *c = cubic_of(tcb);
    *c = (struct cubic){.min_rtt_ns = TIME_NEVER};
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

/* §4.2: K = cbrt((W_max - cwnd_epoch) / C), with C = 0.4 segments a second cubed. */
static void epoch_begin(struct tcb *tcb, struct cubic *c)
{
    c->epoch_ns = tcb->stack->now_ns;
    c->reno_window = tcb->cc.cwnd;
    c->reno_fraction = 0;
    if (c->last_max <= tcb->cc.cwnd) {
        c->k_ms = 0;
        c->origin = tcb->cc.cwnd;
    } else {
        c->k_ms = cube_root((uint64_t)(c->last_max - tcb->cc.cwnd) * 2500000000u);
        c->origin = c->last_max;
    }
}

/* W_cubic(t) = C * (t - K)^3 + W_max. */
static int64_t window_at(const struct cubic *c, uint64_t t_ms)
{
    int64_t x = (int64_t)t_ms - (int64_t)c->k_ms;
    if (x > 1000000)
        x = 1000000;
    if (x < -1000000)
        x = -1000000;
    return (int64_t)c->origin + x * x * x / 2500000000;
}

/* §4.3: what Reno would have by now: alpha segments a round trip, with the same reduction as ours
 * alpha = 3 * (1 - beta) / (1 + beta), and 1 from where the window was reduced on. */
static void follow_reno(struct cubic *c, uint32_t cwnd)
{
    for (;;) {
        bool beyond = c->reno_window >= c->prior_cwnd;
        uint32_t per_segment = beyond ? cwnd : cwnd * (ONE + BETA) / (3 * (ONE - BETA));
        if (per_segment == 0)
            per_segment = 1;
        if (c->reno_fraction <= per_segment)
            return;
        c->reno_fraction -= per_segment;
        c->reno_window++;
    }
}

/* §4.4 and §4.5: how many segments must be acknowledged for the window to grow by one, so that a
 * round trip from now it is on the curve; at most half a segment each. */
static uint32_t reckon_interval(struct tcb *tcb, struct cubic *c, uint32_t acked)
{
    uint32_t cwnd = tcb->cc.cwnd;
    if (c->epoch_ns == 0) {
        epoch_begin(tcb, c);
        c->reno_fraction = acked;
    }
    uint64_t ahead = c->min_rtt_ns == TIME_NEVER ? 0 : c->min_rtt_ns;
    int64_t target = window_at(c, (tcb->stack->now_ns + ahead - c->epoch_ns) / TIME_MS(1));
    uint32_t interval = target > cwnd ? cwnd / (uint32_t)(target - cwnd) : 100 * cwnd;
    if (c->last_max == 0 && interval > 20)
        interval = 20; /* no loss yet: there is no plateau to keep to */
    follow_reno(c, cwnd);
    if (c->reno_window > cwnd && cwnd / (c->reno_window - cwnd) < interval)
        interval = cwnd / (c->reno_window - cwnd);
    return interval > 2 ? interval : 2;
}

/* Within this time, or a quarter of a round trip where that is shorter, the last answer does for
 * every ACK: neither curve moves by more than a part of a segment. */
#define RECKON_EVERY TIME_MS(31)

static uint32_t growth_interval(struct tcb *tcb, struct cubic *c, uint32_t acked)
{
    uint32_t cwnd = tcb->cc.cwnd;
    uint64_t now = tcb->stack->now_ns;
    c->reno_fraction += acked;
    if (c->epoch_ns && c->interval_cwnd == cwnd &&
        now - c->interval_ns <= time_min(RECKON_EVERY, c->min_rtt_ns / 4))
        return c->interval;
    c->interval_cwnd = cwnd;
    c->interval_ns = now;
    c->interval = reckon_interval(tcb, c, acked);
    return c->interval;
}

static void cubic_acknowledged(struct tcb *tcb, const struct ack_event *event)
{
    struct cubic *c = cubic_of(tcb);
    if (event->rtt_ns != TIME_NEVER)
        c->min_rtt_ns = time_min(c->min_rtt_ns, event->rtt_ns);
    hystart_on_ack(&c->hystart, tcb, event->rtt_ns);
    if (!cc_is_limited(tcb))
        return;
    uint32_t left = event->delivered;
    if (tcb->cc.cwnd < tcb->cc.ssthresh) {
        left = cc_slow_start(tcb, hystart_growth(&c->hystart, tcb, left));
        if (left == 0)
            return;
    }
    cc_additive_increase(tcb, growth_interval(tcb, c, left), left);
}

/* §4.6, and §4.7: who loses before the last maximum makes room for others. */
static uint32_t cubic_reduced(struct tcb *tcb)
{
    struct cubic *c = cubic_of(tcb);
    uint32_t cwnd = tcb->cc.cwnd;
    c->epoch_ns = 0;
    c->prior_cwnd = cwnd;
    c->last_max = cwnd < c->last_max ? (uint32_t)((uint64_t)cwnd * (ONE + BETA) / (2 * ONE)) : cwnd;
    uint32_t reduced = (uint32_t)((uint64_t)cwnd * BETA / ONE);
    return reduced > 2 ? reduced : 2;
}

/* §4.8: a timeout starts everything anew; but alpha still goes by the window before it. */
static void cubic_timed_out(struct tcb *tcb)
{
    uint32_t prior_cwnd = cubic_of(tcb)->prior_cwnd;
    cubic_reset(tcb);
    cubic_of(tcb)->prior_cwnd = prior_cwnd;
}

/* Time in which nothing was sent is not time on the curve (§5.8). */
static void cubic_resumed(struct tcb *tcb, uint64_t idle_ns)
{
    struct cubic *c = cubic_of(tcb);
    if (c->epoch_ns)
        c->epoch_ns = time_min(c->epoch_ns + idle_ns, tcb->stack->now_ns);
}

const struct cc_operations cc_cubic = {
    .name = "cubic",
    .init = cubic_reset,
    .acknowledged = cubic_acknowledged,
    .reduced = cubic_reduced,
    .timed_out = cubic_timed_out,
    .resumed = cubic_resumed,
};
