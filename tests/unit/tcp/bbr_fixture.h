/* A connection under BBR, and ACKs made by hand. */
#ifndef TESTS_UNIT_TCP_BBR_FIXTURE_H
#define TESTS_UNIT_TCP_BBR_FIXTURE_H

#include "unit.h"

#include <stdlib.h>

#include "base/time.h"
#include "tcp/bbr.h"
#include "tcp/burst.h"
#include "tcp/cc.h"
#include "tcp/pacing.h"
#include "tcp/rate.h"
#include "tcp/records.h"

enum {
    MSS = 1000,
    BW = 1000000, /* bytes a second: a segment a millisecond */
    RTT_MS = 40,  /* so the path holds 40 segments */
    BDP = 40,
    CC_INDEX_BBR = 2,
};

struct bbr_fixture {
    struct stack stack;
    struct interface interface;
    struct tcp_connection connection;
    struct tcb tcb;
};

static inline struct tcb *bbr_tcb_new(void)
{
    static const uint8_t seed[RANDOM_SEED_SIZE] = {7};
    struct bbr_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    settings_init(&f->stack.settings);
    random_seed(&f->stack.random, seed);
    f->stack.now_ns = TIME_S(10);
    struct tcb *tcb = &f->tcb;
    tcb->connection = &f->connection;
    tcb->stack = &f->stack;
    tcb->path.interface = &f->interface;
    tcb->snd.mss = MSS;
    tcb->opt.sack = true;
    tcb->cc.cwnd = 10;
    tcb->cc.ssthresh = UINT32_MAX;
    tcb->rtt.min_ns = TIME_MS(RTT_MS);
    tcb->preferences.congestion_control = CC_INDEX_BBR;
    tcb->preferences.max_pacing_rate = UINT64_MAX;
    records_init(tcb);
    cc_start(tcb);
    assert_string_equal(tcb->cc.operations->name, "bbr");
    return tcb;
}

static inline void bbr_tcb_free(struct tcb *tcb)
{
    records_release(tcb);
    cc_release(tcb);
    assert_int_equal(tcb->stack->memory_used_bytes, 0);
    free(tcb->stack);
}

/* So many segments are in flight. */
static inline void set_in_flight(struct tcb *tcb, uint32_t segments)
{
    tcb->records.out = segments;
}

/* An ACK that delivers `segments`, the last of them sent `ms` ago with `flight` in
 * flight, at `bw`. */
static inline struct ack_event ack_of(struct tcb *tcb, uint32_t segments, uint32_t flight,
                                      uint64_t bw)
{
    struct ack_event event = {.delivered = segments, .rtt_ns = TIME_MS(RTT_MS)};
    event.rate.valid = true;
    event.rate.prior_delivered = tcb->rate.delivered;
    event.rate.in_flight = flight;
    event.rate.delivered = flight;
    event.rate.interval_ns = TIME_MS(RTT_MS);
    event.rate.rate = bw;
    event.rate.app_limited = tcb->rate.app_limited != 0;
    tcb->rate.delivered += segments;
    return event;
}

static inline void ack(struct tcb *tcb, uint32_t segments, uint32_t flight, uint64_t bw)
{
    struct ack_event event = ack_of(tcb, segments, flight, bw);
    tcb->cc.operations->control(tcb, &event);
    pacing_update_rate(tcb);
}

/* A round trip passes; its only ACK delivers all. */
static inline void round_trip(struct tcb *tcb, uint32_t segments, uint64_t bw)
{
    tcb->stack->now_ns += TIME_MS(RTT_MS);
    ack(tcb, segments, segments, bw);
}

/* Startup until the bandwidth has been the same for three rounds, then Drain, then ProbeBW. */
static inline void reach_probe_bw(struct tcb *tcb)
{
    set_in_flight(tcb, 100);
    for (int i = 0; i < 4; i++)
        round_trip(tcb, BDP, BW);
    assert_int_equal(bbr_of(tcb)->state, BBR_DRAIN);
    set_in_flight(tcb, BDP);
    round_trip(tcb, BDP, BW);
    assert_int_equal(bbr_of(tcb)->state, BBR_PROBE_CRUISE);
}

static inline void reach_up(struct tcb *tcb)
{
    reach_probe_bw(tcb);
    for (int i = 0; i < 100 && bbr_of(tcb)->state != BBR_PROBE_REFILL; i++)
        round_trip(tcb, BDP, BW);
    assert_int_equal(bbr_of(tcb)->state, BBR_PROBE_REFILL);
    round_trip(tcb, BDP, BW);
    assert_int_equal(bbr_of(tcb)->state, BBR_PROBE_UP);
}

#endif
