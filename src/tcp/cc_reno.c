/* Reno: slow start and congestion avoidance as in RFC 5681 §3.1. */
#include "tcp/ack.h"
#include "tcp/cc.h"
#include "tcp/tcb.h"

static void reno_init(struct tcb *tcb)
{
    tcb->cc.fraction = 0;
}

static void reno_acknowledged(struct tcb *tcb, const struct ack_event *event)
{
    /* A window that was not filled says nothing of what the path would bear (RFC 7661). */
    if (!cc_is_limited(tcb))
        return;
    uint32_t left = event->delivered;
    if (tcb->cc.cwnd < tcb->cc.ssthresh)
        left = cc_slow_start(tcb, left);
    if (left)
        cc_additive_increase(tcb, tcb->cc.cwnd, left);
}

/* Half the window: cwnd stands for FlightSize because recovery never lets it lie far above that. */
static uint32_t reno_reduced(struct tcb *tcb)
{
    uint32_t half = tcb->cc.cwnd / 2;
    return half > 2 ? half : 2;
}

const struct cc_operations cc_reno = {
    .name = "reno",
    .init = reno_init,
    .acknowledged = reno_acknowledged,
    .reduced = reno_reduced,
};
