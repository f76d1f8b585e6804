/* Leaving slow start before it overshoots: HyStart++ (RFC 9406), and the delay test of the original
 * HyStart (Ha and Rhee). */
#ifndef TERN_TCP_HYSTART_H
#define TERN_TCP_HYSTART_H

#include <stdint.h>

struct tcb;

enum hystart_kind {
    HYSTART_OFF,
    HYSTART_PLUS_PLUS,
    HYSTART_DELAY, /* ends slow start at the first rise of the RTT */
};

struct hystart {
    uint64_t round_min_ns,
        last_round_min_ns; /* currentRoundMinRTT, lastRoundMinRTT; TIME_NEVER: none */
    uint64_t baseline_ns;  /* cssBaselineMinRtt */
    uint32_t window_end;   /* the round ends when this is acknowledged */
    uint16_t samples;
    uint8_t css_rounds; /* conservative slow start: rounds to go; 0: not in it */
};

void hystart_reset(struct hystart *hystart, const struct tcb *tcb);
/* Every ACK that may grow the window comes here, in slow start or not: with a sample of the round
 * trip or, where it brings none but may end a round all the same, TIME_NEVER. May end slow start by
 * setting tcb->cc.ssthresh. */
void hystart_on_ack(struct hystart *hystart, struct tcb *tcb, uint64_t rtt_ns);
/* Segments by which the window may grow for `acked`: all, or in conservative slow start a
 * quarter. */
uint32_t hystart_growth(struct hystart *hystart, struct tcb *tcb, uint32_t acked);

#endif
