/* What a path loses whoever sends how much: a bad line, radio, someone else's traffic.
 *
 * The draft takes more than LossThresh for a sign that too much is in flight. Where the path itself
 * loses more, each probe ends at once, each round of cruising slows down, and the losses stay. But
 * those of our own doing become fewer when we send less; so that is tried. In a cruise that loses
 * too much BBR yields a quarter of its bandwidth, which is within what the draft lets it give up in
 * a round (Beta), until some hundred segments have told. What is lost even then, in rounds whose
 * round trips show no queue, is the path's noise; from then on only more than the noise explains is
 * too much. Flows that are too many for a path all yield at once, and each finds that the losses
 * end.
 *
 * Startup does not yield; but while the bandwidth still grows with what is sent, the path is not
 * full, and what it loses is noise as well.
 *
 * The draft's BBR is had with the setting tcp.bbr_noise at 0. */
#include "base/time.h"
#include "tcp/bbr.h"

enum {
    YIELD = 75,         /* percent of the bandwidth that is kept while the question stands */
    STRETCH = 512,      /* segments that answer it */
    STRETCH_FIRST = 64, /* in startup, where there are no more */
    PARTS = 10000,      /* noise is counted in ten thousandths */
    ROOT_PARTS = 100,
    DEVIATIONS = 3,  /* from the mean: as much as chance explains */
    NOISE_MOST = 8,  /* percent of a flight: beyond, chance is no excuse, be the flight small */
    QUEUE_SHIFT = 5, /* there is no queue: within a 32nd of the shortest round trip, … */
    LEVEL_SHIFT = 6, /* none at all: within a 64th */
};

#define QUEUE_LEAST   TIME_US(250) /* … or within this */
#define NOISE_EXPIRES TIME_S(10)   /* as MinRTTFilterLen: a path may change */

void bbr_noise_count_anew(struct bbr *bbr)
{
    bbr->noise_sent = bbr->noise_lost = 0;
    bbr->yield_rounds = 0;
}

/* The losses of the round that has ended are noise. */
static void count(struct bbr *bbr, uint32_t sent, uint32_t lost)
{
    bbr->noise_sent += sent;
    bbr->noise_lost += lost;
}

/* 0 for less than a quarter of LossThresh, which covers it, and for what is too much to be
 * believed. */
static uint32_t counted_parts(const struct tcb *tcb, const struct bbr *bbr)
{
    const struct settings *settings = &tcb->stack->settings;
    uint64_t parts = (uint64_t)bbr->noise_lost * PARTS / bbr->noise_sent;
    uint64_t least = (uint64_t)settings->tcp_bbr_loss_threshold * PARTS / 400;
    uint64_t most = (uint64_t)settings->tcp_bbr_noise * PARTS / 100;
    return parts >= least && parts <= most ? (uint32_t)parts : 0;
}

/* What has been counted, until more has. */
static void take_for_noise(const struct tcb *tcb, struct bbr *bbr)
{
    bbr->noise_parts = counted_parts(tcb, bbr);
    bbr->noise_of = bbr->noise_sent;
    bbr->noise_stamp_ns = tcb->stack->now_ns;
}

bool bbr_is_without_queue(const struct bbr *bbr)
{
    return bbr->round_rtt_ns != TIME_NEVER &&
           bbr->round_rtt_ns <=
               bbr->min_rtt_ns + time_max(bbr->min_rtt_ns >> QUEUE_SHIFT, QUEUE_LEAST);
}

/* ── Yielding ── */

static void start_yielding(struct bbr *bbr)
{
    uint64_t most = bbr_max_bw(bbr) / 100 * YIELD;
    bbr->yielded_from = bbr->bw_shortterm;
    if (bbr->bw_shortterm > most)
        bbr->bw_shortterm = most;
    bbr->yield_rounds = 1;
    bbr->has_yielded = true;
}

static void stop_yielding(const struct tcb *tcb, struct bbr *bbr)
{
    bbr->bw_shortterm = bbr->yielded_from;
    bbr->yield_rounds = 0;
    if (bbr->noise_sent < STRETCH)
        return;
    take_for_noise(tcb, bbr);
    bbr->noise_sent = bbr->noise_lost = 0;
    if (bbr->noise_parts)
        bbr_reset_short_term_model(bbr); /* it was lowered for losses that are noise */
}

/* The first round's ACKs are for what was sent before. */
static void go_on_yielding(const struct tcb *tcb, struct bbr *bbr, uint32_t sent, uint32_t lost)
{
    bool counts = bbr->yield_rounds > 1;
    bbr->yield_rounds++;
    if (counts && bbr_is_without_queue(bbr))
        count(bbr, sent, lost);
    if ((counts && !bbr_is_without_queue(bbr)) || bbr->noise_sent >= STRETCH)
        stop_yielding(tcb, bbr);
}

/* ── Rounds ── */

/* And so did what is being acknowledged. */
static bool is_cruising(const struct bbr *bbr)
{
    return bbr->state == BBR_PROBE_CRUISE && bbr->ack_phase == BBR_ACKS_INIT;
}

static void learn_in_startup(const struct tcb *tcb, struct bbr *bbr, uint32_t sent, uint32_t lost)
{
    if (bbr->full_bw_count > 0 || !bbr_is_without_queue(bbr))
        return;
    count(bbr, sent, lost);
    if (bbr->noise_sent >= STRETCH_FIRST)
        take_for_noise(tcb, bbr);
}

/* The question is put once a cycle at most. Without SACK a round shows one loss at most: there is
 * nothing to count. */
static bool should_yield(const struct tcb *tcb, const struct bbr *bbr, uint32_t sent, uint32_t lost)
{
    return bbr->has_cruised && !bbr->has_yielded && tcb->opt.sack &&
           tcb->stack->settings.tcp_bbr_noise && !bbr_is_noise(tcb, lost, sent);
}

static void learn(const struct tcb *tcb, struct bbr *bbr, uint32_t sent, uint32_t lost)
{
    if (bbr->noise_parts && tcb->stack->now_ns > bbr->noise_stamp_ns + NOISE_EXPIRES)
        bbr->noise_parts = 0;
    if (bbr->state == BBR_STARTUP)
        learn_in_startup(tcb, bbr, sent, lost);
    else if (!is_cruising(bbr))
        bbr->yield_rounds = 0; /* the next state has its own bandwidth */
    else if (bbr->yield_rounds > 0)
        go_on_yielding(tcb, bbr, sent, lost);
    else if (should_yield(tcb, bbr, sent, lost))
        start_yielding(bbr);
    bbr->has_cruised = is_cruising(bbr);
}

static void start_round(const struct tcb *tcb, struct bbr *bbr)
{
    bbr->round_lost = tcb->rate.lost;
    bbr->round_delivered = tcb->rate.delivered;
    bbr->round_rtt_ns = TIME_NEVER;
}

void bbr_noise_init(const struct tcb *tcb, struct bbr *bbr)
{
    bbr_noise_count_anew(bbr);
    start_round(tcb, bbr);
}

void bbr_noise_learn(const struct tcb *tcb, struct bbr *bbr, const struct ack_event *event)
{
    bbr->round_rtt_ns = time_min(bbr->round_rtt_ns, event->rtt_ns);
    if (!bbr->round_start)
        return;
    uint32_t lost = tcb->rate.lost - bbr->round_lost;
    uint32_t sent = (uint32_t)(tcb->rate.delivered - bbr->round_delivered) + lost;
    learn(tcb, bbr, sent, lost);
    bbr->is_level = bbr->round_rtt_ns <= bbr->min_rtt_ns + (bbr->min_rtt_ns >> LEVEL_SHIFT);
    start_round(tcb, bbr);
}

/* ── What is noise ── */

/* Not more than LossThresh; or not more than the path's noise and chance. Losses that come one by
 * one vary by the root of their number, and so do those that told the noise: the fewer segments
 * those were of, the less they say of others. */
bool bbr_is_noise(const struct tcb *tcb, uint32_t lost, uint32_t in_flight)
{
    uint64_t percent = (uint64_t)tcb->stack->settings.tcp_bbr_loss_threshold;
    if (lost == 0 || !tcb->opt.sack)
        return lost == 0;
    if ((uint64_t)lost * 100 <= in_flight * percent)
        return true;
    const struct bbr *bbr = bbr_of(tcb);
    uint64_t mean = (uint64_t)bbr->noise_parts * in_flight;
    uint64_t parts = (uint64_t)lost * PARTS;
    if (bbr->noise_parts == 0 || parts <= mean)
        return bbr->noise_parts > 0;
    uint64_t beyond = (parts - mean) / ROOT_PARTS; /* so that its square counts in parts */
    uint64_t variance = mean + parts * in_flight / bbr->noise_of;
    return (uint64_t)lost * 100 <= (uint64_t)in_flight * NOISE_MOST &&
           beyond * beyond <= DEVIATIONS * DEVIATIONS * variance;
}
